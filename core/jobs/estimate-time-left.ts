/** What is remembered of a job's speed. */
export interface Pace {
  readonly atMs: number;
  readonly fraction: number;
  /** Fraction a second, smoothed; null until two values are known. */
  readonly rate: number | null;
}

/** Older speed counts half after this, ms. */
const HALF_LIFE_MS = 10_000;
/** Values that come closer together are one: their rate would be noise. */
const LEAST_MS = 250;

/** Pure. A fraction that goes back (a step was begun anew) begins the estimate anew. */
export function updatePace(before: Pace | null, atMs: number, fraction: number): Pace {
  if (before === null || fraction < before.fraction) return { atMs, fraction, rate: null };
  const passed = atMs - before.atMs;
  if (passed < LEAST_MS) return before;
  const rate = ((fraction - before.fraction) / passed) * 1000;
  if (before.rate === null) return { atMs, fraction, rate };
  const weight = 0.5 ** (passed / HALF_LIFE_MS);
  return { atMs, fraction, rate: before.rate * weight + rate * (1 - weight) };
}

/** Seconds until the end at this pace, or null while it cannot be known. */
export function secondsLeft(pace: Pace | null): number | null {
  if (pace === null || pace.rate === null || pace.rate <= 0) return null;
  const left = (1 - pace.fraction) / pace.rate;
  return left > 30 * 86_400 ? null : Math.round(left);
}
