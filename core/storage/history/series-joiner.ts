import { joins, orBits } from './metric-columns.ts';

/** Columns of one device; NaN is null. `steps[i]` is the width of what point i came from, ms (0: a raw reading). */
export interface JoinedSeries {
  readonly times: number[];
  readonly steps: number[];
  readonly columns: number[][];
}

export interface SeriesJoiner {
  /**
   * One sample, in order of time. Metric k of the asked ones is `values[offset + indexes[k] * stride]`.
   * `widthMs`: the time it stands for, 0 for a raw reading.
   */
  add(atMs: number, widthMs: number, values: Float64Array, offset: number, stride: number, indexes: readonly number[]): void;
  finish(): JoinedSeries;
}

/**
 * Joins samples to steps (mean weighted by width, highest, or bits). `stepMs` 0: every sample stays as it is.
 * Silence longer than three steps becomes a null, unless `gaps` is false.
 */
export function createSeriesJoiner(metricNumbers: readonly number[], stepMs: number, { gaps = true }: { readonly gaps?: boolean } = {}): SeriesJoiner {
  const width = metricNumbers.length;
  const times: number[] = [];
  const steps: number[] = [];
  const columns: number[][] = metricNumbers.map(() => []);
  const sums = new Float64Array(width);
  const weights = new Float64Array(width);
  let bucket = NaN;
  let bucketWidth = 0;

  const emit = (): void => {
    if (Number.isNaN(bucket)) return;
    times.push(bucket);
    steps.push(bucketWidth);
    for (let k = 0; k < width; k++) {
      const weight = weights[k] ?? 0;
      const sum = sums[k] ?? 0;
      columns[k]?.push(weight === 0 ? NaN : joins[metricNumbers[k] as number] === 'mean' ? sum / weight : sum);
    }
    weights.fill(0);
    bucketWidth = 0;
  };

  return {
    add(atMs, widthMs, values, offset, stride, indexes) {
      const place = stepMs === 0 ? atMs : Math.floor(atMs / stepMs) * stepMs;
      if (place !== bucket) {
        emit();
        bucket = place;
      }
      bucketWidth = Math.max(bucketWidth, widthMs);
      const weight = widthMs === 0 ? 1 : widthMs;
      for (let k = 0; k < width; k++) {
        const value = values[offset + (indexes[k] as number) * stride] ?? NaN;
        if (Number.isNaN(value)) continue;
        const before = weights[k] === 0 ? null : (sums[k] ?? 0);
        const join = joins[metricNumbers[k] as number];
        if (join === 'mean') sums[k] = (before ?? 0) + value * weight;
        else sums[k] = before === null ? value : join === 'or' ? orBits(before, value) : Math.max(before, value);
        weights[k] = (weights[k] ?? 0) + weight;
      }
    },
    finish() {
      emit();
      bucket = NaN;
      return gaps ? insertGaps({ times, steps, columns }, stepMs) : { times, steps, columns };
    },
  };
}

/** Readings come at least every 5 s (the tray's rate); a longer silence is not a rate. */
const SLOWEST_STEP_MS = 5_500;
const FASTEST_STEP_MS = 100;

/** Where silence is longer than three steps: index of the point before which a null belongs. */
export function findGaps(times: readonly number[], steps: readonly number[], stepMs: number): number[] {
  const gaps: number[] = [];
  const between = (i: number): number => (i > 0 && i < times.length ? (times[i] ?? 0) - (times[i - 1] ?? 0) : 0);
  for (let i = 1; i < times.length; i++) {
    const usual = Math.min(SLOWEST_STEP_MS, Math.max(between(i - 1), between(i + 1)));
    const step = Math.max(FASTEST_STEP_MS, stepMs, steps[i - 1] ?? 0, steps[i] ?? 0, usual);
    if (between(i) > 3 * step) gaps.push(i);
  }
  return gaps;
}

function insertGaps(series: JoinedSeries, stepMs: number): JoinedSeries {
  const gaps = findGaps(series.times, series.steps, stepMs);
  if (gaps.length === 0) return series;
  const spread = (list: readonly number[], between: (before: number, i: number) => number): number[] => {
    const out: number[] = [];
    let next = 0;
    for (let i = 0; i < list.length; i++) {
      if (gaps[next] === i) {
        out.push(between(list[i - 1] ?? 0, i));
        next++;
      }
      out.push(list[i] ?? NaN);
    }
    return out;
  };
  return {
    times: spread(series.times, (before, i) => before + Math.max(stepMs, series.steps[i - 1] ?? 0, 1)),
    steps: spread(series.steps, (before) => before),
    columns: series.columns.map((column) => spread(column, () => NaN)),
  };
}
