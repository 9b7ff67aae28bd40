import type { EffectPair } from '../../../contract/optimize.ts';

const COLUMNS = 4;
/** A card holds at most so many; what is longer was not written by us. */
const MOST = 10_000;

export interface PackedPairs {
  /** Reasons why pairs were set aside; number k + 1 in the last column. */
  readonly whys: readonly string[];
  /** a, b, time and reason (0: it counts) of each pair, one after the other. */
  readonly bytes: Uint8Array;
}

export function packPairs(pairs: readonly EffectPair[]): PackedPairs {
  const whys = [...new Set(pairs.flatMap((one) => (one.kept ? [] : [one.why ?? ''])))];
  const values = new Float64Array(pairs.length * COLUMNS);
  pairs.forEach((one, i) => values.set([one.a, one.b, one.atMs, one.kept ? 0 : whys.indexOf(one.why ?? '') + 1], i * COLUMNS));
  return { whys, bytes: new Uint8Array(values.buffer) };
}

export function unpackPairs({ whys, bytes }: PackedPairs): EffectPair[] {
  const count = Math.min(MOST, Math.floor(bytes.byteLength / (COLUMNS * 8)));
  const values = new Float64Array(bytes.slice(0, count * COLUMNS * 8).buffer);
  return Array.from({ length: count }, (_, i) => {
    const [a = 0, b = 0, atMs = 0, why = 0] = values.subarray(i * COLUMNS, (i + 1) * COLUMNS);
    return { a, b, atMs, kept: why === 0, why: why === 0 ? null : (whys[why - 1] ?? null) };
  });
}
