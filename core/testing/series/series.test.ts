import { describe, expect, it } from 'vitest';
import { isBFirst } from '../../optimize/effects/plan-generation.ts';
import { makeRandom } from './make-random.ts';
import { recordedCanaries, recordedEffects, type EffectSeries, type RecordedGeneration } from './recorded-series.ts';
import { replayMeasurement } from './replay-measurement.ts';
import { drawBlocks, sliceGeneration } from './resample.ts';
import { lowerShare, upperShare } from './share-interval.ts';

describe('the exact bounds of a share', () => {
  // Where they can be written down: none of n gives 1 − α^(1/n), one of one gives α.
  it.each([[0, 10], [0, 400], [0, 59]])('%i of %i', (count, of) => expect(upperShare(count, of, 0.05)).toBeCloseTo(1 - 0.05 ** (1 / of), 12));
  it('one of one', () => expect(lowerShare(1, 1, 0.05)).toBeCloseTo(0.05, 12));
  // By the sum of the binomial distribution itself.
  it.each([[1, 20], [5, 400], [20, 400], [21, 400], [22, 400], [2, 20], [199, 200], [500, 1000], [990, 1000]])('%i of %i leave as much as they must', (count, of) => {
    const upTo = (share: number, most: number): number => {
      let term = of * Math.log1p(-share);
      let sum = Math.exp(term);
      for (let k = 1; k <= most; k++) {
        term += Math.log(of - k + 1) - Math.log(k) + Math.log(share) - Math.log1p(-share);
        sum += Math.exp(term);
      }
      return sum;
    };
    expect(upTo(upperShare(count, of, 0.05), count)).toBeCloseTo(0.05, 8);
    expect(upTo(lowerShare(count, of, 0.05), count - 1)).toBeCloseTo(0.95, 8);
  });
  // Clopper and Pearson's two-sided 95 % of 10 of 100: 4.90 % to 17.62 %.
  it('10 of 100, two-sided', () => {
    expect(lowerShare(10, 100, 0.025)).toBeCloseTo(0.0490, 4);
    expect(upperShare(10, 100, 0.025)).toBeCloseTo(0.1762, 4);
  });
  it('all, none, and what is no count', () => {
    expect(upperShare(7, 7, 0.05)).toBe(1);
    expect(lowerShare(0, 7, 0.05)).toBe(0);
    for (const [count, of] of [[1, 0], [-1, 5], [6, 5]] as const) expect(() => upperShare(count, of, 0.05)).toThrow(RangeError);
  });
});

describe('blocks', () => {
  it('hold neighbours, go round, and reach every place alike', () => {
    const random = makeRandom(3);
    const seen = new Array<number>(30).fill(0);
    for (let trial = 0; trial < 3000; trial++) {
      const drawn = drawBlocks(30, 11, 4, random);
      expect(drawn).toHaveLength(11);
      for (const [i, at] of drawn.entries()) {
        seen[at] = (seen[at] ?? 0) + 1;
        if (i % 4 !== 0) expect(at).toBe(((drawn[i - 1] ?? 0) + 1) % 30);
      }
    }
    // 1100 each; five of their own standard deviations (of blocks) are about 320.
    for (const count of seen) expect(Math.abs(count - 1100)).toBeLessThan(350);
  });
  it('keep what neighbours have in common', () => {
    // An autoregressive series of 0.8.
    const random = makeRandom(8);
    const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    let before = 0;
    const series = Array.from({ length: 400 }, () => (before = 0.8 * before + normal()));
    const likeness = (values: readonly number[]): number => {
      const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
      const square = values.reduce((sum, one) => sum + (one - mean) ** 2, 0);
      return values.reduce((sum, one, at) => sum + (one - mean) * ((values[at + 1] ?? mean) - mean), 0) / square;
    };
    const of = (block: number): number => likeness(drawBlocks(400, 4000, block, random).map((at) => series[at] ?? 0));
    expect(Math.abs(of(1))).toBeLessThan(0.1);
    expect(of(20) / likeness(series)).toBeGreaterThan(0.85);
  });
  it('none of nothing', () => expect(() => drawBlocks(0, 1, 1, () => 0)).toThrow(RangeError));
});

