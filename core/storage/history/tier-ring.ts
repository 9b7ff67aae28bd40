/**
 * Readings of one device and one tier for the last minutes: rows of numbers in one typed array, oldest first.
 * It grows while what it holds is younger than `keepMs`, up to `maxRows`; then the oldest row gives way.
 */
export interface TierRing {
  /** Room for one row; returns where in `data()` it begins. Times must not go back (see `forgetAfter`). */
  push(atMs: number): number;
  size(): number;
  timeAt(i: number): number;
  offsetAt(i: number): number;
  data(): Float64Array;
  /** First row at or after a time; `size()` when there is none. */
  find(atMs: number): number;
  /** The clock was set back: rows from here on are of a time that is still to come. */
  forgetFrom(atMs: number): void;
}

export function createTierRing(width: number, keepMs: number, maxRows: number): TierRing {
  let capacity = Math.min(64, maxRows);
  let times = new Float64Array(capacity);
  let values = new Float64Array(capacity * width);
  let start = 0;
  let count = 0;

  const place = (i: number): number => (start + i) % capacity;
  const timeAt = (i: number): number => times[place(i)] ?? NaN;

  const grow = (): void => {
    const next = Math.min(maxRows, capacity * 2);
    const newTimes = new Float64Array(next);
    const newValues = new Float64Array(next * width);
    const first = capacity - start;
    newTimes.set(times.subarray(start), 0);
    newTimes.set(times.subarray(0, start), first);
    newValues.set(values.subarray(start * width), 0);
    newValues.set(values.subarray(0, start * width), first * width);
    [times, values, start, capacity] = [newTimes, newValues, 0, next];
  };

  const find = (atMs: number): number => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (timeAt(middle) < atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  return {
    push(atMs) {
      while (count > 0 && timeAt(0) < atMs - keepMs) {
        start = (start + 1) % capacity;
        count--;
      }
      if (count === capacity) {
        if (capacity < maxRows) grow();
        else {
          start = (start + 1) % capacity;
          count--;
        }
      }
      const at = place(count++);
      times[at] = atMs;
      return at * width;
    },
    size: () => count,
    timeAt,
    offsetAt: (i) => place(i) * width,
    data: () => values,
    find,
    forgetFrom(atMs) {
      count = find(atMs);
    },
  };
}
