import { metricKeys, metrics, type MetricKey } from '../../../contract/metrics.ts';
import type { DeviceSample } from '../../../contract/gpu.ts';

/** Values of all metrics stand in arrays in the order of contract/metrics.ts; NaN is *not reported*. */
export const METRIC_COUNT = metrics.length;

export type Tier = 'fast' | 'medium' | 'slow';
export const tiers: readonly Tier[] = ['fast', 'medium', 'slow'];

/** Metric numbers of each tier. */
export const tierMetrics: Readonly<Record<Tier, readonly number[]>> = {
  fast: indexesOf('fast'), medium: indexesOf('medium'), slow: indexesOf('slow'),
};
/** Names of the same, for reading them from a sample without a search. */
export const tierKeys: Readonly<Record<Tier, readonly MetricKey[]>> = {
  fast: keysOf('fast'), medium: keysOf('medium'), slow: keysOf('slow'),
};

/** A reading of a slower tier stands for the ticks until the next one, but not longer than this (about three of its steps), ms. */
export const holdMs: Readonly<Record<Tier, number>> = { fast: 0, medium: 3000, slow: 15_000 };

/** How readings become one of a coarser tier, by metric number. */
export const joins = metrics.map((m) => m.join);

/** Kept as 64-bit floats when 32 bits would round them: a counter's differences and bits must be exact. */
export const exactMetrics: ReadonlySet<number> = new Set((['memUsedBytes', 'energyJoules', 'eventReasons'] as const).map((key) => metricKeys.indexOf(key)));

export function metricIndex(key: MetricKey): number {
  return metricKeys.indexOf(key);
}

/** Numbers of the asked metrics; all of them when none are named. */
export function metricIndexes(keys: readonly MetricKey[] | undefined): number[] {
  return keys === undefined ? metrics.map((_, i) => i) : [...new Set(keys)].map(metricIndex);
}

function indexesOf(tier: Tier): number[] {
  return metrics.flatMap((m, i) => (m.tier === tier ? [i] : []));
}
function keysOf(tier: Tier): MetricKey[] {
  return metrics.filter((m) => m.tier === tier).map((m) => m.key);
}

/** One tier of a sample: undefined when it was not due, null when the device does not answer. */
export function tierOf(sample: DeviceSample, tier: Tier): Readonly<Record<string, unknown>> | null | undefined {
  return sample[tier];
}

/** Bits of both. Masks may be wider than the 32 bits that `|` knows; up to 2^53 they are exact. */
export function orBits(a: number, b: number): number {
  const limit = 0x8000_0000;
  if (a < limit && b < limit) return a | b;
  const half = 0x1_0000_0000;
  const high = Math.floor(a / half) | Math.floor(b / half);
  const low = ((a % half) | 0) | ((b % half) | 0);
  return high * half + (low >>> 0);
}
