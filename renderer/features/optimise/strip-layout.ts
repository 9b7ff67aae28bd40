import type { EffectCard, EffectPair } from '../../../contract/optimize.ts';

/** Dots of one arm that are drawn at most: more would be one blot. */
const MOST_DOTS = 400;

export interface StripArm {
  /** Median of the pairs that count; null: none does. */
  readonly median: number | null;
  readonly dots: readonly { readonly value: number; readonly kept: boolean; /** −1 to 1 across the lane, the same each time. */ readonly sway: number }[];
}

export interface StripLayout {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
  readonly a: StripArm;
  readonly b: StripArm;
  /** The effect's 95 % interval, laid on the median without the switch: where "on" lies by the paired measurement. */
  readonly interval: readonly [number, number] | null;
}

/** The middle one, or the mean of the two in the middle. Pure. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = values.toSorted((x, y) => x - y);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** So that a slow machine's figures keep three digits: 0.0312 TFLOPS are 31.2 GFLOPS. Pure. */
export function scaleUnit(unit: string, largest: number): { readonly unit: string; readonly factor: number } {
  const smaller = { TFLOPS: 'GFLOPS', 'TB/s': 'GB/s', TOPS: 'GOPS' }[unit];
  return smaller !== undefined && largest > 0 && largest < 1 ? { unit: smaller, factor: 1000 } : { unit, factor: 1 };
}

/** Four to eight round numbers over a range. Pure. */
export function decideTicks(low: number, high: number): readonly number[] {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? 10 * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && ticks.length < 20; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Where everything of a strip lies on its axis; null: there is no pair to draw. Pure. */
export function layOutStrip(pairs: readonly EffectPair[], card: Pick<EffectCard, 'low' | 'high' | 'workload'>): StripLayout | null {
  const drawn = pairs.filter((p) => Number.isFinite(p.a) && Number.isFinite(p.b)).slice(-MOST_DOTS);
  if (drawn.length === 0) return null;
  const arm = (which: 'a' | 'b'): StripArm => ({
    median: medianOf(pairs.filter((p) => p.kept && Number.isFinite(p[which])).map((p) => p[which])),
    dots: drawn.map((p, i) => ({ value: p[which], kept: p.kept, sway: swayOf(i * 2 + (which === 'a' ? 0 : 1)) })),
  });
  const a = arm('a');
  const b = arm('b');
  const interval = layInterval(a.median, card);
  const all = [...a.dots, ...b.dots].map((d) => d.value);
  let low = Math.min(...all);
  let high = Math.max(...all);
  if (interval !== null) {
    // An interval many times as wide as the dots would press them into one line: it then leaves the axis.
    const reach = Math.max(high - low, Math.abs(high) * 0.02);
    low = Math.min(low, Math.max(interval[0], low - reach));
    high = Math.max(high, Math.min(interval[1], high + reach));
  }
  const room = high > low ? (high - low) * 0.08 : Math.max(Math.abs(high) * 0.05, 1e-9);
  low = low >= 0 ? Math.max(0, low - room) : low - room;
  high += room;
  return { low, high, ticks: decideTicks(low, high), a, b, interval };
}

function layInterval(median: number | null, { low, high, workload }: Pick<EffectCard, 'low' | 'high' | 'workload'>): readonly [number, number] | null {
  if (median === null || low === null || high === null || low <= 0 || high <= 0) return null;
  // The ratio is speed with ÷ speed without: of a time it is the other way round.
  return workload.higherIsBetter ? [median * low, median * high] : [median / high, median / low];
}

/** Spread that looks like chance and is the same each time (the golden ratio's multiples). */
const swayOf = (i: number): number => (((i + 1) * 0.618_033_988_75) % 1) * 2 - 1;
