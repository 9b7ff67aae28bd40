import { medianInterval } from '../../statistics/median-interval.ts';

/** Half of the 95 % interval of the median, as a share of it, at which a figure is good enough. */
export const WANTED_HALF_WIDTH = 0.005;
export const LEAST_SAMPLES = 10;
/** More are never taken: a case of tiny samples would fill the memory. */
export const MOST_SAMPLES = 5000;
/** Power and clocks are read ten times a second, and what slows a GPU down takes longer to show. */
const LEAST_SECONDS = 2;
/** Where so many do not come within the budget, it may be exceeded so many times over. */
const BUDGET_TIMES = 3;

export interface Progress {
  /** Of the samples that count. */
  readonly values: readonly number[];
  readonly taken: number;
  readonly seconds: number;
  readonly budgetSeconds: number;
}

/** Half of the median's interval as a share of it; null: too few samples. */
export function halfWidthOf(values: readonly number[]): number | null {
  const { median, low, high } = medianInterval(values);
  return low === null || high === null || !(median > 0) ? null : Math.max(high - median, median - low) / median;
}

/** Whether a case has been measured for long enough. */
export function decideEnough({ values, taken, seconds, budgetSeconds }: Progress): boolean {
  if (taken >= MOST_SAMPLES || seconds >= budgetSeconds * BUDGET_TIMES) return true;
  if (values.length < LEAST_SAMPLES) return false;
  if (seconds >= budgetSeconds) return true;
  if (seconds < Math.min(LEAST_SECONDS, budgetSeconds)) return false;
  const half = halfWidthOf(values);
  return half !== null && half <= WANTED_HALF_WIDTH;
}
