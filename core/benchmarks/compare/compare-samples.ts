import type { ComparedWord } from '../../../contract/benchmarks.ts';
import { describeSample, type Sample } from '../../statistics/describe-sample.ts';
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
 * resemble their neighbours count for less. Null: too few samples.
 */
export function compareSamples(a: readonly number[], b: readonly number[], higherIsBetter: boolean, rows: number): SampleComparison | null {
  const first = describeLogs(a);
  const second = describeLogs(b);
  if (first === null || second === null) return null;
  const errorA = first.deviation ** 2 / first.effectiveCount;
  const errorB = second.deviation ** 2 / second.effectiveCount;
  const squared = errorA + errorB;
  const freedom = squared === 0 ? Infinity : squared ** 2 / (errorA ** 2 / (first.effectiveCount - 1) + errorB ** 2 / (second.effectiveCount - 1));
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

function describeLogs(values: readonly number[]): Sample | null {
  const logs = values.flatMap((one) => (one > 0 && Number.isFinite(one) ? [Math.log(one)] : []));
  return logs.length < LEAST ? null : describeSample(logs);
}
