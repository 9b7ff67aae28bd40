import { throttleKind } from '../../../contract/throttle.ts';
import type { LiveSeries } from '../../live-series/live-series.ts';
import type { PointBuffer } from '../../live-series/point-buffer.ts';
import type { ChartTheme } from './chart-theme.ts';
import type { Track, TrackLine } from './tracks.ts';
import type { PixelWindow } from './view.ts';

/** Where a track lies on its card's canvas, in device pixels, and what of it is on the screen already. */
export interface TrackState {
  readonly track: Track;
  top: number;
  height: number;
  hi: number;
  limit: number | null;
  /** Newest reading that has been drawn, ms. */
  drawnMs: number;
  /** Everything before this time is final on the canvas; later points may still change their shape. */
  stableMs: number;
  full: boolean;
}

export interface PaintContext {
  readonly ctx: CanvasRenderingContext2D;
  readonly series: LiveSeries;
  readonly uuid: string;
  readonly colour: string;
  readonly theme: ChartTheme;
  readonly window: PixelWindow;
  /** Length of the whole view: it decides the grain of the readings, also where only a strip is drawn. */
  readonly spanMs: number;
  readonly widthPx: number;
  readonly ratio: number;
  readonly ticks: readonly number[];
  readonly newestMs: number;
  /** Worst kind of throttling in every pixel column; used again. */
  readonly columns: Uint8Array;
}

/** Columns beside a change that a line's width and the point before it can touch. */
const MARGIN = 3;

/** Draws a track from a pixel column on to the right edge. What lies left of it is not touched. */
export function paintTrack(state: TrackState, fromColumn: number, p: PaintContext): void {
  const { ctx, widthPx, window } = p;
  const x0 = Math.max(0, fromColumn - window.firstColumn - MARGIN);
  ctx.save();
  ctx.beginPath();
  ctx.rect(x0, state.top, widthPx - x0, state.height);
  ctx.clip();
  ctx.clearRect(x0, state.top, widthPx - x0, state.height);
  const fromMs = (window.firstColumn + x0 - MARGIN) * window.msPerPx;
  if (state.track.kind === 'spans') paintSpans(state, fromMs, x0, p);
  else {
    paintGrid(state, x0, p);
    state.stableMs = Number.POSITIVE_INFINITY;
    for (const line of state.track.lines) paintLine(state, line, fromMs, p);
    if (state.limit !== null) paintLimit(state, state.limit, p);
  }
  ctx.restore();
  state.full = false;
}

function paintGrid(state: TrackState, x0: number, p: PaintContext): void {
  const { ctx, window, ratio } = p;
  const width = Math.max(1, Math.round(ratio));
  ctx.fillStyle = p.theme.grid;
  for (const tick of p.ticks) {
    const x = Math.floor(tick / window.msPerPx) - window.firstColumn;
    if (x >= x0 - width && x < p.widthPx) ctx.fillRect(x, state.top, width, state.height);
  }
}

/** Room above the highest and below the lowest value, so that a line of either is whole. */
function yOf(state: TrackState, ratio: number): (value: number) => number {
  const { lo } = state.track;
  const inset = ratio;
  const bottom = state.top + state.height - inset;
  const scale = (state.height - 3 * inset) / (state.hi - lo || 1);
  return (value) => bottom - (Math.min(state.hi, Math.max(lo, value)) - lo) * scale;
}

