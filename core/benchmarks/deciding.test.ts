import { describe, expect, it } from 'vitest';
import { benchmarkPast, packPast, unpackPast, type BenchmarkSample, type PastRun } from '../../contract/benchmarks.ts';
import { problemOf } from '../../contract/problem.ts';
import { catalogue, chooseCases, describeBenchmark, findBenchmark } from './catalogue/catalogue.ts';
import { canaryRecipe } from './catalogue/canary-recipe.ts';
import { benchmarkInfo } from '../../contract/benchmarks.ts';
import { compareSamples, decideWord } from './compare/compare-samples.ts';
import { decideReading, type TimedReading } from './readings/decide-reading.ts';
import { choosePlace } from './runner/choose-place.ts';
import { decideEnough } from './runner/decide-enough.ts';
import { decidePeak, decidePeakShares } from './runner/decide-peak.ts';
import { decideResult } from './runner/decide-result.ts';
import { decideSetAside } from './runner/decide-set-aside.ts';
import { createMeasuringLock } from './runner/measuring-lock.ts';
import { readHardware } from './runner/read-hardware.ts';
import { threadVariables } from './runner/thread-variables.ts';

const code = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return problemOf(error)?.code;
  }
};
const hardware = await readHardware(new URL('../../resources', import.meta.url).pathname);
const sample = (value: number, more: Partial<BenchmarkSample> = {}): BenchmarkSample => ({ value, atMs: 0, seconds: 0.1, powerWatts: null, smClockMhz: null, tempCelsius: null, eventReasons: null, setAside: null, ...more });

describe('the catalogue', () => {
  it('has the sizes and types that are promised, each id once', () => {
    expect(catalogue.map((one) => one.name)).toEqual(['matmul', 'bandwidth', 'link', 'peer', 'attention', 'convolution', 'training-step', 'llm', 'cpu']);
    for (const recipe of [...catalogue, canaryRecipe]) {
      expect(benchmarkInfo.parse(describeBenchmark(recipe)).cases).toHaveLength(recipe.cases.length);
      expect(new Set(recipe.cases.map((one) => one.id)).size).toBe(recipe.cases.length);
      expect(recipe.cases.every((one) => one.id.length <= 80 && (one.onCpu || one.onGpu))).toBe(true);
    }
    const ids = findBenchmark('matmul').cases.map((one) => one.id);
    for (const dtype of ['fp32', 'tf32', 'bf16', 'fp16', 'fp8', 'int8']) for (const n of [1024, 2048, 4096, 8192]) expect(ids).toContain(`${dtype}-${n}`);
    expect(chooseCases(findBenchmark('matmul'), null, { key: 'cpu', name: 'CPU' }).map((one) => one.id)).toEqual(['fp32-512', 'fp32-1024', 'fp32-2048', 'fp64-512', 'fp64-1024', 'fp64-2048']);
  });

  it('refuses what there is not', () => {
    const cpu = { key: 'cpu', name: 'CPU' };
    expect(code(() => findBenchmark('matmul2'))).toBe('bench.unknown');
    expect(code(() => chooseCases(findBenchmark('matmul'), ['fp64-1'], cpu))).toBe('bench.unknown');
    expect(code(() => chooseCases(findBenchmark('link'), null, cpu))).toBe('bench.no_place');
    expect(code(() => choosePlace(findBenchmark('link'), null, [cpu]))).toBe('bench.no_place');
    expect(code(() => choosePlace(findBenchmark('matmul'), 'GPU-1', [cpu]))).toBe('bench.no_place');
    expect(code(() => choosePlace(findBenchmark('peer'), null, [{ key: 'GPU-1', name: 'A' }, cpu]))).toBe('bench.no_place');
    expect(code(() => choosePlace(findBenchmark('peer'), null, [cpu]))).toBe('bench.no_place');
    expect(choosePlace(findBenchmark('peer'), 'GPU-2', [{ key: 'GPU-1', name: 'A' }, { key: 'GPU-2', name: 'B' }, cpu]).key).toBe('GPU-2');
    expect(choosePlace(findBenchmark('cpu'), null, [{ key: 'GPU-1', name: 'A' }, cpu])).toBe(cpu);
    expect(choosePlace(findBenchmark('matmul'), null, [{ key: 'GPU-1', name: 'A' }, cpu]).key).toBe('GPU-1');
  });

  it('gives threads as variables', () => {
    expect([threadVariables('one', 8), threadVariables('half', 9), threadVariables('all', 8), threadVariables('half', 1)].map((one) => one['OMP_NUM_THREADS'])).toEqual(['1', '4', '8', '1']);
    expect(threadVariables(null, 8)).toEqual({});
  });
});

