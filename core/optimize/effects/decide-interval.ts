import { describeSample } from '../../statistics/describe-sample.ts';
import { pairedEffect, spentUntil } from '../../statistics/paired-effect.ts';
import { tQuantile } from '../../statistics/student-t.ts';
import type { EffectVerdict } from '../../../contract/optimize.ts';

/** Pairs that count at least before anything is said, and at most. */
export const LEAST_PAIRS = 8;
export const MOST_PAIRS = 40;
/** A change of less than this does not matter to anybody: log of 1 %. */
const MATTERS_LOG = Math.log(1.01);
/** With fewer, that the means of the generations agree can be chance. */
const LEAST_TO_POOL = 4;
/**
 * Spread of the log ratios of pairs of processes that is allowed for where two or three generations are too few to
 * measure it: five times what processes that differ by 1 % give. A large effect can then be told all the same.
 */
const ASSUMED_SPREAD = 0.07;

export interface EffectInterval {
  /** Log of speed with ÷ speed without. */
  readonly mean: number;
  readonly half: number;
  readonly by: 'pairs' | 'generations';
  readonly autocorrelation: number | null;
  readonly effectivePairs: number;
}

/**
 * Interval of the effect from the log ratios of each generation (a fresh pair of processes) at confidence 1 − alpha.
 * Where memory happens to lie and which kernel a library picks make a process faster or slower for its whole life: pairs
 * of one generation share that. So generations count, not pairs, unless the spread between generations is no larger than
 * what the pairs explain by themselves. Null: fewer than two generations or three pairs.
 */
export function decideInterval(generations: readonly (readonly number[])[], alpha: number): EffectInterval | null {
  const used = generations.filter((one) => one.length > 0);
  const all = used.flat();
  const pooled = pairedEffect(all, alpha);
  if (pooled === null || used.length < 2) return null;
  const means = describeSample(used.map((one) => describeSample(one).mean));
  const error = means.deviation / Math.sqrt(means.n);
  const pooledHalf = Math.log(pooled.high / pooled.low) / 2;
  const pooledQuantile = tQuantile(1 - alpha / 2, Math.max(1, pooled.effectivePairs - 1));
  const pooledError = pooledHalf / pooledQuantile;
  if (used.length >= LEAST_TO_POOL && error <= pooledError) return { mean: Math.log(pooled.ratio), half: pooledHalf, by: 'pairs', autocorrelation: pooled.autocorrelation, effectivePairs: pooled.effectivePairs };
  // Means that agree by chance must not promise more than all pairs together.
  const own = Math.max(pooledHalf, error * tQuantile(1 - alpha / 2, means.n - 1));
  const assumed = ASSUMED_SPREAD / Math.sqrt(means.n);
  const isAssumed = used.length < LEAST_TO_POOL && error <= assumed;
  const half = isAssumed ? Math.min(own, Math.hypot(pooledError, assumed) * pooledQuantile) : own;
  return { mean: means.mean, half, by: 'generations', autocorrelation: pooled.autocorrelation, effectivePairs: means.n };
}

export interface Look {
  /** Null: go on. */
  readonly verdict: Exclude<EffectVerdict, 'could_not_run'> | null;
  readonly interval: EffectInterval | null;
  /** Of the 5 % false alarms of the whole measurement, after this look. */
  readonly spent: number;
}

/**
 * One look at a measurement under way. `spent`: false alarms that earlier looks have used up. `isOver`: there will be no
 * other, so what is left may be spent. It ends early when the effect is clear and known to a
 * tenth (or 1 %), or when the interval lies within ±1 %.
 */
export function decideLook(generations: readonly (readonly number[])[], spent: number, isOver: boolean): Look {
  const pairs = generations.reduce((sum, one) => sum + one.length, 0);
  const final = isOver || pairs >= MOST_PAIRS;
  if (pairs < LEAST_PAIRS && !final) return { verdict: null, interval: null, spent };
  const until = final ? spentUntil(1) : spentUntil(pairs / MOST_PAIRS);
  const interval = until - spent > 0 ? decideInterval(generations, until - spent) : null;
  const whole = final ? 'cannot_resolve' : null;
  if (interval === null || pairs < LEAST_PAIRS) return { verdict: whole, interval, spent: until };
  const { mean, half } = interval;
  if (Math.abs(mean) + half <= MATTERS_LOG) return { verdict: 'no_effect', interval, spent: until };
  const isClear = Math.abs(mean) > half;
  const isPrecise = half <= Math.max(MATTERS_LOG, Math.abs(mean) / 10);
  if (isClear && (isPrecise || final)) return { verdict: mean > 0 ? 'helps' : 'hurts', interval, spent: until };
  return { verdict: whole, interval, spent: until };
}