function paintLine(state: TrackState, line: TrackLine, fromMs: number, p: PaintContext): void {
  const { ctx, window, ratio } = p;
  const toMs = (window.lastColumn + 1) * window.msPerPx;
  const points = p.series.window(p.uuid, line.metric, fromMs, toMs, window.msPerPx, p.spanMs);
  const n = points.count;
  state.stableMs = Math.min(state.stableMs, n >= 3 ? (points.times[n - 3] ?? 0) : Number.NEGATIVE_INFINITY);
  if (n === 0) return;
  const y = yOf(state, ratio);
  const x = (i: number): number => ((points.times[i] ?? 0) - window.originMs) / window.msPerPx;
  const colour = line.role === 'main' ? p.colour : p.theme.quiet;
  if (line.fill) {
    ctx.fillStyle = colour;
    ctx.globalAlpha = 0.08;
    const floor = state.top + state.height;
    eachRun(points, (a, b) => {
      ctx.beginPath();
      ctx.moveTo(x(a), floor);
      for (let i = a; i < b; i++) ctx.lineTo(x(i), y(points.values[i] ?? 0));
      ctx.lineTo(x(b - 1), floor);
      ctx.fill();
    });
    ctx.globalAlpha = 1;
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = line.widthPx * ratio;
  ctx.lineJoin = 'round';
  ctx.beginPath();
  eachRun(points, (a, b) => {
    ctx.moveTo(x(a), y(points.values[a] ?? 0));
    // A reading that stands alone between two breaks is still a reading.
    if (b - a === 1) ctx.lineTo(x(a) + ratio, y(points.values[a] ?? 0));
    for (let i = a + 1; i < b; i++) ctx.lineTo(x(i), y(points.values[i] ?? 0));
  });
  ctx.stroke();
}

function eachRun(points: PointBuffer, draw: (from: number, to: number) => void): void {
  let start = -1;
  for (let i = 0; i <= points.count; i++) {
    const broken = i === points.count || Number.isNaN(points.values[i]);
    if (broken) {
      if (start >= 0) draw(start, i);
      start = -1;
    } else if (start < 0) start = i;
  }
}

function paintLimit(state: TrackState, value: number, p: PaintContext): void {
  const { ctx, ratio } = p;
  const dash = [4 * ratio, 3 * ratio];
  const y = Math.round(yOf(state, ratio)(value) - ratio / 2) + ratio / 2;
  ctx.strokeStyle = state.track.limit?.tone === 'attention' ? p.theme.attention : p.theme.quiet;
  ctx.lineWidth = Math.max(1, Math.round(ratio));
  ctx.setLineDash(dash);
  // Dashes lie on the grid of columns: they move with the picture.
  ctx.lineDashOffset = p.window.firstColumn % (7 * ratio);
  ctx.beginPath();
  ctx.moveTo(0, y);
  ctx.lineTo(p.widthPx, y);
  ctx.stroke();
  ctx.setLineDash([]);
}

const kindCode = { none: 0, power: 1, heat: 2, hardware: 3 } as const;
const codes = new Map<number, number>();
function codeOf(mask: number): number {
  let code = codes.get(mask);
  if (code === undefined) {
    code = kindCode[throttleKind(mask)];
    codes.set(mask, code);
  }
  return code;
}
/** As in `throttle-spans.ts`: a reading stands for so long at most when nothing follows. */
const HOLD_MS = 3000;

/** Throttling, column by column: the worst kind in a column decides its shape. */
function paintSpans(state: TrackState, fromMs: number, x0: number, p: PaintContext): void {
  const { ctx, window, columns, widthPx, ratio } = p;
  const toMs = (window.lastColumn + 1) * window.msPerPx;
  const points = p.series.points(p.uuid, 'eventReasons', fromMs, toMs, p.spanMs);
  columns.fill(0, 0, widthPx);
  const columnOf = (ms: number): number => Math.floor(ms / window.msPerPx) - window.firstColumn;
  for (let i = 0; i < points.count; i++) {
    const mask = points.values[i] ?? Number.NaN;
    if (Number.isNaN(mask)) continue;
    const code = codeOf(mask);
    if (code === 0) continue;
    const time = points.times[i] ?? 0;
    const end = i + 1 < points.count ? (points.times[i + 1] ?? time) : Math.min(p.newestMs, time + HOLD_MS);
    const last = Math.min(widthPx - 1, columnOf(end) - (columnOf(end) > columnOf(time) ? 1 : 0));
    for (let x = Math.max(0, columnOf(time)); x <= last; x++) if ((columns[x] ?? 0) < code) columns[x] = code;
  }
  state.stableMs = points.count >= 2 ? (points.times[points.count - 2] ?? 0) : Number.NEGATIVE_INFINITY;
  const bar = Math.max(3, Math.round(3 * ratio));
  const middle = state.top + Math.round((state.height - bar) / 2);
  for (let x = x0; x < widthPx; ) {
    const code = columns[x] ?? 0;
    let end = x + 1;
    while (end < widthPx && columns[end] === code) end += 1;
    if (code === 1) {
      ctx.fillStyle = p.theme.power;
      ctx.fillRect(x, middle, end - x, bar);
    } else if (code > 1) {
      ctx.fillStyle = code === 2 ? p.theme.heat : p.theme.hardware;
      ctx.fillRect(x, state.top + ratio, end - x, state.height - 2 * ratio);
    }
    if (code === 3) {
      // Stripes on the grid of columns, so that they move with the picture.
      const width = Math.max(1, Math.round(ratio));
      ctx.fillStyle = p.theme.surface;
      for (let s = x; s < end; s++) if ((window.firstColumn + s) % (3 * width) < width) ctx.fillRect(s, state.top + ratio, 1, state.height - 2 * ratio);
    }
    x = end;
  }
}