describe('the share of the peak', () => {
  it('takes the column of the accumulator, and the clock of the run', () => {
    const peak = decidePeak(hardware, 'NVIDIA GeForce RTX 5090', 'bf16');
    expect(peak).toEqual({ value: 209.5, clockMhz: 2407 });
    // performance.md section 0, 4: 254 TFLOPS are 121 % as sold and about 100 % at 2.9 GHz.
    expect(decidePeakShares(254, 2900, peak)).toEqual({ peakShare: expect.closeTo(1.212, 3), peakShareAtClock: expect.closeTo(1.006, 3) });
    expect(decidePeakShares(254, null, peak).peakShareAtClock).toBeNull();
    expect(decidePeak(hardware, 'NVIDIA RTX PRO 6000 Blackwell Workstation Edition', 'fp16')?.value).toBe(503.8);
    expect(decidePeak(hardware, 'NVIDIA H200', 'fp32')).toEqual({ value: 67, clockMhz: 1980 });
    expect(decidePeak(hardware, 'NVIDIA H200', 'bytes')).toEqual({ value: 4800, clockMhz: null });
    expect(decidePeak(hardware, 'NVIDIA H200', 'pcie')?.value).toBe(63);
    expect(decidePeak(hardware, 'NVIDIA H200', 'nvlink')?.value).toBe(450);
  });

  it('is not known where it is not in the table', () => {
    for (const [name, peak] of [['NVIDIA GeForce RTX 4090 Laptop GPU', 'bf16'], [null, 'bf16'], ['NVIDIA H200', null], ['NVIDIA A100-SXM4-80GB', 'fp8'], ['NVIDIA H100 PCIe', 'bf16']] as const) expect(decidePeak(hardware, name, peak)).toBeNull();
    expect(decidePeakShares(1, 1000, null)).toEqual({ peakShare: null, peakShareAtClock: null });
  });

  it('agrees with SMs × clock × operations where a row has all three', () => {
    const perClock: Readonly<Record<string, number>> = { 'RTX 3090': 512, 'RTX 4090': 512, 'RTX 5080': 512, 'RTX 5090': 512, 'RTX PRO 6000 Blackwell Workstation': 1024, 'A100 SXM 80 GB': 2048, 'H100 SXM': 4096, 'H200 SXM': 4096, 'B200 SXM': 8192, L40S: 1024 };
    for (const [name, k] of Object.entries(perClock)) {
      const row = hardware.find((one) => one.name === name);
      const computed = ((row?.sms ?? 0) * (row?.peakClockMhz?.tensor ?? 0) * k) / 1e6;
      expect(computed / (row?.peakTflops?.bf16AccumulateFp32 ?? 0), name).toBeCloseTo(1, 2);
    }
  });
});

describe('samples that do not count', () => {
  const calm = { firstClockMhz: 2000, processesBefore: 1, processes: 1 };
  it.each([
    ['all is well', { smClockMhz: 1950, eventReasons: 0 }, calm, null],
    ['a power cap is normal', { smClockMhz: 1950, eventReasons: 0x4 }, calm, null],
    ['hardware slowdown', { smClockMhz: 1950, eventReasons: 0x8 }, calm, 'throttled'],
    ['software thermal', { smClockMhz: 1950, eventReasons: 0x24 }, calm, 'throttled'],
    ['hardware thermal', { smClockMhz: null, eventReasons: 0x40 }, calm, 'throttled'],
    ['power brake', { smClockMhz: null, eventReasons: 0x80 }, calm, 'throttled'],
    ['89 % of the first clock', { smClockMhz: 1780, eventReasons: null }, calm, 'throttled'],
    ['90 % of it', { smClockMhz: 1800, eventReasons: null }, calm, null],
    ['another process came', { smClockMhz: 1950, eventReasons: 0 }, { ...calm, processes: 2 }, 'disturbed'],
    ['one that was there before', { smClockMhz: 1950, eventReasons: 0 }, { ...calm, processesBefore: 2, processes: 2 }, null],
    ['nothing is reported', { smClockMhz: null, eventReasons: null }, { firstClockMhz: null, processesBefore: null, processes: null }, null],
  ] as const)('%s', (_, one, context, expected) => expect(decideSetAside(one, context)).toBe(expected));
});

