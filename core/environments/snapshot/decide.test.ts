import { describe, expect, test } from 'vitest';
import { judgeFile, type Difference } from './compare-tree.ts';
import { decideRestore } from './decide-restore.ts';
import type { Manifest, ManifestEntry, ManifestFile } from './manifest.ts';
import { decidePrune } from './delete-snapshot.ts';
import { isInsideTree, showPath } from './tree-path.ts';
import type { FileStamp } from './walk-tree.ts';
import { isWrittenInPlace } from './written-in-place.ts';

const file = (p: string, more: Partial<ManifestFile> = {}): ManifestFile => ({ t: 'f', p, m: 0o644, s: 10, mt: 1000, ct: 2000, i: '7', ...more });
const folder = (p: string): ManifestEntry => ({ t: 'd', p, m: 0o755, mt: 1000 });
const stamp = (more: Partial<FileStamp> = {}): FileStamp => ({ size: 10, mtimeUs: 1000, ctimeUs: 2000, inode: '7', mode: 0o644, uid: 0, gid: 0, diskBytes: 4096, ...more });

describe('judgeFile', () => {
  const shared = file('a', { l: 1 });
  const hashed = file('a', { l: 1, h: 'x' });
  const copied = file('a', { h: 'x' });
  test.each([
    ['the very same', shared, stamp(), false, 'same'],
    ['only its bits differ', shared, stamp({ mode: 0o600 }), false, 'mode'],
    ['another time within what utimes can say', copied, stamp({ mtimeUs: 1001 }), false, 'same'],
    ['shared, written into: longer', shared, stamp({ size: 11 }), false, 'written'],
    ['shared, written into: time moved', shared, stamp({ mtimeUs: 5000, ctimeUs: 5000 }), false, 'written'],
    ['shared and hashed: its content tells', hashed, stamp({ mtimeUs: 5000, ctimeUs: 5000 }), false, 'read'],
    ['shared, time hidden, hashed', hashed, stamp({ ctimeUs: 5000 }), false, 'read'],
    ['shared, linked once more, too large to be hashed', shared, stamp({ ctimeUs: 5000 }), false, 'same'],
    ['shared, replaced by another file', shared, stamp({ inode: '8' }), false, 'changed'],
    ['shared, replaced, with a look inside', shared, stamp({ inode: '8' }), true, 'read'],
    ['copied, longer', copied, stamp({ size: 11 }), false, 'changed'],
    ['copied, replaced by one of the same size', copied, stamp({ inode: '8' }), false, 'read'],
    ['copied, touched', copied, stamp({ ctimeUs: 3000 }), false, 'read'],
  ] as const)('%s', (_, entry, found, readContents, verdict) => {
    expect(judgeFile(entry, found, readContents)).toBe(verdict);
  });
});

