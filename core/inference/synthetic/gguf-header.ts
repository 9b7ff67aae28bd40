import type { GgmlType } from './ggml-types.ts';

/** A value of a GGUF file's metadata. */
export type GgufValue =
  | { readonly t: 'u32' | 'f32' | 'i32'; readonly value: number }
  | { readonly t: 'bool'; readonly value: boolean }
  | { readonly t: 'string'; readonly value: string }
  | { readonly t: 'strings'; readonly value: readonly string[] }
  | { readonly t: 'f32s' | 'i32s'; readonly value: readonly number[] };

/** A tensor that is to be written. */
export interface SyntheticTensor {
  readonly name: string;
  /** The first one is the row's length. */
  readonly dims: readonly number[];
  readonly type: GgmlType;
  /** Its first rows are zeros: tokens that are never the likeliest. */
  readonly zeroRows?: number;
  /** Standard deviation of its weights; absent: one over the root of the row's length. */
  readonly sigma?: number;
}

export const ALIGNMENT = 32;
export const alignUp = (bytes: number, to = ALIGNMENT): number => Math.ceil(bytes / to) * to;

const typeNumber = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, strings: 8, f32s: 6, i32s: 5 } as const;

const u32 = (n: number): Buffer => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };
const u64 = (n: number): Buffer => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };
const text = (s: string): Buffer => { const bytes = Buffer.from(s, 'utf8'); return Buffer.concat([u64(bytes.length), bytes]); };

function numbers(t: 'f32s' | 'i32s', values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => (t === 'f32s' ? buffer.writeFloatLE(value, i * 4) : buffer.writeInt32LE(value, i * 4)));
  return buffer;
}

function encodeValue(v: GgufValue): Buffer {
  switch (v.t) {
    case 'u32': return u32(v.value);
    case 'i32': return numbers('i32s', [v.value]);
    case 'f32': return numbers('f32s', [v.value]);
    case 'bool': return Buffer.from([v.value ? 1 : 0]);
    case 'string': return text(v.value);
    case 'strings': return Buffer.concat([u32(8), u64(v.value.length), ...v.value.map(text)]);
    case 'f32s': case 'i32s': return Buffer.concat([u32(typeNumber[v.t]), u64(v.value.length), numbers(v.t, v.value)]);
  }
}

/** One entry of the metadata, as it stands in the file. */
export function encodeMetadata(key: string, value: GgufValue): Buffer {
  const array = value.t === 'strings' || value.t === 'f32s' || value.t === 'i32s';
  return Buffer.concat([text(key), u32(array ? 9 : typeNumber[value.t]), encodeValue(value)]);
}

/** Magic, version 3 and the two counts. */
export function encodeStart(tensors: number, entries: number): Buffer {
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors), u64(entries)]);
}

/** Name, dimensions, type and place of a tensor. */
export function encodeTensor(tensor: SyntheticTensor, offset: number): Buffer {
  return Buffer.concat([text(tensor.name), u32(tensor.dims.length), ...tensor.dims.map(u64), u32(tensor.type.id), u64(offset)]);
}
