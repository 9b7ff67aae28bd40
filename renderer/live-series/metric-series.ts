import type { Metric } from '../../contract/metrics.ts';
import { createJoiner } from './joiner.ts';
import { mergePoints, type Points } from './merge-points.ts';
import { appendPoint, type PointBuffer } from './point-buffer.ts';
import { createRing, type Ring } from './ring.ts';

/** Longest window that is drawn from readings as they came; longer ones from seconds, still longer ones from the history's own step. */
export const RAW_SPAN_MS = 600_000;
export const SECONDS_SPAN_MS = 900_000;
const STEP_MS = 1000;
/** A break stands this long before the reading that ends it. Times of readings differ by more. */
const A_MOMENT_MS = 0.01;

/** 10 min at 10 Hz and a little; the slower tiers come at most twice a second. */
const RAW_CAPACITY: Record<Metric['tier'], number> = { fast: 6200, medium: 1400, slow: 700 };
const SECONDS_CAPACITY = 3900;
/** A hole of more steps than this is one, and the line breaks. */
const HOLE_STEPS = 3;
/** How long a reading stands for the present when no other follows and no break is marked: three periods of the slowest rate. */
const HOLD_MS: Record<Metric['tier'], number> = { fast: 15_000, medium: 15_000, slow: 60_000 };

