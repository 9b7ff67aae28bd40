import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import { createCensusCache } from './census-cache.ts';
import { decideTorchArchList } from './decide-arch-list.ts';
import { readTorchLibraries } from './read-torch-libraries.ts';
import { makeContainer, makeElf, makePe } from './testing/make-library.ts';

const fixtures = join(import.meta.dirname, '../fixtures/torch');
const write = (path: string, bytes: Buffer): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
};
const cuda = Buffer.concat([makeContainer([{ arch: 80 }, { arch: 120 }])]);
const flags = Buffer.from('a\0sm_80 sm_120\0', 'latin1');

describe('readTorchLibraries', () => {
  it.each([['1.13.1', 3], ['2.4.1', 2], ['2.8.0', 2], ['2.11.0', 2], ['2.15.0', 2]])('torch %s: flags and majority of the main library agree', async (version, count) => {
    const { arch_list } = JSON.parse(readFileSync(join(fixtures, version, 'expected.json'), 'utf8')) as { arch_list: string[] };
    const read = await readTorchLibraries(join(fixtures, version, 'torch'));
    expect(read).toMatchObject({ flags: arch_list, flagsFile: 'torch/lib/libtorch_python.so', troubles: [] });
    expect(read.libraries).toHaveLength(count);
    expect(read.libraries.every((library) => library.path.startsWith('torch/lib/libtorch_cuda'))).toBe(true);
    expect(decideTorchArchList(read.libraries)).toEqual(arch_list);
    expect(read.bytesRead).toBeGreaterThan(0);
  });

  it('finds them by their Windows names', async () => {
    const torch = join(makeTestFolder('windows'), 'Lib/site-packages/torch');
    write(join(torch, 'lib/torch_cuda.dll'), makePe([{ name: '.nv_fatbin', bytes: cuda }]));
    write(join(torch, 'lib/torch_python.dll'), makePe([{ name: '.rdata', bytes: flags }]));
    const read = await readTorchLibraries(torch);
    expect(read).toMatchObject({ flags: ['sm_80', 'sm_120'], flagsFile: 'torch/lib/torch_python.dll', troubles: [] });
    expect(decideTorchArchList(read.libraries)).toEqual(['sm_80', 'sm_120']);
  });

  it('finds them where conda keeps them, as links or beside the package, and only in a conda environment', async () => {
    for (const [conda, link] of [[true, true], [true, false], [false, false]] as const) {
      const prefix = makeTestFolder('conda');
      const torch = join(prefix, 'lib/python3.12/site-packages/torch');
      mkdirSync(join(torch, 'lib'), { recursive: true });
      if (conda) mkdirSync(join(prefix, 'conda-meta'));
      write(join(prefix, 'lib/libtorch_cuda.so'), makeElf([{ name: '.nv_fatbin', bytes: cuda }]));
      write(join(prefix, 'lib/libtorch_python.so'), makeElf([{ name: '.rodata', bytes: flags }]));
      if (link) for (const name of ['libtorch_cuda.so', 'libtorch_python.so']) symlinkSync(`../../../../${name}`, join(torch, 'lib', name));
      const read = await readTorchLibraries(torch);
      expect(read.flagsFile).toBe(link ? 'torch/lib/libtorch_python.so' : conda ? 'torch/../../../libtorch_python.so' : null);
      expect(read.libraries.map((library) => library.code.map((code) => code.arch))).toEqual(conda ? [['sm_80', 'sm_120']] : []);
    }
  });

  it('answers for a CPU build, a missing folder, a link that leads nowhere and a folder in place of a library', async () => {
    const nothing = { libraries: [], flags: null, flagsFile: null, bytesRead: 0, troubles: [] };
    const torch = join(makeTestFolder('broken'), 'torch');
    expect(await readTorchLibraries(torch)).toEqual(nothing);
    write(join(torch, 'lib/libtorch_cpu.so'), makeElf([]));
    write(join(torch, 'lib/libtorch_python.so'), makeElf([{ name: '.rodata', bytes: Buffer.from('no list\0') }]));
    expect(await readTorchLibraries(torch)).toMatchObject({ ...nothing, bytesRead: expect.any(Number) });
    symlinkSync('/nowhere/libtorch_cuda.so', join(torch, 'lib/libtorch_cuda.so'));
    mkdirSync(join(torch, 'lib/libtorch_cuda_linalg.so'));
    const read = await readTorchLibraries(torch);
    expect(read.libraries.map((library) => library.sizeBytes)).toEqual([0, 0]);
    expect(read.troubles).toEqual([expect.stringContaining('torch/lib/libtorch_cuda.so: '), expect.stringContaining('a folder')]);
    expect(decideTorchArchList(read.libraries)).toBeNull();
  });

  it('reads the same torch in ten environments once', async () => {
    const root = makeTestFolder('ten');
    const cache = createCensusCache();
    const { linkSync } = await import('node:fs');
    mkdirSync(join(root, '0/torch/lib'), { recursive: true });
    for (const name of ['libtorch_cuda.so', 'libtorch_cuda_linalg.so', 'libtorch_python.so']) copyFileSync(join(fixtures, '2.11.0/torch/lib', name), join(root, '0/torch/lib', name));
    for (let i = 1; i < 10; i++) {
      mkdirSync(join(root, `${i}/torch/lib`), { recursive: true });
      for (const name of ['libtorch_cuda.so', 'libtorch_cuda_linalg.so', 'libtorch_python.so']) linkSync(join(root, '0/torch/lib', name), join(root, `${i}/torch/lib`, name));
    }
    const reads = [];
    for (let i = 0; i < 10; i++) reads.push(await readTorchLibraries(join(root, String(i), 'torch'), cache));
    expect(cache.counts()).toEqual({ read: 3, shared: 27 });
    expect(reads.slice(1).every((read) => read.bytesRead === 0 && read.flags?.length === 6)).toBe(true);
  });
});
