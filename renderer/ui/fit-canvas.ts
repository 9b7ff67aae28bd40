export interface Drawing {
  readonly ctx: CanvasRenderingContext2D;
  /** CSS pixels; the context is scaled to the screen's. */
  readonly width: number;
  readonly height: number;
  readonly style: CSSStyleDeclaration;
}

/** An empty drawing as large as the canvas is shown and as fine as the screen. Null: it is not shown, or cannot be drawn on. */
export function fitCanvas(canvas: HTMLCanvasElement): Drawing | null {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ctx = width === 0 ? null : canvas.getContext('2d');
  if (ctx === null) return null;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return { ctx, width, height, style: getComputedStyle(canvas) };
}