/** A piece of history in a coarser step than the rings, newest answer only. */
interface Block {
  readonly stepMs: number;
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** One metric of one device at all its grains. */
export interface MetricSeries {
  add(timeMs: number, value: number): void;
  /** Nothing is known after this time until the next reading. */
  breakAt(timeMs: number): void;
  forgetAfter(timeMs: number): void;
  backfill(stepMs: number, points: Points): void;
  /**
   * Points from the last one at or before `fromMs` to the first one at or after `toMs`, in ascending time, each
   * once: the finest grain that a view of `spanMs` asks for, and before its beginning the next coarser one.
   */
  collect(fromMs: number, toMs: number, spanMs: number, out: PointBuffer): void;
  /** The reading that stands at a time: the last one not after it, unless a break lies between. Undefined: none known. */
  valueAt(timeMs: number, spanMs: number): number | undefined;
}

export function createMetricSeries(metric: Metric): MetricSeries {
  const raw = createRing(RAW_CAPACITY[metric.tier]);
  const seconds = createRing(SECONDS_CAPACITY);
  const joiner = createJoiner(metric.join);
  const tailJoiner = createJoiner(metric.join);
  let bucketMs = Number.NEGATIVE_INFINITY;
  let block: Block | null = null;

  const addToSecond = (timeMs: number, value: number): void => {
    const start = Math.floor(timeMs / STEP_MS) * STEP_MS;
    if (start > bucketMs) {
      joiner.clear();
      bucketMs = start;
    }
    joiner.add(value);
    // A break shorter than a second does not show in seconds.
    while (seconds.lastTime() > start) seconds.dropLast();
    if (seconds.lastTime() === start) seconds.setLastValue(joiner.value());
    else seconds.push(start, joiner.value());
  };

  /** The rings' points after `afterMs`, joined in the block's step and on its grid: no seam where the block ends. */
  const collectTail = (source: Ring, step: number, originMs: number, afterMs: number, toMs: number, out: PointBuffer): void => {
    tailJoiner.clear();
    let slotMs = Number.NaN;
    for (let i = source.indexAtOrAfter(afterMs); i < source.size(); i++) {
      const time = source.timeAt(i);
      const start = originMs + Math.floor((time - originMs) / step) * step;
      if (start !== slotMs) {
        if (!Number.isNaN(slotMs)) appendPoint(out, slotMs, tailJoiner.value());
        if (start > toMs) return;
        tailJoiner.clear();
        slotMs = start;
      }
      tailJoiner.add(source.valueAt(i));
    }
    if (!Number.isNaN(slotMs)) appendPoint(out, slotMs, tailJoiner.value());
  };

  const copyRing = (ring: Ring, fromMs: number, toMs: number, out: PointBuffer): void => {
    let i = ring.indexAtOrAfter(fromMs);
    if (i > 0 && ring.timeAt(i) !== fromMs) i -= 1;
    for (; i < ring.size(); i++) {
      const time = ring.timeAt(i);
      appendPoint(out, time, ring.valueAt(i));
      if (time >= toMs) return;
    }
  };

  /** Points of a coarser grain from `fromMs`, only those whose whole step lies before `endMs`, where the finer grain begins. */
  const copyBefore = (size: number, timeAt: (i: number) => number, valueAt: (i: number) => number, step: number, first: number, endMs: number, toMs: number, out: PointBuffer): void => {
    for (let i = first; i < size; i++) {
      const time = timeAt(i);
      if (time + step > endMs) return;
      appendPoint(out, time, valueAt(i));
      if (time >= toMs) return;
    }
    const last = reaches(out);
    if (out.count > 0 && last + HOLE_STEPS * step < endMs && endMs < Number.POSITIVE_INFINITY) appendPoint(out, last + step, Number.NaN);
  };
  const copyRingBefore = (ring: Ring, fromMs: number, endMs: number, toMs: number, out: PointBuffer): void => {
    let i = ring.indexAtOrAfter(fromMs);
    if (i > 0 && ring.timeAt(i) !== fromMs) i -= 1;
    copyBefore(ring.size(), ring.timeAt, ring.valueAt, STEP_MS, i, endMs, toMs, out);
  };
  const copyBlockBefore = (b: Block, fromMs: number, endMs: number, toMs: number, out: PointBuffer): void => {
    let first = lowerBound(b.times, fromMs);
    if (first > 0 && b.times[first] !== fromMs) first -= 1;
    copyBefore(b.times.length, (i) => b.times[i] ?? Number.NaN, (i) => b.values[i] ?? Number.NaN, b.stepMs, first, endMs, toMs, out);
  };

  return {
    add(timeMs, value) {
      if (!raw.push(timeMs, value)) return;
      addToSecond(timeMs, value);
    },
    breakAt(timeMs) {
      for (const ring of [raw, seconds]) {
        if (ring.size() > 0 && !Number.isNaN(ring.valueAt(ring.size() - 1))) ring.push(Math.max(timeMs - A_MOMENT_MS, ring.lastTime() + A_MOMENT_MS), Number.NaN);
      }
    },
    forgetAfter(timeMs) {
      for (const ring of [raw, seconds]) while (ring.lastTime() > timeMs) ring.dropLast();
      bucketMs = Math.min(bucketMs, seconds.lastTime());
      if (block !== null && (block.times.at(-1) ?? 0) > timeMs) block = null;
    },
    backfill(stepMs, points) {
      if (points.times.length === 0) return;
      // Readings as they came lie anywhere, a single one perhaps on a whole second; what was joined lies on whole steps.
      const asRead = stepMs < STEP_MS || points.times.some((t) => t % STEP_MS !== 0);
      const ring = asRead ? raw : stepMs === STEP_MS ? seconds : null;
      const reachesRing = ring !== null && (points.times.at(-1) ?? 0) + HOLE_STEPS * Math.max(stepMs, STEP_MS) >= (ring.size() === 0 ? Number.NEGATIVE_INFINITY : ring.firstTime());
      if (ring === null || !reachesRing) {
        block = { stepMs, times: points.times, values: points.values };
        return;
      }
      const oldest = points.times[0] ?? 0;
      const pieces = mergePoints(readRing(ring), points);
      ring.replace(pieces.times, pieces.values);
      // What did not fit into the seconds is kept as a block, for a window that lies further back.
      if (ring === seconds && oldest < seconds.firstTime()) block = { stepMs, times: points.times, values: points.values };
    },
    collect(fromMs, toMs, span, out) {
      out.count = 0;
      if (span > SECONDS_SPAN_MS && block !== null && block.stepMs > STEP_MS) {
        const last = block.times.at(-1) ?? Number.NEGATIVE_INFINITY;
        // The block's last step was not over when it was asked for: the rings know it better where they reach back to it.
        const tailFrom = seconds.firstTime() <= last ? last : last + block.stepMs;
        copyBlockBefore(block, fromMs, tailFrom, toMs, out);
        if (toMs > last) collectTail(seconds, block.stepMs, last, tailFrom, toMs, out);
        return;
      }
      const secondsFirst = seconds.firstTime();
      if (span > RAW_SPAN_MS) {
        if (block !== null && fromMs < secondsFirst) copyBlockBefore(block, fromMs, secondsFirst, toMs, out);
        if (reaches(out) < toMs) copyRing(seconds, fromMs, toMs, out);
        return;
      }
      const rawFirst = raw.firstTime();
      if (fromMs < rawFirst) {
        if (block !== null && fromMs < secondsFirst) copyBlockBefore(block, fromMs, Math.min(secondsFirst, rawFirst), toMs, out);
        if (secondsFirst < rawFirst) copyRingBefore(seconds, Math.max(fromMs, secondsFirst), rawFirst, toMs, out);
      }
      if (reaches(out) < toMs) copyRing(raw, fromMs, toMs, out);
    },
    valueAt(timeMs, spanMs) {
      const ring = spanMs <= RAW_SPAN_MS && timeMs >= raw.firstTime() ? raw : timeMs >= seconds.firstTime() ? seconds : null;
      if (ring !== null && !(spanMs > SECONDS_SPAN_MS && block !== null && timeMs <= (block.times.at(-1) ?? 0))) {
        const i = ring.indexAtOrAfter(timeMs + 1e-3) - 1;
        return i < 0 || timeMs - ring.timeAt(i) > HOLD_MS[metric.tier] ? undefined : ring.valueAt(i);
      }
      if (block === null) return undefined;
      const i = lowerBound(block.times, timeMs + 1e-3) - 1;
      if (i < 0 || timeMs - (block.times[i] ?? 0) > 3 * block.stepMs) return undefined;
      return block.values[i];
    },
  };
}

/** Time of the last point collected so far. */
function reaches(out: PointBuffer): number {
  return out.count === 0 ? Number.NEGATIVE_INFINITY : (out.times[out.count - 1] ?? Number.NEGATIVE_INFINITY);
}

function readRing(ring: Ring): Points {
  const times: number[] = [];
  const values: number[] = [];
  for (let i = 0; i < ring.size(); i++) {
    times.push(ring.timeAt(i));
    values.push(ring.valueAt(i));
  }
  return { times, values };
}

function lowerBound(times: readonly number[], timeMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
