import { describe, expect, it } from 'vitest';
import type { EffectIdentity } from '../../../contract/optimize.ts';
import { decideInterval, decideLook } from './decide-interval.ts';
import { decidePair, updateReference, type Reading } from './decide-pair.ts';
import { isBFirst, planGeneration } from './plan-generation.ts';
import { decideStale } from './stale.ts';
import { wordVerdict } from './word-verdict.ts';

const quiet: Reading = { powerWatts: 300, smClockMhz: 1800, tempCelsius: 60, eventReasons: 0, joules: 5, otherProcesses: 0 };

describe('decidePair', () => {
  const reference = { aClockMhz: 1800, bClockMhz: 1500, otherProcesses: 1 };
  it.each<[string, Partial<Reading>, Partial<Reading>, string | null]>([
    ['quiet', {}, { smClockMhz: 1500 }, null],
    ['software power cap is normal', { eventReasons: 0x4 }, { smClockMhz: 1500 }, null],
    ['hardware slow-down', {}, { smClockMhz: 1500, eventReasons: 0x8 }, 'throttled'],
    ['thermal, software', { eventReasons: 0x20 }, {}, 'throttled'],
    ['power brake', { eventReasons: 0x80 }, {}, 'throttled'],
    ['a clock of 88 %', { smClockMhz: 1590 }, {}, 'throttled'],
    ['b below its own first clock', {}, { smClockMhz: 1300 }, 'throttled'],
    ['one process, as before', { otherProcesses: 1 }, {}, null],
    ['another process', {}, { otherProcesses: 2 }, 'another process came'],
    ['nothing reported', { eventReasons: null, smClockMhz: null, otherProcesses: null }, { eventReasons: null, smClockMhz: null, otherProcesses: null }, null],
  ])('%s', (_, a, b, expected) => {
    expect(decidePair({ ...quiet, ...a }, { ...quiet, ...b }, reference)).toBe(expected);
  });
  it('the first clocks stay the measure, the fewest processes too', () => {
    const first = updateReference(null, { ...quiet, otherProcesses: 2 }, { ...quiet, smClockMhz: 1500 });
    expect(first).toEqual({ aClockMhz: 1800, bClockMhz: 1500, otherProcesses: 0 });
    expect(updateReference(first, { ...quiet, smClockMhz: 1000, otherProcesses: null }, { ...quiet, otherProcesses: null })).toEqual(first);
  });
});

describe('planGeneration', () => {
  const costs = { generations: 4, kept: 8, startSeconds: 10, pairSeconds: 1, secondsLeft: 100, graceSeconds: 30 };
  it.each<[string, Partial<typeof costs>, number]>([
    ['the first', { generations: 0, kept: 0, startSeconds: 0, pairSeconds: 0 }, 2],
    ['early ones are small', { generations: 2, kept: 4, pairSeconds: 2 }, 2],
    ['early ones are large where starting is dear', { generations: 2, kept: 4 }, 4],
    ['later ones larger', {}, 4],
    ['no more than the most', { kept: 39 }, 1],
    ['enough', { kept: 40 }, 0],
    ['no time', { secondsLeft: 5 }, 0],
    ['a second one also over the time, with all that is needed', { generations: 1, kept: 2, secondsLeft: -5 }, 6],
    ['a second one with fewer pairs where more take too long', { generations: 1, kept: 2, pairSeconds: 5, secondsLeft: -5 }, 2],
    ['none where even that takes too long', { generations: 1, kept: 2, pairSeconds: 60, secondsLeft: -5 }, 0],
    ['two still fit: they hold what is needed', { generations: 1, kept: 2, startSeconds: 40, secondsLeft: 90 }, 4],
  ])('%s', (_, change, expected) => {
    expect(planGeneration({ ...costs, ...change })).toBe(expected);
  });
  it('goes ABBA BAAB, and the other way round in the next generation', () => {
    const order = (generation: number): string => [0, 1, 2, 3].map((pair) => (isBFirst(generation, pair) ? 'BA' : 'AB')).join('');
    expect([order(0), order(1), order(2)]).toEqual(['ABBABAAB', 'BAABABBA', 'ABBABAAB']);
  });
});

