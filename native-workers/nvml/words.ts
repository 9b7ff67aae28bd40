/**
 * Reading what a driver wrote into preallocated memory. All supported systems are little-endian.
 * "Not available" is all ones in NVML: 2³²−1 and 2⁶⁴−1 become null here, never a huge number.
 */
const ALL_ONES = 0xffff_ffff;

export function readU32(words: Uint32Array, at: number): number | null {
  const value = words[at] ?? ALL_ONES;
  return value === ALL_ONES ? null : value;
}

export function readI32(words: Uint32Array, at: number): number {
  return (words[at] ?? 0) | 0;
}

/** Exact up to 2⁵³; what is above is no count of anything here and becomes null. */
export function readU64(words: Uint32Array, at: number): number | null {
  const low = words[at] ?? ALL_ONES;
  const high = words[at + 1] ?? ALL_ONES;
  const value = high * 4_294_967_296 + low;
  return value > Number.MAX_SAFE_INTEGER ? null : value;
}

export function readHandle(words: Uint32Array): bigint {
  return (BigInt(words[1] ?? 0) << 32n) | BigInt(words[0] ?? 0);
}

/** A zero-terminated text. */
export function readText(bytes: Uint8Array, from = 0): string {
  const end = bytes.indexOf(0, from);
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, (end < 0 ? bytes.length : end) - from).toString('utf8');
}

/** Version word at the head of NVML's structures: size and version number. */
export function structVersion(sizeBytes: number, version: number): number {
  return (sizeBytes | (version << 24)) >>> 0;
}
