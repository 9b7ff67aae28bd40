/** Median, extremes, and a 95 % interval of the median by the binomial rule (distribution-free). */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const at = (i: number): number => sorted[Math.min(n - 1, Math.max(0, i))] ?? Number.NaN;
  const median = n % 2 === 1 ? at((n - 1) / 2) : (at(n / 2 - 1) + at(n / 2)) / 2;
  // Largest k with P(X < k) ≤ 2.5 % for X ~ Binomial(n, 1/2); for n < 6 that is the whole range.
  let k = 0;
  let below = 0.5 ** n;
  let term = below;
  while (below <= 0.025 && k < n / 2) {
    k += 1;
    term = (term * (n - k + 1)) / k;
    below += term;
  }
  return { median, low: at(Math.max(0, k - 1)), high: at(n - 1 - Math.max(0, k - 1)), n };
}

/** The value below which this share of the samples lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
