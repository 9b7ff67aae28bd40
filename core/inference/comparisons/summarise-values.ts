/** Geometric means with 95 % intervals: speeds are multiplied by what disturbs them, so their logarithms are what scatters evenly. */
import { describeSample } from '../../statistics/describe-sample.ts';
import { tQuantile } from '../../statistics/student-t.ts';

export interface Interval {
  /** Geometric mean; null: there is no value. */
  readonly mean: number | null;
  /** Of the 95 % interval; null where it cannot be known: fewer than two values. */
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
}

const CONFIDENCE = 0.95;

/** Of positive values; others are left out. */
export function summariseValues(values: readonly number[]): Interval {
  const { n, mean, deviation } = describeSample(values.filter((one) => Number.isFinite(one) && one > 0).map(Math.log));
  if (n === 0) return { mean: null, low: null, high: null, n };
  if (n === 1) return { mean: Math.exp(mean), low: null, high: null, n };
  const half = (tQuantile((1 + CONFIDENCE) / 2, n - 1) * deviation) / Math.sqrt(n);
  return { mean: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half), n };
}

/** Of second ÷ first, pair by pair: what both of a pair shared, such as the prompt or a warm card, falls out. */
export const summariseRatios = (pairs: readonly (readonly [first: number, second: number])[]): Interval =>
  summariseValues(pairs.filter(([first, second]) => first > 0 && second > 0).map(([first, second]) => second / first));
