import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import type { LibraryCensus } from '../../../contract/environments.ts';
import { readLibraryCensus } from './read-library-census.ts';
import { makeContainer, makeElf, makeEntry, makePe } from './testing/make-library.ts';

const fixtures = join(import.meta.dirname, '../fixtures/torch');
const folder = makeTestFolder('census');
let made = 0;

async function censusOf(bytes: Buffer): Promise<LibraryCensus> {
  const path = join(folder, `${made++}.so`);
  writeFileSync(path, bytes);
  return readLibraryCensus(path, 'made.so');
}
const containersOf = (code: LibraryCensus['code']): Record<string, number> => Object.fromEntries(code.map((one) => [one.arch, one.containers]));
const entriesOf = (code: LibraryCensus['code']): Record<string, number> => Object.fromEntries(code.map((one) => [one.arch, one.entries]));
const elf = (fatbin: Buffer): Buffer => makeElf([{ name: '.nv_fatbin', bytes: fatbin }]);

interface Counts {
  containers: number;
  containers_per_arch: Record<string, number>;
  per_arch: Record<string, number>;
}
interface Expected {
  libs: Record<string, { small: { census?: Counts | null; elsewhere?: Counts | null } }>;
}

describe('libraries of real wheels, headers only', () => {
  for (const version of ['1.13.1', '2.4.1', '2.8.0', '2.11.0', '2.15.0']) {
    const expected = JSON.parse(readFileSync(join(fixtures, version, 'expected.json'), 'utf8')) as Expected;
    for (const [path, { small }] of Object.entries(expected.libs)) {
      it(`${version} ${path}`, async () => {
        const census = await readLibraryCensus(join(fixtures, version, path), path);
        expect(census).toMatchObject({ path, format: 'elf', troubles: [] });
        expect(containersOf(census.elsewhere)).toEqual(small.elsewhere?.containers_per_arch ?? {});
        expect(census.containers).toBe(small.census?.containers ?? 0);
        expect(containersOf(census.code)).toEqual(small.census?.containers_per_arch ?? {});
        expect(entriesOf(census.code)).toEqual(small.census?.per_arch ?? {});
      });
    }
  }
});

describe('malformed files', () => {
  const expected = JSON.parse(readFileSync(join(fixtures, 'synthetic/expected.json'), 'utf8')) as Record<string, { format: string; census: null | { containers: number; containers_per_arch: Record<string, number>; n_problems: number } } | null>;
  it.each(readdirSync(join(fixtures, 'synthetic')).filter((name) => !name.endsWith('.json')))('%s', async (name) => {
    const { census: wanted, format } = expected[name] ?? { census: null, format: 'unknown' };
    const census = await readLibraryCensus(join(fixtures, 'synthetic', name), name);
    expect(census.format).toBe(/^elf|^pe/.exec(format)?.[0] ?? 'unknown');
    expect(census.containers).toBe(wanted?.containers ?? 0);
    expect(containersOf(census.code)).toEqual(wanted?.containers_per_arch ?? {});
    expect(census.troubles.length > 0).toBe(wanted === null || wanted.n_problems > 0);
  });
});

