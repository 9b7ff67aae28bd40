/**
 * The value below which a share `p` of Student's t distribution with `df` degrees of freedom lies; 0 < p < 1, df ≥ 1.
 * Solved from the distribution itself (regularised incomplete beta function), to about 12 digits.
 */
export function tQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1 && df >= 1)) throw new RangeError(`There is no t quantile for p ${p}, df ${df}.`);
  if (p < 0.5) return -tQuantile(1 - p, df);
  if (p === 0.5) return 0;
  let low = 0, high = 1;
  while (tDistribution(high, df) < p && high < 1e12) {
    low = high;
    high *= 2;
  }
  for (let step = 0; step < 200 && high - low > high * 1e-15; step++) {
    const middle = (low + high) / 2;
    if (tDistribution(middle, df) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Share of Student's t distribution below t ≥ 0. */
export function tDistribution(t: number, df: number): number {
  return 1 - regularisedBeta(df / (df + t * t), df / 2, 0.5) / 2;
}

/** I_x(a, b), by its continued fraction (Lentz's way); a, b > 0. */
export function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  // The fraction converges fast on one side of the mean only.
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

function betaFraction(x: number, a: number, b: number): number {
  const least = 1e-300;
  const away = (value: number): number => (Math.abs(value) < least ? least : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let product = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    product *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    product *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return product;
}

/** Lanczos' approximation, g = 7: about 15 digits for x > 0.5. */
function logGamma(x: number): number {
  const terms = [676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7];
  const y = x - 1;
  const sum = terms.reduce((all, term, at) => all + term / (y + at + 1), 0.99999999999980993);
  const t = y + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}
