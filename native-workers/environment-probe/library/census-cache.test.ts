import { copyFileSync, linkSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import { createCensusCache } from './census-cache.ts';
import { readArchFlags } from './read-arch-flags.ts';
import { readLibraryCensus } from './read-library-census.ts';
import { makeBuildId, makeContainer, makeElf } from './testing/make-library.ts';

const folder = makeTestFolder('cache');
const withId = (arch: number, id = 1): Buffer => makeElf([makeBuildId(id), { name: '.nv_fatbin', bytes: makeContainer([{ arch, payloadBytes: 80_000 }]) }, { name: '.rodata', bytes: Buffer.from('\0sm_80 sm_90\0') }]);
const write = (name: string, bytes: Buffer): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

describe('createCensusCache', () => {
  it('reads hard links and copies once, calls each by its own name and tells what it read', async () => {
    const cache = createCensusCache();
    const first = write('first.so', withId(80));
    linkSync(first, join(folder, 'link.so'));
    copyFileSync(first, join(folder, 'copy.so'));
    utimesSync(join(folder, 'copy.so'), 1, 1);
    const read = await readLibraryCensus(first, 'a.so', cache);
    const link = await readLibraryCensus(join(folder, 'link.so'), 'b.so', cache);
    const copy = await readLibraryCensus(join(folder, 'copy.so'), 'c.so', cache);
    expect(link).toEqual({ ...read, path: 'b.so', bytesRead: link.bytesRead });
    expect(copy).toEqual({ ...read, path: 'c.so', bytesRead: copy.bytesRead });
    expect(await readLibraryCensus(first, 'a.so', cache)).toEqual({ ...read, bytesRead: 0 });
    expect(cache.counts()).toEqual({ read: 1, shared: 3 });
  });

  it('keeps census and flags apart, and shares one reading between those who ask at once', async () => {
    const cache = createCensusCache();
    const path = write('both.so', withId(80, 2));
    const answers = await Promise.all([1, 2, 3].map(() => readLibraryCensus(path, 'x', cache)));
    expect(new Set(answers.map((census) => JSON.stringify(census.code))).size).toBe(1);
    expect((await readArchFlags(path, cache)).flags).toEqual(['sm_80', 'sm_90']);
    expect((await readArchFlags(path, cache)).flags).toEqual(['sm_80', 'sm_90']);
    expect(cache.counts()).toEqual({ read: 2, shared: 3 });
  });

  it('reads again what was changed in place, replaced or built anew', async () => {
    const cache = createCensusCache();
    const path = write('changing.so', withId(80, 3));
    const arch = async (): Promise<string | undefined> => (await readLibraryCensus(path, 'x', cache)).code[0]?.arch;
    // A file system's clock ticks every few milliseconds: written again until it did.
    const rewrite = (bytes: Buffer, oldTime: boolean): void => {
      const { atime, mtime } = statSync(path);
      const { ctimeNs } = statSync(path, { bigint: true });
      do {
        writeFileSync(path, bytes);
        if (oldTime) utimesSync(path, atime, mtime);
      } while (statSync(path, { bigint: true }).ctimeNs === ctimeNs);
    };
    expect(await arch()).toBe('sm_80');
    rewrite(withId(90, 4), false);
    expect(await arch()).toBe('sm_90');
    // With the old time put back: the time of the change of status tells.
    rewrite(withId(100, 5), true);
    expect(await arch()).toBe('sm_100');
  });

  it('does not take a damaged copy or a library without build id for the same', async () => {
    const cache = createCensusCache();
    const whole = withId(80, 6);
    const half = Buffer.from(whole).fill(0, 20_000, 60_000);
    await readLibraryCensus(write('whole.so', whole), 'x', cache);
    await readLibraryCensus(write('half.so', half), 'x', cache);
    const plain = makeElf([{ name: '.nv_fatbin', bytes: makeContainer([{ arch: 80 }]) }]);
    await readLibraryCensus(write('plain.so', plain), 'x', cache);
    await readLibraryCensus(write('plain-copy.so', readFileSync(join(folder, 'plain.so'))), 'x', cache);
    expect(cache.counts()).toEqual({ read: 4, shared: 0 });
  });

  it('forgets what was not asked for longest', async () => {
    const cache = createCensusCache();
    const paths = Array.from({ length: 600 }, (_, i) => write(`many-${i}.so`, Buffer.from(String(i))));
    for (const path of paths) await readLibraryCensus(path, 'x', cache);
    await readLibraryCensus(paths.at(-1) ?? '', 'x', cache);
    expect(cache.counts()).toEqual({ read: 600, shared: 1 });
    await readLibraryCensus(paths[0] ?? '', 'x', cache);
    expect(cache.counts()).toEqual({ read: 601, shared: 1 });
  });
});
