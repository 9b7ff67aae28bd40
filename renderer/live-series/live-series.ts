import { metrics, metricValue, type Metric, type MetricKey } from '../../contract/metrics.ts';
import type { DeviceSample, DeviceState, FastReading, GpuFrame, GpuStreamItem, MediumReading, SlowReading } from '../../contract/gpu.ts';
import type { HistorySeries } from '../../contract/history.ts';
import { decimateInto } from './decimate.ts';
import { createMetricSeries, type MetricSeries } from './metric-series.ts';
import { createPointBuffer, type PointBuffer } from './point-buffer.ts';

/** The newest reading of every tier of a device, with the times of the frames that brought them. One object a device, changed in place. */
export interface LatestOfDevice {
  state: DeviceState;
  /** Time of the newest frame that spoke of the device. */
  atMs: number;
  /** When it last answered; null: not since the page is open. */
  okAtMs: number | null;
  fast: FastReading | null;
  medium: MediumReading | null;
  mediumAtMs: number;
  slow: SlowReading | null;
}

/** All readings that the page has, outside React, in typed arrays that do not grow. */
export interface LiveSeries {
  /** Takes a stream item. False when it was dropped: older than what is there already. */
  ingest(item: GpuStreamItem): boolean;
  /** Adds what the history has; live readings win where both know an instant. */
  backfill(series: readonly HistorySeries[]): void;
  /**
   * The line of one metric in a piece of a view that is `spanMs` long: at most two points for each pixel column of
   * `msPerPx`, one point beyond each edge where there is one, NaN where the line breaks. The buffer is used again
   * by the next call.
   */
  window(uuid: string, metric: MetricKey, fromMs: number, toMs: number, msPerPx: number, spanMs?: number): PointBuffer;
  /** The same points before decimation, e.g. for an export. The buffer is used again by the next call. */
  points(uuid: string, metric: MetricKey, fromMs: number, toMs: number, spanMs?: number): PointBuffer;
  /** The reading that stood at a time in a window of `spanMs`; NaN: not reported then; undefined: nothing known. */
  valueAt(uuid: string, metric: MetricKey, atMs: number, spanMs: number): number | undefined;
  latest(uuid: string): LatestOfDevice | null;
  /** Time of the newest frame; null before the first. */
  newestMs(): number | null;
  /** Goes up when something other than a frame changed the lines: a backfill, a clock set back. */
  revision(): number;
}

/** A longer silence than the slowest rate (0.1 Hz) explains is a gap even if nobody marked it. */
const SILENCE_MS = 25_000;
/** A frame that is newer by its number but older than this by its time: the machine's clock was set back. */
const CLOCK_SET_BACK_MS = 2000;

interface DeviceSeries {
  readonly byMetric: ReadonlyMap<MetricKey, MetricSeries>;
  readonly latest: LatestOfDevice;
}

