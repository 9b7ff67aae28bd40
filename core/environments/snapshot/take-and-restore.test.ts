import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync, appendFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { problemOf } from '../../../contract/problem.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { listTree, writeTree } from '../upgrade/fixtures/test-environment.ts';
import { hashTree } from './hash-tree.ts';
import { probeLinkMethod, type LinkMethod } from './link-method.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { removeTree } from './remove-tree.ts';
import { restoreSnapshot, WORK_FOLDER } from './restore-snapshot.ts';
import { takeSnapshot } from './take-snapshot.ts';

const SITE = 'lib/python3.12/site-packages';
const canMount = process.getuid?.() === 0 && mountWorks();

function mountWorks(): boolean {
  const at = makeTestFolder('mount');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', at], { stdio: 'pipe' });
    execFileSync('umount', [at]);
    return true;
  } catch {
    return false;
  }
}

/** A tree with everything that a prefix may hold. */
function makeTree(prefix: string): void {
  writeTree(prefix, {
    'pyvenv.cfg': 'home = /usr\n', 'bin/tool': '#!/bin/sh\n', [`${SITE}/a/__init__.py`]: 'a = 1\n', [`${SITE}/a/big.so`]: 'binary'.repeat(60_000), [`${SITE}/a/deep/x.py`]: 'x\n', [`${SITE}/b/__init__.py`]: 'b = 1\n',
    [`${SITE}/b/other.py`]: 'o\n', [`${SITE}/a-1.dist-info/RECORD`]: 'a/__init__.py,,\na-1.dist-info/RECORD,,\n', [`${SITE}/empty/.keep`]: '',
  });
  rmSync(join(prefix, SITE, 'empty/.keep'));
  chmodSync(join(prefix, 'bin/tool'), 0o755);
  chmodSync(join(prefix, SITE, 'b/other.py'), 0o400);
  symlinkSync('lib', join(prefix, 'lib64'));
  symlinkSync('/nowhere/at all', join(prefix, 'bin/python'));
  linkSync(join(prefix, SITE, 'a/deep/x.py'), join(prefix, SITE, 'a/deep/y.py'));
}

interface Case {
  readonly prefix: string;
  readonly into: string;
}
function makeCase(name = 'snapshot'): Case {
  const folder = makeTestFolder(name);
  const prefix = join(folder, 'env');
  mkdirSync(prefix);
  makeTree(prefix);
  return { prefix, into: join(folder, 'data', 'snap') };
}

/** What an installer, and worse, may do to a tree. */
function ruin(prefix: string): void {
  const site = join(prefix, SITE);
  rmSync(join(site, 'a'), { recursive: true });
  writeTree(site, { 'a/__init__.py': 'a = 2\n', 'a/new/n.py': 'n', 'c/__init__.py': 'c', 'a-2.dist-info/RECORD': '' });
  rmSync(join(site, 'a-1.dist-info'), { recursive: true });
  rmSync(join(site, 'b/other.py'));
  mkdirSync(join(site, 'b/other.py'));
  writeFileSync(join(site, 'b/other.py/inside'), '');
  writeFileSync(join(prefix, 'bin/tool.new'), 'changed');
  renameSync(join(prefix, 'bin/tool.new'), join(prefix, 'bin/tool'));
  rmSync(join(prefix, 'lib64'));
  mkdirSync(join(prefix, 'lib64'));
  rmSync(join(prefix, 'bin/python'));
  symlinkSync('/elsewhere', join(prefix, 'bin/python'));
  rmSync(join(site, 'empty'), { recursive: true });
  chmodSync(join(prefix, 'lib'), 0o700);
}

const problemFrom = async (work: Promise<unknown>) => work.then(() => null, (error: unknown) => problemOf(error) ?? error);

