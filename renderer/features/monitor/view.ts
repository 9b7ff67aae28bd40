/** What part of time the charts show. `toMs` null: the newest reading, and on with it. */
export interface View {
  readonly range: RangeKey;
  readonly spanMs: number;
  readonly toMs: number | null;
}

export type RangeKey = '1m' | '5m' | '15m' | '1h' | '6h' | '24h';
const MINUTE = 60_000;
export const ranges: readonly { readonly key: RangeKey; readonly label: string; readonly spanMs: number }[] = [
  { key: '1m', label: '1 min', spanMs: MINUTE },
  { key: '5m', label: '5 min', spanMs: 5 * MINUTE },
  { key: '15m', label: '15 min', spanMs: 15 * MINUTE },
  { key: '1h', label: '1 h', spanMs: 60 * MINUTE },
  { key: '6h', label: '6 h', spanMs: 360 * MINUTE },
  { key: '24h', label: '24 h', spanMs: 1440 * MINUTE },
];
export const MIN_SPAN_MS = 2000;
const MAX_SPAN_MS = 366 * 1440 * MINUTE;

const spanOf = (range: RangeKey): number => ranges.find((r) => r.key === range)?.spanMs ?? 5 * MINUTE;

/** A whole range that follows the newest reading. */
export const followRange = (range: RangeKey): View => ({ range, spanMs: spanOf(range), toMs: null });

export const isFollowing = (view: View): boolean => view.toMs === null;
/** The view is one of the ranges, not a piece that somebody cut out. */
export const isWholeRange = (view: View): boolean => view.spanMs === spanOf(view.range);

export const pause = (view: View, newestMs: number): View => (view.toMs === null ? { ...view, toMs: newestMs } : view);
export const resume = (view: View): View => ({ ...view, toMs: null });

const clampSpan = (spanMs: number): number => Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, spanMs));

/** Exactly this piece of time, at least two seconds of it. Stands still. */
export function showPiece(view: View, aMs: number, bMs: number): View {
  const middle = (aMs + bMs) / 2;
  const spanMs = clampSpan(Math.abs(bMs - aMs));
  return { ...view, spanMs, toMs: Math.max(aMs, bMs, middle + spanMs / 2) };
}

/**
 * Nearer or further by a factor. While it follows, the right edge stays on the newest reading; else the time
 * under the pointer (`fraction` of the width) stays where it is.
 */
export function zoom(view: View, factor: number, fraction: number, newestMs: number): View {
  const spanMs = clampSpan(view.spanMs * factor);
  if (view.toMs === null) return { ...view, spanMs: Math.min(spanMs, spanOf('24h')) };
  const at = view.toMs - view.spanMs + fraction * view.spanMs;
  const toMs = at + (1 - fraction) * spanMs;
  return toMs > newestMs ? { ...view, spanMs, toMs: newestMs } : { ...view, spanMs, toMs };
}

/** The window of a plot that is `widthPx` pixels wide, on the grid of absolute pixel columns that the painter uses. */
export interface PixelWindow {
  readonly msPerPx: number;
  readonly firstColumn: number;
  readonly lastColumn: number;
  readonly originMs: number;
}

export function pixelWindow(view: View, newestMs: number, widthPx: number): PixelWindow {
  const width = Math.max(1, Math.round(widthPx));
  const msPerPx = view.spanMs / width;
  const lastColumn = Math.floor((view.toMs ?? newestMs) / msPerPx);
  const firstColumn = lastColumn - width + 1;
  return { msPerPx, firstColumn, lastColumn, originMs: firstColumn * msPerPx };
}
