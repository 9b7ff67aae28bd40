import type { ComparedWord } from '../../../contract/benchmarks.ts';
import { tQuantile } from '../../statistics/student-t.ts';

export interface SampleComparison {
  /** b ÷ a in the sense of better; over 1 is better. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly word: Exclude<ComparedWord, 'not_comparable'>;
}

/** A change that would matter: within it, known for certain, two runs are alike. */
export const ALIKE = 0.01;
const ALPHA = 0.05;
const LEAST = 3;

/**
 * Welch's interval on the difference of the mean logarithms, for `rows` comparisons at once (Bonferroni). Samples that
 * resemble their neighbours count for less (see `effectiveCount`). Null: too few samples.
 */
export function compareSamples(a: readonly number[], b: readonly number[], higherIsBetter: boolean, rows: number): SampleComparison | null {
  const first = describe(a);
  const second = describe(b);
  if (first === null || second === null) return null;
  const errorA = first.variance / first.count;
  const errorB = second.variance / second.count;
  const squared = errorA + errorB;
  const freedom = squared === 0 ? Infinity : squared ** 2 / (errorA ** 2 / (first.count - 1) + errorB ** 2 / (second.count - 1));
  const half = squared === 0 ? 0 : tQuantile(1 - ALPHA / (2 * Math.max(1, rows)), Math.max(1, freedom)) * Math.sqrt(squared);
  const difference = (second.mean - first.mean) * (higherIsBetter ? 1 : -1);
  const low = Math.exp(difference - half);
  const high = Math.exp(difference + half);
  return { ratio: Math.exp(difference), low, high, word: decideWord(low, high) };
}

/** Alike comes first: a difference of 0.3 % that is certain is still none that matters. */
export function decideWord(low: number, high: number): SampleComparison['word'] {
  if (low >= 1 - ALIKE && high <= 1 + ALIKE) return 'no_difference';
  if (low > 1) return 'faster';
  return high < 1 ? 'slower' : 'cannot_tell';
}

interface Described {
  readonly mean: number;
  readonly variance: number;
  readonly count: number;
}

function describe(values: readonly number[]): Described | null {
  const logs = values.flatMap((one) => (one > 0 && Number.isFinite(one) ? [Math.log(one)] : []));
  if (logs.length < LEAST) return null;
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
  const variance = logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (logs.length - 1);
  return { mean, variance, count: effectiveCount(logs, mean, variance) };
}

/** n (1 − r) ÷ (1 + r), r the autocorrelation at distance 1 corrected for its bias of −1/n, as in statistics/paired-effect.ts. */
function effectiveCount(logs: readonly number[], mean: number, variance: number): number {
  const n = logs.length;
  if (n < 4 || variance === 0) return n;
  const r = logs.reduce((sum, one, at) => sum + (one - mean) * ((logs[at + 1] ?? mean) - mean), 0) / (variance * (n - 1));
  const corrected = Math.min(0.9, Math.max(0, r + 1 / n));
  return Math.max(LEAST, n * ((1 - corrected) / (1 + corrected)));
}
