import type { Job } from '../../../contract/jobs.ts';
import { deviceSetting, effectCard, optimizeOverview, profile, toggle, tuneResult, workload, type ApplyPlan, type ChosenToggle, type DeviceSetting, type EffectCard, type OptimizeOverview, type Profile, type Toggle, type ToggleState, type TuneResult, type Workload } from '../../../contract/optimize.ts';
import type { App } from '../../app/context.tsx';
import { createIntentRegistry } from '../../app/intents.ts';
import { makeStill, makeStream, playEngine, playShell, source, type PlayedEngine } from '../../app/test-support-engine.ts';
import { createJobsStore } from '../../stores/jobs-store.ts';
import { createMachineStore } from '../../stores/machine-store.ts';
import { createOptimiseStore } from '../../stores/optimise-store.ts';
import { createUiStore } from '../../stores/ui-store.ts';
import { recorded } from './fixtures/recorded-toggles.ts';

/** As the engine lists them. */
export const toggles: readonly Toggle[] = recorded.toggles.map((t) => toggle.parse(t));
export const workloads: readonly Workload[] = recorded.workloads.map((w) => workload.parse(w));

export interface TestEngine extends PlayedEngine {
  send(stream: 'optimize.watch' | 'optimize.watchTune' | 'jobs.watch', item: unknown): void;
}

/** What the page asks of an engine: inputs and answers are held to the contract. */
export function makeEngine(): TestEngine {
  const streams = { 'optimize.watch': makeStream<unknown>(), 'optimize.watchTune': makeStream<unknown>(), 'jobs.watch': makeStream<unknown>() };
  return { ...playEngine(streams, { strict: true }), send: (name, item) => streams[name].send(item) };
}

export const GPU = 'GPU-5a0c63be-9b9e-4c02-8c5b-3f9e5e2f0d11';
export const place = { key: GPU, name: 'NVIDIA GeForce RTX 5090' };

/** The page's parts over a played engine that knows this machine. */
export function makeApp(engine: TestEngine): App {
  const { client, clock } = engine;
  for (const [operation, value] of Object.entries({ 'optimize.overview': makeOverview(), 'optimize.profiles': makeProfiles(), 'optimize.workloads': workloads, 'optimize.effects': [], 'optimize.applications': [], 'optimize.health': [], 'optimize.deviceSettings': [], 'optimize.deviceChanges': [], 'jobs.cancel': { ok: true } })) engine.answer(operation, value);
  const ui = createUiStore();
  const jobs = createJobsStore({ client, source, clock });
  return {
    client, clock, ui, jobs,
    connection: source,
    ...playShell(ui),
    intents: createIntentRegistry(() => undefined),
    gpus: makeStill({ inventory: { state: 'ready', atMs: 0, value: { devices: [{ uuid: GPU, index: 0, name: place.name }] } }, selection: [], latest: {} }),
    environments: makeStill({ matrix: { state: 'ready', atMs: 0, value: { rows: [{ id: 'env-1', name: 'lab/train-cu128', torch: '2.8.0+cu128' }, { id: 'env-2', name: 'old', torch: '2.4.1+cu121' }, { id: 'env-3', name: 'bare', torch: null }] } } }),
    models: makeStill({ list: { state: 'ready', atMs: 0, value: { models: [{ id: 'm1', name: 'SmolLM2-135M-Instruct' }] } } }),
    optimise: createOptimiseStore({ client, source, clock, jobs }),
    machine: createMachineStore({ client, source, clock }),
  } as unknown as App;
}

const findToggle = (id: string): Toggle => {
  const found = toggles.find((t) => t.id === id);
  if (found === undefined) throw new Error(`${id} is not recorded`);
  return found;
};

/** Pairs around two figures, the same each time. */
export function makePairs(a: number, b: number, count: number, spread = 0.004): EffectCard['pairs'] {
  return Array.from({ length: count }, (_, i) => {
    const wave = (k: number): number => 1 + spread * Math.sin(i * k + k);
    return { a: a * wave(2.3), b: b * wave(3.1), atMs: 1000 + i * 500, kept: i !== 3, why: i === 3 ? 'throttled' : null };
  });
}

