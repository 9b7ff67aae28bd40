import { problemError } from '../../../contract/problem-catalogue.ts';
import { LLAMA_RELEASE } from './known-architectures.ts';
import { tensorTypes, type TensorType } from './tensor-types.ts';

/**
 * A bounded reader of our own for the head of a GGUF file. @huggingface/gguf (with which the tests compare it) fills up
 * what lies behind the end of a file with zeros and reads on, so a file that is cut in its metadata passes, a beginning
 * of a file cannot say how much more it needs, doubled keys replace each other unseen, and every token of a vocabulary
 * becomes an object. Here nothing is kept of long lists, nothing is read twice, and each refusal has its reason.
 *
 * The checks are those of gguf.cpp of llama.cpp v0.5.0 and the limits below.
 */
export interface HeaderArray {
  readonly type: number;
  readonly length: number;
  /** null: too long to keep (a vocabulary), or an array of arrays. */
  readonly values: readonly (string | number | boolean)[] | null;
}
export type HeaderValue = string | number | boolean | HeaderArray;

export interface HeaderTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly dimensions: readonly number[];
  readonly elements: number;
  readonly bytes: number;
  /** Where it begins, from the start of the tensors' data. */
  readonly offset: number;
}

export interface GgufHeader {
  readonly version: number;
  readonly values: ReadonlyMap<string, HeaderValue>;
  readonly tensors: readonly HeaderTensor[];
  /** Where the tensors' data begin. */
  readonly dataStart: number;
  /** Where the last tensor ends. */
  readonly endsAtByte: number;
}

/** The largest head of a model on the Hub is about 25 MB (a vocabulary of 262,144 with its merges). */
export const MAX_HEADER_BYTES = 64 * 1_048_576;
/** The smallest thing that could be a model: fixed part, one key, one tensor. */
export const MIN_FILE_BYTES = 96;
const MAX_KEYS = 65_536;
const MAX_TENSORS = 1_000_000;
/** The largest vocabulary there is has 262,144 tokens; merges twice as many. */
const MAX_ARRAY = 4_000_000;
const MAX_KEPT = 4096;
const MAX_TEXT = 16 * 1_048_576;
const MAX_KEY = 65_535;
/** GGML_MAX_NAME with its closing zero. */
const MAX_NAME = 63;
const MAX_DIMENSIONS = 4;
const MAX_ALIGNMENT = 1_048_576;
/** 16 TiB: ten times the largest model there is. */
const MAX_DATA_BYTES = 2 ** 44;
/** Fixed sizes by value type; 8 is text, 9 an array. */
const VALUE_BYTES: ReadonlyMap<number, number> = new Map([[0, 1], [1, 1], [2, 2], [3, 2], [4, 4], [5, 4], [6, 4], [7, 1], [10, 8], [11, 8], [12, 8]]);
const TEXT = 8;
const ARRAY = 9;

/** The head goes on behind the bytes that were given; `bytes` is the least that is needed to go on. */
export class MoreNeeded extends Error {
  readonly bytes: number;
  constructor(bytes: number) {
    super(`${bytes} bytes are needed`);
    this.bytes = bytes;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: false });

/**
 * Reads the head of a GGUF file out of its first bytes.
 *
 * @param path names the file in Problems
 * @throws ProblemError `model.damaged`, `model.unsupported`
 * @throws MoreNeeded when `bytes` end before the head does
 */
