/** Writes small libraries with device code for tests: the layouts of elf.h, winnt.h and NVIDIA's containers. */

export interface MadeEntry {
  readonly kind?: 'sass' | 'ptx' | number;
  readonly arch: number;
  readonly suffix?: '' | 'a' | 'f';
  /** PTX ISA as [major, minor]. */
  readonly isa?: readonly [number, number];
  readonly payloadBytes?: number;
  readonly headerBytes?: number;
  /** What the header says instead of the truth. */
  readonly claimedPayload?: bigint;
  readonly claimedHeader?: number;
}

export function makeEntry(entry: MadeEntry): Buffer {
  const headerBytes = entry.headerBytes ?? 64;
  const payloadBytes = entry.payloadBytes ?? 0;
  const bytes = Buffer.alloc(headerBytes + payloadBytes, 0x5a);
  bytes.fill(0, 0, headerBytes);
  const kind = entry.kind ?? 'sass';
  bytes.writeUInt16LE(kind === 'sass' ? 2 : kind === 'ptx' ? 1 : kind, 0);
  bytes.writeUInt16LE(0x0101, 2);
  bytes.writeUInt32LE(entry.claimedHeader ?? headerBytes, 4);
  bytes.writeBigUInt64LE(entry.claimedPayload ?? BigInt(payloadBytes), 8);
  bytes.writeUInt16LE(entry.isa?.[1] ?? 0, 24);
  bytes.writeUInt16LE(entry.isa?.[0] ?? 0, 26);
  bytes.writeUInt32LE(entry.arch, 28);
  bytes.writeUInt32LE(0x11 | (entry.suffix === 'a' ? 0x10_0000 : entry.suffix === 'f' ? 0x20_0000 : 0), 40);
  return bytes;
}

export function makeContainer(entries: readonly MadeEntry[], claimedBytes?: bigint): Buffer {
  const body = Buffer.concat(entries.map(makeEntry));
  const head = Buffer.alloc(16);
  head.writeUInt32LE(0xba55ed50, 0);
  head.writeUInt16LE(1, 4);
  head.writeUInt16LE(16, 6);
  head.writeBigUInt64LE(claimedBytes ?? BigInt(body.length), 8);
  return Buffer.concat([head, body]);
}

export interface MadeSection {
  readonly name: string;
  readonly bytes: Buffer;
  /** sh_type; 1 is PROGBITS. */
  readonly type?: number;
  readonly claimedSize?: bigint;
  readonly claimedOffset?: bigint;
}

/** `.note.gnu.build-id` with this hash of 20 bytes. */
export function makeBuildId(byte: number): MadeSection {
  const bytes = Buffer.alloc(36, byte);
  bytes.writeUInt32LE(4, 0);
  bytes.writeUInt32LE(20, 4);
  bytes.writeUInt32LE(3, 8);
  bytes.write('GNU\0', 12, 'latin1');
  return { name: '.note.gnu.build-id', bytes, type: 7 };
}

export function makeElf(sections: readonly MadeSection[]): Buffer {
  const all: MadeSection[] = [...sections, { name: '.shstrtab', bytes: Buffer.alloc(0) }];
  const names = Buffer.from(`\0${all.map((section) => section.name).join('\0')}\0`, 'latin1');
  all[all.length - 1] = { name: '.shstrtab', bytes: names, type: 3 };
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(3, 16);
  header.writeUInt16LE(0x3e, 18);
  const parts: Buffer[] = [header];
  let offset = 64;
  const table = Buffer.alloc((all.length + 1) * 64);
  let nameOffset = 1;
  all.forEach((section, i) => {
    const row = table.subarray((i + 1) * 64);
    row.writeUInt32LE(nameOffset, 0);
    nameOffset += section.name.length + 1;
    row.writeUInt32LE(section.type ?? 1, 4);
    row.writeBigUInt64LE(section.claimedOffset ?? BigInt(offset), 24);
    row.writeBigUInt64LE(section.claimedSize ?? BigInt(section.bytes.length), 32);
    const padded = Buffer.concat([section.bytes, Buffer.alloc((8 - (section.bytes.length % 8)) % 8)]);
    parts.push(padded);
    offset += padded.length;
  });
  header.writeBigUInt64LE(BigInt(offset), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(all.length + 1, 60);
  header.writeUInt16LE(all.length, 62);
  return Buffer.concat([...parts, table]);
}

/** Names are cut to eight characters, sections aligned to 512 bytes. `memoryBytes` below the content cuts it off. */
export function makePe(sections: readonly (MadeSection & { readonly memoryBytes?: number })[]): Buffer {
  const align = (n: number): number => Math.ceil(n / 512) * 512;
  const head = Buffer.alloc(align(0x80 + 24 + 240 + sections.length * 40));
  head.write('MZ', 0, 'latin1');
  head.writeUInt32LE(0x80, 60);
  head.write('PE\0\0', 0x80, 'latin1');
  head.writeUInt16LE(0x8664, 0x84);
  head.writeUInt16LE(sections.length, 0x86);
  head.writeUInt16LE(240, 0x80 + 20);
  const parts: Buffer[] = [head];
  let offset = head.length;
  sections.forEach((section, i) => {
    const row = head.subarray(0x80 + 24 + 240 + i * 40);
    row.write(section.name.slice(0, 8), 0, 'latin1');
    row.writeUInt32LE(section.memoryBytes ?? section.bytes.length, 8);
    row.writeUInt32LE(align(section.bytes.length), 16);
    row.writeUInt32LE(offset, 20);
    const padded = Buffer.concat([section.bytes, Buffer.alloc(align(section.bytes.length) - section.bytes.length)]);
    parts.push(padded);
    offset += padded.length;
  });
  return Buffer.concat(parts);
}
