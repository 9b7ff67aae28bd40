import { describe, expect, it } from 'vitest';
import { engineSettings } from '../../../contract/inference.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { decideFailure } from './decide-failure.ts';
import { decideFinal, MOST_ROUNDS } from './decide-final.ts';
import { changedKeys, listCandidates, type SearchQuestion } from './list-candidates.ts';
import { FINALISTS, planRungs } from './plan-rungs.ts';
import { scoreCandidates } from './score-candidates.ts';
import { choosePlace } from './create-tune.ts';

const question: SearchQuestion = { goal: 'decode', kind: 'cpu', place: 'cpu', gpus: [], physicalCores: 8, logicalCores: 16, layers: 33, fitsWhole: true, base: engineSettings.parse({}), allowAnswerChanging: false };

describe('what is tried', () => {
  it('begins with the settings in use, and has nothing twice', () => {
    for (const part of [{}, { goal: 'prompt' as const }, { kind: 'gpu' as const, place: 'GPU-1', gpus: ['GPU-1', 'GPU-2'], fitsWhole: false, goal: 'parallel' as const, allowAnswerChanging: true }]) {
      const all = listCandidates({ ...question, ...part });
      expect(all[0]?.words).toBe('as now');
      expect(new Set(all.map((one) => JSON.stringify(one.settings))).size).toBe(all.length);
      expect(all.length).toBeLessThanOrEqual(48);
    }
  });
  it.each([
    ['threads and flash attention for writing on a processor', {}, ['threads', 'flashAttention']],
    ['batches too for reading', { goal: 'prompt' as const }, ['threads', 'batch', 'flashAttention']],
    ['no threads with all on a GPU', { kind: 'gpu' as const, place: 'GPU-1', gpus: ['GPU-1'] }, ['flashAttention', 'devices']],
    ['layers where it does not fit', { kind: 'gpu' as const, place: 'GPU-1', gpus: ['GPU-1'], fitsWhole: false, base: engineSettings.parse({ devices: ['GPU-1'] }) }, ['threads', 'gpuLayers', 'flashAttention']],
    ['a split over two GPUs', { kind: 'gpu' as const, place: 'GPU-1', gpus: ['GPU-1', 'GPU-2'], base: engineSettings.parse({ devices: ['GPU-1'] }) }, ['flashAttention', 'devices']],
    ['cache types when allowed', { allowAnswerChanging: true }, ['threads', 'flashAttention', 'cacheTypeK', 'cacheTypeV']],
    ['several answers at once', { goal: 'parallel' as const }, ['threads', 'batch', 'flashAttention', 'parallel']],
  ])('%s', (_name, part, keys) => {
    const [base, ...others] = listCandidates({ ...question, ...part });
    const found = new Set(others.flatMap((one) => (base === undefined ? [] : changedKeys(base.settings, one.settings))));
    // The settings in use name a GPU from the beginning.
    expect([...found].sort()).toEqual(keys.filter((key) => key !== 'devices' || (part as { gpus?: string[] }).gpus?.length === 2).sort());
  });
  it('says how many layers where all have room, so that none of two side by side gets fewer', () => {
    const gpu = { kind: 'gpu' as const, place: 'GPU-1', gpus: ['GPU-1'] };
    const layersOf = (part: Partial<SearchQuestion>): unknown[] => [...new Set(listCandidates({ ...question, ...part }).map((one) => one.settings.gpuLayers))];
    expect(layersOf(gpu)).toEqual([33]);
    expect(layersOf({ ...gpu, base: engineSettings.parse({ gpuLayers: 12 }) })).toEqual([12]);
    expect(layersOf({})).toEqual([null]);
    expect(layersOf({ ...gpu, base: engineSettings.parse({ draftModel: 'small' }) })).toEqual([null]);
    expect(listCandidates({ ...question, ...gpu, fitsWhole: false })[0]?.settings.gpuLayers).toBeNull();
  });
  it('says which change answers, and never offers a quantised V without flash attention', () => {
    const all = listCandidates({ ...question, allowAnswerChanging: true });
    expect(all.filter((one) => one.changesAnswers).every((one) => one.settings.cacheTypeV === 'q8_0' && one.settings.flashAttention === 'on')).toBe(true);
    expect(listCandidates(question).some((one) => one.changesAnswers)).toBe(false);
    expect(all.find((one) => one.changesAnswers)?.words).toContain('cache q8_0');
  });
});