describe('decideRestore', () => {
  const entries = [folder(''), folder('lib'), folder('lib/torch'), file('lib/torch/a'), file('lib/torch/b'), folder('lib/torch/sub'), file('lib/torch/sub/c'), folder('lib/other'), file('lib/other/d'), file('lib/other/e')];
  const manifest: Manifest = { schemaVersion: 1, prefix: '/x', method: 'hardlink', takenAtMs: 0, owner: [0, 0], left: [], skipped: [], entries };
  const at = (p: string): ManifestEntry => entries.find((one) => one.p === p) ?? folder('nowhere');
  const changed = (...paths: string[]): Difference[] => paths.map((p) => ({ what: 'changed', entry: at(p) }));

  test('a package that was replaced is swapped as a whole, with what is new in it', () => {
    const plan = decideRestore(manifest, [...changed('lib/torch/a', 'lib/torch/b', 'lib/torch/sub/c'), { what: 'added', path: 'lib/torch/new', type: 'file' }, { what: 'added', path: 'lib/new', type: 'folder' }], []);
    expect(plan.wholeFolders.map((one) => [one.folder.p, one.below.length])).toEqual([['lib/torch', 4]]);
    expect(plan.single).toEqual([]);
    expect(plan.remove).toEqual(['lib/new']);
  });
  test('where something stayed, file by file', () => {
    const plan = decideRestore(manifest, changed('lib/torch/a', 'lib/other/d'), []);
    expect(plan.wholeFolders).toEqual([]);
    expect(plan.single.map((one) => one.p)).toEqual(['lib/torch/a', 'lib/other/d']);
  });
  test('a folder that is gone comes back whole, the topmost only', () => {
    const plan = decideRestore(manifest, ['lib/torch', 'lib/torch/a', 'lib/torch/b', 'lib/torch/sub', 'lib/torch/sub/c'].map((p) => ({ what: 'missing', entry: at(p) })), []);
    expect(plan.wholeFolders.map((one) => one.folder.p)).toEqual(['lib/torch']);
  });
  test('what must stay keeps the folders around it', () => {
    const plan = decideRestore(manifest, changed('lib/torch/a', 'lib/torch/b', 'lib/torch/sub/c'), ['lib/torch/socket']);
    expect(plan.wholeFolders).toEqual([]);
    expect(plan.single).toHaveLength(3);
  });
  test('the environment itself is never swapped', () => {
    const plan = decideRestore(manifest, changed('lib/torch/a', 'lib/torch/b', 'lib/torch/sub/c', 'lib/other/d', 'lib/other/e'), []);
    expect(plan.wholeFolders.map((one) => one.folder.p)).toEqual(['lib']);
  });
});

test('snapshots that had their time go; the newest of each environment stays', () => {
  const day = 86_400_000;
  const one = (id: string, environmentId: string, days: number) => ({ id, environmentId, folder: id, takenAtMs: 100 * day - days * day });
  const all = [one('a-new', 'a', 40), one('a-old', 'a', 50), one('b-new', 'b', 1), one('b-mid', 'b', 20), one('b-old', 'b', 31)];
  expect(decidePrune(all, 30, 1, 100 * day).map((x) => x.id).sort()).toEqual(['a-old', 'b-old']);
  expect(decidePrune(all, 0, 2, 100 * day).map((x) => x.id)).toEqual(['b-old']);
});

test.each([
  ['lib/python3.12/site-packages/torch-2.8.0.dist-info/RECORD', 1_400_000, true],
  ['lib/python3.12/site-packages/a.pth', 100, true],
  ['lib/python3.12/site-packages/__editable__.egg-link', 100, true],
  ['bin/pip', 200, true],
  ['Scripts/pip.exe', 108_000, true],
  ['bin/python3.12', 30_000_000, false],
  ['pyvenv.cfg', 100, true],
  ['conda-meta/history', 5000, true],
  ['lib/python3.12/site-packages/torch/lib/libtorch_cuda.so', 1_000_000_000, false],
  ['lib/python3.12/site-packages/torch/__pycache__/__init__.cpython-312.pyc', 5000, false],
  ['lib/python3.12/site-packages/x.dist-info/model.bin', 80_000_000, false],
])('written in place or not: %s', (path, size, expected) => {
  expect(isWrittenInPlace(path, size)).toBe(expected);
});

test('a path of a manifest stays inside', () => {
  for (const path of ['..', '../a', 'a/../../b', '/etc/passwd', 'a//b', 'a/./b', 'a\0b']) expect(isInsideTree(path), path).toBe(false);
  for (const path of ['', 'a', 'a/b', '-rf', 'a b', '\xff\xfe', '...']) expect(isInsideTree(path), path).toBe(true);
});

test('a name is shown without what would move a terminal', () => {
  expect(showPath('a\u001b[2Jb\nc')).toBe('a\u{fffd}[2Jb\u{fffd}c');
  expect(showPath(Buffer.from('ü').toString('latin1'))).toBe('ü');
  expect(showPath('x'.repeat(300))).toHaveLength(200);
});
