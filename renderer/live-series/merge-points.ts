/** Points in ascending time; NaN is a break. */
export interface Points {
  readonly times: readonly number[];
  readonly values: readonly number[];
}

/** Two readings of one instant differ by less than this, ms (the store keeps whole milliseconds). */
const SAME_INSTANT_MS = 1;

/**
 * One series out of what was seen live and what the history has of the same time: every instant once, the live
 * value where both have one. A break of one side goes away where the other side has values inside it: a tab that
 * slept has a hole that the history can fill, and a history that was off has one that the rings can.
 */
export function mergePoints(live: Points, past: Points): Points {
  const liveBreaks = breaksFilledBy(live, past);
  const pastBreaks = breaksFilledBy(past, live);
  const times: number[] = [];
  const values: number[] = [];
  let i = 0;
  let j = 0;
  while (i < live.times.length || j < past.times.length) {
    const a = live.times[i] ?? Number.POSITIVE_INFINITY;
    const b = past.times[j] ?? Number.POSITIVE_INFINITY;
    if (Math.abs(a - b) < SAME_INSTANT_MS) {
      const own = live.values[i] ?? Number.NaN;
      if (!Number.isNaN(own) || Number.isNaN(past.values[j])) {
        times.push(a);
        values.push(own);
        j += 1;
      }
      i += 1;
    } else if (a < b) {
      if (!liveBreaks.has(i)) {
        times.push(a);
        values.push(live.values[i] ?? Number.NaN);
      }
      i += 1;
    } else {
      if (!pastBreaks.has(j)) {
        times.push(b);
        values.push(past.values[j] ?? Number.NaN);
      }
      j += 1;
    }
  }
  return { times, values };
}

/** Indices of the NaN points of `points` whose hole (between its finite neighbours) holds a value of `other`. */
function breaksFilledBy(points: Points, other: Points): ReadonlySet<number> {
  const filled = new Set<number>();
  const n = points.times.length;
  let k = 0;
  for (let i = 0; i < n; ) {
    if (!Number.isNaN(points.values[i])) {
      i += 1;
      continue;
    }
    let end = i;
    while (end < n && Number.isNaN(points.values[end])) end += 1;
    const from = i === 0 ? Number.NEGATIVE_INFINITY : (points.times[i - 1] ?? Number.NEGATIVE_INFINITY);
    const to = end === n ? Number.POSITIVE_INFINITY : (points.times[end] ?? Number.POSITIVE_INFINITY);
    while (k < other.times.length && (other.times[k] ?? 0) <= from + SAME_INSTANT_MS) k += 1;
    for (let q = k; q < other.times.length && (other.times[q] ?? 0) < to - SAME_INSTANT_MS; q++) {
      if (!Number.isNaN(other.values[q])) {
        for (let m = i; m < end; m++) filled.add(m);
        break;
      }
    }
    i = end;
  }
  return filled;
}
