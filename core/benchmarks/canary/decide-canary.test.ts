import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { confirmRows, decideCanaryRow, LEAST_HISTORY, MOST_HISTORY, type CanaryRow } from './decide-canary.ts';
import { describeChange } from './describe-change.ts';
import { wordCanary } from './word-canary.ts';

const row = (history: readonly number[], now: number | null, more: { readonly higherIsBetter?: boolean; readonly cases?: number } = {}): CanaryRow =>
  decideCanaryRow({ caseId: 'x', title: 'X', unit: 'GB/s', higherIsBetter: more.higherIsBetter ?? true, history, now }, more.cases ?? 4);
const steady = [100, 100.2, 99.8, 100.1, 99.9, 100];

describe('one case', () => {
  it.each([
    ['as before', row(steady, 100), { alarm: false, word: 'no_difference' }],
    ['10 % slower', row(steady, 90), { alarm: true, word: 'slower' }],
    ['certain, but under 3 %', row(steady, 97.5), { alarm: false, word: 'no_difference' }],
    ['10 % faster', row(steady, 110), { alarm: false, word: 'faster' }],
    ['longer, where less is better', row(steady, 110, { higherIsBetter: false }), { alarm: true, word: 'slower' }],
    ['10 % slower where runs differ by as much', row([100, 110, 90, 105, 95, 100], 90), { alarm: false, word: 'cannot_tell' }],
    ['not enough history', row(steady.slice(0, 4), 50), { alarm: false, word: 'not_comparable', resolves: null, a: expect.any(Number) }],
    ['not measured', row(steady, null), { alarm: false, word: 'not_comparable', b: null }],
    ['history that is no figure', row([...steady, 0, Number.NaN, -1], 100), { alarm: false, a: 100 }],
    ['all alike', row([5, 5, 5, 5, 5], 5), { ratio: 1, low: 1, high: 1, resolves: 0.03 }],
  ])('%s', (_, one, expected) => expect(one).toMatchObject(expected));

  it('looks at the last ten only', () => expect(row([...Array.from({ length: MOST_HISTORY }, (_, at) => 90 + (at % 2) * 0.1), ...Array.from({ length: 30 }, () => 100)], 90).alarm).toBe(false));

  it('needs to be seen twice', () => {
    const first = [row(steady, 90), row(steady, 100)].map((one, at) => ({ ...one, caseId: String(at) }));
    const calm = [{ ...row(steady, 100), caseId: '0' }];
    expect(confirmRows(first, calm).map((one) => one.alarm)).toEqual([false, false]);
    expect(confirmRows(first, [{ ...row(steady, 91), caseId: '0' }]).map((one) => one.alarm)).toEqual([true, false]);
    // It could not be measured again: what was seen stands.
    expect(confirmRows(first, [])[0]?.alarm).toBe(true);
    // A second process that failed says nothing.
    expect(confirmRows(first, [{ ...row(steady, 100), caseId: '0', b: null, alarm: false }])[0]).toBe(first[0]);
  });
});

it('says what it could have noticed', () => {
  expect(wordCanary([row(steady, 100)], 6)).toEqual({ state: 'calm', sentence: 'As fast as before. A slowdown of 3.0 % or more would have been noticed in every case.' });
  expect(wordCanary([row(steady, 90)], 6)).toEqual({ state: 'alarm', sentence: 'Slower than its own history: X by 10.0 %.' });
  expect(wordCanary([row(steady.slice(0, 4), 90)], 4).sentence).toContain('1 more run until it can judge');
  expect(wordCanary([row(steady, null)], 6).state).toBe('failed');
});

it('names what has changed', () => {
  const before = { driver: '580.65', torch: '2.10.0', engine: null };
  expect(describeChange(before, { ...before })).toBeNull();
  expect(describeChange(before, { driver: '580.95', torch: '2.11.0', engine: 'b1' })).toBe('driver 580.65 → 580.95, PyTorch 2.10.0 → 2.11.0');
  expect(describeChange(before, { driver: null, torch: null, engine: null })).toBeNull();
});

/** xorshift32 with Box and Muller: the same figures in every run of this test. */
function makeRandom(seed: number): { uniform(): number; normal(): number; pick<T>(from: readonly T[]): T | undefined } {
  let state = seed;
  const uniform = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()), pick: (from) => from[Math.floor(uniform() * from.length)] };
}