describe('a recorded pair of processes', () => {
  /** The figure says which process it is of (1 or 2), and in its tenths which pair. */
  const recorded = (number: number): RecordedGeneration => ({ number, startSeconds: 1, pairSeconds: 1, pairs: Array.from({ length: 8 }, (_, at) => [1 + at / 100, 2 + at / 100]) });
  it.each([0, 1, 2, 3])('keeps its order and who went first, in generation %i', (number) => {
    const random = makeRandom(number);
    let swaps = 0;
    for (let trial = 0; trial < 100; trial++) {
      const source = recorded(trial);
      const slice = sliceGeneration(source, number, random);
      const from = Math.round((slice.pair(0).a % 1) * 100);
      const isSwapped = slice.pair(0).a >= 2;
      swaps += isSwapped ? 1 : 0;
      for (let at = 0; at < 12; at++) {
        const { a, b } = slice.pair(at);
        const place = (from + at) % 8;
        expect([a, b]).toEqual(isSwapped ? [2 + place / 100, 1 + place / 100] : [1 + place / 100, 2 + place / 100]);
        // Then the second process went first by `isBFirst`; now it is B, or A when they are swapped.
        expect(isBFirst(number, at)).toBe(isBFirst(source.number, place) !== isSwapped);
      }
    }
    expect(swaps).toBeGreaterThan(20);
    expect(swaps).toBeLessThan(80);
  });
});

const quietSeries: EffectSeries = {
  workload: 'x', arm: 'x', unit: 'TFLOPS', higherIsBetter: true, variables: {},
  generations: Array.from({ length: 6 }, (_, number) => ({ number, startSeconds: 5, pairSeconds: 0.2, pairs: Array.from({ length: 12 }, (__, at) => [100 + ((at * 7 + number) % 5) / 10, 100 + ((at * 3 + number) % 5) / 10]) })),
};

describe('a measurement on recorded figures', () => {
  it.each([true, false])('finds what is put in, in the right direction (higher is better: %s)', async (higherIsBetter) => {
    const random = makeRandom(1);
    const series = { ...quietSeries, higherIsBetter };
    const slower = await replayMeasurement(series, { factor: 0.95, budgetSeconds: 180, random });
    expect(slower.verdict).toBe('hurts');
    expect(Math.exp(slower.interval?.mean ?? 0)).toBeCloseTo(0.95, 2);
    expect((await replayMeasurement(series, { factor: 1.2, budgetSeconds: 180, random })).verdict).toBe('helps');
    const same = await replayMeasurement(series, { factor: 1, budgetSeconds: 180, random });
    expect(same.verdict).toBe('no_effect');
  });
  it('spends its time as it was spent', async () => {
    const slow = { ...quietSeries, generations: quietSeries.generations.map((one) => ({ ...one, startSeconds: 50 })) };
    const { generations, pairs } = await replayMeasurement(slow, { factor: 1, budgetSeconds: 100, random: makeRandom(2) });
    expect([generations, pairs.length, pairs.at(-1)?.atMs]).toEqual([2, 8, 101_400]);
  });
});

describe('recorded files', () => {
  const origin = { what: 'x', recordedAt: 'x', machine: { processor: 'x', threads: 2, gpu: null, driver: null }, torch: '2', cuda: null, load: [0, 0] };
  const generation = { number: 0, startSeconds: 1, pairSeconds: 1, pairs: [[1, 1], [1, 1], [1, 1], [1, 1]] };
  const effects = (pairs: unknown): unknown => ({ kind: 'effects', ...origin, series: [{ workload: 'x', arm: 'x', unit: 'x', higherIsBetter: true, variables: {}, generations: [generation, { ...generation, pairs }] }] });
  it.each<[string, unknown, boolean]>([
    ['whole', generation.pairs, true], ['no multiple of four', generation.pairs.slice(1), false], ['no figure', [[1, 0], [1, 1], [1, 1], [1, 1]], false], ['text', 'x', false],
  ])('%s', (_, pairs, fits) => expect(recordedEffects.safeParse(effects(pairs)).success).toBe(fits));
  it('canaries have all cases in all runs', () => {
    const one = (length: number): unknown => ({ id: 'x', title: 'x', unit: 'x', higherIsBetter: true, values: new Array<number>(length).fill(1) });
    const file = (...lengths: readonly number[]): unknown => ({ kind: 'canaries', ...origin, caseSeconds: 1, cases: lengths.map(one) });
    expect([file(12, 12), file(12, 13), file(11), file()].map((given) => recordedCanaries.safeParse(given).success)).toEqual([true, false, false, false]);
  });
});
