import type { Device } from '../../../contract/gpu.ts';
import type { CommitClock } from '../../connection/commit-clock.ts';
import type { GpuFeed } from '../../connection/gpu-feed.ts';
import type { LiveSeries } from '../../live-series/live-series.ts';
import { bindPlot } from './bind-plot.ts';
import { createCardPainter, type CardPainter } from './card-painter.ts';
import { decideCardState, type CardState } from './card-state.ts';
import { readChartTheme, watchTheme, type ChartTheme } from './chart-theme.ts';
import { describeCard, meanOf, orOf, describeMoment } from './describe-card.ts';
import { createReadouts, type Readouts } from './readouts.ts';
import { readSpanTip, type SpanTip } from './span-tip.ts';
import { buildThrottleSpans, spanAt, summariseSpans, type ThrottleSpan } from './throttle-spans.ts';
import type { Track } from './tracks.ts';
import { followRange, pause, resume, type View } from './view.ts';

/** What slowed a device in the window, as its readout says it. */
export type SlowedBy = ReturnType<typeof summariseSpans>;

export interface CardParts {
  readonly device: Device;
  readonly colourIndex: number;
  readonly tracks: readonly Track[];
  readonly card: HTMLElement;
  readonly stack: HTMLElement;
  readonly plots: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly axis: HTMLCanvasElement;
  readonly selection: HTMLElement;
  readonly summary: HTMLElement;
  /** Called only when it changed: these are the card's React commits. */
  onState(state: CardState): void;
  onSlowedBy(slowedBy: SlowedBy): void;
  onTip(tip: SpanTip | null): void;
}

/** A card on the board, for the export. */
export interface ShownCard {
  readonly parts: CardParts;
  readonly painter: CardPainter;
}

/**
 * All charts of the page: one loop, one view, one crosshair. It lives outside React. A frame of the feed draws on
 * the next animation frame, and only cards that are on the screen; texts change on the commit clock.
 */
export interface MonitorBoard {
  addCard(parts: CardParts): () => void;
  view(): View;
  setView(view: View): void;
  onView(listener: () => void): () => void;
  togglePause(): void;
  /** Draws again, e.g. after a backfill. */
  refresh(): void;
  /** The tooltip of the newest span in a card's window; null closes it. */
  showNewestSpan(uuid: string, show: boolean): void;
  /** Called on every beat with the window that is shown. */
  onWindow(listener: (fromMs: number, toMs: number) => void): () => void;
  /** Width of a plot in CSS pixels; 0 before the first layout. */
  plotWidth(): number;
  /** Cards in the order of the page, all drawn as they are now. */
  paintAll(): readonly ShownCard[];
  stop(): void;
}

interface Card extends ShownCard {
  readonly readouts: Readouts;
  visible: boolean;
  laidOut: boolean;
  axisColumn: number;
  state: CardState | null;
  slowedBy: SlowedBy;
  tip: SpanTip | null;
  endsDirty: boolean;
}

const SUMMARY_MS = 10_000;
/** Reasons of the last seconds decide the state's word. */
const RECENT_MS = 3000;