describe('decideInterval', () => {
  const around = (means: readonly number[], spread: number): number[][] => means.map((mean) => [mean - spread, mean + spread, mean - spread, mean + spread]);
  it('counts pairs where generations agree', () => expect(decideInterval(around([0.1, 0.1001, 0.0999, 0.1], 0.01), 0.05)?.by).toBe('pairs'));
  it('counts generations where they differ more than pairs explain', () => expect(decideInterval(around([0.1, 0.13, 0.08, 0.11], 0.001), 0.05)).toMatchObject({ by: 'generations', effectivePairs: 4 }));
  it('counts generations where there are too few to see whether they differ', () => expect(decideInterval(around([0.1, 0.1001, 0.0999], 0.01), 0.05)?.by).toBe('generations'));
  it('figures without any spread have no width', () => expect(decideInterval([[0.5, 0.5], [0.5, 0.5, 0.5]], 0.05)).toMatchObject({ mean: 0.5, half: 0 }));
  it('says nothing of one generation', () => expect(decideInterval(around([0.1], 0.01), 0.05)).toBeNull());
});

describe('decideLook', () => {
  const generations = (mean: number, spread: number, count: number): number[][] => Array.from({ length: count }, (_, i) => [mean + spread * (i % 2), mean - spread, mean + spread, mean - spread * (i % 2)]);
  it('waits for eight pairs', () => expect(decideLook([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], 0, false).verdict).toBeNull());
  it('knows a clear effect', () => expect(decideLook(generations(0.5, 0.001, 4), 0, false).verdict).toBe('helps'));
  it('knows a clear loss', () => expect(decideLook(generations(-0.5, 0.001, 4), 0, false).verdict).toBe('hurts'));
  it('knows that there is none', () => expect(decideLook(generations(0.0005, 0.001, 4), 0, false).verdict).toBe('no_effect'));
  it('a clear change below 1 % is none that matters', () => expect(decideLook(generations(0.005, 0.0001, 4), 0, false).verdict).toBe('no_effect'));
  it('goes on while it is wide', () => expect(decideLook(generations(0.01, 0.05, 4), 0, false).verdict).toBeNull());
  it('says at the end what it could not resolve', () => expect(decideLook(generations(0.01, 0.05, 4), 0, true).verdict).toBe('cannot_resolve'));
  it('never spends more than 5 %', () => {
    let spent = 0;
    for (let count = 2; count <= 10; count++) spent = decideLook(generations(0, 0.1, count), spent, count === 10).spent;
    expect(spent).toBeLessThanOrEqual(0.05 + 1e-12);
  });
});

it.each<[Parameters<typeof wordVerdict>, string]>([
  [['helps', 1.734, 1], 'helps: 1.73× faster'], [['helps', 1.042, 1], 'helps: 4.2 % faster'], [['helps', 12.34, 1], 'helps: 12.3× faster'],
  [['hurts', 0.754, 1], 'hurts: 0.75× as fast'], [['hurts', 0.962, 1], 'hurts: 3.8 % slower'],
  [['no_effect', 0.998, 0.7], 'no significant effect: −0.2 %'], [['cannot_resolve', 1.01, 3.14], 'cannot resolve less than 3.1 % here'], [['cannot_resolve', null, null], 'cannot tell: too few pairs count'], [['could_not_run', null, null], 'could not run'], [['cannot_resolve', 1, 300], 'cannot tell: the figures vary too much here'],
])('%o reads %s', (input, expected) => expect(wordVerdict(...input)).toBe(expected));

describe('decideStale', () => {
  const then: EffectIdentity = { gpu: 'RTX 5090', driver: '580.95', torch: '2.8.0+cu128', engine: 'b9000' };
  it.each<[string, Partial<EffectIdentity>, 'torch' | 'llama', string | null]>([
    ['nothing changed', {}, 'torch', null],
    ['driver', { driver: '581.10' }, 'torch', 'driver 580.95 → 581.10'],
    ['torch and driver', { driver: '581.10', torch: '2.9.0' }, 'torch', 'driver 580.95 → 581.10, PyTorch 2.8.0+cu128 → 2.9.0'],
    ['torch does not concern llama.cpp', { torch: '2.9.0' }, 'llama', null],
    ['another llama.cpp', { engine: 'b9100' }, 'llama', 'llama.cpp b9000 → b9100'],
    ['not known now', { driver: null }, 'torch', null],
  ])('%s', (_, change, engine, expected) => expect(decideStale(then, { ...then, ...change }, engine)).toBe(expected));
});
