import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tDistribution, tQuantile } from './student-t.ts';

describe('Student’s t', () => {
  // Values of R 4: qt(p, df).
  it.each([
    [0.975, 1, 12.706204736432095], [0.975, 2, 4.302652729911275], [0.975, 3, 3.182446305284263], [0.975, 9, 2.2621571628540993], [0.975, 30, 2.0422724563012373],
    [0.975, 1000, 1.9623390808264078], [0.95, 5, 2.0150483733330233], [0.995, 4, 4.604094871415897], [0.5, 7, 0], [0.025, 2, -4.302652729911275],
  ])('t of %d with %i degrees is %d', (p, df, expected) => expect(tQuantile(p, df)).toBeCloseTo(expected, 9));

  it('is the inverse of the distribution', () => {
    fc.assert(fc.property(fc.double({ min: 0.5001, max: 0.9999, noNaN: true }), fc.integer({ min: 1, max: 3000 }), (p, df) => { expect(tDistribution(tQuantile(p, df), df)).toBeCloseTo(p, 9); }), { seed: 3, numRuns: 200 });
    for (const [p, df] of [[0, 3], [1, 3], [0.9, 0], [Number.NaN, 3]] as const) expect(() => tQuantile(p, df)).toThrow(RangeError);
  });
});