export function createMonitorBoard(options: { readonly series: LiveSeries; readonly feed: GpuFeed; readonly clock: CommitClock; readonly root: HTMLElement; readonly view?: View }): MonitorBoard {
  const { series, feed, clock, root } = options;
  const cards = new Map<string, Card>();
  const viewListeners = new Set<() => void>();
  const windowListeners = new Set<(fromMs: number, toMs: number) => void>();
  let view: View = options.view ?? followRange('5m');
  let theme: ChartTheme = readChartTheme(root);
  let crosshair: number | null = null;
  let crosshairDirty = false;
  let dirty = true;
  let requested = 0;
  let stopped = false;
  let ratio = currentRatio();
  let summaryAtMs = 0;

  const newest = (): number => series.newestMs() ?? Date.now();
  const windowOf = (): { fromMs: number; toMs: number } => {
    const toMs = view.toMs ?? newest();
    return { fromMs: toMs - view.spanMs, toMs };
  };
  const crosshairMs = (): number | null => {
    if (crosshair === null) return null;
    const { fromMs } = windowOf();
    return fromMs + crosshair * view.spanMs;
  };
  const request = (): void => {
    if (requested === 0 && !stopped) requested = requestAnimationFrame(draw);
  };
  const refresh = (): void => {
    dirty = true;
    request();
  };

  const layout = (card: Card): void => {
    const { plots, stack } = card.parts;
    const top = plots.offsetTop;
    const rows = [...stack.querySelectorAll<HTMLElement>('[data-track]')];
    card.painter.layout(plots.clientWidth, plots.clientHeight, rows.map((r) => r.offsetTop - top), rows.map((r) => r.offsetHeight), ratio);
    card.laidOut = plots.clientWidth > 0;
    card.axisColumn = Number.NaN;
  };

  const drawCard = (card: Card): void => {
    if (!card.laidOut) layout(card);
    if (card.painter.paint(view, theme)) card.endsDirty = true;
    const column = card.painter.window(view).lastColumn;
    if (column !== card.axisColumn || crosshairDirty) {
      card.axisColumn = column;
      card.painter.paintAxis(view, theme, crosshair);
    }
  };
  function draw(): void {
    requested = 0;
    if (currentRatio() !== ratio) {
      ratio = currentRatio();
      for (const card of cards.values()) card.laidOut = false;
    }
    for (const card of cards.values()) {
      if (!card.visible) continue;
      if (dirty || crosshairDirty) drawCard(card);
      if (crosshairDirty) {
        placeCrosshair(card);
        card.readouts.updateAt(crosshairMs(), view.spanMs);
      }
    }
    dirty = false;
    crosshairDirty = false;
  }
  const placeCrosshair = (card: Card): void => {
    const { stack } = card.parts;
    if (crosshair === null) delete stack.dataset['at'];
    else {
      stack.dataset['at'] = '';
      stack.style.setProperty('--at', String(crosshair));
    }
  };
  const setCrosshair = (fraction: number | null): void => {
    if (fraction === crosshair) return;
    crosshair = fraction;
    crosshairDirty = true;
    request();
  };

  const spansOf = (device: Device): readonly ThrottleSpan[] => {
    const { fromMs, toMs } = windowOf();
    return buildThrottleSpans(series.points(device.uuid, 'eventReasons', fromMs, toMs, view.spanMs), fromMs, toMs, newest());
  };
  const setTip = (card: Card, span: ThrottleSpan | null): void => {
    if (span === null) {
      if (card.tip === null) return;
      card.tip = null;
      card.parts.onTip(null);
      return;
    }
    const shown = card.tip?.span;
    // A span that lasts grows with every reading: its text changes on the beat, not with the mouse.
    if (shown && shown.kind === span.kind && Math.abs(shown.fromMs - span.fromMs) < 1000 && Math.abs(shown.toMs - span.toMs) < 1000) return;
    card.tip = readSpanTip(span, card.parts.device, series, windowOf());
    card.parts.onTip(card.tip);
  };

  const onBeat = (nowMs: number): void => {
    const { fromMs, toMs } = windowOf();
    for (const listener of windowListeners) listener(fromMs, toMs);
    const summarise = nowMs - summaryAtMs >= SUMMARY_MS;
    if (summarise) summaryAtMs = nowMs;
    for (const card of cards.values()) {
      const { device, onState, onSlowedBy, summary } = card.parts;
      const latest = series.latest(device.uuid);
      const recent = orOf(series.points(device.uuid, 'eventReasons', newest() - RECENT_MS, newest()));
      const state = decideCardState(device, latest, recent);
      if (state.word !== card.state?.word || state.kind !== card.state.kind) {
        card.state = state;
        onState(state);
      }
      const slowed = summariseSpans(spansOf(device));
      const kindBefore = card.slowedBy?.kind;
      card.slowedBy = slowed;
      if (slowed?.kind !== kindBefore) onSlowedBy(slowed);
      if (slowed !== null) card.readouts.updateSlowed(slowed.totalMs);
      if (!card.visible) continue;
      card.readouts.updateNow(device.notReported['utilGpuPercent'] ? null : meanOf(series.points(device.uuid, 'utilGpuPercent', fromMs, toMs, view.spanMs)));
      card.readouts.updateAt(crosshairMs(), view.spanMs);
      if (card.endsDirty) {
        card.endsDirty = false;
        for (const t of card.painter.tracks) {
          card.readouts.updateEnds(t.track.key, t.track.formatEnd(t.track.lo), t.track.formatEnd(t.hi));
          if (t.limit !== null && t.track.limit?.readout) card.readouts.updateLimit(t.track.key, t.track.format(t.limit));
        }
      }
      card.readouts.updateMeta();
      if (summarise) summary.textContent = describeCard(device, latest, state, slowed);
    }
  };

  const sizes = typeof ResizeObserver === 'function' ? new ResizeObserver((entries) => {
    for (const e of entries) for (const card of cards.values()) if (card.parts.plots === e.target) card.laidOut = false;
    refresh();
  }) : null;
  const sight = typeof IntersectionObserver === 'function' ? new IntersectionObserver((entries) => {
    for (const e of entries) {
      for (const card of cards.values()) {
        if (card.parts.card !== e.target) continue;
        if (e.isIntersecting && !card.visible) card.painter.invalidate();
        card.visible = e.isIntersecting;
        if (card.visible) placeCrosshair(card);
      }
    }
    crosshairDirty = true;
    refresh();
  }, { rootMargin: '40px' }) : null;

  const removers = [
    feed.onFrame(() => {
      if (view.toMs === null) refresh();
    }),
    clock.onTick(onBeat),
    watchTheme(root, () => {
      theme = readChartTheme(root);
      crosshairDirty = true;
      refresh();
    }),
  ];
  // Text on a canvas is drawn with the font that is there: once more when ours has come.
  void document.fonts?.ready.then(() => {
    for (const card of cards.values()) card.axisColumn = Number.NaN;
    refresh();
  });

  const board: MonitorBoard = {
    addCard(parts) {
      const { device } = parts;
      const card: Card = {
        parts,
        painter: createCardPainter({ device, colourIndex: parts.colourIndex, tracks: parts.tracks, canvas: parts.canvas, axis: parts.axis, series }),
        readouts: createReadouts(parts.card, device, parts.tracks, series),
        visible: sight === null,
        laidOut: false,
        axisColumn: Number.NaN,
        state: null,
        slowedBy: null,
        tip: null,
        endsDirty: true,
      };
      cards.set(device.uuid, card);
      sizes?.observe(parts.plots);
      sight?.observe(parts.card);
      summaryAtMs = 0;
      const unbind = bindPlot(parts.plots, parts.selection, {
        view: () => view,
        newestMs: newest,
        range: () => windowOf(),
        setView: board.setView,
        togglePause: board.togglePause,
        crosshair: () => crosshair,
        setCrosshair,
        describe: (atMs) => describeMoment(series, device, parts.tracks, atMs, view.spanMs),
        probe: (atMs, y) => {
          const row = parts.stack.querySelector<HTMLElement>('[data-track="thr"]');
          if (atMs === null || !row) return setTip(card, null);
          const top = row.offsetTop - parts.plots.offsetTop;
          const inRow = y === null || (y >= top - 1 && y <= top + row.offsetHeight + 1);
          setTip(card, inRow ? spanAt(spansOf(device), atMs, (view.spanMs / Math.max(1, parts.plots.clientWidth)) * 2) : null);
        },
      });
      refresh();
      return () => {
        unbind();
        sizes?.unobserve(parts.plots);
        sight?.unobserve(parts.card);
        if (cards.get(device.uuid) === card) cards.delete(device.uuid);
      };
    },
    view: () => view,
    setView(next) {
      view = next;
      crosshairDirty = true;
      for (const listener of viewListeners) listener();
      refresh();
    },
    onView: (listener) => add(viewListeners, listener),
    onWindow: (listener) => add(windowListeners, listener),
    togglePause: () => board.setView(view.toMs === null ? pause(view, newest()) : resume(view)),
    refresh,
    showNewestSpan(uuid, show) {
      const card = cards.get(uuid);
      if (card) setTip(card, show ? (spansOf(card.parts.device).findLast((s) => s.kind === card.slowedBy?.kind) ?? null) : null);
    },
    plotWidth: () => [...cards.values()].reduce((w, c) => Math.max(w, c.parts.plots.clientWidth), 0),
    paintAll() {
      const inOrder = [...cards.values()].toSorted((a, b) => (a.parts.card.compareDocumentPosition(b.parts.card) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));
      for (const card of inOrder) {
        drawCard(card);
        card.readouts.updateNow(meanOf(series.points(card.parts.device.uuid, 'utilGpuPercent', windowOf().fromMs, windowOf().toMs, view.spanMs)));
        card.readouts.updateAt(crosshairMs(), view.spanMs);
      }
      return inOrder;
    },
    stop() {
      stopped = true;
      if (requested !== 0) cancelAnimationFrame(requested);
      for (const remove of removers) remove();
      sizes?.disconnect();
      sight?.disconnect();
      cards.clear();
    },
  };
  return board;
}

const currentRatio = (): number => globalThis.devicePixelRatio || 1;

function add<T>(set: Set<T>, item: T): () => void {
  set.add(item);
  return () => {
    set.delete(item);
  };
}