describe('what entries say', () => {
  it('tells PTX with its newest ISA, accelerated and family code apart, and leaves out what runs on no GPU', async () => {
    const first = makeContainer([
      { arch: 80, payloadBytes: 4096 }, { arch: 90, suffix: 'a', headerBytes: 104, payloadBytes: 24 }, { arch: 120, suffix: 'f' },
      { kind: 'ptx', arch: 90, isa: [8, 0], headerBytes: 112 }, { kind: 'ptx', arch: 90, suffix: 'a', isa: [8, 7] }, { kind: 8, arch: 50 }, { kind: 0x10, arch: 7 },
    ]);
    const second = makeContainer([{ arch: 80 }, { arch: 80 }, { kind: 'ptx', arch: 90, isa: [8, 10] }]);
    const census = await censusOf(makeElf([{ name: '.nv_fatbin', bytes: first }, { name: '__nv_relfatbin', bytes: second }]));
    expect(census).toMatchObject({ containers: 2, troubles: [] });
    expect(census.code).toEqual([
      { arch: 'sm_80', kind: 'sass', containers: 2, entries: 3, ptxIsa: null },
      { arch: 'sm_90a', kind: 'sass', containers: 1, entries: 1, ptxIsa: null },
      { arch: 'sm_120f', kind: 'sass', containers: 1, entries: 1, ptxIsa: null },
      { arch: 'compute_90', kind: 'ptx', containers: 2, entries: 2, ptxIsa: '8.10' },
      { arch: 'compute_90a', kind: 'ptx', containers: 1, entries: 1, ptxIsa: '8.7' },
    ]);
  });

  it('lists code in data sections apart, also behind tables, and does not search other sections', async () => {
    const container = makeContainer([{ arch: 100 }]);
    const census = await censusOf(makeElf([
      { name: '.nv_fatbin', bytes: makeContainer([{ arch: 80 }]) },
      { name: '.lrodata', bytes: Buffer.concat([container, container]) },
      { name: '.ldata', bytes: Buffer.concat([Buffer.alloc(4000, 7), container, Buffer.alloc(24), container, Buffer.alloc(70_000, 7), container]) },
      { name: '.data', bytes: Buffer.concat([Buffer.alloc(64, 7), container]) },
      { name: '.odd', bytes: container },
    ]));
    expect(containersOf(census.code)).toEqual({ sm_80: 1 });
    expect(containersOf(census.elsewhere)).toEqual({ sm_100: 5 });
    expect(census.troubles).toEqual([expect.stringContaining('Section .ldata holds device code among other data')]);
  });

  it('reads a PE file to the shorter of its two section sizes, across padding', async () => {
    const code = Buffer.concat([makeContainer([{ arch: 75 }]), Buffer.alloc(8), makeContainer([{ arch: 75 }, { kind: 'ptx', arch: 75, isa: [7, 5] }])]);
    const census = await censusOf(makePe([{ name: '.text', bytes: Buffer.alloc(64) }, { name: '.nv_fatbin', bytes: Buffer.concat([code, makeContainer([{ arch: 99 }])]), memoryBytes: code.length }]));
    expect(census).toMatchObject({ format: 'pe', containers: 2, troubles: [] });
    expect(containersOf(census.code)).toEqual({ sm_75: 2, compute_75: 1 });
  });
});

describe('files that lie', () => {
  const good = makeContainer([{ arch: 80 }, { arch: 90 }]);
  const table: [string, Buffer, Record<string, number>, RegExp][] = [
    ['a container that is longer than it says', elf(Buffer.concat([makeContainer([{ arch: 80 }, { arch: 90 }], 64n), good])), { sm_80: 2, sm_90: 1 }, /no container/],
    ['a container that claims the next one', elf(Buffer.concat([makeContainer([{ arch: 80 }, { arch: 90 }], 272n), good])), { sm_80: 2, sm_90: 2 }, /shorter than it says/],
    ['garbage between containers', elf(Buffer.concat([good, Buffer.alloc(640, 0x77), good])), { sm_80: 2, sm_90: 2 }, /no container where one should be/],
    ['garbage without end', elf(Buffer.concat([good, Buffer.alloc(200_000, 0x77), good])), { sm_80: 1, sm_90: 1 }, /were not read/],
    ['an entry with a header of 0 bytes', elf(Buffer.concat([makeContainer([{ arch: 80, claimedHeader: 0 }]), good])), { sm_80: 1, sm_90: 1 }, /impossible size/],
    ['an entry whose sizes wrap around', elf(Buffer.concat([makeContainer([{ arch: 80 }, { arch: 90, claimedPayload: 0xffff_ffff_ffff_ffc0n }]), good])), { sm_80: 2, sm_90: 1 }, /impossible size/],
    ['architectures that cannot be', elf(makeContainer([{ arch: 0 }, { arch: 0xffff_ffff }, { arch: 80 }])), { sm_80: 1 }, /cannot be/],
    ['the same section many times', makeElf(Array.from({ length: 1000 }, () => ({ name: '.nv_fatbin', bytes: Buffer.alloc(0), claimedOffset: 64n, claimedSize: 64n }))), {}, /no container/],
    ['a section that ends behind the file', makeElf([{ name: '.nv_fatbin', bytes: good, claimedSize: 1n << 62n }]), { sm_80: 1, sm_90: 1 }, /ends behind the end of the file/],
    ['a section that begins behind the file', makeElf([{ name: '.nv_fatbin', bytes: good, claimedOffset: 0xffff_ffff_ffff_fff0n }]), {}, /ends behind the end of the file/],
    ['an empty file', Buffer.alloc(0), {}, /empty/],
    ['four bytes of ELF', Buffer.from([0x7f, 0x45, 0x4c, 0x46]), {}, /cut off/],
    ['two bytes of PE', Buffer.from('MZ'), {}, /./],
  ];
  it.each(table)('%s', async (_, bytes, wanted, trouble) => {
    const census = await censusOf(bytes);
    expect(containersOf(census.code)).toEqual(wanted);
    expect(census.troubles.join('\n')).toMatch(trouble);
  });

  it('a header that names no, 32-bit or too many sections', async () => {
    for (const [offset, value] of [[40, 0], [4, 1], [60, 0xffff], [58, 3]] as const) {
      const bytes = elf(good);
      if (offset === 40) bytes.writeBigUInt64LE(0n, 40);
      else bytes[offset] = value & 0xff;
      if (offset === 60) bytes[61] = 0xff;
      expect(await censusOf(bytes)).toMatchObject({ format: 'elf', code: [], troubles: [expect.any(String)] });
    }
  });

  it('has an end to kinds of code and to complaints', async () => {
    const census = await censusOf(elf(makeContainer(Array.from({ length: 3000 }, (_, i) => ({ arch: i, kind: 'ptx' as const })))));
    expect(census.code.length).toBeLessThanOrEqual(256);
    expect(census.troubles.length).toBeLessThanOrEqual(21);
  });

  it('sections numbered beyond the header field are found', async () => {
    const bytes = elf(good);
    const at = Number(bytes.readBigUInt64LE(40));
    bytes.writeBigUInt64LE(BigInt(bytes.readUInt16LE(60)), at + 32);
    bytes.writeUInt32LE(bytes.readUInt16LE(62), at + 40);
    bytes.writeUInt16LE(0, 60);
    bytes.writeUInt16LE(0xffff, 62);
    expect(await censusOf(bytes)).toMatchObject({ containers: 1, troubles: [] });
  });
});