describe('when it is enough', () => {
  const narrow = Array.from({ length: 12 }, (_, at) => 100 + at * 0.01);
  const wide = Array.from({ length: 12 }, (_, at) => 100 + at * 2);
  it.each([
    ['a narrow interval after two seconds', { values: narrow, taken: 12, seconds: 2.1, budgetSeconds: 10 }, true],
    ['not before two seconds', { values: narrow, taken: 12, seconds: 1.9, budgetSeconds: 10 }, false],
    ['a small budget is kept', { values: narrow, taken: 12, seconds: 0.6, budgetSeconds: 0.5 }, true],
    ['a wide interval goes on', { values: wide, taken: 12, seconds: 9, budgetSeconds: 10 }, false],
    ['until the budget is spent', { values: wide, taken: 12, seconds: 10, budgetSeconds: 10 }, true],
    ['but not with fewer than ten', { values: wide.slice(0, 9), taken: 9, seconds: 10, budgetSeconds: 10 }, false],
    ['unless three budgets are', { values: [], taken: 9, seconds: 30, budgetSeconds: 10 }, true],
    ['or there are too many', { values: [], taken: 5000, seconds: 1, budgetSeconds: 10 }, true],
  ])('%s', (_, progress, expected) => expect(decideEnough(progress)).toBe(expected));
});

describe('the result of a case', () => {
  const recipe = { id: 'x', title: 'X', unit: 'TFLOPS', higherIsBetter: true, workUnit: 'FLOP', intensity: null } as const;
  const bare = { memoryBytes: null, error: null, joulesPerUnit: null, peak: null };
  it('is made of the samples that count', () => {
    const samples = [...Array.from({ length: 12 }, (_, at) => sample(100 + at, { smClockMhz: 2000, eventReasons: 0x4 })), sample(10, { setAside: 'throttled', smClockMhz: 900 })];
    expect(decideResult(recipe, { ...bare, samples, peak: { value: 211, clockMhz: 1000 } })).toMatchObject({ median: 105.5, low: 102, high: 109, n: 12, setAside: 1, smClockMhz: 2000, peakShare: 0.5, peakShareAtClock: 0.25, marks: ['power_capped', 'throttled', 'unsteady'] });
  });
  it('says when there is nothing', () => {
    expect(decideResult(recipe, { ...bare, samples: [sample(1, { setAside: 'disturbed' })] })).toMatchObject({ median: null, low: null, n: 0, setAside: 1, peakShare: null, powerWatts: null, marks: ['disturbed', 'few_samples'] });
  });
});

describe('what the GPU did meanwhile', () => {
  const reading = (atMs: number, more: Partial<TimedReading>): TimedReading => ({ atMs, powerWatts: null, smClockMhz: null, eventReasons: null, tempCelsius: null, energyJoules: null, processes: null, ...more });
  const readings = [
    reading(0, { powerWatts: 100, smClockMhz: 1000, eventReasons: 0, tempCelsius: 40, energyJoules: 1000, processes: 1 }),
    reading(1000, { powerWatts: 300, smClockMhz: 2000, eventReasons: 0x4, tempCelsius: 60, energyJoules: 1300, processes: 1 }),
    reading(2000, { powerWatts: 500, smClockMhz: 1900, eventReasons: 0x20, tempCelsius: 70, energyJoules: 1800, processes: 2 }),
  ];
  it('takes what lies within', () => expect(decideReading(readings, 900, 2100)).toEqual({ powerWatts: 400, smClockMhz: 1950, eventReasons: 0x24, tempCelsius: 70, joules: 600, otherProcesses: 2 }));
  it('takes the neighbours of a short span, without energy', () => expect(decideReading(readings, 400, 450)).toEqual({ powerWatts: 200, smClockMhz: 1500, eventReasons: 0x4, tempCelsius: 60, joules: null, otherProcesses: null }));
  it('says nothing of a time that was not read', () => expect(decideReading(readings, 9000, 9100)).toEqual({ powerWatts: null, smClockMhz: null, eventReasons: null, tempCelsius: null, joules: null, otherProcesses: null }));
  it('does not take a counter that began anew for energy', () => expect(decideReading([reading(0, { energyJoules: 5000 }), reading(900, { energyJoules: 3 })], 0, 1000).joules).toBeNull());
});

