import { throttleKind, type ThrottleKind } from '../../../contract/throttle.ts';

/** One second of a device, as the sparklines need it. */
export interface TrailPoint {
  readonly secondMs: number;
  readonly utilGpuPercent: number | null;
  readonly powerWatts: number | null;
  /** Event-reason bits seen at any time in the second. */
  readonly reasons: number;
  /** How many readings the means are made of. */
  readonly count: number;
}
export type Trail = readonly TrailPoint[];

/** The longest range that can be shown. */
export const TRAIL_SECONDS = 3600;

function mean(old: number | null, next: number | null, count: number): number | null {
  if (old === null) return next;
  return next === null ? old : old + (next - old) / (count + 1);
}

/** A trail with one reading more. Readings that are older than its end are let go: the end only moves forward. */
export function addToTrail(trail: Trail, atMs: number, reading: { readonly utilGpuPercent: number | null; readonly powerWatts: number | null; readonly eventReasons: number | null }): Trail {
  const secondMs = Math.floor(atMs / 1000) * 1000;
  const last = trail.at(-1);
  if (last && last.secondMs > secondMs) return trail;
  if (last && last.secondMs === secondMs) {
    const joined: TrailPoint = {
      secondMs, utilGpuPercent: mean(last.utilGpuPercent, reading.utilGpuPercent, last.count), powerWatts: mean(last.powerWatts, reading.powerWatts, last.count),
      reasons: last.reasons | (reading.eventReasons ?? 0), count: last.count + 1,
    };
    return [...trail.slice(0, -1), joined];
  }
  const oldest = secondMs - TRAIL_SECONDS * 1000;
  const kept = trail[0] && trail[0].secondMs < oldest ? trail.filter((p) => p.secondMs >= oldest) : trail;
  return [...kept, { secondMs, utilGpuPercent: reading.utilGpuPercent, powerWatts: reading.powerWatts, reasons: reading.eventReasons ?? 0, count: 1 }];
}

/** Stored seconds put before live ones. */
export function joinTrails(stored: Trail, live: Trail): Trail {
  const begin = live[0]?.secondMs ?? Number.POSITIVE_INFINITY;
  return [...stored.filter((p) => p.secondMs < begin), ...live];
}

export interface TrailCell {
  readonly utilGpuPercent: number | null;
  readonly powerWatts: number | null;
  readonly kind: ThrottleKind;
}

const niceSeconds = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600] as const;

/** How many cells of how many seconds show a range in `room` cells. */
export function decideCells(rangeMs: number, room: number): { readonly cellSeconds: number; readonly cells: number } {
  const seconds = rangeMs / 1000;
  const cellSeconds = niceSeconds.find((s) => Math.ceil(seconds / s) <= room) ?? Math.ceil(seconds / Math.max(1, room));
  return { cellSeconds, cells: Math.ceil(seconds / cellSeconds) };
}

/**
 * The cells of a range that ends now, oldest first. Cells lie on whole multiples of their length, so that a
 * picture moves by a cell and does not shimmer. Where readings come more slowly than cells (`stepMs`), the last
 * one counts until the next is due; beyond that nothing was read.
 */
export function cutTrail(trail: Trail, nowMs: number, cellSeconds: number, cells: number, stepMs: number): readonly TrailCell[] {
  const cellMs = cellSeconds * 1000;
  const lastCell = Math.floor(nowMs / cellMs);
  const result: TrailCell[] = [];
  let i = 0;
  let before: TrailPoint | null = null;
  for (let cell = lastCell - cells + 1; cell <= lastCell; cell += 1) {
    const from = cell * cellMs;
    let util: number | null = null;
    let power: number | null = null;
    let reasons = 0;
    let seen = 0;
    for (let p = trail[i]; p && p.secondMs < from + cellMs; p = trail[i]) {
      i += 1;
      before = p;
      if (p.secondMs < from) continue;
      util = mean(util, p.utilGpuPercent, seen);
      power = mean(power, p.powerWatts, seen);
      reasons |= p.reasons;
      seen += 1;
    }
    if (seen === 0 && before && from - before.secondMs <= stepMs + 1000) ({ utilGpuPercent: util, powerWatts: power, reasons } = before);
    result.push({ utilGpuPercent: util, powerWatts: power, kind: throttleKind(reasons) });
  }
  return result;
}
