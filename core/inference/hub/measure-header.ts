/** How long the header of a GGUF file is, as far as its first bytes tell. */
export type HeaderLength =
  | { readonly state: 'whole'; readonly bytes: number }
  /** More bytes are needed; `atLeast`: so many in all, as far as is known now. */
  | { readonly state: 'more'; readonly atLeast: number }
  | { readonly state: 'not_gguf' }
  | { readonly state: 'damaged'; readonly detail: string };

/** Bytes of a value by its type number (GGUF specification); 8 is a string, 9 an array. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const STRING = 8;
const ARRAY = 9;
/** Above what any real file has (256 k tokens, a few thousand tensors), below what could hold us up. */
const MAX_KEYS = 100_000;
const MAX_TENSORS = 1_000_000;
const MAX_ITEMS = 100_000_000;
const MAX_STRING = 64 * 1024 * 1024;
const MAX_DIMENSIONS = 8;

/**
 * Walks over keys and tensor names without reading what they say: where the header ends is all that is wanted, so that
 * exactly it can be fetched. What it says is judged by the model probe. Pure.
 */
export function measureHeader(bytes: Buffer): HeaderLength {
  let at = 0;
  const short = Symbol('short');
  const need = (count: number): void => {
    if (at + count > bytes.length) throw Object.assign(new Error('short'), { short, atLeast: at + count });
  };
  const u32 = (): number => { need(4); at += 4; return bytes.readUInt32LE(at - 4); };
  const count = (what: string, most: number): number => {
    need(8);
    at += 8;
    const value = Number(bytes.readBigUInt64LE(at - 8));
    if (value > most) throw new RangeError(`${value} ${what}`);
    return value;
  };
  const skip = (length: number): void => { need(length); at += length; };
  const skipString = (): void => { skip(count('bytes of text', MAX_STRING)); };
  const skipValue = (type: number, depth: number): void => {
    const size = SIZES[type];
    if (size !== undefined) skip(size);
    else if (type === STRING) skipString();
    else if (type === ARRAY && depth < 4) {
      const inner = u32();
      const items = count('items in a list', MAX_ITEMS);
      const width = SIZES[inner];
      if (width !== undefined) skip(items * width);
      else for (let i = 0; i < items; i += 1) skipValue(inner, depth + 1);
    } else throw new RangeError(`a value of type ${type}`);
  };
  try {
    need(4);
    if (bytes.toString('latin1', 0, 4) !== 'GGUF') return { state: 'not_gguf' };
    at = 4;
    const version = u32();
    if (version < 2 || version > 3) throw new RangeError(`version ${version}`);
    const tensors = count('tensors', MAX_TENSORS);
    const keys = count('keys', MAX_KEYS);
    for (let i = 0; i < keys; i += 1) {
      skipString();
      skipValue(u32(), 0);
    }
    for (let i = 0; i < tensors; i += 1) {
      skipString();
      const dimensions = u32();
      if (dimensions > MAX_DIMENSIONS) throw new RangeError(`a tensor of ${dimensions} dimensions`);
      // Dimensions, type, offset.
      skip(dimensions * 8 + 12);
    }
    return { state: 'whole', bytes: at };
  } catch (error) {
    if (error instanceof Error && 'short' in error && 'atLeast' in error) return { state: 'more', atLeast: Number(error.atLeast) };
    return { state: 'damaged', detail: error instanceof Error ? `It tells of ${error.message}.` : String(error) };
  }
}
