import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, describe, expect, it } from 'vitest';
import type { BenchmarkResult, BenchmarkRun, BenchmarkSample } from '../../../contract/benchmarks.ts';
import { problemOf } from '../../../contract/problem.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import type { BenchmarkFilter } from './benchmark-calls.ts';
import { createBenchmarkStore, type BenchmarkStore } from './benchmark-store.ts';
import { packSamples, unpackSamples } from './pack-samples.ts';

const open: BenchmarkStore[] = [];
afterEach(() => { for (const one of open.splice(0)) one.close(); });
const make = (path: string | null): BenchmarkStore => {
  const store = createBenchmarkStore({ path, checked: () => false, releasing: () => undefined, log: () => undefined });
  open.push(store);
  return store;
};
const run = (id: string, more: Partial<BenchmarkRun> = {}): BenchmarkRun => ({
  id, name: 'matmul', title: 'Matrix multiplication', startedAtMs: 1000, endedAtMs: 2000, state: 'done', place: { key: 'cpu', name: 'CPU' }, environment: null, model: null, driverVersion: null,
  conditions: {}, results: [], notes: [], problem: null, importedFrom: null, canary: false, ...more,
});
const samples: BenchmarkSample[] = [
  { value: 1.25, atMs: 1_790_000_000_123.5, seconds: 0.02, powerWatts: 300.5, smClockMhz: 1830, tempCelsius: 61, eventReasons: 0x44, setAside: 'throttled' },
  { value: 2, atMs: 5, seconds: 0, powerWatts: null, smClockMhz: null, tempCelsius: null, eventReasons: null, setAside: null },
  { value: 3, atMs: 6, seconds: 1, powerWatts: 0, smClockMhz: 0, tempCelsius: 0, eventReasons: 0, setAside: 'disturbed' },
];
const all: BenchmarkFilter = { name: null, place: null, canary: false, limit: 100 };

describe('samples as bytes', () => {
  it('come back as they were, also what is null and what is 0', () => expect(unpackSamples(packSamples(samples))).toEqual(samples));
  it('are as many as are whole', () => {
    expect(unpackSamples(packSamples(samples).subarray(0, 100))).toEqual(samples.slice(0, 1));
    expect(unpackSamples(new Uint8Array(0))).toEqual([]);
    expect(unpackSamples(new Uint8Array(64).fill(255))).toEqual([]);
  });
});

describe('the stored benchmarks', () => {
  it('are listed newest first, apart for canaries, names and places', () => {
    const store = make(null);
    for (const one of [run('a'), run('b', { startedAtMs: 3000 }), run('c', { name: 'llm', place: { key: 'GPU-1', name: 'G' }, startedAtMs: 2000 }), run('d', { canary: true })]) store.run('bench.put', { run: one, samples: { x: samples } });
    const ids = (filter: Partial<BenchmarkFilter>): string[] => store.run('bench.list', { ...all, ...filter }).map((one) => one.id);
    expect([ids({}), ids({ limit: 1 }), ids({ name: 'llm' }), ids({ place: 'cpu' }), ids({ canary: true })]).toEqual([['b', 'c', 'a'], ['b'], ['c'], ['b', 'a'], ['d']]);
    store.run('bench.put', { run: run('a', { notes: ['changed'] }), samples: { y: samples.slice(1) } });
    expect(store.run('bench.get', { id: 'a' })).toEqual({ ...run('a', { notes: ['changed'] }), samples: { x: samples, y: samples.slice(1) } });
    expect([store.run('bench.remove', { id: 'a' }), store.run('bench.remove', { id: 'a' }), store.run('bench.get', { id: 'a' })]).toEqual([true, false, null]);
  });

  it('are told as figures over time, the newest of each place whole, a run without its samples', () => {
    const store = make(null);
    const result = (median: number | null): BenchmarkResult => ({ caseId: 'x', title: 'X', unit: 'TFLOPS', higherIsBetter: true, workUnit: 'FLOP', intensity: null, problem: null, median, low: median, high: null, n: 3, setAside: 0, peakShare: null, peakShareAtClock: null, joulesPerUnit: null, powerWatts: null, smClockMhz: null, tempCelsius: null, memoryBytes: null, error: null, marks: [] });
    const gpu = { key: 'GPU-1', name: 'G' };
    const runs = [run('a', { results: [result(1)] }), run('b', { startedAtMs: 2000, results: [result(2)], conditions: { secret: 'no' } }), run('c', { startedAtMs: 3000, results: [result(null)] }), run('d', { startedAtMs: 500, place: gpu, results: [result(4)] }), run('e', { canary: true }), run('f', { name: 'llm' })];
    for (const one of runs) store.run('bench.put', { run: one, samples: { x: samples } });
    const past = store.run('bench.past', { name: 'matmul', limit: 10 });
    expect(past.runs.map(({ id, figures }) => [id, figures.map((one) => one.median)])).toEqual([['c', []], ['b', [2]], ['a', [1]], ['d', [4]]]);
    expect(past.runs[1]).not.toHaveProperty('conditions');
    expect(past.newest).toEqual([runs[1], runs[3]]);
    expect(store.run('bench.past', { name: 'matmul', limit: 1 })).toEqual({ runs: [past.runs[0]], newest: [] });
    expect(store.run('bench.get', { id: 'a', samples: false })).toEqual({ ...runs[0], samples: {} });
  });

  it('lose nothing that can be read when the file is damaged', () => {
    const folder = makeTestFolder('bench-store');
    const path = join(folder, 'warpdeck.db');
    const first = make(path);
    for (let n = 0; n < 400; n++) first.run('bench.put', { run: run(`r${n}`, { startedAtMs: n }), samples: { x: Array.from({ length: 40 }, () => samples).flat() } });
    first.close();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 3 * 8192);
    writeFileSync(path, bytes);
    const second = make(path);
    const left = second.run('bench.list', { ...all, limit: 1000 });
    expect(left.length).toBeGreaterThan(100);
    expect(readdirSync(folder).some((name) => name.includes('.broken-'))).toBe(true);
    second.run('bench.put', { run: run('new'), samples: {} });
    expect(second.run('bench.get', { id: 'new' })).not.toBeNull();
  });

  it('say what hinders them, and go on when it is gone', () => {
    const path = join(makeTestFolder('bench-store'), 'warpdeck.db');
    const store = make(path);
    store.run('bench.put', { run: run('a'), samples: {} });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const trouble = (): unknown => {
      try {
        return store.run('bench.put', { run: run('b'), samples: {} });
      } catch (error) {
        return problemOf(error);
      }
    };
    expect(trouble()).toMatchObject({ code: 'bench.storage', cause: expect.stringContaining('another program holds the database') });
    other.exec('ROLLBACK');
    other.close();
    store.letGo();
    expect(trouble()).toBeNull();
  });

  it('leave a row out that they cannot read', () => {
    const path = join(makeTestFolder('bench-store'), 'warpdeck.db');
    const store = make(path);
    for (const id of ['a', 'b']) store.run('bench.put', { run: run(id), samples: {} });
    const other = new DatabaseSync(path);
    other.exec(`UPDATE bench_runs SET run = '{"id":1}', thin = '{' WHERE id = 'a'`);
    other.close();
    expect(store.run('bench.list', all).map((one) => one.id)).toEqual(['b']);
    expect(store.run('bench.get', { id: 'a' })).toBeNull();
    expect(store.run('bench.past', { name: 'matmul', limit: 10 }).runs.map((one) => one.id)).toEqual(['b']);
  });
});