export function makeCard(chosen: ChosenToggle | readonly ChosenToggle[], more: Partial<EffectCard> = {}): EffectCard {
  const list = 'toggleId' in chosen ? [chosen] : [...chosen];
  const name = findToggle(list[0]?.toggleId ?? '').workloads[0] ?? 'matmul-fp32';
  const work = workloads.find((w) => w.name === name);
  return effectCard.parse({
    id: `fx-${list.map((t) => `${t.toggleId}-${t.value}`).join('-')}`, toggles: list, profileId: null, workload: work, place, environmentId: 'env-1', environmentName: 'lab/train-cu128', atMs: Date.now() - 7_200_000,
    verdict: 'helps', sentence: 'helps: 1.73× faster', ratio: 1.73, low: 1.71, high: 1.75, pairs: [], setAside: 1, autocorrelation: 0.1, effectivePairs: 49, resolvesPercent: 0.8,
    a: { memoryBytes: 800 * 2 ** 20, joulesPerUnit: 9.4, error: 4e-7 }, b: { memoryBytes: 800 * 2 ** 20, joulesPerUnit: 5.5, error: 4e-4 },
    identity: { gpu: 'RTX 5090', driver: '580.95', torch: '2.8.0+cu128', engine: null }, stale: null, notes: [], problem: null, ...more,
  });
}

export const makeState = (id: string, more: Partial<ToggleState> = {}): ToggleState => ({ toggle: findToggle(id), state: 'default', value: null, why: null, effects: [], ...more });

/** All recorded switches on an RTX 5090; some measured. */
export function makeOverview(changed: Readonly<Record<string, Partial<ToggleState>>> = {}, more: Partial<OptimizeOverview> = {}): OptimizeOverview {
  const known: Readonly<Record<string, Partial<ToggleState>>> = {
    tf32: { effects: [makeCard({ toggleId: 'tf32', value: 'high' })] },
    cudnn_benchmark: { effects: [makeCard({ toggleId: 'cudnn_benchmark', value: 'on' }, { verdict: 'no_effect', sentence: 'no significant effect: −0.2 %', ratio: 0.998, low: 0.991, high: 1.005 })] },
    kv_cache: { state: 'unavailable', why: 'It came with PyTorch 9.0; this environment has 2.8.0+cu128.' },
    ...changed,
  };
  return optimizeOverview.parse({ environment: { id: 'env-1', name: 'lab/train-cu128', torch: '2.8.0+cu128', python: '3.12.3', prefix: '/home/lab/train-cu128' }, place, states: toggles.map((t) => makeState(t.id, known[t.id] ?? {})), refusals: [{ id: 'mul_mat_q', asked: 'mul_mat_q', reason: 'Gone from llama.cpp.', instead: null }], problems: [], ...more });
}

export const makeProfiles = (effects: readonly EffectCard[] = []): Profile[] => [profile.parse({ id: 'training', title: 'Training', what: 'A transformer in FP32 trained in mixed precision.', builtIn: true, toggles: [{ toggleId: 'tf32', value: 'high' }, { toggleId: 'autocast', value: 'bf16' }], effects })];

export const makeJob = (id: string, more: Partial<Job> = {}): Job => ({ id, kind: 'measure', title: 'TF32 for FP32 matmul', state: 'running', startedAtMs: 1, endedAtMs: null, progress: 0.6, doing: '18 of at most 30 pairs', secondsLeft: 34, result: null, problem: null, ...more });

export const makePlan = (more: Partial<ApplyPlan> = {}): ApplyPlan => ({ planId: 'p1', means: 'snippet', environmentId: 'env-1', toggles: [{ toggleId: 'tf32', value: 'high' }], snippet: 'import torch\ntorch.set_float32_matmul_precision("high")', variables: { PYTORCH_ALLOC_CONF: 'expandable_segments:True' }, files: [], commands: [], agree: [], notes: [], ...more });

export const powerLimit: DeviceSetting = deviceSetting.parse({ id: 'power_limit', title: 'Power limit', value: 575, unit: 'W', min: 400, max: 600, defaultValue: 575, canChange: true, whyNot: null });

const candidate = (more: Partial<TuneResult['candidates'][number]>): TuneResult['candidates'][number] => ({ settings: {}, words: 'defaults', changesAnswers: false, value: 120, low: 119, high: 121, runs: 3, rung: 0, state: 'out', why: null, ...more });
export const makeTune = (more: Partial<TuneResult> = {}): TuneResult => tuneResult.parse({ id: 't1', modelId: 'm1', modelName: 'SmolLM2-135M-Instruct', place, goal: 'decode', startedAtMs: 1, endedAtMs: 2, candidates: [candidate({}), candidate({ words: 'flash attention on, batch 512', value: 151, low: 150, high: 152, runs: 9, rung: 2, state: 'winner' }), candidate({ words: 'KV q8_0', changesAnswers: true, value: 140, rung: 1, state: 'finalist' }), candidate({ words: 'batch 2048', value: null, low: null, high: null, state: 'no_memory', why: 'It did not fit into the free memory.' })], before: 120, after: 151, ratio: 1.26, low: 1.24, high: 1.28, saved: true, sentence: '1.26× faster', notes: [], problem: null, ...more });
