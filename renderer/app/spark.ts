import type { GpuStreamItem } from '../../contract/gpu.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import type { GpuFeed } from '../connection/gpu-feed.ts';

/** One column per second, one pixel per column: the last 40 s. */
export const SPARK_COLUMNS = 40;
const COLUMN_MS = 1000;
const HEIGHT = 14;

/** Utilisation by second, newest last; NaN where there was no reading. */
export interface SparkRing {
  push(atMs: number, percent: number | null): void;
  /** The columns, oldest first. */
  columns(): Float32Array;
}

/** Means of a second; a second without a reading stays a gap. */
export function createSparkRing(): SparkRing {
  const columns = new Float32Array(SPARK_COLUMNS).fill(Number.NaN);
  let second = Number.NaN;
  let sum = 0;
  let n = 0;
  return {
    push: (atMs, percent) => {
      const at = Math.floor(atMs / COLUMN_MS);
      if (at !== second) {
        const steps = Number.isNaN(second) ? 1 : Math.min(SPARK_COLUMNS, Math.max(1, at - second));
        columns.copyWithin(0, steps);
        columns.fill(Number.NaN, SPARK_COLUMNS - steps);
        second = at;
        sum = 0;
        n = 0;
      }
      if (percent === null) return;
      sum += percent;
      n += 1;
      columns[SPARK_COLUMNS - 1] = sum / n;
    },
    columns: () => columns,
  };
}

/** Rings for all devices, fed outside React. */
export function createSparks(feed: GpuFeed): { ringOf(uuid: string): SparkRing } {
  const rings = new Map<string, SparkRing>();
  const ringOf = (uuid: string): SparkRing => {
    const known = rings.get(uuid);
    if (known) return known;
    const ring = createSparkRing();
    rings.set(uuid, ring);
    return ring;
  };
  feed.onFrame((item: GpuStreamItem) => {
    if (item.type !== 'frame') return;
    for (const sample of item.frame.samples) ringOf(sample.uuid).push(item.frame.atMs, sample.fast?.utilGpuPercent ?? null);
  });
  return { ringOf };
}

/** Draws a ring in the canvas's own colour. */
export function paintSpark(canvas: HTMLCanvasElement, columns: Float32Array): void {
  const scale = globalThis.devicePixelRatio || 1;
  const width = Math.round(SPARK_COLUMNS * scale);
  const height = Math.round(HEIGHT * scale);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext('2d');
  if (!context) return;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, SPARK_COLUMNS, HEIGHT);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = 1.25;
  context.beginPath();
  let drawing = false;
  for (let i = 0; i < SPARK_COLUMNS; i++) {
    const value = columns[i] ?? Number.NaN;
    if (Number.isNaN(value)) {
      drawing = false;
      continue;
    }
    const y = HEIGHT - 1 - (value / 100) * (HEIGHT - 2);
    if (drawing) context.lineTo(i + 0.5, y);
    else context.moveTo(i + 0.5, y);
    drawing = true;
  }
  context.stroke();
}

/** Repaints a canvas on every beat until the returned function is called. */
export function followSpark(canvas: HTMLCanvasElement, ring: SparkRing, clock: CommitClock): () => void {
  paintSpark(canvas, ring.columns());
  return clock.onTick(() => paintSpark(canvas, ring.columns()));
}