export function parseGguf(bytes: Uint8Array, path: string): GgufHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const damaged = (detail: string): Error => problemError('model.damaged', { path, detail });
  const unsupported = (what: string): Error => problemError('model.unsupported', { what, release: LLAMA_RELEASE, path });
  const need = (count: number): void => {
    const end = at + count;
    if (end > MAX_HEADER_BYTES) throw damaged(`its head would be longer than ${MAX_HEADER_BYTES / 1_048_576} MiB.`);
    if (end > bytes.byteLength) throw new MoreNeeded(end);
  };
  const u32 = (): number => {
    need(4);
    at += 4;
    return view.getUint32(at - 4, true);
  };
  /** Anything beyond 2^53 is a lie, whatever it counts. */
  const u64 = (what: string): number => {
    need(8);
    at += 8;
    const value = view.getBigUint64(at - 8, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`${what} is ${value}.`);
    return Number(value);
  };
  const text = (what: string, limit: number): string => {
    const length = u64(`the length of ${what}`);
    if (length > limit) throw damaged(`${what} is ${length} bytes long; at most ${limit} are read.`);
    need(length);
    at += length;
    return decoder.decode(bytes.subarray(at - length, at));
  };
  const scalar = (type: number): string | number | boolean => {
    if (type === TEXT) return text('a text', MAX_TEXT);
    const size = VALUE_BYTES.get(type);
    if (size === undefined) throw damaged(`a value has the unknown type ${type}.`);
    need(size);
    const from = at;
    at += size;
    switch (type) {
      case 0: return view.getUint8(from);
      case 1: return view.getInt8(from);
      case 2: return view.getUint16(from, true);
      case 3: return view.getInt16(from, true);
      case 4: return view.getUint32(from, true);
      case 5: return view.getInt32(from, true);
      case 6: return view.getFloat32(from, true);
      case 7: return view.getUint8(from) !== 0;
      case 10: return Number(view.getBigUint64(from, true));
      case 11: return Number(view.getBigInt64(from, true));
      default: return view.getFloat64(from, true);
    }
  };
  const array = (key: string): HeaderArray => {
    const type = u32();
    const length = u64(`the length of "${key}"`);
    if (type === ARRAY) throw damaged(`"${key}" is an array of arrays.`);
    if (length > MAX_ARRAY) throw damaged(`"${key}" has ${length} entries; at most ${MAX_ARRAY} are read.`);
    const size = VALUE_BYTES.get(type);
    if (size === undefined && type !== TEXT) throw damaged(`"${key}" has entries of the unknown type ${type}.`);
    // Whatever the entries hold, they take so much: a count that lies is seen before anything is read.
    need(length * (size ?? 8));
    if (length > MAX_KEPT) {
      if (size !== undefined) at += length * size;
      else for (let i = 0; i < length; i++) skipText(key);
      return { type, length, values: null };
    }
    const values: (string | number | boolean)[] = [];
    for (let i = 0; i < length; i++) values.push(scalar(type));
    return { type, length, values };
  };
  const skipText = (key: string): void => {
    const length = u64(`the length of an entry of "${key}"`);
    if (length > MAX_TEXT) throw damaged(`an entry of "${key}" is ${length} bytes long.`);
    need(length);
    at += length;
  };

  need(24);
  at = 4;
  const version = u32();
  if ((version & 0xffff) === 0) throw unsupported('A GGUF file for big-endian machines');
  if (version < 2 || version > 3) throw version > 1000 ? damaged(`its version would be ${version}.`) : unsupported(`Version ${version} of GGUF`);
  const tensorCount = u64('the number of tensors');
  const keyCount = u64('the number of keys');
  if (tensorCount > MAX_TENSORS) throw damaged(`it would have ${tensorCount} tensors.`);
  if (keyCount > MAX_KEYS) throw damaged(`it would have ${keyCount} keys.`);
  // The shortest key with its value takes 14 bytes, the shortest tensor 33.
  need(keyCount * 14 + tensorCount * 33);

  const values = new Map<string, HeaderValue>();
  for (let i = 0; i < keyCount; i++) {
    const key = text('a key', MAX_KEY);
    if (values.has(key)) throw damaged(`the key "${short(key)}" is there twice.`);
    const type = u32();
    values.set(key, type === ARRAY ? array(short(key)) : scalar(type));
  }

  const alignment = values.get('general.alignment') ?? 32;
  if (typeof alignment !== 'number' || alignment < 1 || alignment > MAX_ALIGNMENT || (alignment & (alignment - 1)) !== 0) throw damaged(`its alignment is ${typeof alignment === 'number' ? alignment : 'no number'}.`);
  const padded = (value: number): number => Math.ceil(value / alignment) * alignment;

  const tensors: HeaderTensor[] = [];
  const names = new Set<string>();
  let expected = 0;
  let end = 0;
  for (let i = 0; i < tensorCount; i++) {
    const name = text('the name of a tensor', MAX_NAME);
    if (names.has(name)) throw damaged(`the tensor "${name}" is there twice.`);
    names.add(name);
    const count = u32();
    if (count > MAX_DIMENSIONS) throw damaged(`the tensor "${name}" has ${count} dimensions.`);
    const dimensions: number[] = [];
    for (let d = 0; d < count; d++) dimensions.push(u64(`a dimension of "${name}"`));
    const elements = dimensions.reduce((product, dimension) => product * dimension, 1);
    if (!Number.isSafeInteger(elements)) throw damaged(`the tensor "${name}" would have ${elements} elements.`);
    const typeId = u32();
    const type = tensorTypes.get(typeId);
    if (type === undefined) throw typeId < 1000 ? unsupported(`The tensor type ${typeId} of "${name}"`) : damaged(`the tensor "${name}" has the type ${typeId}.`);
    if ((dimensions[0] ?? 1) % type.elements !== 0) throw damaged(`the rows of "${name}" are no whole blocks of ${type.name}.`);
    const size = (elements / type.elements) * type.bytes;
    const offset = u64(`the place of "${name}"`);
    // llama.cpp takes tensors only one right behind the other: whatever overlaps or leaves a hole is refused.
    if (offset !== expected) throw damaged(`the tensor "${name}" lies at ${offset} instead of ${expected}.`);
    end = offset + size;
    expected = padded(end);
    if (expected > MAX_DATA_BYTES) throw damaged('its tensors would be larger than any file.');
    tensors.push({ name, type, dimensions, elements, bytes: size, offset });
  }
  const dataStart = padded(at);
  return { version, values, tensors, dataStart, endsAtByte: tensors.length === 0 ? at : dataStart + end };
}

/** A name from a file, for a sentence. */
function short(name: string): string {
  const clean = name.replace(/[\p{C}]/gu, '?');
  return clean.length > 80 ? `${clean.slice(0, 80)}…` : clean;
}