const TRIALS = 1000;
interface Rates {
  /** Of canaries with nothing to find. */
  readonly falseAlarms: number;
  /** With every case 10 % slower. */
  readonly found: number;
  /** With one case of them 10 % slower. */
  readonly foundOne: number;
  /** The largest slowdown of a case that was promised to be noticed, in the median over trials. */
  readonly resolves: number;
}

/** Whole canaries: each case has its history, is measured, and where it seems slower once more. */
function simulate(draws: readonly (() => number)[], runs: number): Rates {
  const alarms = (factor: (at: number) => number): { readonly alarm: boolean; readonly resolves: number } => {
    const histories = draws.map((draw) => Array.from({ length: runs }, draw));
    const measure = (): CanaryRow[] => draws.map((draw, at) => ({ ...row(histories[at] ?? [], draw() * factor(at), { cases: draws.length }), caseId: String(at) }));
    const first = measure();
    const suspects = first.filter((one) => one.alarm).map((one) => one.caseId);
    const rows = confirmRows(first, measure().filter((one) => suspects.includes(one.caseId)));
    return { alarm: rows.some((one) => one.alarm), resolves: Math.max(...rows.map((one) => one.resolves ?? 1)) };
  };
  const share = (factor: (at: number) => number): { readonly rate: number; readonly resolves: number } => {
    const all = Array.from({ length: TRIALS }, () => alarms(factor));
    return { rate: all.filter((one) => one.alarm).length / TRIALS, resolves: all.map((one) => one.resolves).sort((a, b) => a - b)[TRIALS / 2] ?? 1 };
  };
  const calm = share(() => 1);
  return { falseAlarms: calm.rate, found: share(() => 0.9).rate, foundOne: share((at) => (at === 0 ? 0.9 : 1)).rate, resolves: calm.resolves };
}
const tell = (name: string, { falseAlarms, found, foundOne, resolves }: Rates): void => console.info(`${name}: false alarms ${(falseAlarms * 100).toFixed(2)} %, 10 % slower found ${(found * 100).toFixed(1)} % (one case of all: ${(foundOne * 100).toFixed(1)} %), resolves ${(resolves * 100).toFixed(1)} %`);

describe('the rule, over thousands of canaries', () => {
  it.each([
    [0.003, 10], [0.005, 10], [0.01, 10], [0.015, 10], [0.005, LEAST_HISTORY], [0.01, LEAST_HISTORY],
  ])('runs that spread by %f, %i of them before', (spread, runs) => {
    const random = makeRandom(20_261_121 + Math.round(spread * 1e5) + runs);
    const rates = simulate(Array.from({ length: 4 }, () => () => 100 * Math.exp(spread * random.normal())), runs);
    tell(`spread ${spread * 100} %, ${runs} runs`, rates);
    expect(rates.falseAlarms).toBeLessThanOrEqual(0.02);
    expect(rates.found).toBeGreaterThanOrEqual(0.95);
  });

  it('runs of which one in twenty is 5 % slower', () => {
    const random = makeRandom(77);
    const rates = simulate(Array.from({ length: 4 }, () => () => 100 * Math.exp(0.005 * random.normal()) * (random.uniform() < 0.05 ? 0.95 : 1)), 10);
    tell('one in twenty is 5 % slower', rates);
    expect(rates.falseAlarms).toBeLessThanOrEqual(0.02);
  });

  const series = z.object({ what: z.string(), cases: z.record(z.string(), z.array(z.number().positive()).min(30)) }).parse(JSON.parse(readFileSync(new URL('fixtures/recorded-canaries.json', import.meta.url), 'utf8')));
  it('recorded runs, resampled: no false alarms, and what it cannot see it does not promise', () => {
    const random = makeRandom(4711);
    const rates = simulate(Object.values(series.cases).map((values) => () => random.pick(values) ?? Number.NaN), 10);
    tell(`recorded (${series.what})`, rates);
    expect(rates.falseAlarms).toBeLessThanOrEqual(0.02);
    if (rates.resolves <= 0.1) expect(rates.found).toBeGreaterThanOrEqual(0.95);
  });
});
