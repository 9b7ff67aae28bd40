import type { Device } from '../../../contract/gpu.ts';
import { metrics } from '../../../contract/metrics.ts';
import type { LiveSeries } from '../../live-series/live-series.ts';
import type { ChartTheme } from './chart-theme.ts';
import { decideTickStep, decideTicks, formatTick, readLocalOffset } from './time-axis.ts';
import { paintTrack, type PaintContext, type TrackState } from './track-painter.ts';
import type { Track } from './tracks.ts';
import { pixelWindow, type PixelWindow, type View } from './view.ts';
import { clockTop, powerTop, steadyTop } from './y-scale.ts';
import { formatClock } from '../../ui/format.ts';

/** All charts of one card, on one canvas. */
export interface CardPainter {
  readonly device: Device;
  readonly tracks: readonly TrackState[];
  /** Takes the places of the tracks anew; `tops` and `heights` in CSS pixels, one each. */
  layout(widthCss: number, heightCss: number, tops: readonly number[], heights: readonly number[], ratio: number): void;
  /** Draws what changed; everything, when something other than time changed. True when an axis end changed. */
  paint(view: View, theme: ChartTheme): boolean;
  paintAxis(view: View, theme: ChartTheme, crosshair: number | null): void;
  /** The next paint draws everything. */
  invalidate(): void;
  window(view: View): PixelWindow;
}

const tierOf = new Map(metrics.map((m) => [m.key, m.tier]));

