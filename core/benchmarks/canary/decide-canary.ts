import type { ComparedRow } from '../../../contract/benchmarks.ts';
import { describeSample } from '../../statistics/describe-sample.ts';
import { medianOf } from '../../statistics/median-interval.ts';
import { tQuantile } from '../../statistics/student-t.ts';

/** False alarms of one whole canary. Shared among its cases. */
const ALPHA = 0.02;
/** A change under this is nobody's concern, however certain. */
export const LEAST_SLOWDOWN = 0.03;
/** With fewer runs the spread between runs is not known. */
export const LEAST_HISTORY = 5;
export const MOST_HISTORY = 10;

export interface CanaryCase {
  readonly caseId: string;
  readonly title: string;
  readonly unit: string;
  readonly higherIsBetter: boolean;
  /** Medians of earlier runs, newest first; those that alarmed are left out. */
  readonly history: readonly number[];
  readonly now: number | null;
}

export interface CanaryRow extends ComparedRow {
  /** Slower beyond both thresholds. */
  readonly alarm: boolean;
  /** The smallest slowdown that would be noticed here, as a share; null: it learns still. */
  readonly resolves: number | null;
}

/**
 * One case against its own history. A canary varies from run to run by more than its samples do, so the spread is
 * learned from the medians of earlier runs: a new run is unusual when it lies outside Student's prediction interval of
 * the mean log of the last ten, mean ± t(1 − α ÷ cases, k − 1) · s · √(1 + 1/k). It alarms when it is also 3 % slower
 * than their median.
 */
export function decideCanaryRow({ caseId, title, unit, higherIsBetter, history, now }: CanaryCase, cases: number): CanaryRow {
  const known = history.filter((one) => one > 0 && Number.isFinite(one)).slice(0, MOST_HISTORY);
  const before = known.length === 0 ? null : medianOf(known);
  const row = { caseId, title, unit, a: before, b: now, ratio: null, low: null, high: null, alarm: false, resolves: null };
  if (before === null || now === null || !(now > 0) || known.length < LEAST_HISTORY) return { ...row, word: 'not_comparable' };
  const sign = higherIsBetter ? 1 : -1;
  const { n: k, mean, deviation: spread } = describeSample(known.map((one) => Math.log(one) * sign));
  const half = tQuantile(1 - ALPHA / Math.max(1, cases), k - 1) * spread * Math.sqrt(1 + 1 / k);
  const difference = Math.log(now) * sign - mean;
  const ratio = Math.exp(Math.log(now) * sign - Math.log(before) * sign);
  const alarm = ratio < 1 - LEAST_SLOWDOWN && difference < -half;
  const [low, high] = [Math.exp(difference - half), Math.exp(difference + half)];
  const word = alarm ? 'slower' : difference > half && ratio > 1 + LEAST_SLOWDOWN ? 'faster' : half < LEAST_SLOWDOWN * 2 ? 'no_difference' : 'cannot_tell';
  return { ...row, ratio, low, high, word, alarm, resolves: Math.max(LEAST_SLOWDOWN, 1 - Math.exp(-half)) };
}

/** The alarm stands only where a second measurement, in a new process, says the same: what passes by is not the machine. One that could not be measured says nothing. */
export function confirmRows(first: readonly CanaryRow[], second: readonly CanaryRow[]): CanaryRow[] {
  return first.map((row) => {
    const again = second.find((one) => one.caseId === row.caseId);
    if (!row.alarm || again === undefined || again.b === null || again.alarm) return row;
    return again;
  });
}
