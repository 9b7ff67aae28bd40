import { act } from '@testing-library/react';
import { z } from 'zod';
import { createStore } from 'zustand/vanilla';
import { benchmarkInfo, benchmarkRun, canaryState, runComparison, type BenchmarkInfo, type BenchmarkResult, type BenchmarkRun, type CanaryState, type ComparedRow, type RunComparison } from '../../../contract/benchmarks.ts';
import type { Job } from '../../../contract/jobs.ts';
import type { App } from '../../app/context.tsx';
import { createIntentRegistry } from '../../app/intents.ts';
import { giveDialogs, makeStill, makeStream, playEngine, playShell, source, type PlayedEngine, type PlayedStream } from '../../app/test-support-engine.ts';
import { createBenchmarksStore } from '../../stores/benchmarks-store.ts';
import { createUiStore } from '../../stores/ui-store.ts';
import { recordedCatalogue } from './fixtures/recorded-catalogue.ts';

/** The catalogue as the engine told it on the day it was recorded. */
export const infos: readonly BenchmarkInfo[] = z.array(benchmarkInfo).parse(recordedCatalogue);

const DAY = 86_400_000;
/** 21 November 2026, 13:40 UTC. */
export const NOW = 1_795_268_400_000;
export const places = {
  a: { key: 'GPU-5090', name: 'NVIDIA GeForce RTX 5090' },
  b: { key: 'GPU-4090', name: 'NVIDIA GeForce RTX 4090' },
  c: { key: 'GPU-h100', name: 'NVIDIA H100 PCIe' },
  cpu: { key: 'cpu', name: 'AMD Ryzen 9 9950X' },
} as const;
export const devices = [places.a, places.b, places.c].map((p, index) => ({ uuid: p.key, index, name: p.name }));

export function makeResult(name: string, caseId: string, median: number | null, half: number, more: Partial<BenchmarkResult> = {}): BenchmarkResult {
  const one = infos.find((i) => i.name === name)?.cases.find((c) => c.id === caseId);
  if (one === undefined) throw new Error(`no case ${name} ${caseId}`);
  return {
    caseId, title: one.title, unit: one.unit, higherIsBetter: one.higherIsBetter, workUnit: one.workUnit, intensity: one.intensity, problem: null, median, low: median === null ? null : median - half, high: median === null ? null : median + half, n: median === null ? 0 : 48, setAside: 0,
    peakShare: null, peakShareAtClock: null, joulesPerUnit: null, powerWatts: 412, smClockMhz: 2857, tempCelsius: 66, memoryBytes: 4e8, error: null, marks: [], ...more,
  };
}

let count = 0;
export function makeRun(name: string, place: BenchmarkRun['place'], results: readonly BenchmarkResult[], more: Partial<BenchmarkRun> = {}): BenchmarkRun {
  return benchmarkRun.parse({
    id: `bench-${++count}`, name, title: infos.find((i) => i.name === name)?.title ?? name, startedAtMs: NOW, endedAtMs: NOW + 680_000, state: 'done', place,
    environment: { id: 'e1', name: 'nightly', torch: '2.8.0+cu128', cuda: '12.8', python: '3.12.4' }, model: null, driverVersion: '580.95', conditions: { powerLimitWatts: 575, precision: 'default' }, results, notes: [], problem: null, importedFrom: null, canary: false, ...more,
  });
}

