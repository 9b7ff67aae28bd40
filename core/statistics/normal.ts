/** Share of the standard normal distribution below z, to about 1e-15 (complementary error function by Cody's rational approximations is not needed: a continued fraction and a series do). */
export function normalDistribution(z: number): number {
  if (z < 0) return 1 - normalDistribution(-z);
  if (z < 2.5) {
    // Abramowitz and Stegun 26.2.11.
    let term = z;
    let sum = z;
    for (let k = 1; k < 200 && Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
      term *= (z * z) / (2 * k + 1);
      sum += term;
    }
    return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
  }
  return 1 - normalTail(z);
}

/** Share above z ≥ 2.5, also where it is far below 1e-16 (Abramowitz and Stegun 26.2.14, from its end). */
export function normalTail(z: number): number {
  if (z < 2.5) return 1 - normalDistribution(z);
  let fraction = z;
  for (let k = 120; k >= 1; k--) fraction = z + k / fraction;
  return Math.exp((-z * z) / 2) / (Math.sqrt(2 * Math.PI) * fraction);
}
