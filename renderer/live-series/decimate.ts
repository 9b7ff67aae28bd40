import { appendPoint, type PointBuffer } from './point-buffer.ts';

/**
 * Fewer points for the same picture: in every pixel column that holds more than two points only the lowest and
 * the highest are kept, in the order in which they came, with their own times. Columns lie on a grid of absolute
 * time (`column = floor(time / msPerPx)`), not on the window, so a line does not shimmer while it scrolls, and a
 * strip that is drawn alone is the same strip as in the whole picture. Breaks (NaN) are kept, one per run.
 */
export function decimateInto(out: PointBuffer, source: PointBuffer, msPerPx: number): void {
  out.count = 0;
  const { times, values, count } = source;
  let i = 0;
  let broken = true;
  while (i < count) {
    const value = values[i] ?? Number.NaN;
    const time = times[i] ?? Number.NaN;
    if (Number.isNaN(value)) {
      if (!broken) appendPoint(out, time, Number.NaN);
      broken = true;
      i += 1;
      continue;
    }
    broken = false;
    const columnEnd = (Math.floor(time / msPerPx) + 1) * msPerPx;
    let low = i;
    let high = i;
    let next = i + 1;
    for (; next < count; next++) {
      const t = times[next] ?? Number.NaN;
      const v = values[next] ?? Number.NaN;
      if (!(t < columnEnd) || Number.isNaN(v)) break;
      if (v < (values[low] ?? 0)) low = next;
      if (v >= (values[high] ?? 0)) high = next;
    }
    const first = Math.min(low, high);
    const last = Math.max(low, high);
    appendPoint(out, times[first] ?? 0, values[first] ?? 0);
    if (last !== first) appendPoint(out, times[last] ?? 0, values[last] ?? 0);
    i = next;
  }
}
