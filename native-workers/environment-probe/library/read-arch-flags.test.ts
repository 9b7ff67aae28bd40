import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import { decideFlags, readArchFlags, type ArchFlags } from './read-arch-flags.ts';
import { makeElf, makePe } from './testing/make-library.ts';

const fixtures = join(import.meta.dirname, '../fixtures/torch');
const folder = makeTestFolder('flags');

async function flagsOf(text: string | Buffer, name = 'libtorch_python.so', section = '.rodata'): Promise<ArchFlags> {
  const sections = [{ name: section, bytes: typeof text === 'string' ? Buffer.from(text, 'latin1') : text }];
  const path = join(folder, name);
  writeFileSync(path, name.endsWith('.dll') ? makePe(sections) : makeElf(sections));
  return readArchFlags(path);
}

describe('readArchFlags', () => {
  it.each(['1.13.1', '2.4.1', '2.8.0', '2.11.0', '2.15.0'])('finds the list of torch %s', async (version) => {
    const { arch_list } = JSON.parse(readFileSync(join(fixtures, version, 'expected.json'), 'utf8')) as { arch_list: string[] };
    const path = join(fixtures, version, 'torch/lib/libtorch_python.so');
    expect(await readArchFlags(path)).toMatchObject({ flags: arch_list, candidates: [arch_list], troubles: [] });
  });
  it('agrees with what the malformed files must give', async () => {
    const expected = JSON.parse(readFileSync(join(fixtures, 'synthetic/expected.json'), 'utf8')) as Record<string, { flags: string | null } | null>;
    for (const [name, wanted] of Object.entries(expected)) {
      expect((await readArchFlags(join(fixtures, 'synthetic', name))).flags, name).toEqual(wanted?.flags?.split(' ') ?? null);
    }
  });

  const table: [string, string, string, string[] | null][] = [
    ['several behind another constant', 'ipc_hsm_70 sm_75 sm_120\0', 'libtorch_python.so', ['sm_70', 'sm_75', 'sm_120']],
    ['several without their NUL', '\0sm_70 sm_75 and more\0', 'libtorch_python.so', null],
    ['PTX and variants', '\0sm_90a sm_120f compute_120\0', 'libtorch_python.so', ['sm_90a', 'sm_120f', 'compute_120']],
    ['one between NULs', 'x\0sm_90\0', 'libtorch_python.so', ['sm_90']],
    ['one behind another constant', 'xsm_90\0', 'libtorch_python.so', null],
    ['one between NULs in another library', 'x\0sm_100a\0', 'libtorch_cuda.so', null],
    ['the longest of several', 'a\0sm_90\0b\0sm_80 sm_90\0c\0sm_80 sm_90 sm_100\0', 'libtorch_python.so', ['sm_80', 'sm_90', 'sm_100']],
    ['two of the same length', 'a\0sm_80 sm_90\0c\0sm_80 sm_100\0', 'libtorch_python.so', null],
    ['the same one twice', 'a\0sm_80 sm_90\0c\0sm_80 sm_90\0', 'libtorch_python.so', ['sm_80', 'sm_90']],
    ['none in a CPU build', 'nothing\0here sm_ compute_x\0', 'libtorch_python.so', null],
    ['Windows', 'a\0sm_80 sm_90\0', 'torch_python.dll', ['sm_80', 'sm_90']],
    ['a lone one on Windows', 'a\0sm_120\0', 'torch_python.dll', ['sm_120']],
  ];
  it.each(table)('%s', async (_, text, name, flags) => {
    const read = await flagsOf(text, name, name.endsWith('.dll') ? '.rdata' : '.rodata');
    expect(read.flags).toEqual(flags);
    expect(read.troubles).toHaveLength(read.flags === null && read.candidates.length > 0 ? 1 : 0);
  });

  it('finds a list wherever it lies across the pieces it is read in', async () => {
    const list = 'sm_80 sm_90 compute_120';
    for (const shift of [-30, -24, -23, -22, -12, -2, -1, 0, 1]) {
      const bytes = Buffer.alloc(600_000, 0x2e);
      bytes.write(`\0${list}\0`, 256 * 1024 + shift, 'latin1');
      expect((await flagsOf(bytes)).flags?.join(' '), String(shift)).toBe(list);
      bytes.fill(0x2e).write('\0sm_103a\0', 256 * 1024 + shift, 'latin1');
      expect((await flagsOf(bytes)).flags?.join(' '), String(shift)).toBe('sm_103a');
    }
  });
  it('looks into constants only, and survives what is no library', async () => {
    expect((await flagsOf('a\0sm_80 sm_90\0', 'libtorch_python.so', '.comment')).flags).toBeNull();
    for (const path of [folder, join(folder, 'missing'), '/dev/zero']) expect(await readArchFlags(path)).toMatchObject({ flags: null, bytesRead: 0, troubles: [expect.any(String)] });
  });
  it('is not slowed down by a list without end', async () => {
    const started = performance.now();
    const read = await flagsOf('sm_80 '.repeat(700_000));
    expect(read.flags).toBeNull();
    expect(performance.now() - started).toBeLessThan(5000);
    expect((await flagsOf(Array.from({ length: 5000 }, (_, i) => `\0sm_${10 + (i % 900)} sm_${10 + (i % 890)}`).join('') + '\0')).candidates.length).toBeLessThanOrEqual(64);
  });
});

describe('decideFlags', () => {
  it.each([
    [[], null],
    [[['sm_80']], ['sm_80']],
    [[['sm_80'], ['sm_80', 'sm_90']], ['sm_80', 'sm_90']],
    [[['sm_80'], ['sm_90']], null],
  ])('%j', (candidates, flags) => expect(decideFlags(candidates)).toEqual(flags));
});
