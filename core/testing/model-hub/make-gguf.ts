import { createHash } from 'node:crypto';

/** Content that is made where it is read, so that a large file takes no memory. */
export interface HubContent {
  readonly size: number;
  readonly sha256: string;
  read(from: number, to: number): Buffer;
}

const BLOCK = 1024 * 1024;

function header(keys: Readonly<Record<string, string | readonly string[]>>): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'utf8');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    return Buffer.concat([length, bytes]);
  };
  const u32 = (value: number): Buffer => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b; };
  const u64 = (value: number): Buffer => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); return b; };
  const entries = Object.entries(keys).map(([key, value]) => Buffer.concat(typeof value === 'string' ? [text(key), u32(8), text(value)] : [text(key), u32(9), u32(8), u64(value.length), ...value.map(text)]));
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(entries.length), ...entries]);
}

/** Bytes that begin as a GGUF file does, and go on as noise that differs by `seed`. */
export function makeGguf(size: number, seed = 1, keys: Readonly<Record<string, string | readonly string[]>> = { 'general.architecture': 'llama' }): HubContent {
  const start = header(keys);
  const block = Buffer.alloc(BLOCK);
  let state = (seed * 2_654_435_761) >>> 0;
  for (let i = 0; i < BLOCK; i += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    block.writeUInt32LE(state, i);
  }
  const read = (from: number, to: number): Buffer => {
    const end = Math.min(to, size);
    const parts: Buffer[] = [];
    for (let at = from; at < end;) {
      const inBlock = at % BLOCK;
      const length = Math.min(BLOCK - inBlock, end - at);
      const piece = block.subarray(inBlock, inBlock + length);
      // Each block has its own number in it: bytes in a wrong place are found.
      const mark = at - inBlock;
      if (inBlock === 0 && mark > 0 && length >= 8) {
        const own = Buffer.from(piece);
        own.writeBigUInt64LE(BigInt(mark));
        parts.push(own);
      } else if (inBlock < 8 && mark > 0) {
        const own = Buffer.from(block.subarray(0, Math.max(8, inBlock + length)));
        own.writeBigUInt64LE(BigInt(mark));
        parts.push(own.subarray(inBlock, inBlock + length));
      } else parts.push(piece);
      at += length;
    }
    const bytes = Buffer.concat(parts);
    if (from < start.length) start.copy(bytes, 0, from, Math.min(start.length, end));
    return bytes;
  };
  const hash = createHash('sha256');
  for (let at = 0; at < size; at += BLOCK) hash.update(read(at, at + BLOCK));
  return { size, sha256: hash.digest('hex'), read };
}

/** Any bytes. */
export function contentOf(data: string | Buffer): HubContent {
  const bytes = Buffer.from(data);
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), read: (from, to) => bytes.subarray(from, to) };
}
