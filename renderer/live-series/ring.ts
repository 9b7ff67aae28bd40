/**
 * Points of one series in ascending time, in two typed arrays that never grow: the oldest makes room for the
 * newest. A value of NaN is a break in the line.
 */
export interface Ring {
  readonly capacity: number;
  size(): number;
  /** Unix time in ms of the i-th oldest point. */
  timeAt(index: number): number;
  valueAt(index: number): number;
  /** -Infinity while empty, so that every time is after it. */
  lastTime(): number;
  /** +Infinity while empty. */
  firstTime(): number;
  /** Appends; a time that is not after the last one is refused. */
  push(timeMs: number, value: number): boolean;
  setLastValue(value: number): void;
  dropLast(): void;
  /** Index of the first point at or after a time; `size()` when there is none. */
  indexAtOrAfter(timeMs: number): number;
  /** Takes these points instead; only the newest `capacity` of them fit. */
  replace(times: ArrayLike<number>, values: ArrayLike<number>): void;
}

export function createRing(capacity: number): Ring {
  const times = new Float64Array(capacity);
  const values = new Float64Array(capacity);
  let start = 0;
  let count = 0;
  const slot = (index: number): number => {
    const at = start + index;
    return at < capacity ? at : at - capacity;
  };
  const timeAt = (index: number): number => times[slot(index)] ?? Number.NaN;
  const ring: Ring = {
    capacity,
    size: () => count,
    timeAt,
    valueAt: (index) => values[slot(index)] ?? Number.NaN,
    lastTime: () => (count === 0 ? Number.NEGATIVE_INFINITY : timeAt(count - 1)),
    firstTime: () => (count === 0 ? Number.POSITIVE_INFINITY : timeAt(0)),
    push(timeMs, value) {
      if (!(timeMs > ring.lastTime())) return false;
      if (count === capacity) start = slot(1);
      else count += 1;
      const at = slot(count - 1);
      times[at] = timeMs;
      values[at] = value;
      return true;
    },
    setLastValue(value) {
      if (count > 0) values[slot(count - 1)] = value;
    },
    dropLast() {
      if (count > 0) count -= 1;
    },
    indexAtOrAfter(timeMs) {
      let low = 0;
      let high = count;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (timeAt(middle) < timeMs) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    replace(newTimes, newValues) {
      start = 0;
      count = Math.min(capacity, newTimes.length);
      const skip = newTimes.length - count;
      for (let i = 0; i < count; i++) {
        times[i] = newTimes[skip + i] ?? Number.NaN;
        values[i] = newValues[skip + i] ?? Number.NaN;
      }
    },
  };
  return ring;
}
