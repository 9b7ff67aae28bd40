import { formatDeviceName } from '../../ui/format.ts';
import { readChartTheme, type ChartTheme } from './chart-theme.ts';
import type { ShownCard } from './monitor-board.ts';

/** Everything is drawn twice as large as CSS pixels, or as on a denser screen. */
const LEAST_RATIO = 1;
const PAD = 16;
const HEAD = 28;
const TITLE = 34;
const LEFT = 106;
const RIGHT = 118;
const AXIS = 16;
const GAP = 12;

/**
 * The shown cards as one picture: title with the window, each card's name, numbers, charts with axis ends, legend
 * and readouts, time axis. The plots are the very pixels of the screen.
 */
export async function encodePng(cards: readonly ShownCard[], window: string, root: Element): Promise<Uint8Array> {
  const canvas = document.createElement('canvas');
  drawPicture(canvas, cards, window, readChartTheme(root));
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('The picture is too large for this browser. Select fewer GPUs.');
  return new Uint8Array(await blob.arrayBuffer());
}

function drawPicture(canvas: HTMLCanvasElement, cards: readonly ShownCard[], window: string, theme: ChartTheme): void {
  const first = cards[0]?.parts.plots;
  const ratio = Math.max(LEAST_RATIO, first && first.clientWidth > 0 ? (cards[0]?.parts.canvas.width ?? 0) / first.clientWidth : 1);
  const perRow = cards.length > 4 ? Math.min(4, Math.ceil(Math.sqrt(cards.length))) : Math.min(2, Math.max(1, cards.length));
  const width = cards.reduce((w, c) => Math.max(w, c.parts.plots.clientWidth), 0) + LEFT + RIGHT;
  const height = cards.reduce((h, c) => Math.max(h, c.parts.plots.clientHeight), 0) + HEAD + AXIS + 4;
  const rows = Math.ceil(cards.length / perRow);
  canvas.width = Math.round((2 * PAD + perRow * width + (perRow - 1) * GAP) * ratio);
  canvas.height = Math.round((2 * PAD + TITLE + rows * height + (rows - 1) * GAP) * ratio);
  const ctx = canvas.getContext('2d');
  if (!ctx) throw new Error('This browser gives no canvas.');
  ctx.scale(ratio, ratio);
  ctx.fillStyle = theme.background;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.textBaseline = 'middle';
  text(ctx, theme, 'Warpdeck', PAD, PAD + 10, 600, 15, theme.ink);
  text(ctx, theme, window, PAD + 84, PAD + 10, 400, 12, theme.quiet);
  cards.forEach((card, i) => drawCard(ctx, card, PAD + (i % perRow) * (width + GAP), PAD + TITLE + Math.floor(i / perRow) * (height + GAP), width, height, theme, ratio));
}

function drawCard(ctx: CanvasRenderingContext2D, { parts, painter }: ShownCard, x: number, y: number, width: number, height: number, theme: ChartTheme, ratio: number): void {
  const colour = theme.devices[parts.colourIndex] ?? theme.quiet;
  ctx.fillStyle = theme.surface;
  ctx.fillRect(x, y, width, height);
  ctx.strokeStyle = theme.line;
  ctx.lineWidth = 1;
  ctx.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  ctx.fillStyle = colour;
  ctx.fillRect(x + 12, y + 7, 14, 14);
  text(ctx, theme, String(parts.device.index), x + 19, y + 14.5, 600, 10, theme.background, 'center');
  const simulated = parts.card.classList.contains('sim') ? ' (simulated)' : '';
  const now = [...parts.card.querySelectorAll<HTMLElement>('.four > div')].map((tile) => `${words(tile.querySelector('.lab'))} ${words(tile.querySelector('.big'))}`).join('   ');
  text(ctx, theme, now, x + width - 12, y + 14.5, 400, 11, theme.ink2, 'right');
  const room = width - 34 - 24 - ctx.measureText(now).width;
  ctx.font = `600 13px ${theme.font}`;
  text(ctx, theme, shorten(ctx, formatDeviceName(parts.device.name), simulated, room), x + 34, y + 14.5, 600, 13, theme.ink);
  const top = y + HEAD;
  ctx.drawImage(parts.canvas, x + LEFT, top, parts.canvas.width / ratio, parts.canvas.height / ratio);
  ctx.drawImage(parts.axis, x + LEFT, top + parts.plots.clientHeight - AXIS, parts.axis.width / ratio, parts.axis.height / ratio);
  ctx.fillStyle = theme.grid;
  for (const t of painter.tracks) {
    const at = top + t.top / ratio;
    const bottom = at + t.height / ratio;
    ctx.fillStyle = theme.grid;
    ctx.fillRect(x + 1, bottom, width - 2, 1);
    text(ctx, theme, t.track.title, x + 12, at + 9, 400, 11, theme.ink2);
    if (t.track.kind === 'lines') {
      text(ctx, theme, t.track.formatEnd(t.hi), x + LEFT - 5, at + 7, 400, 10, theme.quiet, 'right');
      text(ctx, theme, t.track.formatEnd(t.track.lo), x + LEFT - 5, bottom - 6, 400, 10, theme.quiet, 'right');
    }
    const row = parts.stack.querySelector(`[data-track="${t.track.key}"] .r`);
    [...(row?.children ?? [])].forEach((line, i) => {
      const lineY = at + 9 + i * 14;
      if (lineY > bottom - 2) return;
      const [label, value] = line.tagName === 'DIV' && line.children.length === 1 ? (line.firstElementChild?.children ?? []) : line.children;
      const key = (label ?? line).querySelector('.key');
      const legendX = x + width - RIGHT + 8;
      if (key) {
        ctx.fillStyle = key.classList.contains('k1') ? colour : key.classList.contains('ht') ? theme.heat : key.classList.contains('hw') ? theme.hardware : theme.quiet;
        ctx.fillRect(legendX, lineY - (key.classList.contains('ht') || key.classList.contains('hw') ? 4 : 1), 10, key.classList.contains('ht') || key.classList.contains('hw') ? 8 : 1.5);
      }
      text(ctx, theme, words(label ?? line), legendX + 14, lineY, 400, 11, theme.quiet);
      if (value) text(ctx, theme, words(value), x + width - 12, lineY, 400, 11, theme.ink, 'right');
    });
  }
  ctx.fillStyle = theme.line;
  ctx.fillRect(x + LEFT - 1, top, 1, parts.plots.clientHeight - AXIS);
}

/** As much of a name as there is room for, then its suffix whole: that a device is simulated is always said. */
function shorten(ctx: CanvasRenderingContext2D, name: string, suffix: string, room: number): string {
  if (ctx.measureText(name + suffix).width <= room) return name + suffix;
  let kept = name;
  while (kept.length > 4 && ctx.measureText(`${kept}…${suffix}`).width > room) kept = kept.slice(0, -1);
  return `${kept.trimEnd()}…${suffix}`;
}

/** The text of an element, number and unit apart. */
function words(element: Element | null): string {
  if (!element) return '';
  const parts = [...element.querySelectorAll('span')].filter((s) => s.children.length === 0).map((s) => s.textContent ?? '').filter((s) => s !== '');
  return parts.length > 0 ? parts.join(' ') : (element.textContent ?? '').trim();
}

function text(ctx: CanvasRenderingContext2D, theme: ChartTheme, value: string, x: number, y: number, weight: number, size: number, colour: string, align: CanvasTextAlign = 'left'): void {
  ctx.font = `${weight} ${size}px ${theme.font}`;
  ctx.textAlign = align;
  ctx.fillStyle = colour;
  ctx.fillText(value, x, y);
}
