import { describe, expect, it } from 'vitest';
import { metricKeys, type MetricKey } from '../../../contract/metrics.ts';
import { chooseStep, resolutionOf, stepsBetween } from './choose-step.ts';
import { metricIndex, orBits } from './metric-columns.ts';
import { createSeriesJoiner, findGaps } from './series-joiner.ts';
import { createTierRing } from './tier-ring.ts';

function join(key: MetricKey, stepMs: number, samples: readonly (readonly [number, number, number])[]): { times: number[]; values: number[] } {
  const joiner = createSeriesJoiner([metricIndex(key)], stepMs);
  for (const [atMs, widthMs, value] of samples) joiner.add(atMs, widthMs, Float64Array.of(value), 0, 1, [0]);
  const { times, columns } = joiner.finish();
  return { times: [...times], values: [...(columns[0] ?? [])] };
}

describe('createSeriesJoiner', () => {
  it.each<[string, MetricKey, number, [number, number, number][], number[], number[]]>([
    ['mean', 'powerWatts', 1000, [[0, 0, 10], [100, 0, 20], [1000, 0, 5]], [0, 1000], [15, 5]],
    ['mean weighted by width', 'powerWatts', 60_000, [[0, 1000, 10], [1000, 59_000, 20]], [0], [(10 + 59 * 20) / 60]],
    ['highest', 'tempCelsius', 1000, [[0, 0, 70], [500, 0, 90], [900, 0, 80]], [0], [90]],
    ['bits seen', 'eventReasons', 1000, [[0, 0, 4], [500, 0, 0], [900, 0, 0x40]], [0], [0x44]],
    ['nulls are left out of a mean', 'powerWatts', 1000, [[0, 0, NaN], [500, 0, 8]], [0], [8]],
    ['all null is null', 'powerWatts', 1000, [[0, 0, NaN], [500, 0, NaN]], [0], [NaN]],
    ['zero is not null', 'powerWatts', 1000, [[0, 0, 0], [500, 0, 0]], [0], [0]],
    ['as they are', 'powerWatts', 0, [[3, 0, 1], [101, 0, 2]], [3, 101], [1, 2]],
    ['negative highest', 'tempCelsius', 1000, [[0, 0, -20], [500, 0, -10]], [0], [-10]],
  ])('%s', (_, key, step, samples, times, values) => {
    expect(join(key, step, samples)).toEqual({ times, values });
  });

  it('puts one null where silence is longer than three steps', () => {
    expect(join('powerWatts', 1000, [[0, 1000, 1], [1000, 1000, 1], [5000, 1000, 1], [6000, 1000, 1]])).toEqual({ times: [0, 1000, 2000, 5000, 6000], values: [1, 1, NaN, 1, 1] });
    expect(join('powerWatts', 1000, [[0, 1000, 1], [1000, 1000, 1], [4000, 1000, 1], [5000, 1000, 1]]).times).toEqual([0, 1000, 4000, 5000]);
  });
});

describe('findGaps', () => {
  it.each<[string, number[], number[], number, number[]]>([
    ['steady', [0, 100, 200, 300], [0, 0, 0, 0], 100, []],
    ['a reading every five seconds is a rate, not a gap', [0, 5000, 10_000, 15_000], [0, 0, 0, 0], 1000, []],
    ['a minute of silence in it is a gap', [0, 5000, 65_000, 70_000], [0, 0, 0, 0], 1000, [2]],
    ['from 10 Hz to 1 Hz', [0, 100, 200, 1200, 2200], [0, 0, 0, 0, 0], 0, []],
    ['minutes before seconds', [0, 60_000, 120_000, 121_000, 122_000], [60_000, 60_000, 1000, 1000, 1000], 1000, []],
    ['two gaps', [0, 1000, 60_000, 61_000, 200_000], [1000, 1000, 1000, 1000, 1000], 1000, [2, 4]],
  ])('%s', (_, times, steps, step, gaps) => {
    expect(findGaps(times, steps, step)).toEqual(gaps);
  });
});

describe('chooseStep', () => {
  it.each([[60_000, 1200, 100, 'raw'], [300_000, 1200, 500, 'raw'], [3_600_000, 1200, 5000, 'second'], [86_400_000, 1200, 120_000, 'minute'], [365 * 86_400_000, 1200, 43_200_000, 'minute']])('%i ms in %i points: %i ms, %s', (span, points, step, resolution) => {
    const from = 1_700_000_000_000;
    expect(chooseStep(from, from + span, points)).toBe(step);
    expect(resolutionOf(step)).toBe(resolution);
    expect(stepsBetween(from, from + span, step)).toBeLessThanOrEqual(points);
  });
  it('ends for any span and two points', () => {
    expect(stepsBetween(0, 8.64e15, chooseStep(0, 8.64e15, 2))).toBeLessThanOrEqual(2);
  });
});

describe('orBits', () => {
  it.each([[1, 2, 3], [0x8000_0000, 1, 0x8000_0001], [0x1_0000_0000, 4, 0x1_0000_0004], [2 ** 40, 2 ** 40 + 2 ** 31, 2 ** 40 + 2 ** 31]])('%i | %i = %i', (a, b, both) => expect(orBits(a, b)).toBe(both));
});

describe('createTierRing', () => {
  it('grows, gives way by age and by count, finds by time, forgets what is ahead', () => {
    const ring = createTierRing(1, 1000, 200);
    for (let i = 0; i < 1000; i++) ring.data()[ring.push(i * 10)] = i;
    // A push may have made room anew: what is asserted is read back.
    expect(ring.size()).toBe(101);
    expect(ring.timeAt(0)).toBe(8990);
    expect(ring.find(9000)).toBe(1);
    expect(ring.find(1e9)).toBe(101);
    ring.forgetFrom(9000);
    expect(ring.size()).toBe(1);
    const dense = createTierRing(2, 1e9, 100);
    for (let i = 0; i < 250; i++) {
      const at = dense.push(i);
      dense.data().set([i, -i], at);
    }
    expect(dense.size()).toBe(100);
    expect(Array.from({ length: 100 }, (_, i) => dense.data()[dense.offsetAt(i) + 1])).toEqual(Array.from({ length: 100 }, (_, i) => -(150 + i)));
  });
});

it('has a join for every metric', () => {
  expect(metricKeys.length).toBe(18);
});
