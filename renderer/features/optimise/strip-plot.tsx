import { useEffect, useMemo, useRef, type ReactNode } from 'react';
import type { EffectCard, EffectPair } from '../../../contract/optimize.ts';
import { formatFigures } from '../../ui/format.ts';
import { fitCanvas } from '../../ui/fit-canvas.ts';
import { layOutStrip, scaleUnit, type StripLayout } from './strip-layout.ts';

interface StripPlotProps {
  readonly card: EffectCard;
  readonly pairs: readonly EffectPair[];
}

/** Every repetition without (above) and with the switch, on one axis. Dashed: not the last word. */
export function StripPlot({ card, pairs }: StripPlotProps): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { unit, factor } = useMemo(() => scaleUnit(card.workload.unit, Math.max(0, ...pairs.map((p) => Math.max(p.a, p.b)))), [card, pairs]);
  const layout = useMemo(() => layOutStrip(factor === 1 ? pairs : pairs.map((p) => ({ ...p, a: p.a * factor, b: p.b * factor })), card), [pairs, card, factor]);
  const preliminary = card.verdict === null;
  const stale = card.stale !== null;
  useEffect(() => {
    const element = canvas.current;
    if (element === null || layout === null) return;
    const draw = (): void => paintStrip(element, layout, { preliminary, stale });
    draw();
    const resized = typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(draw);
    resized?.observe(element);
    // The theme is put on the root, also when the system changes it; colours are read when painting.
    const dark = typeof matchMedia === 'undefined' ? null : matchMedia('(prefers-color-scheme: dark)');
    const repaint = new MutationObserver(draw);
    repaint.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    dark?.addEventListener('change', draw);
    return () => {
      resized?.disconnect();
      repaint.disconnect();
      dark?.removeEventListener('change', draw);
    };
  }, [layout, preliminary, stale]);
  if (layout === null) return null;
  const said = (median: number | null): string => (median === null ? 'nothing yet' : `${formatFigures(median)} ${unit}`);
  return (
    <div className="plot">
      <div className="lane names" aria-hidden="true"><span>off</span><span>on</span></div>
      <canvas ref={canvas} role="img" aria-label={`${preliminary ? 'So far: ' : ''}off ${said(layout.a.median)}, on ${said(layout.b.median)}, ${String(layout.a.dots.length)} pairs`} />
      <div className="lane figures" aria-hidden="true">
        {[layout.a, layout.b].map((arm, i) => <span key={i}>{arm.median === null ? '—' : <><b>{formatFigures(arm.median)}</b><span className="u">{unit}</span></>}</span>)}
      </div>
    </div>
  );
}

/** Height of the axis with its numbers, px. */
const AXIS = 18;

function paintStrip(canvas: HTMLCanvasElement, layout: StripLayout, look: { readonly preliminary: boolean; readonly stale: boolean }): void {
  const drawing = fitCanvas(canvas);
  if (drawing === null) return;
  const { ctx, width, height, style } = drawing;
  const ink = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const x = (value: number): number => 6 + ((value - layout.low) / (layout.high - layout.low)) * (width - 12);
  const base = height - AXIS;
  ctx.font = `10px ${style.fontFamily}`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.lineWidth = 1;
  for (const tick of layout.ticks) {
    ctx.strokeStyle = ink('grid');
    segment(ctx, Math.round(x(tick)) + 0.5, 4, Math.round(x(tick)) + 0.5, base);
    ctx.fillStyle = ink('ink-3');
    ctx.fillText(String(tick), Math.min(width - 12, Math.max(12, x(tick))), height - 8);
  }
  ctx.strokeStyle = ink('axis');
  segment(ctx, 0, base + 0.5, width, base + 0.5);
  const lanes = [{ arm: layout.a, y: base * 0.28, dots: ink('ink-3'), mark: ink('ink'), interval: null }, { arm: layout.b, y: base * 0.74, dots: look.stale ? ink('ink-3') : ink('accent'), mark: look.stale ? ink('ink-2') : ink('accent'), interval: layout.interval }];
  for (const { arm, y, dots, mark, interval } of lanes) {
    const spread = base * 0.16;
    ctx.fillStyle = dots;
    ctx.strokeStyle = dots;
    for (const dot of arm.dots) {
      ctx.globalAlpha = dot.kept ? 0.55 : 0.45;
      ctx.beginPath();
      ctx.arc(x(dot.value), y + dot.sway * spread, 1.5, 0, 7);
      // What was set aside is a ring: it is there, and does not count.
      if (dot.kept) ctx.fill();
      else ctx.stroke();
    }
    ctx.globalAlpha = 1;
    ctx.strokeStyle = mark;
    ctx.lineWidth = 1.5;
    if (look.preliminary) ctx.setLineDash([3, 2]);
    if (arm.median !== null) segment(ctx, x(arm.median), y - 9, x(arm.median), y + 9);
    if (interval !== null) {
      const [from, to] = [Math.max(1, x(interval[0])), Math.min(width - 1, Math.max(x(interval[1]), x(interval[0]) + 2))];
      segment(ctx, from, y, to, y);
      ctx.setLineDash([]);
      // An end beyond the axis is an arrow.
      if (interval[0] < layout.low) arrow(ctx, from, y, 5);
      else segment(ctx, from, y - 4, from, y + 4);
      if (interval[1] > layout.high) arrow(ctx, to, y, -5);
      else segment(ctx, to, y - 4, to, y + 4);
    }
    ctx.setLineDash([]);
    ctx.lineWidth = 1;
  }
}

function segment(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

/** A point at x that opens to the side of `length`. */
function arrow(ctx: CanvasRenderingContext2D, x: number, y: number, length: number): void {
  segment(ctx, x, y, x + length, y - 4);
  segment(ctx, x, y, x + length, y + 4);
}