export function createCardPainter(options: { readonly device: Device; readonly colourIndex: number; readonly tracks: readonly Track[]; readonly canvas: HTMLCanvasElement; readonly axis: HTMLCanvasElement; readonly series: LiveSeries }): CardPainter {
  const { device, canvas, axis, series } = options;
  const ctx = canvas.getContext('2d');
  const axisCtx = axis.getContext('2d');
  const states: TrackState[] = options.tracks.map((track) => ({ track, top: 0, height: 0, hi: track.hi ?? track.leastTop, limit: track.limit?.value ?? null, drawnMs: 0, stableMs: Number.NEGATIVE_INFINITY, full: true }));
  let ratio = 1;
  let width = 0;
  let height = 0;
  let columns = new Uint8Array(1);
  let painted: { window: PixelWindow; theme: ChartTheme; revision: number } | null = null;

  const invalidate = (): void => {
    painted = null;
  };

  /** Axis ends and limits that follow the readings. True when one changed. */
  const updateScale = (state: TrackState, window: PixelWindow, view: View): boolean => {
    const { track } = state;
    const limit = track.limit?.metric ? (series.latest(device.uuid)?.medium?.[track.limit.metric] ?? track.limit.value) : (track.limit?.value ?? null);
    let hi = state.hi;
    if (track.hi === null || track.key === 'pow' || track.key === 'clk') {
      let highest = 0;
      for (const line of track.lines) {
        const points = series.window(device.uuid, line.metric, window.originMs, (window.lastColumn + 1) * window.msPerPx, window.msPerPx, view.spanMs);
        for (let i = 0; i < points.count; i++) if ((points.values[i] ?? 0) > highest) highest = points.values[i] ?? 0;
      }
      hi = track.key === 'pow' ? powerTop(limit, highest) : track.key === 'clk' ? clockTop(device.clockMaxSmMhz, highest) : steadyTop(state.hi, highest, track.leastTop);
    }
    if (hi === state.hi && limit === state.limit) return false;
    state.hi = hi;
    state.limit = limit;
    state.full = true;
    return true;
  };

  let scaledSecond = 0;

  return {
    device,
    tracks: states,
    invalidate,
    window: (view) => pixelWindow(view, series.newestMs() ?? Date.now(), Math.max(1, width)),
    layout(widthCss, heightCss, tops, heights, newRatio) {
      ratio = newRatio;
      width = Math.max(1, Math.round(widthCss * ratio));
      height = Math.max(1, Math.round(heightCss * ratio));
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
      const axisHeight = Math.round(16 * ratio);
      if (axis.width !== width) axis.width = width;
      if (axis.height !== axisHeight) axis.height = axisHeight;
      if (columns.length < width) columns = new Uint8Array(width);
      states.forEach((s, i) => {
        s.top = Math.round((tops[i] ?? 0) * ratio);
        s.height = Math.max(1, Math.round(((tops[i] ?? 0) + (heights[i] ?? 0)) * ratio) - s.top - 1);
      });
      invalidate();
    },
    paint(view, theme) {
      if (ctx === null || width === 0) return false;
      const newestMs = series.newestMs() ?? Date.now();
      const window = pixelWindow(view, newestMs, width);
      const before = painted;
      const shift = before === null ? 0 : window.lastColumn - before.window.lastColumn;
      const all = before === null || before.theme !== theme || before.revision !== series.revision() || before.window.msPerPx !== window.msPerPx || shift < 0 || shift >= width;
      painted = { window, theme, revision: series.revision() };
      let scaleChanged = false;
      const second = Math.floor(newestMs / 1000);
      if (all || second !== scaledSecond) {
        scaledSecond = second;
        for (const s of states) if (updateScale(s, window, view)) scaleChanged = true;
      }
      if (!all && shift > 0) {
        ctx.globalCompositeOperation = 'copy';
        ctx.drawImage(canvas, -shift, 0);
        ctx.globalCompositeOperation = 'source-over';
      }
      const step = decideTickStep(view.spanMs, width / ratio);
      const ticks = decideTicks(window.originMs, (window.lastColumn + 1) * window.msPerPx, step, readLocalOffset(newestMs));
      const latest = series.latest(device.uuid);
      const p: PaintContext = { ctx, series, uuid: device.uuid, colour: theme.devices[options.colourIndex] ?? theme.quiet, theme, window, spanMs: view.spanMs, widthPx: width, ratio, ticks, newestMs, columns };
      for (const s of states) {
        const tier = tierOf.get(s.track.lines[0]?.metric ?? 'utilGpuPercent') ?? 'fast';
        const readMs = tier === 'medium' ? (latest?.mediumAtMs ?? 0) : (latest?.atMs ?? 0);
        const isNew = readMs !== s.drawnMs;
        if (!all && !s.full && !isNew && shift === 0) continue;
        const firstNew = all || s.full || before === null ? window.firstColumn : before.window.lastColumn + 1 - Math.ceil(2 * ratio);
        const firstUnstable = isNew ? Math.floor(s.stableMs / window.msPerPx) : firstNew;
        paintTrack(s, Math.max(window.firstColumn, Math.min(firstNew, firstUnstable)), p);
        s.drawnMs = readMs;
      }
      return scaleChanged;
    },
    paintAxis(view, theme, crosshair) {
      if (axisCtx === null || width === 0) return;
      const newestMs = series.newestMs() ?? Date.now();
      const window = pixelWindow(view, newestMs, width);
      const endMs = (window.lastColumn + 1) * window.msPerPx;
      const step = decideTickStep(view.spanMs, width / ratio);
      const middle = axis.height / 2;
      axisCtx.clearRect(0, 0, width, axis.height);
      axisCtx.font = `400 ${10 * ratio}px ${theme.font}`;
      axisCtx.textBaseline = 'middle';
      axisCtx.fillStyle = theme.quiet;
      axisCtx.textAlign = 'right';
      const endText = formatClock(view.toMs ?? newestMs);
      const endWidth = axisCtx.measureText(endText).width;
      const flag = crosshair === null ? Number.NEGATIVE_INFINITY : Math.min(width - 24 * ratio, Math.max(24 * ratio, crosshair * width));
      const showEnd = width - flag > endWidth + 34 * ratio;
      if (showEnd) axisCtx.fillText(endText, width, middle);
      axisCtx.textAlign = 'center';
      for (const tick of decideTicks(window.originMs, endMs, step, readLocalOffset(newestMs))) {
        const text = formatTick(tick, step);
        const x = (tick - window.originMs) / window.msPerPx;
        const half = axisCtx.measureText(text).width / 2;
        if (x - half < 0 || x + half > width) continue;
        if (showEnd && x + half > width - endWidth - 8 * ratio) continue;
        if (Math.abs(x - flag) < half + 28 * ratio) continue;
        axisCtx.fillText(text, x, middle);
      }
      if (crosshair === null) return;
      axisCtx.fillStyle = theme.cross;
      axisCtx.fillRect(flag - 24 * ratio, ratio, 48 * ratio, 14 * ratio);
      axisCtx.fillStyle = theme.background;
      axisCtx.fillText(formatClock(window.originMs + crosshair * width * window.msPerPx), flag, middle + 0.5 * ratio);
    },
  };
}