describe('the tournament', () => {
  it.each([[1, []], [2, [{ samples: 2, keep: 1 }]], [3, [{ samples: 2, keep: 1 }]], [16, [{ samples: 1, keep: 4 }, { samples: 2, keep: 1 }]], [47, [{ samples: 1, keep: 12 }, { samples: 2, keep: 3 }, { samples: 2, keep: 1 }]]])('of %i', (count, rungs) => {
    expect(planRungs(count)).toEqual(rungs);
    if (count > FINALISTS) expect(planRungs(count).at(-1)?.keep).toBe(FINALISTS);
  });
  const grid = ([1, 2, 4] as const).flatMap((threads) => ([64, 128, 256] as const).flatMap((batch) => (['on', 'off'] as const).map((flashAttention) => ({ threads, batch, flashAttention, gpuLayers: null, cacheTypeK: 'f16' as const, cacheTypeV: 'f16' as const, devices: [], parallel: 1 }))));
  it('believes a sample less where the same settings did otherwise elsewhere', () => {
    const truth = grid.map(({ threads, flashAttention }) => threads * 10 * (flashAttention === 'on' ? 1.1 : 1));
    const lucky = grid.findIndex((one) => one.threads === 1 && one.batch === 64);
    const scores = scoreCandidates(grid.map((settings, i) => ({ settings, values: [(truth[i] ?? 0) * (i === lucky ? 4.2 : 1)] })));
    const best = scores.indexOf(Math.max(...scores));
    expect(grid[best]).toMatchObject({ threads: 4, flashAttention: 'on' });
  });
  it('is exact where nothing disturbs, and leaves out what was not measured', () => {
    const truth = grid.map(({ threads, batch }) => threads * batch);
    const scores = scoreCandidates(grid.map((settings, i) => ({ settings, values: i === 0 ? [] : [truth[i] ?? 0] })));
    expect(scores[0]).toBe(Number.NEGATIVE_INFINITY);
    for (const [i, score] of scores.entries()) if (i > 0) expect(score).toBeCloseTo(Math.log(truth[i] ?? 0), 6);
    expect(scoreCandidates([])).toEqual([]);
  });
});

describe('the end', () => {
  const rounds = (count: number, mean: number, swing = 0.01): number[] => Array.from({ length: count }, (_, i) => mean + (i % 3 === 0 ? swing : i % 3 === 1 ? -swing : 0));
  it.each([
    ['nothing before a look', [rounds(3, 0.3)], false, { over: false, winner: null }],
    ['a plain gain at the first look', [rounds(5, 0.3)], false, { over: true, winner: 0 }],
    ['the better of two', [rounds(5, 0.2), rounds(5, 0.3)], false, { over: true, winner: 1 }],
    ['nothing to win', [rounds(5, -0.3), rounds(5, -0.2)], false, { over: true, winner: null }],
    ['not clear yet', [rounds(5, 0.05, 0.2)], false, { over: false, winner: null }],
    ['not clear at the end', [rounds(MOST_ROUNDS, 0.02, 0.2)], false, { over: true, winner: null }],
    ['out of time', [rounds(2, 0.5)], true, { over: true, winner: null }],
    ['no finalist', [], true, { over: true, winner: null }],
  ])('%s', (_name, lists, last, expected) => {
    expect(decideFinal(lists.map((logRatios, key) => ({ key, logRatios })), last)).toMatchObject(expected);
  });
});

describe('why a candidate fell out', () => {
  it.each([
    [problemError('worker.out_of_memory', { name: 'inference', limit: '1 GB' }), 'no_memory'],
    [problemError('load.failed', { name: 'm', detail: 'failed to allocate buffer of 9 GB', remedy: '' }), 'no_memory'],
    [problemError('load.died', { name: 'm', detail: 'SIGSEGV', remedy: '' }), 'failed'],
    [new Error('x'), 'failed'],
  ])('%s', (error, state) => {
    expect(decideFailure(error).state).toBe(state);
  });
});

it('takes the first GPU, else the processor, or the place that was asked for', () => {
  const places = [{ key: 'cpu', name: 'Processor' }, { key: 'GPU-1', name: 'RTX' }];
  expect(choosePlace(places, null).key).toBe('GPU-1');
  expect(choosePlace(places.slice(0, 1), null).key).toBe('cpu');
  expect(choosePlace(places, 'cpu').key).toBe('cpu');
  expect(() => choosePlace(places, 'GPU-9')).toThrow(makeProblem('bench.no_place', { what: '', place: '', detail: '' }).code);
});
