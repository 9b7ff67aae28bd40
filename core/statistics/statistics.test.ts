import { describe, expect, it, test } from 'vitest';
import { describeSample } from './describe-sample.ts';
import { medianInterval, medianOf, medianRank } from './median-interval.ts';
import { normalDistribution, normalTail } from './normal.ts';
import { makeLooks, pairedEffect, spentUntil } from './paired-effect.ts';

/** Normal values, the same each time. */
function createNormal(seed: number): () => number {
  let state = seed;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

describe('describeSample', () => {
  it('knows mean and spread of what R knows: mean(c(2,4,4,4,5,5,7,9)), sd(…)', () => {
    expect(describeSample([2, 4, 4, 4, 5, 5, 7, 9])).toMatchObject({ n: 8, mean: 5, deviation: expect.closeTo(2.138089935299395, 12) as number });
  });
  test.each([
    [[], { n: 0, mean: Number.NaN, deviation: Number.NaN, autocorrelation: null, effectiveCount: 0 }],
    [[7], { n: 1, mean: 7, deviation: Number.NaN, autocorrelation: null, effectiveCount: 1 }],
    [[1, 2, 3], { n: 3, mean: 2, deviation: 1, autocorrelation: null, effectiveCount: 3 }],
    [[3, 3, 3, 3, 3], { n: 5, mean: 3, deviation: 0, autocorrelation: null, effectiveCount: 5 }],
  ])('of %j', (values, expected) => { expect(describeSample(values)).toEqual(expected); });
  it('lowers the count where neighbours resemble each other, never below three, never above n', () => {
    // By hand: 26.25 ÷ 42; corrected 0.75; 8 · 0.25 ÷ 1.75 is under three.
    const rising = describeSample([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(rising.autocorrelation).toBeCloseTo(0.625, 12);
    expect(rising.effectiveCount).toBe(3);
    const long = describeSample(Array.from({ length: 100 }, (_, at) => at));
    expect(long.effectiveCount).toBeCloseTo((100 * 0.1) / 1.9, 9);
    expect(describeSample([1, -1, 1, -1, 1, -1]).effectiveCount).toBe(6);
  });
});

describe('the median', () => {
  test.each([[[], Number.NaN], [[5], 5], [[3, 1], 2], [[9, 1, 5], 5]])('of %j is %d', (values, expected) => { expect(medianOf(values)).toBe(expected); });
  // Conover, table A3: the largest r with P(Binomial(n, ½) < r) ≤ 2.5 %.
  test.each([[5, 0], [6, 1], [8, 1], [9, 2], [12, 3], [15, 4], [20, 6], [25, 8], [30, 10], [1000, 469], [1075, 505], [2000, 956], [5000, 2431], [10_000, 4902]])('of %i values lies between the r-th smallest and largest, r = %i', (n, rank) => { expect(medianRank(n)).toBe(rank); });
  it('has no interval of fewer than six', () => {
    expect(medianInterval([1, 2, 3, 4, 5])).toEqual({ median: 3, low: null, high: null, n: 5 });
    expect(medianInterval([6, 5, 4, 3, 2, 1])).toEqual({ median: 3.5, low: 1, high: 6, n: 6 });
  });
});

describe('the normal distribution', () => {
  // R 4: pnorm(z), pnorm(z, lower.tail = FALSE).
  test.each([[0, 0.5], [1, 0.8413447460685429], [-1, 0.15865525393145707], [1.959963984540054, 0.975], [2.4, 0.9918024640754038], [3, 0.9986501019683699]])('below %d', (z, share) => { expect(normalDistribution(z)).toBeCloseTo(share, 12); });
  test.each([[2, 0.02275013194817921], [3, 0.0013498980316300946], [5, 2.866515718791939e-7], [10, 7.61985302416053e-24]])('above %d, also far out', (z, share) => { expect(normalTail(z) / share).toBeCloseTo(1, 9); });
});

describe('looks and pairs', () => {
  it('spends exactly 5 % in all, nearly nothing early', () => {
    const looks = makeLooks(8, 40, 8);
    expect(looks.map((one) => one.pairs)).toEqual([8, 16, 24, 32, 40]);
    expect(looks.reduce((sum, one) => sum + one.alpha, 0)).toBeCloseTo(0.05, 9);
    expect(spentUntil(0)).toBe(0);
    expect(spentUntil(0.2)).toBeLessThan(1e-4);
  });
  it('needs three pairs', () => { expect(pairedEffect([0.1, 0.2], 0.05)).toBeNull(); });
  it('makes the interval on logarithms, by hand', () => {
    // Mean ln 2, deviation ln 2, t(0.975, 2) = 4.302652….
    const half = (4.302652729911275 * Math.LN2) / Math.sqrt(3);
    expect(pairedEffect([0, Math.LN2, 2 * Math.LN2], 0.05)).toMatchObject({ ratio: expect.closeTo(2, 9) as number, low: expect.closeTo(2 * Math.exp(-half), 9) as number, high: expect.closeTo(2 * Math.exp(half), 6) as number, pairs: 3, effectivePairs: 3 });
  });
  it.each([[0, 0.93, 0.98], [0.5, 0.9, 0.98]])('covers the truth where neighbours share %d of their disturbance', (share, least, most) => {
    const normal = createNormal(77);
    const hits = Array.from({ length: 2000 }, () => {
      let before = normal();
      const effect = pairedEffect(Array.from({ length: 24 }, () => { before = share * before + Math.sqrt(1 - share ** 2) * normal(); return 0.01 * before; }), 0.05);
      return effect !== null && effect.low < 1 && 1 < effect.high;
    }).filter(Boolean).length;
    expect(hits / 2000).toBeGreaterThan(least);
    expect(hits / 2000).toBeLessThan(most);
  });
});