describe.each(['hardlink', 'copy'] as const)('a snapshot by %s', (method: LinkMethod) => {
  test('brings everything back, and again, and changes nothing where nothing changed', async () => {
    const { prefix, into } = makeCase();
    const before = listTree(prefix);
    const hash = await hashTree(prefix);
    const { manifest, extraBytes } = await takeSnapshot({ prefix, into, method });
    expect(listTree(prefix)).toBe(before);
    const shared = manifest.entries.filter((entry) => entry.t === 'f' && entry.l === 1);
    expect(shared.length > 0).toBe(method === 'hardlink');
    expect(extraBytes > 360_000).toBe(method === 'copy');
    ruin(prefix);
    expect(await hashTree(prefix)).not.toBe(hash);
    const restored = await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
    expect(restored.lost).toEqual([]);
    expect(restored.folders).toBeGreaterThan(0);
    expect(listTree(prefix)).toBe(before);
    expect(await hashTree(prefix)).toBe(hash);
    const again = await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
    expect([again.placed, again.removed, again.folders]).toEqual([0, 0, 0]);
    // The snapshot is whole after that.
    rmSync(prefix, { recursive: true });
    await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
    expect(listTree(prefix)).toBe(before);
  });

  test('times of change come back: byte code stays valid', async () => {
    const { prefix, into } = makeCase();
    const path = join(prefix, SITE, 'a/__init__.py');
    utimesSync(path, 1_600_000_000.123456, 1_600_000_000.123456);
    await takeSnapshot({ prefix, into, method });
    rmSync(join(prefix, SITE, 'a'), { recursive: true });
    await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
    expect(Math.abs(statSync(path).mtimeMs - 1_600_000_000_123.456)).toBeLessThan(0.01);
  });

  test('names of any bytes', async () => {
    const { prefix, into } = makeCase();
    const names = [Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('-rf'), Buffer.from('a\nb'), Buffer.from('"quote\' $(x) \\'), Buffer.from('…🎛'), Buffer.from('é'), Buffer.from('e\u0301'), Buffer.from('x'.repeat(255)), Buffer.from('  '), Buffer.from('*')];
    const site = Buffer.from(`${join(prefix, SITE)}/`);
    for (const name of names) writeFileSync(Buffer.concat([site, name]), name);
    const folder = Buffer.concat([site, Buffer.from([0xc3, 0x28])]);
    mkdirSync(folder);
    writeFileSync(Buffer.concat([folder, Buffer.from('/in')]), 'in');
    symlinkSync(Buffer.from([0xfe, 0x0a]), Buffer.concat([site, Buffer.from('link')]));
    const before = listTree(prefix);
    await takeSnapshot({ prefix, into, method });
    for (const name of names) rmSync(Buffer.concat([site, name]));
    await removeTree(folder);
    await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
    expect(listTree(prefix)).toBe(before);
  });

  test('a folder that became a link to outside is put back, and nothing outside is touched', async () => {
    const { prefix, into } = makeCase();
    const outside = makeTestFolder('outside');
    writeTree(outside, { 'precious.txt': 'mine', '__init__.py': 'mine' });
    const before = listTree(prefix);
    await takeSnapshot({ prefix, into, method });
    rmSync(join(prefix, SITE, 'a'), { recursive: true });
    symlinkSync(outside, join(prefix, SITE, 'a'));
    const theirs = listTree(outside);
    await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
    expect(listTree(prefix)).toBe(before);
    expect(listTree(outside)).toBe(theirs);
  });

  test('what is somebody else’s stays', async () => {
    const { prefix, into } = makeCase();
    await takeSnapshot({ prefix, into, method });
    ruin(prefix);
    await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse', isForeign: (path) => path === `${SITE}/c/__init__.py` });
    expect(readFileSync(join(prefix, SITE, 'c/__init__.py'), 'utf8')).toBe('c');
    expect(existsSync(join(prefix, SITE, 'a/new'))).toBe(false);
  });

  test('cancelled, it leaves nothing', async () => {
    const { prefix, into } = makeCase();
    const before = listTree(prefix);
    const cancel = new AbortController();
    const reason = new Error('cancelled');
    const taking = takeSnapshot({ prefix, into, method, signal: cancel.signal });
    cancel.abort(reason);
    await expect(taking).rejects.toBe(reason);
    expect(existsSync(into)).toBe(false);
    expect(listTree(prefix)).toBe(before);
  });

  test('a manifest that is cut off or altered is refused before anything is touched', async () => {
    const { prefix, into } = makeCase();
    await takeSnapshot({ prefix, into, method });
    ruin(prefix);
    const ruined = listTree(prefix);
    const path = join(into, MANIFEST_FILE);
    const text = readFileSync(path, 'utf8');
    const lines = text.split('\n');
    const twice = [...lines.slice(0, 3), lines[2], ...lines.slice(4)].join('\n');
    for (const bad of [text.slice(0, text.length >> 1), lines.slice(0, -2).join('\n'), text.replace('"p":"bin"', '"p":"../bin"'), twice, '', 'garbage\n']) {
      writeFileSync(path, bad);
      expect(await problemFrom(restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' }))).toMatchObject({ code: 'upgrade.rollback_failed', facts: { snapshot: into } });
      expect(listTree(prefix)).toBe(ruined);
    }
    writeFileSync(path, text);
    await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
  });
});

describe('files shared with the snapshot that are written in place', () => {
  const write = {
    longer: (path: string) => { appendFileSync(path, 'more'); },
    'same size': (path: string) => { writeFileSync(path, 'z'.repeat(statSync(path).size)); },
    'same size and time': (path: string) => {
      const { atime, mtime, size } = statSync(path);
      writeFileSync(path, 'y'.repeat(size));
      utimesSync(path, atime, mtime);
    },
  };
  test.each(['longer', 'same size', 'same size and time'] as const)('%s: found and said; the rest can be put back', async (how) => {
    const { prefix, into } = makeCase();
    const path = join(prefix, SITE, 'b/__init__.py');
    await takeSnapshot({ prefix, into, method: 'hardlink' });
    write[how](path);
    ruin(prefix);
    const ruined = listTree(prefix);
    expect(await problemFrom(restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' }))).toMatchObject({ code: 'upgrade.rollback_failed', cause: expect.stringContaining('b/__init__.py') });
    expect(listTree(prefix)).toBe(ruined);
    const restored = await restoreSnapshot({ prefix, snapshot: into, lost: 'leave' });
    expect(restored.lost).toEqual([`${SITE}/b/__init__.py`]);
    expect(readFileSync(join(prefix, SITE, 'a/__init__.py'), 'utf8')).toBe('a = 1\n');
  });

  test('written in place and replaced after that: the snapshot knows that its copy is another', async () => {
    const { prefix, into } = makeCase();
    const path = join(prefix, SITE, 'a/big.so');
    await takeSnapshot({ prefix, into, method: 'hardlink' });
    appendFileSync(path, 'more');
    ruin(prefix);
    expect(await problemFrom(restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' }))).toMatchObject({ code: 'upgrade.rollback_failed', cause: expect.stringContaining('a/big.so') });
  });

  test('those that tools are known to write into are copied: RECORD, scripts, configuration', async () => {
    const { prefix, into } = makeCase();
    const before = listTree(prefix);
    await takeSnapshot({ prefix, into, method: 'hardlink' });
    for (const path of ['pyvenv.cfg', 'bin/tool', `${SITE}/a-1.dist-info/RECORD`]) appendFileSync(join(prefix, path), 'more');
    expect((await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' })).lost).toEqual([]);
    expect(listTree(prefix)).toBe(before);
  });
});

test('FIFOs are said and left; environments inside are no part of it', async () => {
  const { prefix, into } = makeCase();
  execFileSync('mkfifo', [join(prefix, SITE, 'a', 'pipe')]);
  writeTree(prefix, { 'envs/inner/pyvenv.cfg': '', 'envs/inner/bin/x': 'theirs', 'pkgs/urls.txt': '', 'pkgs/huge': '', 'conda-meta/history': '' });
  const { manifest } = await takeSnapshot({ prefix, into, method: 'hardlink' });
  expect(manifest.skipped).toEqual([`${SITE}/a/pipe`]);
  expect([...manifest.left].sort()).toEqual(['envs/inner', 'pkgs']);
  writeTree(prefix, { 'envs/later/pyvenv.cfg': '', 'envs/later/bin/x': 'made meanwhile' });
  for (const name of ['__init__.py', 'big.so', 'deep/x.py', 'deep/y.py']) writeFileSync(join(prefix, SITE, 'a', `${name}.n`), 'new');
  for (const name of ['__init__.py', 'big.so', 'deep/x.py', 'deep/y.py']) renameSync(join(prefix, SITE, 'a', `${name}.n`), join(prefix, SITE, 'a', name));
  await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
  expect(lstatSync(join(prefix, SITE, 'a/pipe')).isFIFO()).toBe(true);
  expect(readFileSync(join(prefix, 'envs/inner/bin/x'), 'utf8')).toBe('theirs');
  expect(readFileSync(join(prefix, 'envs/later/bin/x'), 'utf8')).toBe('made meanwhile');
  expect(readFileSync(join(prefix, SITE, 'a/__init__.py'), 'utf8')).toBe('a = 1\n');
});

test('holes stay holes', async () => {
  const { prefix, into } = makeCase();
  const path = join(prefix, 'sparse.bin');
  writeFileSync(path, 'begin');
  truncateSync(path, 64 << 20);
  appendFileSync(path, 'end');
  const before = await hashTree(prefix);
  await takeSnapshot({ prefix, into, method: 'copy' });
  rmSync(path);
  await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
  expect(await hashTree(prefix)).toBe(before);
  expect(statSync(path).blocks * 512).toBeLessThan(4 << 20);
});

test('an environment that changes while the snapshot is taken is no snapshot', async () => {
  const { prefix, into } = makeCase();
  for (let i = 0; i < 400; i += 1) writeFileSync(join(prefix, SITE, `m${i}.py`), `${i}`);
  // A program that writes into one file all the time; it is stopped below, by its own handle.
  const writer = spawn('python3', ['-I', '-S', '-c', 'import sys\nprint("on", flush=True)\nn = 0\nwhile True:\n    n += 1\n    open(sys.argv[1], "w").write("x" * (n % 50))', join(prefix, SITE, 'b/__init__.py')], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    expect(await problemFrom(takeSnapshot({ prefix, into, method: 'copy' }))).toMatchObject({ code: 'upgrade.changed_meanwhile', cause: expect.stringContaining('b/__init__.py') });
    expect(existsSync(into)).toBe(false);
  } finally {
    writer.kill('SIGKILL');
  }
});

test('the way to share files is found by trying', async () => {
  const { prefix, into } = makeCase();
  expect(await probeLinkMethod(prefix, join(into, '..'))).toMatch(/reflink|hardlink/);
  expect(readdirSync(join(into, '..'))).toEqual([]);
  const empty = makeTestFolder('empty');
  expect(await probeLinkMethod(empty, join(into, '..'))).toMatch(/reflink|hardlink/);
  expect(readdirSync(empty)).toEqual([]);
});

describe.skipIf(!canMount)('on small and foreign file systems (needs mount, as root)', () => {
  const onTmpfs = async (options: string, work: (at: string) => Promise<void>): Promise<void> => {
    const at = makeTestFolder('tmpfs');
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', at]);
    try {
      await work(at);
    } finally {
      execFileSync('umount', ['-l', at]);
    }
  };

  test('to another file system: a copy, found by trying', async () => {
    await onTmpfs('size=20m', async (at) => {
      const { prefix } = makeCase();
      expect(await probeLinkMethod(prefix, join(at, 'x'))).toBe('copy');
      const before = listTree(prefix);
      await takeSnapshot({ prefix, into: join(at, 'snap'), method: 'copy' });
      ruin(prefix);
      await restoreSnapshot({ prefix, snapshot: join(at, 'snap'), lost: 'refuse' });
      expect(listTree(prefix)).toBe(before);
    });
  });

  test.each([['bytes', 'size=200k'], ['inodes', 'size=20m,nr_inodes=12']])('no room for the snapshot (%s): said, and nothing is left', async (_, options) => {
    await onTmpfs(options, async (at) => {
      const { prefix } = makeCase();
      const before = listTree(prefix);
      expect(await problemFrom(takeSnapshot({ prefix, into: join(at, 'snap'), method: 'copy' }))).toMatchObject({ code: 'file.disk_full' });
      expect(readdirSync(at)).toEqual([]);
      expect(listTree(prefix)).toBe(before);
    });
  });

  test.each(['hardlink', 'copy'] as const)('the disk is full of what was installed: the old state comes back (%s)', async (method) => {
    await onTmpfs('size=4m', async (at) => {
      const prefix = join(at, 'env');
      mkdirSync(prefix);
      makeTree(prefix);
      const before = listTree(prefix);
      await takeSnapshot({ prefix, into: join(at, 'snap'), method });
      rmSync(join(prefix, SITE, 'a'), { recursive: true });
      mkdirSync(join(prefix, SITE, 'a'));
      // In the place of a file of the old state, so that only its removal makes room.
      try {
        writeFileSync(join(prefix, SITE, 'a/big.so'), Buffer.alloc(8 << 20, 1));
      } catch {
        // Full, as meant.
      }
      expect(() => { writeFileSync(join(at, 'more'), Buffer.alloc(64 << 10)); }).toThrow(/ENOSPC/);
      rmSync(join(at, 'more'), { force: true });
      appendFileSync(join(at, 'env', SITE, 'fill'), '');
      await restoreSnapshot({ prefix, snapshot: join(at, 'snap'), lost: 'refuse' });
      expect(listTree(prefix)).toBe(before);
    });
  });

  test('a disk that stays full although all new things went: files move out of the snapshot', async () => {
    await onTmpfs('size=2m', async (at) => {
      const prefix = join(at, 'env');
      mkdirSync(prefix);
      makeTree(prefix);
      const before = listTree(prefix);
      await takeSnapshot({ prefix, into: join(at, 'snap'), method: 'copy' });
      rmSync(join(prefix, SITE, 'a'), { recursive: true });
      // Somebody else's, outside the environment.
      try {
        writeFileSync(join(at, 'theirs'), Buffer.alloc(8 << 20, 1));
      } catch {
        // Full, as meant.
      }
      await restoreSnapshot({ prefix, snapshot: join(at, 'snap'), lost: 'refuse' });
      expect(listTree(prefix)).toBe(before);
      // And once more, although the snapshot gave files away.
      await restoreSnapshot({ prefix, snapshot: join(at, 'snap'), lost: 'refuse' });
      expect(listTree(prefix)).toBe(before);
    });
  });

  test('read-only when it is to be put back: said, the snapshot kept, and done later', async () => {
    const { prefix, into } = makeCase();
    const before = listTree(prefix);
    await takeSnapshot({ prefix, into, method: 'copy' });
    ruin(prefix);
    const ruined = listTree(prefix);
    execFileSync('mount', ['--bind', prefix, prefix]);
    try {
      execFileSync('mount', ['-o', 'remount,ro,bind', prefix]);
      expect(await problemFrom(restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' }))).toMatchObject({ code: 'upgrade.rollback_failed', remedy: expect.stringContaining(into), cause: expect.stringMatching(/EROFS/) });
    } finally {
      execFileSync('umount', [prefix]);
    }
    expect(listTree(prefix)).toBe(ruined);
    await restoreSnapshot({ prefix, snapshot: into, lost: 'refuse' });
    expect(listTree(prefix)).toBe(before);
    expect(readdirSync(prefix)).not.toContain(basename(WORK_FOLDER));
  });
});
