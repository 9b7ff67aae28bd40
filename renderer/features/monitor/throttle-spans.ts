import { decodeThrottle, throttleKind, type ThrottleKind, type ThrottleReason } from '../../../contract/throttle.ts';
import type { PointBuffer } from '../../live-series/point-buffer.ts';

/** A stretch of time in which something slowed the clock. */
export interface ThrottleSpan {
  readonly kind: Exclude<ThrottleKind, 'none'>;
  readonly fromMs: number;
  readonly toMs: number;
  /** All bits seen while it lasted. */
  readonly mask: number;
  /** It reaches to the newest reading. */
  readonly lasting: boolean;
}

/** A pause shorter than this between two spans of a kind is the driver's own flicker: one span. */
const JOIN_MS = 600;
/** A reading stands for the time after it for so long at most, when nothing follows. */
const HOLD_MS = 3000;

/** Spans out of readings of the event reasons; NaN ends one. `nowMs`: the newest reading of any kind. */
export function buildThrottleSpans(points: PointBuffer, fromMs: number, toMs: number, nowMs: number): ThrottleSpan[] {
  const spans: { kind: Exclude<ThrottleKind, 'none'>; fromMs: number; toMs: number; mask: number; lasting: boolean }[] = [];
  for (let i = 0; i < points.count; i++) {
    const mask = points.values[i] ?? Number.NaN;
    if (Number.isNaN(mask)) continue;
    const kind = throttleKind(mask);
    if (kind === 'none') continue;
    const start = Math.max(fromMs, points.times[i] ?? 0);
    const next = points.times[i + 1];
    const hasNext = i + 1 < points.count && next !== undefined;
    const end = Math.min(toMs, hasNext ? next : Math.min(nowMs, (points.times[i] ?? 0) + HOLD_MS));
    if (end < start || start > toMs) continue;
    const lasting = !hasNext;
    const last = spans.at(-1);
    if (last && last.kind === kind && start - last.toMs <= JOIN_MS) {
      last.toMs = end;
      last.mask |= mask;
      last.lasting = lasting;
    } else spans.push({ kind, fromMs: start, toMs: end, mask, lasting });
  }
  return spans;
}

export const spanAt = (spans: readonly ThrottleSpan[], atMs: number, slackMs: number): ThrottleSpan | null =>
  spans.findLast((s) => atMs >= s.fromMs - slackMs && atMs <= s.toMs + slackMs) ?? null;

const shortNames: Readonly<Record<ThrottleSpan['kind'], string>> = { power: 'power cap', heat: 'heat', hardware: 'hardware' };

/** What slowed the device most seriously in a window, and for how long altogether; null: nothing did. */
export function summariseSpans(spans: readonly ThrottleSpan[]): { readonly kind: ThrottleSpan['kind']; readonly label: string; readonly totalMs: number } | null {
  for (const kind of ['hardware', 'heat', 'power'] as const) {
    const of = spans.filter((s) => s.kind === kind);
    if (of.length > 0) return { kind, label: shortNames[kind], totalMs: of.reduce((sum, s) => sum + s.toMs - s.fromMs, 0) };
  }
  return null;
}

/** The reasons in a span's mask that gave it its kind, the rest left out. */
export function reasonsOf(span: ThrottleSpan): readonly ThrottleReason[] {
  return decodeThrottle(span.mask).filter((r) => r.kind === span.kind);
}

/** What a span did to the clock: the clock before it (the median of what was seen unslowed), the mean while it lasted, and the loss in percent. */
export interface ClockDrop {
  readonly beforeMhz: number;
  readonly duringMhz: number;
  readonly lossPercent: number;
}

/**
 * Compares the clock while a span lasted with the half minute of work before it. Null where that cannot be said:
 * no readings, an idle GPU before it, or a span of which the beginning is not in sight.
 */
export function decideClockDrop(span: ThrottleSpan, clock: PointBuffer, windowFromMs: number): ClockDrop | null {
  if (span.fromMs <= windowFromMs) return null;
  const before: number[] = [];
  let sum = 0;
  let count = 0;
  for (let i = 0; i < clock.count; i++) {
    const time = clock.times[i] ?? 0;
    const value = clock.values[i] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    if (time >= span.fromMs && time <= span.toMs) {
      sum += value;
      count += 1;
    } else if (time < span.fromMs && time >= span.fromMs - 30_000) before.push(value);
  }
  if (count === 0 || before.length === 0) return null;
  before.sort((a, b) => a - b);
  // Three quarters up: the clock under load, where the half minute before was partly idle.
  const beforeMhz = before[Math.floor((before.length - 1) * 0.75)] ?? 0;
  const duringMhz = sum / count;
  if (beforeMhz <= duringMhz) return null;
  return { beforeMhz, duringMhz, lossPercent: (1 - duringMhz / beforeMhz) * 100 };
}
