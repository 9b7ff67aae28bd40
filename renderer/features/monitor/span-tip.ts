import type { Device } from '../../../contract/gpu.ts';
import type { LiveSeries } from '../../live-series/live-series.ts';
import { decideClockDrop, reasonsOf, type ClockDrop, type ThrottleSpan } from './throttle-spans.ts';

/** What the tooltip of a throttle span says. */
export interface SpanTip {
  readonly span: ThrottleSpan;
  readonly title: string;
  /** The window begins inside the span: it is older than can be seen. */
  readonly cutOff: boolean;
  readonly drop: ClockDrop | null;
  readonly advice: string;
  /** Where the span stands in the plot, 0 to 1: the tooltip opens on the side with room. */
  readonly fraction: number;
}

/** Gathers what is known of a span. Reads the rings; changes nothing. */
export function readSpanTip(span: ThrottleSpan, device: Device, series: LiveSeries, window: { fromMs: number; toMs: number }): SpanTip {
  const spanMs = window.toMs - window.fromMs;
  const drop = decideClockDrop(span, series.points(device.uuid, 'clockSmMhz', Math.max(window.fromMs, span.fromMs - 30_000), span.toMs, spanMs), window.fromMs);
  const reasons = reasonsOf(span);
  const fan = series.latest(device.uuid)?.slow?.fanPercent ?? null;
  return {
    span,
    title: reasons.map((r) => r.title).join(', '),
    cutOff: span.fromMs <= window.fromMs + spanMs / 200,
    drop,
    advice: decideAdvice(span, reasons.map((r) => r.remedy), fan, device),
    fraction: ((span.fromMs + span.toMs) / 2 - window.fromMs) / spanMs,
  };
}

/** What to do, with the numbers that this device gives. Pure. */
export function decideAdvice(span: ThrottleSpan, remedies: readonly string[], fanPercent: number | null, device: Pick<Device, 'powerLimitWatts' | 'powerMaxLimitWatts'>): string {
  const facts: string[] = [];
  if (span.kind !== 'power' && fanPercent !== null) facts.push(`The fan runs at ${Math.round(fanPercent)} %.`);
  if (span.kind === 'power' && device.powerLimitWatts !== null) {
    const max = device.powerMaxLimitWatts;
    facts.push(max !== null && max > device.powerLimitWatts ? `The limit is ${Math.round(device.powerLimitWatts)} W; the board allows ${Math.round(max)} W.` : `The limit is ${Math.round(device.powerLimitWatts)} W, the highest that the board allows.`);
  }
  return [...new Set(remedies), ...facts].join(' ');
}
