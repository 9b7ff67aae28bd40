import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packPast, thinRun } from '../../../contract/benchmarks.ts';
import { ProblemError } from '../../../contract/problem.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { source } from '../../app/test-support-engine.ts';
import { makeCanary, makeComparison, makeEngine, makeJob, makeMatmul, type TestEngine } from './test-support.tsx';
import { createBenchmarksStore, listPast, mergeRuns, type BenchmarksStore } from '../../stores/benchmarks-store.ts';

let engine: TestEngine;
let store: BenchmarksStore;
beforeEach(() => {
  engine = makeEngine();
  store = createBenchmarksStore({ client: engine.client, source, clock: engine.clock });
});
afterEach(() => engine.clock.stop());

const refuse = (code: 'bench.busy' | 'bench.not_comparable' | 'bench.run_not_found'): ProblemError => new ProblemError(makeProblem(code, { title: 'Attention', place: 'RTX 5090', detail: 'They have no case in common.', id: 'x' }));

describe('mergeRuns', () => {
  it('has every run once, newest first, as the first list knows it', () => {
    const old = makeMatmul('a', { startedAtMs: 1 });
    const live = makeMatmul('b', { startedAtMs: 2, state: 'running' });
    expect(mergeRuns([live], [old, { ...live, state: 'done' }]).map((r) => [r.id, r.state])).toEqual([[live.id, 'running'], [old.id, 'done']]);
  });
});

describe('listPast', () => {
  it('has the runs of one benchmark; what grows as it is now, not as it was read', () => {
    const [run, other] = [makeMatmul('a'), makeMatmul('b', { name: 'attention' })];
    const begun = { ...thinRun(run), state: 'running' as const, figures: [] };
    expect(listPast('matmul', [run, other], [begun])).toEqual([thinRun(run)]);
  });
});

describe('the benchmarks store', () => {
  it('follows runs and the canary, and commits on the beat', async () => {
    const run = makeMatmul('a', { state: 'running', endedAtMs: null });
    engine.runs.send([run]);
    engine.canary.send(makeCanary());
    expect(store.getState().newest.state).toBe('loading');
    await engine.settle();
    expect(store.getState().newest).toMatchObject({ state: 'ready', value: [{ id: run.id, state: 'running' }] });
    expect(store.getState().canary).toMatchObject({ state: 'ready', value: { state: 'calm' } });
    engine.runs.send([{ ...run, state: 'done' }]);
    await engine.settle();
    expect(store.getState().newest).toMatchObject({ value: [{ state: 'done' }] });
  });

  it('says what the engine refuses, and forgets it when the next call works', async () => {
    engine.answer('benchmarks.run', refuse('bench.busy'));
    expect(await store.getState().run({ name: 'matmul' })).toBeNull();
    expect(store.getState().problem?.code).toBe('bench.busy');
    engine.answer('benchmarks.run', makeJob());
    expect(await store.getState().run({ name: 'matmul', place: 'cpu' })).toMatchObject({ id: 'j1' });
    expect(store.getState().problem).toBeNull();
    expect(engine.inputsOf('benchmarks.run')).toEqual([{ name: 'matmul' }, { name: 'matmul', place: 'cpu' }]);
  });

  it('keeps the comparison that was asked for last, whichever answer comes first', async () => {
    const [a, b, c] = [makeMatmul('a'), makeMatmul('a'), makeMatmul('a')];
    const waiting = new Map<string, (value: unknown) => void>();
    engine.answer('benchmarks.compare', (input: { a: string }) => new Promise((resolve) => waiting.set(input.a, resolve)));
    const first = store.getState().compare(a.id, c.id);
    const second = store.getState().compare(b.id, c.id);
    await engine.settle();
    waiting.get(b.id)?.(makeComparison(b, c, { sentence: 'second' }));
    await second;
    waiting.get(a.id)?.(makeComparison(a, c, { sentence: 'first' }));
    await first;
    expect(store.getState().pair).toMatchObject({ a: b.id, result: { state: 'ready', value: { sentence: 'second' } } });
  });

  it('a comparison that cannot be made is said beside it, not over the page', async () => {
    engine.answer('benchmarks.compare', refuse('bench.not_comparable'));
    await store.getState().compare('x', 'y');
    expect(store.getState().pair).toMatchObject({ result: { state: 'failed', problem: { code: 'bench.not_comparable' } } });
    expect(store.getState().problem).toBeNull();
  });

  it('a removed run is gone from all lists and comparisons', async () => {
    const [a, b] = [makeMatmul('a'), makeMatmul('b')];
    engine.runs.send([a, b]);
    engine.answer('benchmarks.past', packPast([a, b].map(thinRun), [a, b]));
    engine.answer('benchmarks.compare', makeComparison(a, b));
    engine.answer('benchmarks.remove', { ok: true });
    await store.getState().readPast('matmul');
    await store.getState().compare(a.id, b.id);
    await engine.settle();
    expect(await store.getState().remove(a.id)).toBe(true);
    const { newest, past, whole, pair } = store.getState();
    expect([newest, past['matmul']]).toMatchObject([{ value: [{ id: b.id }] }, { value: [{ id: b.id }] }]);
    expect(whole.map((r) => r.id)).toEqual([b.id]);
    expect(pair).toBeNull();
  });

  it('finds a run that no list has, without its samples', async () => {
    const run = makeMatmul('c');
    engine.answer('benchmarks.get', { ...run, samples: {} });
    expect(await store.getState().find(run.id)).toBe(true);
    expect(engine.inputsOf('benchmarks.get')).toEqual([{ id: run.id, samples: false }]);
    expect(store.getState().whole).toEqual([run]);
    engine.answer('benchmarks.get', refuse('bench.run_not_found'));
    expect(await store.getState().find('x')).toBe(false);
    expect(store.getState().problem?.code).toBe('bench.run_not_found');
  });

  it('what fails to be read again stays, and is called old', async () => {
    engine.answer('benchmarks.past', packPast([thinRun(makeMatmul('a'))], []));
    await store.getState().readPast('matmul');
    engine.answer('benchmarks.past', new Error('gone'));
    await store.getState().readPast('matmul');
    expect(store.getState().past['matmul']).toMatchObject({ state: 'stale', value: [{ name: 'matmul' }] });
  });
});
