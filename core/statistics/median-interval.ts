/** Median of a sorted list; NaN of none. */
export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? (sorted[half] ?? Number.NaN) : ((sorted[half - 1] ?? Number.NaN) + (sorted[half] ?? Number.NaN)) / 2;
}

export interface MedianInterval {
  readonly median: number;
  /** Order statistics that hold the median with at least 95 %; null: fewer than six values. */
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
}

const CONFIDENCE = 0.95;
/** Two-sided, of that confidence. */
const NORMAL_QUANTILE = 1.959964;

/**
 * The median with its distribution-free interval: the r-th smallest and largest values, where a binomial count (n, ½)
 * lies outside with at most 5 % (Conover, Practical Nonparametric Statistics, 3.2). Timings are skewed: nothing is
 * assumed of their shape.
 */
export function medianInterval(values: readonly number[]): MedianInterval {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const rank = medianRank(n);
  return { median: medianOf(sorted), low: rank === 0 ? null : (sorted[rank - 1] ?? null), high: rank === 0 ? null : (sorted[n - rank] ?? null), n };
}

/** Largest r with P(Binomial(n, ½) < r) ≤ 2.5 %; 0: there is none. */
export function medianRank(n: number): number {
  // ½ⁿ is no number any more soon after; the normal approximation with its correction for continuity is then exact to a rank.
  if (n > 1000) return Math.floor(n / 2 - NORMAL_QUANTILE * Math.sqrt(n) / 2 + 0.5);
  const most = (1 - CONFIDENCE) / 2;
  let probability = 0.5 ** n;
  let below = 0;
  for (let r = 0; r <= n >> 1; r++) {
    if (below + probability > most) return r;
    below += probability;
    probability *= (n - r) / (r + 1);
  }
  return n >> 1;
}
