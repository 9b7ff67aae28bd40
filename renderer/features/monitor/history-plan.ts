import type { MetricKey } from '../../../contract/metrics.ts';
import { RAW_SPAN_MS, SECONDS_SPAN_MS } from '../../live-series/metric-series.ts';
import type { View } from './view.ts';

interface HistoryRequest {
  readonly fromMs: number;
  readonly toMs: number;
  readonly metrics: readonly MetricKey[];
  readonly maxPoints: number;
}

interface HistoryPlan {
  readonly requests: readonly HistoryRequest[];
  /** When the same view should be asked for again, ms from now; null: never, the rings go on by themselves. */
  readonly againInMs: number | null;
}

const fastMetrics: readonly MetricKey[] = ['utilGpuPercent', 'utilMemPercent', 'powerWatts', 'clockSmMhz', 'eventReasons'];
const slowerMetrics: readonly MetricKey[] = [
  'memUsedBytes', 'tempCelsius', 'tempMemCelsius', 'pcieRxBytesPerSecond', 'pcieTxBytesPerSecond', 'nvlinkRxBytesPerSecond', 'nvlinkTxBytesPerSecond', 'utilEncoderPercent', 'utilDecoderPercent', 'fanPercent',
];
const allMetrics = [...fastMetrics, ...slowerMetrics];

/** The engine keeps readings as they came for ten minutes. */
const RAW_KEPT_MS = 600_000;
/** Readings of 10 Hz in the longest window that is drawn from them, and room. */
const RAW_POINTS = 7000;

/**
 * What must be asked of the history so that a view is whole. Short views of the last ten minutes come as they were
 * read; up to a quarter of an hour in seconds; longer ones as about two points a pixel, again at the rate of their
 * step (the rings fill the time between).
 */
export function decideHistory(view: View, newestMs: number, nowMs: number, widthPx: number): HistoryPlan {
  const toMs = view.toMs ?? newestMs;
  const fromMs = toMs - view.spanMs;
  const inSeconds: HistoryRequest = { fromMs, toMs, metrics: allMetrics, maxPoints: Math.ceil(view.spanMs / 1000) + 2 };
  if (view.spanMs <= RAW_SPAN_MS) {
    const rawFrom = Math.max(fromMs, nowMs - RAW_KEPT_MS);
    if (toMs <= rawFrom) return { requests: [inSeconds], againInMs: null };
    const raw: HistoryRequest = { fromMs: rawFrom, toMs, metrics: fastMetrics, maxPoints: RAW_POINTS };
    const rest = fromMs < rawFrom ? inSeconds : { ...inSeconds, metrics: slowerMetrics };
    return { requests: [rest, raw], againInMs: null };
  }
  if (view.spanMs <= SECONDS_SPAN_MS) return { requests: [inSeconds], againInMs: null };
  const maxPoints = Math.min(20_000, Math.max(200, Math.round(widthPx * 2)));
  const stepMs = view.spanMs / maxPoints;
  return { requests: [{ fromMs, toMs, metrics: allMetrics, maxPoints }], againInMs: view.toMs === null ? Math.max(5000, stepMs) : null };
}
