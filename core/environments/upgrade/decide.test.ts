import { describe, expect, test } from 'vitest';
import { decideLock } from './environment-lock.ts';
import { parseCondaFiles, parseRecordPaths } from './foreign-files.ts';
import { compareFingerprints, decideForeign, diffPackages, fingerprintOf, listPackages } from './installed-packages.ts';
import { decideRecovery, parseJournal } from './upgrade-journal.ts';

const SITE = 'lib/python3.12/site-packages';
const file = (path: string, size = 10, mtimeUs = 1_000_000) => ({ path, size, mtimeUs });

test('packages by their descriptions: pip’s, conda’s, eggs; not what one vendors', () => {
  const packages = listPackages([
    file(`${SITE}/torch-2.8.0+cu128.dist-info/RECORD`), file(`${SITE}/torch-2.8.0+cu128.dist-info/METADATA`), file(`${SITE}/Flask_Cors-4.0.dist-info/RECORD`), file(`${SITE}/old-1.2-py3.12.egg-info/PKG-INFO`),
    file(`${SITE}/setuptools/_vendor/wheel-0.45.dist-info/RECORD`), file('conda-meta/pytorch-2.5.1-py3.12_cuda12.1_0.json'), file('conda-meta/history'), file(`${SITE}/nodash.dist-info/RECORD`), file(`${SITE}/~orch-2.7.0.dist-info/RECORD`),
  ]);
  expect([...packages.values()].map((one) => [one.name, one.version])).toEqual([['torch', '2.8.0+cu128'], ['flask-cors', '4.0'], ['old', '1.2'], ['pytorch', '2.5.1'], ['nodash', ''], ['~orch', '2.7.0']]);
});

test('what changed, and by whom', () => {
  const before = listPackages([file(`${SITE}/a-1.dist-info/RECORD`), file(`${SITE}/b-1.dist-info/RECORD`), file(`${SITE}/c-1.dist-info/RECORD`)]);
  const after = listPackages([file(`${SITE}/a-2.dist-info/RECORD`), file(`${SITE}/b-1.dist-info/RECORD`, 10, 9_000_000), file(`${SITE}/d-1.dist-info/RECORD`), file(`${SITE}/~-1.dist-info/RECORD`)]);
  expect(diffPackages(before, after).map(({ name, from, to }) => [name, from, to])).toEqual([['a', '1', '2'], ['c', '1', null], ['d', null, '1'], ['~', null, '1']]);
  expect(decideForeign(before, after, new Set(['a', 'c']))).toEqual(['b', 'd']);
  const words = (one: typeof before, two: typeof before): string | null => compareFingerprints(fingerprintOf(one), fingerprintOf(two));
  expect(words(before, before)).toBeNull();
  expect(words(before, after)).toBe('a went from 1 to 2');
  const again = listPackages([file(`${SITE}/a-1.dist-info/RECORD`), file(`${SITE}/b-1.dist-info/RECORD`, 11), file(`${SITE}/c-1.dist-info/RECORD`)]);
  expect(words(before, again)).toBe('b 1 was installed again');
  expect(words(before, listPackages([]))).toBe('a 1 was removed');
});

test('paths of a RECORD stay inside the environment', () => {
  const text = '../../../bin/tool,sha256=x,1\na/b.py,,\n"quoted,""name"".py",,\n../../../../../etc/passwd,,\n/etc/shadow,,\na/../../../../../../x,,\n./c.py,,\n,,\na\0b,,\n';
  expect(parseRecordPaths(text, SITE)).toEqual(['bin/tool', `${SITE}/a/b.py`, `${SITE}/quoted,"name".py`, `${SITE}/c.py`]);
  expect(parseCondaFiles('{"files": ["bin/x", "../up", 5, "/abs"]}')).toEqual(['bin/x']);
  for (const text of ['', '[]', '{"files": {}}', '{']) expect(parseCondaFiles(text)).toEqual([]);
});

describe('what an interrupted upgrade needs', () => {
  const line = (event: string): string => JSON.stringify({ event, atMs: 1, folder: 'f', method: 'copy', name: 'files', why: 'x' });
  test.each([
    [[], 'discard'],
    [['begin', 'snapshot'], 'discard'],
    [['begin', 'snapshot', 'snapshot_done'], 'discard'],
    [['begin', 'snapshot', 'snapshot_done', 'apply'], 'restore'],
    [['begin', 'snapshot', 'snapshot_done', 'apply', 'verify', 'check', 'flush'], 'restore'],
    [['begin', 'snapshot', 'snapshot_done', 'apply', 'rollback'], 'restore'],
    [['begin', 'snapshot', 'snapshot_done', 'apply', 'rollback', 'rolled_back'], 'discard'],
    [['begin', 'snapshot', 'snapshot_done', 'apply', 'verify', 'flush', 'commit'], 'keep'],
  ] as const)('%j: %s', (events, expected) => {
    expect(decideRecovery(parseJournal(events.map(line).join('\n\n')))).toBe(expected);
  });
  test('a line that was cut off, and garbage, are passed over', () => {
    expect(parseJournal(`\n${line('begin')}\n\n${line('apply').slice(0, 9)}\n\n${line('verify')}\n\0\0\0\nnull\n[]\n{"event":"launch","atMs":1}`).map((one) => one.event)).toEqual(['begin', 'verify']);
  });
});

describe('a lock', () => {
  const lock = { upgradeId: 'u', pid: 7, startTicks: '1', bootId: 'boot', host: 'here', nonce: 'n' };
  const here = { bootId: 'boot', host: 'here', nowMs: 1_000_000, isAlive: (): boolean => true };
  test.each([
    ['of a process that lives', { lock }, here, 'busy'],
    ['of one that ended', { lock }, { ...here, isAlive: (): boolean => false }, 'stale'],
    ['from before the machine started anew', { lock: { ...lock, bootId: 'earlier' } }, here, 'stale'],
    ['of another machine that is heard of', { lock: { ...lock, host: 'there' } }, here, 'busy'],
    ['of another machine that is silent', { lock: { ...lock, host: 'there' }, touchedAtMs: 0 }, here, 'stale'],
    ['that says nothing yet', { lock: null }, here, 'busy'],
    ['that says nothing for long', { lock: null, touchedAtMs: 0 }, here, 'stale'],
    ['from the future that says nothing', { lock: null, touchedAtMs: 9_000_000 }, here, 'stale'],
  ] as const)('%s: %s', (_, found, where, expected) => {
    expect(decideLock({ text: '', touchedAtMs: 999_000, ...found }, where)).toBe(expected);
  });
});
