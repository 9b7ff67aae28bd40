import { useEffect, useRef, type ReactNode } from 'react';
import { useApp, useCommitClock } from '../../../app/context.tsx';
import { SPEED_POINTS } from '../../../stores/loaded-store.ts';
import { fitCanvas } from '../../../ui/fit-canvas.ts';

/** The last minute of writing as a line, painted outside React twice a second. `mark`: the predicted speed, dashed. */
export function SpeedLine({ id, colour, mark }: { readonly id: string; readonly colour: string; readonly mark: number | null }): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  const clock = useCommitClock();
  const { loaded } = useApp();
  useEffect(() => {
    const draw = (): void => {
      if (canvas.current !== null) paint(canvas.current, loaded.speeds(id), colour, mark);
    };
    draw();
    return clock.onTick(draw);
  }, [clock, loaded, id, colour, mark]);
  return <canvas ref={canvas} className="speedline" aria-hidden="true" />;
}

function paint(canvas: HTMLCanvasElement, values: readonly number[], colour: string, mark: number | null): void {
  const drawing = fitCanvas(canvas);
  if (drawing === null) return;
  const { ctx, width, height, style } = drawing;
  const inkOf = (value: string): string => (value.startsWith('var(') ? style.getPropertyValue(value.slice(4, -1)).trim() : value);
  const top = Math.max(1, mark ?? 0, ...values) * 1.15;
  const y = (v: number): number => height - 1 - (v / top) * (height - 3);
  ctx.lineWidth = 1;
  ctx.strokeStyle = inkOf('var(--axis)');
  line(ctx, [[0, height - 0.5], [width, height - 0.5]]);
  if (mark !== null) {
    ctx.strokeStyle = inkOf('var(--ink-3)');
    ctx.setLineDash([3, 3]);
    line(ctx, [[0, y(mark)], [width, y(mark)]]);
    ctx.setLineDash([]);
  }
  if (values.length < 2) return;
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = inkOf(colour);
  const step = width / (SPEED_POINTS - 1);
  line(ctx, values.map((v, i) => [width - (values.length - 1 - i) * step, y(v)]));
}

function line(ctx: CanvasRenderingContext2D, points: readonly (readonly [number, number])[]): void {
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
  ctx.stroke();
}