describe('things that are no library', () => {
  const sparse = (name: string, start: Buffer, size: number): string => {
    const fd = openSync(join(folder, name), 'w');
    writeSync(fd, start);
    ftruncateSync(fd, size);
    closeSync(fd);
    return join(folder, name);
  };

  it('a folder, a FIFO, a device, a link to itself, nothing', async () => {
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    symlinkSync('loop', join(folder, 'loop'));
    mkdirSync(join(folder, 'folder'));
    for (const path of [join(folder, 'fifo'), join(folder, 'loop'), join(folder, 'folder'), '/dev/zero', join(folder, 'missing')]) {
      expect(await readLibraryCensus(path, 'x.so')).toEqual({ path: 'x.so', sizeBytes: 0, bytesRead: 0, format: 'unknown', containers: 0, code: [], elsewhere: [], troubles: [expect.any(String)] });
    }
  });

  it('4 GB of zeros, also as a section of device code', async () => {
    const size = 4 * 1024 ** 3;
    const nothing = await readLibraryCensus(sparse('zeros', Buffer.alloc(0), size), 'x.so');
    expect(nothing).toMatchObject({ format: 'unknown', sizeBytes: size });
    const header = makeElf([{ name: '.nv_fatbin', bytes: makeContainer([{ arch: 80 }]), claimedSize: BigInt(size - 64) }, { name: '.ldata', bytes: Buffer.alloc(8), claimedSize: BigInt(size / 2) }]);
    const census = await readLibraryCensus(sparse('zeros.so', header, size), 'x.so');
    expect(containersOf(census.code)).toEqual({ sm_80: 1 });
    expect(census.troubles.join('\n')).toMatch(/were not read/);
    expect(census.bytesRead).toBeLessThan(200_000);
  });

  it('reads a large library by 80 bytes here and there, and never more than a fiftieth of it', async () => {
    // 400 containers of 3 entries with 100 kB each: written as holes, as sparse as the reading is.
    const path = join(folder, 'large.so');
    const fd = openSync(path, 'w');
    const body = 3 * 64 + 300_000;
    const head = makeElf([{ name: '.nv_fatbin', bytes: Buffer.alloc(0), claimedOffset: 4096n, claimedSize: BigInt(400 * (16 + body)) }]);
    writeSync(fd, head);
    const entries = [75, 90, 120].map((arch) => makeEntry({ arch, claimedPayload: 100_000n }));
    const container = makeContainer([], BigInt(body));
    for (let i = 0; i < 400; i++) {
      const at = 4096 + i * (16 + body);
      writeSync(fd, container, 0, 16, at);
      entries.forEach((entry, n) => writeSync(fd, entry, 0, 64, at + 16 + n * 100_064));
    }
    ftruncateSync(fd, 4096 + 400 * (16 + body));
    closeSync(fd);
    const census = await readLibraryCensus(path, 'x.so');
    expect(containersOf(census.code)).toEqual({ sm_75: 400, sm_90: 400, sm_120: 400 });
    expect(census.troubles).toEqual([]);
    expect(census.bytesRead).toBeLessThan(census.sizeBytes * 0.002);
  });

  it('stops at its limit in a file that is made of headers', async () => {
    const census = await censusOf(elf(Buffer.concat(Array.from({ length: 400 }, () => makeContainer(Array.from({ length: 400 }, () => ({ arch: 80 })))))));
    expect(census.bytesRead).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(census.troubles.join()).toMatch(/Reading ended after/);
  });
});