describe('two sets of samples', () => {
  it.each([[0.995, 1.005, 'no_difference'], [1.001, 1.004, 'no_difference'], [1.001, 1.02, 'faster'], [0.9, 0.98, 'slower'], [0.98, 1.005, 'cannot_tell'], [0.995, 1.02, 'cannot_tell']] as const)('%f to %f is %s', (low, high, word) => expect(decideWord(low, high)).toBe(word));
  const noisy = (centre: number, spread: number, seed: number): number[] => {
    let state = seed;
    return Array.from({ length: 30 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return centre * (1 + spread * (state / 2 ** 31 - 1));
    });
  };
  it('finds what is there, and no more', () => {
    expect(compareSamples(noisy(100, 0.01, 1), noisy(110, 0.01, 2), true, 5)).toMatchObject({ word: 'faster', ratio: expect.closeTo(1.1, 1) });
    expect(compareSamples(noisy(100, 0.01, 1), noisy(110, 0.01, 2), false, 5)).toMatchObject({ word: 'slower', ratio: expect.closeTo(0.91, 2) });
    expect(compareSamples(noisy(100, 0.005, 3), noisy(100, 0.005, 4), true, 5)?.word).toBe('no_difference');
    expect(compareSamples(noisy(100, 0.2, 5), noisy(100, 0.2, 6), true, 5)?.word).toBe('cannot_tell');
    expect(compareSamples([1, 2], [1, 2, 3], true, 1)).toBeNull();
    expect(compareSamples([5, 5, 5], [5, 5, 5], true, 1)).toEqual({ ratio: 1, low: 1, high: 1, word: 'no_difference' });
  });
  it('is wider for more rows, and for samples that resemble their neighbours', () => {
    const width = (of: { readonly low: number; readonly high: number } | null): number => (of?.high ?? 0) - (of?.low ?? 0);
    const a = noisy(100, 0.02, 7);
    const b = noisy(101, 0.02, 8);
    expect(width(compareSamples(a, b, true, 20))).toBeGreaterThan(width(compareSamples(a, b, true, 1)));
    const sorted = (values: readonly number[]): number[] => [...values].sort((x, y) => x - y);
    expect(width(compareSamples(sorted(a), sorted(b), true, 1))).toBeGreaterThan(width(compareSamples(a, b, true, 1)));
  });
});

it('measures one thing at a time', () => {
  const lock = createMeasuringLock();
  const release = lock.take({ title: 'One', place: 'here' });
  expect(code(() => lock.take({ title: 'Two', place: 'there' }))).toBe('bench.busy');
  release();
  const second = lock.take({ title: 'Two', place: 'there' });
  // Letting go twice does not take it from the next one.
  release();
  expect(lock.holder()?.title).toBe('Two');
  second();
  expect(lock.holder()).toBeNull();
});

describe('runs by columns', () => {
  const figure = (caseId: string, median: number, title = caseId): PastRun['figures'][number] => ({ caseId, title, unit: 'TFLOPS', median, low: median * 0.99, high: null });
  const past = (id: string, figures: PastRun['figures']): PastRun => ({ id, name: 'matmul', title: 'Matrix products', startedAtMs: 1, state: 'done', place: { key: 'cpu', name: 'Processor' }, environment: null, model: null, driverVersion: null, importedFrom: null, figures });
  it('come back as they were, to six digits, whatever cases each of them has', () => {
    const runs = [past('a', [figure('x', 1.23456789), figure('y', 2)]), past('b', []), past('c', [figure('z', 4e-9), figure('y', 2e12), figure('y', 5, 'another y')])];
    const packed = packPast(runs, []);
    expect(benchmarkPast.parse(packed)).toEqual(packed);
    const back = unpackPast(packed);
    expect(back.map((one) => one.figures.map(({ title, median }) => [title, median]))).toEqual([[['x', 1.23457], ['y', 2]], [], [['y', 2e12], ['z', 4e-9], ['another y', 5]]]);
    expect(back[0]?.figures[0]).toEqual({ caseId: 'x', title: 'x', unit: 'TFLOPS', median: 1.23457, low: 1.22222, high: null });
    expect(back[1]).toEqual(runs[1]);
  });
  it('of a damaged answer have what can be told', () => {
    const [run] = packPast([past('a', [figure('x', 1)])], []).runs;
    expect(run && unpackPast({ cases: [], runs: [run] })[0]?.figures).toEqual([]);
  });
});