export function createLiveSeries(): LiveSeries {
  const devices = new Map<string, DeviceSeries>();
  const points = createPointBuffer(8192);
  const columns = createPointBuffer(4096);
  let newestMs: number | null = null;
  let lastSeq = -1;
  let revision = 0;

  const deviceOf = (uuid: string): DeviceSeries => {
    const known = devices.get(uuid);
    if (known) return known;
    const made: DeviceSeries = {
      byMetric: new Map(metrics.map((m) => [m.key, createMetricSeries(m)])),
      latest: { state: 'ok', atMs: 0, okAtMs: null, fast: null, medium: null, mediumAtMs: 0, slow: null },
    };
    devices.set(uuid, made);
    return made;
  };
  const breakAll = (atMs: number): void => {
    for (const d of devices.values()) for (const s of d.byMetric.values()) s.breakAt(atMs);
  };
  const takeSample = (frame: GpuFrame, sample: DeviceSample): void => {
    const { byMetric, latest } = deviceOf(sample.uuid);
    const answers = sample.state === 'ok';
    latest.state = sample.state;
    latest.atMs = frame.atMs;
    if (answers) {
      latest.okAtMs = frame.atMs;
      latest.fast = sample.fast;
      if (sample.medium) {
        latest.medium = sample.medium;
        latest.mediumAtMs = frame.atMs;
      }
      if (sample.slow) latest.slow = sample.slow;
    }
    for (const metric of metrics) {
      const series = byMetric.get(metric.key);
      if (!series) continue;
      if (!answers) series.breakAt(frame.atMs);
      else addReading(series, frame.atMs, sample, metric);
    }
  };

  return {
    ingest(item) {
      if (item.type === 'gap') {
        breakAll(Math.max(item.atMs, newestMs ?? item.atMs));
        return true;
      }
      const { frame } = item;
      if (newestMs !== null && frame.atMs <= newestMs) {
        if (frame.seq <= lastSeq || newestMs - frame.atMs < CLOCK_SET_BACK_MS) return false;
        for (const d of devices.values()) for (const s of d.byMetric.values()) s.forgetAfter(frame.atMs - 1);
        breakAll(frame.atMs - 1);
        revision += 1;
      } else if (newestMs !== null && frame.atMs - newestMs > SILENCE_MS) breakAll(newestMs + 1);
      newestMs = frame.atMs;
      lastSeq = frame.seq;
      for (const sample of frame.samples) takeSample(frame, sample);
      return true;
    },
    backfill(series) {
      for (const s of series) {
        const { byMetric } = deviceOf(s.uuid);
        const silent = shortSilences(s);
        for (const metric of metrics) {
          const column = s.series[metric.key];
          if (column) byMetric.get(metric.key)?.backfill(s.stepMs, historyPoints(s, column, metric, silent));
        }
      }
      revision += 1;
    },
    window(uuid, metric, fromMs, toMs, msPerPx, spanMs = toMs - fromMs) {
      columns.count = 0;
      const series = devices.get(uuid)?.byMetric.get(metric);
      if (!series) return columns;
      series.collect(fromMs, toMs, spanMs, points);
      decimateInto(columns, points, msPerPx);
      return columns;
    },
    points(uuid, metric, fromMs, toMs, spanMs = toMs - fromMs) {
      points.count = 0;
      devices.get(uuid)?.byMetric.get(metric)?.collect(fromMs, toMs, spanMs, points);
      return points;
    },
    valueAt: (uuid, metric, atMs, spanMs) => devices.get(uuid)?.byMetric.get(metric)?.valueAt(atMs, spanMs),
    latest: (uuid) => devices.get(uuid)?.latest ?? null,
    newestMs: () => newestMs,
    revision: () => revision,
  };
}

function addReading(series: MetricSeries, atMs: number, sample: DeviceSample, metric: Metric): void {
  const value = metricValue(sample, metric);
  if (value !== undefined) series.add(atMs, value ?? Number.NaN);
}

/** A hole this long in a slower tier is one; a shorter one only says that the tier was not due in those rows. */
const TIER_PERIOD_MS: Record<Metric['tier'], number> = { fast: 0, medium: 3500, slow: 35_000 };

/** A silence up to this long is a slower rate (nobody watched), not a gap, ms: the engine goes on at 1 Hz. */
const SHORT_SILENCE_MS = 3000;

/** Rows of a raw answer that mark a silence which the engine's slower rate explains: its gaps are counted in steps of the faster one. */
function shortSilences(series: HistorySeries): ReadonlySet<number> {
  const columns = Object.values(series.series);
  const rows = new Set<number>();
  if (series.stepMs >= 1000) return rows;
  series.times.forEach((_, i) => {
    const before = series.times[i - 1];
    const after = series.times[i + 1];
    if (before !== undefined && after !== undefined && after - before <= SHORT_SILENCE_MS && columns.every((c) => (c[i] ?? null) === null)) rows.add(i);
  });
  return rows;
}

/** A column of the history as points. Rows in which a slower tier was not due are left out. */
function historyPoints(series: HistorySeries, column: readonly (number | null)[], metric: Metric, silent: ReadonlySet<number>): { times: number[]; values: number[] } {
  const times: number[] = [];
  const values: number[] = [];
  const period = TIER_PERIOD_MS[metric.tier];
  let lastValueMs = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < series.times.length; i++) {
    if (silent.has(i)) continue;
    const time = series.times[i] ?? Number.NaN;
    const value = column[i] ?? null;
    if (value !== null) {
      times.push(time);
      values.push(value);
      lastValueMs = time;
    } else if (time - lastValueMs > period && values.length > 0 && !Number.isNaN(values.at(-1))) {
      times.push(time);
      values.push(Number.NaN);
    }
  }
  return { times, values };
}
