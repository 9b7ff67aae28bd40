import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';

/** The archive is not what it should be. The message says why. */
const refuse = (detail: string): Error => Object.assign(new Error(detail), { code: 'ERR_WHEEL' });

const MAX_DIRECTORY = 16 * 1024 * 1024;
const MAX_ENTRIES = 65_535;
const END_SIZE = 22;

interface Member {
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly headerAt: number;
}

/**
 * One member of a zip archive (a wheel), by its exact name and of the size that is expected, in pieces. Nothing else of
 * the archive is unpacked, and no name of it becomes a path. Zip64 is not read: wheels are smaller.
 * @throws Error with code `ERR_WHEEL`, the signal's reason, what `write` throws
 */
export async function readZipMember(archive: string, name: string, expectedBytes: number, signal: AbortSignal, write: (position: number, chunk: Buffer) => Promise<void>): Promise<void> {
  const handle = await open(archive, 'r');
  let from: number;
  let member: Member;
  try {
    member = await findMember(handle, name);
    if (member.size !== expectedBytes) throw refuse(`${name} has ${member.size} bytes; ${expectedBytes} were expected.`);
    if (member.method !== 0 && member.method !== 8) throw refuse(`${name} is packed in a way that is not known (${member.method}).`);
    const local = await readAt(handle, member.headerAt, 30);
    if (local.readUInt32LE(0) !== 0x04034b50) throw refuse('Its directory points to something else.');
    from = member.headerAt + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
  } finally {
    await handle.close();
  }
  const packed = member.packed === 0 ? Readable.from([]) : createReadStream(archive, { start: from, end: from + member.packed - 1, highWaterMark: 1024 * 1024, signal });
  // An error of the file ends the unpacking as well.
  const plain: Readable = member.method === 0 ? packed : packed.pipe(createInflateRaw({ chunkSize: 1024 * 1024 }));
  packed.once('error', (error: Error) => plain.destroy(error));
  let position = 0;
  let crc = 0;
  try {
    for await (const chunk of plain as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      if (position + chunk.length > member.size) throw refuse(`${name} unpacks to more than the archive says.`);
      crc = crc32(chunk, crc);
      await write(position, chunk);
      position += chunk.length;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')) throw refuse(`${name} cannot be unpacked: ${error.message}.`);
    throw error;
  } finally {
    packed.destroy();
  }
  if (position !== member.size) throw refuse(`${name} unpacks to ${position} of ${member.size} bytes.`);
  if (crc >>> 0 !== member.crc) throw refuse(`The checksum of ${name} in the archive does not match.`);
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead !== length) throw refuse('It is cut.');
  return buffer;
}

async function findMember(handle: FileHandle, name: string): Promise<Member> {
  const { size } = await handle.stat();
  const tailSize = Math.min(size, END_SIZE + 65_535);
  if (tailSize < END_SIZE) throw refuse('It is not a wheel.');
  const tail = await readAt(handle, size - tailSize, tailSize);
  const endAt = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (endAt < 0 || endAt + END_SIZE > tail.length) throw refuse('It is not a wheel.');
  const entries = tail.readUInt16LE(endAt + 10);
  const length = tail.readUInt32LE(endAt + 12);
  const start = tail.readUInt32LE(endAt + 16);
  if (entries >= MAX_ENTRIES || start === 0xffffffff) throw refuse('It is of the kind for archives beyond 4 GB.');
  if (length > MAX_DIRECTORY || start + length > size) throw refuse('Its directory is not where it says.');
  const directory = await readAt(handle, start, length);
  const wanted = Buffer.from(name, 'utf8');
  const found: Member[] = [];
  for (let at = 0, i = 0; i < entries; i += 1) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== 0x02014b50) throw refuse('Its directory is damaged.');
    const nameLength = directory.readUInt16LE(at + 28);
    const next = at + 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw refuse('Its directory is damaged.');
    if (directory.subarray(at + 46, at + 46 + nameLength).equals(wanted)) {
      found.push({ method: directory.readUInt16LE(at + 10), crc: directory.readUInt32LE(at + 16), packed: directory.readUInt32LE(at + 20), size: directory.readUInt32LE(at + 24), headerAt: directory.readUInt32LE(at + 42) });
    }
    at = next;
  }
  const [member] = found;
  if (member === undefined) throw refuse(`${name} is not in it.`);
  // Two of one name: readers disagree on which counts.
  if (found.length > 1) throw refuse(`${name} is in it ${found.length} times.`);
  if (member.headerAt + 30 + member.packed > start) throw refuse('Its directory is damaged.');
  return member;
}