/** Median, half of its interval and share of the peak by type, 8192³: what the reference has of these GPUs. */
const matmul: Readonly<Record<string, readonly (readonly [string, number, number, number] | readonly [string, null])[]>> = {
  a: [['fp32', 65.9, 0.5, 0.63], ['tf32', 114.2, 1.1, 1.09], ['bf16', 234.9, 2, 1.12], ['fp16', 234, 2.2, 1.12], ['fp8', 412, 7, 0.98]],
  b: [['fp32', 53.8, 0.3, 0.65], ['tf32', 85.7, 0.6, 1.04], ['bf16', 164.8, 1.4, 1], ['fp16', 168.4, 1, 1.02], ['fp8', 314, 4, 0.95]],
  c: [['fp32', 37, 0.2, 0.72], ['tf32', 240, 3, 0.63], ['bf16', 496, 5, 0.66], ['fp16', 458, 6, 0.61], ['fp8', null]],
};
export const unsupported = { code: 'bench.case_fails', severity: 'problem' as const, title: 'This case could not be run', cause: 'FP8 8192³: this PyTorch has no kernel for it.', remedy: 'Choose another environment.', actions: [], facts: {}, chain: [], retry: 'no' as const, incident: null };

export function makeMatmul(which: 'a' | 'b' | 'c', more: Partial<BenchmarkRun> = {}): BenchmarkRun {
  const large = (matmul[which] ?? []).map(([type, value, half, share]) => (value === null ? makeResult('matmul', `${type}-8192`, null, 0, { problem: unsupported }) : makeResult('matmul', `${type}-8192`, value, half ?? 0, { peakShare: share ?? null, peakShareAtClock: (share ?? 0) * 0.84, marks: type === 'bf16' ? ['power_capped'] : type === 'fp8' ? ['unsteady', 'power_capped'] : [], joulesPerUnit: 1.8e-12 })));
  const small = makeResult('matmul', 'bf16-2048', (matmul[which]?.[2]?.[1] ?? 1) * 0.7, 3);
  return makeRun('matmul', places[which], [...large, small], more);
}

export function makeDecode(day: number, value: number, half: number, driver: string, release: string): BenchmarkRun {
  return makeRun('llm', places.a, [makeResult('llm', 'decode-0', value, half), makeResult('llm', 'prompt-512', value * 60, 90)], {
    startedAtMs: NOW - day * DAY, endedAtMs: NOW - day * DAY + 90_000, environment: null, driverVersion: driver, model: { id: 'm1', name: 'Llama-3.1-8B Q4_K_M', backend: 'cuda', release },
  });
}

export const decodeRuns = (): readonly BenchmarkRun[] => Array.from({ length: 30 }, (_, i) => {
  const day = 87 - i * 3;
  const [value, driver, release] = day > 60 ? [191, '580.65', 'b6100'] as const : day > 6 ? [203, '580.65', 'b6400'] as const : [196.1, '580.95', 'b6400'] as const;
  return makeDecode(day, value + Math.sin(i * 7) * 0.8, 1.1, driver, release);
}).reverse();

export const makeRow = (title: string, a: number | null, b: number | null, ratio: readonly [number, number, number] | null, word: ComparedRow['word'], unit = 'TFLOPS'): ComparedRow => ({ caseId: title, title, unit, a, b, ratio: ratio?.[0] ?? null, low: ratio?.[1] ?? null, high: ratio?.[2] ?? null, word });

export function makeComparison(a: BenchmarkRun, b: BenchmarkRun, more: Partial<RunComparison> = {}): RunComparison {
  return runComparison.parse({
    a, b, rows: [makeRow('BF16 8192³', 227.1, 234.9, [1.034, 1.029, 1.039], 'faster'), makeRow('TF32 8192³', 113.8, 114.2, [1.004, 0.994, 1.013], 'no_difference'), makeRow('FP8 8192³', 426, 412, [0.966, 0.96, 0.971], 'slower'), makeRow('INT8 8192³', null, 610, null, 'not_comparable')],
    differ: [{ what: 'Driver', a: '580.65', b: '580.95' }], sentence: 'B against A, of 4 cases: 1 faster, 1 slower, 1 without a difference, 1 not comparable. 1 other thing differs between the two.', ...more,
  });
}

export const makeCanary = (more: Partial<CanaryState> = {}): CanaryState => canaryState.parse({ state: 'calm', atMs: NOW - DAY, because: 'driver 580.65 → 580.95', place: places.a, rows: [makeRow('BF16 4096³', 231, 230.4, [0.997, 0.98, 1.02], 'no_difference')], sentence: 'As fast as before. A slowdown of 3.1 % or more would have been noticed in every case.', problem: null, ...more });

