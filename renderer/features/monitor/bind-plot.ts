import { MIN_SPAN_MS, resume, followRange, showPiece, zoom, type View } from './view.ts';

export interface PlotControls {
  view(): View;
  newestMs(): number;
  range(): { fromMs: number; toMs: number };
  setView(view: View): void;
  togglePause(): void;
  crosshair(): number | null;
  setCrosshair(fraction: number | null): void;
  /** Words for a moment, for a screen reader. */
  describe(atMs: number): string;
  /** What lies under the pointer: a time and a height in the plot (null: the crosshair moved by keyboard); all null: nothing. */
  probe(atMs: number | null, y: number | null): void;
}

/** A shorter way of the pointer is a click, px. */
const DRAG_PX = 4;

/**
 * Pointer, wheel and keys of one plot: crosshair, zoom by drag and by Ctrl and wheel (the plain wheel scrolls the
 * page), double click back to the range, Space pauses. Returns the remover.
 */
export function bindPlot(plot: HTMLElement, selection: HTMLElement, c: PlotControls): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  let dragFrom: number | null = null;
  const fractionOf = (event: MouseEvent): number => Math.min(1, Math.max(0, event.offsetX / Math.max(1, plot.clientWidth)));
  const timeOf = (fraction: number): number => {
    const { fromMs, toMs } = c.range();
    return fromMs + fraction * (toMs - fromMs);
  };
  const clearSelection = (): void => {
    dragFrom = null;
    selection.hidden = true;
  };
  const speak = (): void => {
    const at = c.crosshair();
    plot.setAttribute('aria-valuenow', String(Math.round((at ?? 1) * 100)));
    plot.setAttribute('aria-valuetext', at === null ? 'now' : c.describe(timeOf(at)));
  };
  const moveTo = (fraction: number): void => {
    c.setCrosshair(Math.min(1, Math.max(0, fraction)));
    c.probe(timeOf(c.crosshair() ?? 1), null);
    speak();
  };

  plot.addEventListener('pointermove', (event) => {
    const fraction = fractionOf(event);
    c.setCrosshair(fraction);
    if (dragFrom !== null) {
      const a = Math.min(dragFrom, fraction);
      selection.hidden = Math.abs(fraction - dragFrom) * plot.clientWidth < DRAG_PX;
      selection.style.left = `${a * 100}%`;
      selection.style.width = `${Math.abs(fraction - dragFrom) * 100}%`;
    } else c.probe(timeOf(fraction), event.offsetY);
  }, { signal });
  plot.addEventListener('pointerleave', () => {
    if (dragFrom !== null) return;
    c.setCrosshair(null);
    c.probe(null, null);
  }, { signal });
  plot.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || event.ctrlKey) return;
    dragFrom = fractionOf(event);
    plot.setPointerCapture(event.pointerId);
    c.probe(null, null);
  }, { signal });
  plot.addEventListener('pointerup', (event) => {
    if (dragFrom === null) return;
    const to = fractionOf(event);
    const from = dragFrom;
    clearSelection();
    if (Math.abs(to - from) * plot.clientWidth < DRAG_PX) return;
    const a = timeOf(Math.min(from, to));
    const b = timeOf(Math.max(from, to));
    c.setCrosshair(null);
    c.setView(showPiece(c.view(), a, Math.max(b, a + MIN_SPAN_MS)));
  }, { signal });
  plot.addEventListener('pointercancel', clearSelection, { signal });
  plot.addEventListener('dblclick', () => c.setView(followRange(c.view().range)), { signal });
  plot.addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    c.setView(zoom(c.view(), Math.exp(Math.sign(event.deltaY) * Math.min(1, Math.abs(event.deltaY) / 240)), fractionOf(event), c.newestMs()));
  }, { signal, passive: false });
  plot.addEventListener('keydown', (event) => {
    const at = c.crosshair() ?? 1;
    const step = (event.shiftKey ? 10 : 1) / Math.max(1, Math.round(plot.clientWidth / 4));
    if (event.key === ' ') c.togglePause();
    else if (event.key === 'ArrowLeft') moveTo(at - step);
    else if (event.key === 'ArrowRight') moveTo(at + step);
    else if (event.key === 'Home') moveTo(0);
    else if (event.key === 'End') moveTo(1);
    else if (event.key === '+' || event.key === '=') c.setView(zoom(c.view(), 0.5, at, c.newestMs()));
    else if (event.key === '-') c.setView(zoom(c.view(), 2, at, c.newestMs()));
    else if (event.key === 'Enter') c.setView(followRange(c.view().range));
    else if (event.key === 'Escape') {
      if (dragFrom !== null) clearSelection();
      else if (c.crosshair() !== null) {
        c.setCrosshair(null);
        c.probe(null, null);
        speak();
      } else if (c.view().toMs !== null) c.setView(resume(c.view()));
      else return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }, { signal });
  plot.addEventListener('blur', () => {
    c.setCrosshair(null);
    c.probe(null, null);
    speak();
  }, { signal });
  speak();
  return () => stop.abort();
}
