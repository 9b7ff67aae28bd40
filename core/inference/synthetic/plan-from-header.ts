import { ggmlTypeById, tensorBytesOf } from './ggml-types.ts';
import { alignUp, encodeMetadata, encodeStart, encodeTensor, type SyntheticTensor } from './gguf-header.ts';
import { SYNTHETIC_KEY } from './write-synthetic-model.ts';

export interface HeaderPlan {
  readonly header: Buffer;
  readonly tensors: readonly SyntheticTensor[];
  readonly alignment: number;
  /** Of the whole file that is made of it. */
  readonly bytes: number;
}

/** Limits of what is believed of a header: far above real ones. */
const MAX_ENTRIES = 65_536, MAX_TENSORS = 65_536, MAX_DEPTH = 3, MAX_TENSOR_BYTES = 2 ** 40;
/** Bytes of the metadata's number types. 8: text, 9: an array. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

class Unusable extends Error {}

function createReader(bytes: Buffer) {
  let at = 0;
  const skip = (count: number): number => {
    if (!(count >= 0) || at + count > bytes.length) throw new Unusable('The header is longer than what is here');
    const from = at;
    at += count;
    return from;
  };
  const u32 = (): number => bytes.readUInt32LE(skip(4));
  const u64 = (): number => {
    const value = bytes.readBigUInt64LE(skip(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Unusable('A count is not believable');
    return Number(value);
  };
  const text = (): string => {
    const length = u64();
    const from = skip(length);
    return bytes.toString('utf8', from, from + length);
  };
  const skipValue = (type: number, depth: number): void => {
    const size = SIZES[type];
    if (size !== undefined) skip(size);
    else if (type === 8) skip(u64());
    else if (type === 9 && depth < MAX_DEPTH) {
      const inner = u32(), count = u64(), each = SIZES[inner];
      if (each !== undefined) skip(each * count);
      else for (let i = 0; i < count; i++) skipValue(inner, depth + 1);
    } else throw new Unusable(`A value of type ${type}`);
  };
  return { u32, u64, text, skip, skipValue, at: () => at };
}

/**
 * The plan of a file with the very metadata and tensors of this header (the beginning of a GGUF file, hostile input)
 * and random weights: exact for every architecture and every mixture of types. null when it cannot serve: cut off,
 * one part of a split model, a tensor type that is not known. Pure.
 */
export function planFromHeader(beginning: Buffer): HeaderPlan | null {
  try {
    return plan(beginning);
  } catch (error) {
    if (error instanceof Unusable) return null;
    throw error;
  }
}

function plan(beginning: Buffer): HeaderPlan {
  const read = createReader(beginning);
  const version = beginning.toString('latin1', 0, read.skip(4) + 4) === 'GGUF' ? read.u32() : 0;
  if (version !== 2 && version !== 3) throw new Unusable('Not a GGUF file of version 2 or 3');
  const tensorCount = read.u64(), entryCount = read.u64();
  if (tensorCount > MAX_TENSORS || entryCount > MAX_ENTRIES) throw new Unusable('Too many tensors or entries');
  const kept: Buffer[] = [encodeMetadata(SYNTHETIC_KEY, { t: 'bool', value: true })];
  let alignment = 32;
  for (let i = 0; i < entryCount; i++) {
    const from = read.at();
    const key = read.text(), type = read.u32(), valueAt = read.at();
    read.skipValue(type, 0);
    if (key === 'general.alignment' && type === 4) alignment = beginning.readUInt32LE(valueAt);
    if (key === 'split.count' && type === 2 && beginning.readUInt16LE(valueAt) > 1) throw new Unusable('A part of a split model');
    if (key !== SYNTHETIC_KEY && !key.startsWith('split.')) kept.push(beginning.subarray(from, read.at()));
  }
  if (alignment < 8 || alignment > 65_536 || (alignment & (alignment - 1)) !== 0) throw new Unusable('An alignment that is not believable');
  const tensors = Array.from({ length: tensorCount }, () => readTensor(read));
  let offset = 0;
  const infos = tensors.map((tensor) => {
    const info = encodeTensor(tensor, offset);
    offset += alignUp(tensorBytesOf(tensor.type, tensor.dims), alignment);
    return info;
  });
  const header = Buffer.concat([encodeStart(tensorCount, kept.length), ...kept, ...infos]);
  return { header, tensors, alignment, bytes: alignUp(header.length, alignment) + offset };
}

function readTensor(read: ReturnType<typeof createReader>): SyntheticTensor {
  const name = read.text(), rank = read.u32();
  if (rank < 1 || rank > 4) throw new Unusable(`A tensor of ${rank} dimensions`);
  const dims = Array.from({ length: rank }, read.u64);
  const type = ggmlTypeById(read.u32());
  read.u64();
  const row = dims[0] ?? 0;
  if (type === null || row < 1 || row % type.elements !== 0 || dims.some((n) => n < 1)) throw new Unusable(`A tensor that cannot be written: ${name.slice(0, 64)}`);
  if (tensorBytesOf(type, dims) > MAX_TENSOR_BYTES) throw new Unusable('A tensor that is too large');
  return { name, dims, type };
}
