import { regularisedBeta } from '../../statistics/student-t.ts';

/**
 * Smallest share that a count of at most `count` among `of` would still be a chance of `alpha` for: the exact upper
 * bound at one-sided confidence 1 − alpha (Clopper and Pearson 1934).
 */
export function upperShare(count: number, of: number, alpha: number): number {
  if (!(of > 0 && count >= 0 && count <= of)) throw new RangeError(`There is no share for ${count} of ${of}.`);
  return count === of ? 1 : solveBeta(1 - alpha, count + 1, of - count);
}

/** The exact lower bound at one-sided confidence 1 − alpha. */
export const lowerShare = (count: number, of: number, alpha: number): number => 1 - upperShare(of - count, of, alpha);

/** The x with I_x(a, b) = p. */
function solveBeta(p: number, a: number, b: number): number {
  let low = 0;
  let high = 1;
  for (let step = 0; step < 100 && high - low > 1e-14; step++) {
    const middle = (low + high) / 2;
    if (regularisedBeta(middle, a, b) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
