/** What intervals are made of. */
export interface Sample {
  readonly n: number;
  /** NaN of none. */
  readonly mean: number;
  /** Standard deviation with n − 1; NaN of fewer than two. */
  readonly deviation: number;
  /** Of neighbours, at distance 1; null: fewer than four values, or all alike. */
  readonly autocorrelation: number | null;
  /** Values that an interval may count with: fewer than n where neighbours resemble each other. */
  readonly effectiveCount: number;
}

/** So few values count always: with fewer, no spread is known at all. */
const LEAST_EFFECTIVE = 3;
const LEAST_FOR_AUTOCORRELATION = 4;
const MOST_AUTOCORRELATION = 0.9;

/**
 * Mean, spread and news of values in the order in which they came. Neighbours that resemble each other carry less news:
 * n is then lowered to n (1 − r) ÷ (1 + r), r the autocorrelation at distance 1 corrected for its bias of −1/n.
 */
export function describeSample(values: readonly number[]): Sample {
  const n = values.length;
  const mean = values.reduce((sum, one) => sum + one, 0) / n;
  const deviations = values.map((one) => one - mean);
  const square = deviations.reduce((sum, one) => sum + one * one, 0);
  const deviation = n < 2 ? Number.NaN : Math.sqrt(square / (n - 1));
  if (n < LEAST_FOR_AUTOCORRELATION || square === 0) return { n, mean, deviation, autocorrelation: null, effectiveCount: n };
  const r = deviations.reduce((sum, one, at) => sum + one * (deviations[at + 1] ?? 0), 0) / square;
  const corrected = Math.min(MOST_AUTOCORRELATION, Math.max(0, r + 1 / n));
  return { n, mean, deviation, autocorrelation: r, effectiveCount: Math.max(LEAST_EFFECTIVE, n * ((1 - corrected) / (1 + corrected))) };
}