export const makeJob = (more: Partial<Job> = {}): Job => ({ id: 'j1', kind: 'benchmark', title: 'Matrix multiplication on RTX 5090', state: 'running', startedAtMs: NOW, endedAtMs: null, progress: 0.37, doing: 'BF16 4096³, 18 samples, ± 0.9 %', secondsLeft: 74, result: null, problem: null, ...more });

export interface TestEngine extends PlayedEngine {
  readonly runs: PlayedStream<readonly BenchmarkRun[]>;
  readonly canary: PlayedStream<CanaryState>;
}

/** What the page asks of an engine. */
export function makeEngine(): TestEngine {
  const runs = makeStream<readonly BenchmarkRun[]>();
  const canary = makeStream<CanaryState>();
  const played = playEngine({ 'benchmarks.watch': runs, 'benchmarks.watchCanary': canary }, { now: () => NOW });
  for (const [operation, value] of [['benchmarks.list', infos], ['benchmarks.past', { cases: [], runs: [], newest: [] }], ['benchmarks.compare', () => new Promise(() => undefined)]] as const) played.answer(operation, value);
  return { ...played, runs, canary };
}

export interface TestApp extends App {
  readonly saved: { readonly name: string; readonly text: string }[];
  setJobs(jobs: readonly Job[]): void;
}

/** The page's parts over a played engine. */
export function makeApp(engine: TestEngine): TestApp {
  const { client, clock } = engine;
  const ui = createUiStore();
  const jobs = createStore<{ jobs: unknown; cancelled: string[]; opened: (string | null)[]; cancel(id: string): Promise<void>; open(id: string | null): void }>()((set) => ({
    jobs: { state: 'ready', value: [], atMs: NOW }, cancelled: [], opened: [],
    cancel: async (id) => set((s) => ({ cancelled: [...s.cancelled, id] })),
    open: (id) => set((s) => ({ opened: [...s.opened, id] })),
  }));
  const rows = [{ id: 'e1', name: 'nightly', torch: '2.8.0+cu128', worst: 'native' }, { id: 'e2', name: 'old', torch: '1.13.1+cu117', worst: 'incompatible' }, { id: 'e3', name: 'plain', torch: null, worst: 'no_torch' }];
  return {
    client, clock, ui,
    ...playShell(ui),
    setJobs: (value: readonly Job[]) => act(() => jobs.setState({ jobs: { state: 'ready', value, atMs: NOW } })),
    intents: createIntentRegistry(() => undefined),
    jobs,
    gpus: createStore(() => ({ inventory: { state: 'ready', value: { devices }, atMs: NOW }, selection: [] as readonly string[] })),
    environments: makeStill({ matrix: { state: 'ready', value: { rows }, atMs: NOW } }),
    models: makeStill({ list: { state: 'ready', value: { models: [{ id: 'm1', name: 'Llama-3.1-8B', synthetic: false, facts: {} }] }, atMs: NOW } }),
    benchmarks: createBenchmarksStore({ client, source, clock }),
  } as unknown as TestApp;
}

/** What jsdom lacks: dialogs, observers of size, and sizes. */
export function giveBrowser(width: number): void {
  giveDialogs();
  // As a real one: it tells of each element once it is laid out, and of none that was let go. It never changes after.
  globalThis.ResizeObserver = class {
    #open = true;
    readonly #changed: ResizeObserverCallback;
    constructor(changed: ResizeObserverCallback) { this.#changed = changed; }
    observe(): void { queueMicrotask(() => { if (this.#open) this.#changed([], this); }); }
    unobserve(): void { /* not used */ }
    disconnect(): void { this.#open = false; }
  };
  HTMLElement.prototype.getBoundingClientRect = function () { return { x: 0, y: 0, left: 0, top: 0, right: width, bottom: 300, width, height: 300, toJSON: () => '' }; };
}
