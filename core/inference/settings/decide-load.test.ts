import { describe, expect, test } from 'vitest';
import { engineSettings, type EngineSettings } from '../../../contract/inference.ts';
import type { GgufFacts, Model } from '../../../contract/models.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { smolFacts } from '../loaded/fixtures/test-support.ts';
import { createExperience } from '../models/create-experience.ts';
import { createKnownModels } from '../models/known-models.ts';
import type { ChosenBackend, Place } from '../parts.ts';
import { decideLoad, type LoadDecision, type LoadQuestion } from './decide-load.ts';
import { decideMatch, mergeSettings } from './merge-settings.ts';
import { readMachine } from './read-machine.ts';

/** Llama-2-7B Q4_0: 32 layers, no grouped heads. */
const bigFacts: GgufFacts = {
  ...smolFacts, name: 'Llama 2 7B', quantisation: 'Q4_0', parameters: 6.74e9, activeParameters: 6.74e9, layers: 32, contextTrained: 4096, embeddingLength: 4096,
  kvElementsPerToken: { k: Array<number>(32).fill(4096), v: Array<number>(32).fill(4096) }, vocabulary: 32_000, tokenizer: 'llama',
  bytes: { total: 3.82e9, inputEmbedding: 73.7e6, output: 107.5e6, layers: Array<number>(32).fill(113.7e6), experts: 0, rest: 1e6 },
};
const model = (facts: GgufFacts | null, more: Partial<Model> = {}): Model => ({ id: 'm', name: 'Model', path: '/m.gguf', files: [], bytes: facts?.bytes.total ?? 1e9, changedAtMs: 1, home: 'folder', label: null, synthetic: false, facts, origin: null, lastUsedAtMs: 1, problems: [], ...more });
const cpu: Place = { key: 'cpu', name: 'CPU', kind: 'cpu', freeBytes: 32e9, capacityBytes: 64e9, bandwidth: null, computeCapability: null, unifiedMemory: false };
const gpu = (key: string, freeBytes: number | null, capacityBytes = 24e9): Place => ({ key, name: `GPU ${key}`, kind: 'gpu', freeBytes, capacityBytes, bandwidth: null, computeCapability: '8.9', unifiedMemory: false });
const cuda: ChosenBackend = { id: 'cuda', kind: 'cuda', engineFolder: null, env: {}, release: 'r', why: 'CUDA runs here.' };
const onCpu: ChosenBackend = { id: 'cpu', kind: 'cpu', engineFolder: null, env: {}, release: 'r', why: 'No GPU is here.' };
const experience = createExperience(createKnownModels(null, silentLogger), () => undefined);

const question = (change: Partial<Omit<LoadQuestion, 'settings'>> & { readonly settings?: Partial<EngineSettings> } = {}): LoadQuestion => {
  const backend = change.backend ?? cuda;
  const subject = change.model ?? model(bigFacts);
  return {
    model: subject, backend, places: [gpu('a', 20e9), cpu], machine: { physicalCores: 8, logicalCores: 16 }, draft: null, neighbours: [], makeRoom: false,
    estimate: (settings, place) => experience.estimate(subject.facts ?? bigFacts, settings, place, backend.kind), ...change, settings: engineSettings.parse(change.settings ?? {}),
  };
};
const problemFrom = (work: () => unknown): Problem => {
  try {
    work();
  } catch (error) {
    const problem = problemOf(error);
    if (problem !== null) return problem;
    throw error;
  }
  throw new Error('It was not refused.');
};
const short = ({ settings, worker, allOnGpu, places }: LoadDecision): unknown => ({ layers: settings.gpuLayers, context: settings.contextTokens, threads: settings.threads, spin: worker.spin, chunk: worker.promptChunk, allOnGpu, on: places.map((p) => p.key) });

describe('what is chosen where nothing is asked for', () => {
  test('room enough: all layers, the trained context, a core left alone, spin', () => {
    expect(short(decideLoad(question()))).toEqual({ layers: 33, context: 4096, threads: 7, spin: true, chunk: 512, allOnGpu: true, on: ['a'] });
  });
  test('the GPU with the most free memory; few cores do not spin', () => {
    expect(short(decideLoad(question({ places: [gpu('a', 9e9), gpu('b', 22e9), cpu], machine: { physicalCores: 2, logicalCores: 2 } })))).toMatchObject({ on: ['b'], threads: 1, spin: false });
  });
  test('8192 tokens at most of a longer trained context', () => {
    expect(decideLoad(question({ model: model({ ...bigFacts, contextTrained: 131_072 }) })).settings.contextTokens).toBe(8192);
  });
  test('little room: a shorter context before fewer layers, and it is said', () => {
    const decision = decideLoad(question({ places: [gpu('a', 5.6e9), cpu] }));
    expect(decision).toMatchObject({ allOnGpu: true, settings: { gpuLayers: 33, contextTokens: 2048 } });
    expect(decision.chosen.join(' ')).toContain('more do not fit');
  });
  test('less room: as many layers as fit, and it is said that the rest is slow', () => {
    const decision = decideLoad(question({ places: [gpu('a', 3e9), cpu] }));
    expect(decision.allOnGpu).toBe(false);
    expect(decision.worker.spin).toBe(false);
    expect(decision.settings.gpuLayers).toBeGreaterThan(0);
    expect(decision.settings.gpuLayers).toBeLessThan(33);
    expect(decision.estimate?.totalBytes).toBeLessThanOrEqual(3e9);
    expect(decision.chosen.join(' ')).toContain('much slower');
  });
  test('on a processor: small pieces of prompt for a large model, one place', () => {
    expect(short(decideLoad(question({ backend: onCpu, places: [cpu] })))).toMatchObject({ layers: 0, on: ['cpu'], chunk: 32, spin: false });
    expect(decideLoad(question({ backend: onCpu, places: [cpu], model: model(smolFacts) })).worker.promptChunk).toBeGreaterThan(32);
  });
  test('free memory that is not reported does not stop it', () => {
    expect(decideLoad(question({ places: [gpu('a', null), cpu] })).settings.gpuLayers).toBe(33);
  });
  test('a quantised V cache switches flash attention on; weights are looked at on a file\'s first load; a refused template is left', () => {
    expect(decideLoad(question({ settings: { cacheTypeV: 'q8_0' } })).worker.flashAttention).toBe('on');
    expect(decideLoad(question({ model: model(bigFacts, { lastUsedAtMs: null }) })).worker).toMatchObject({ checkTensors: true, template: 'file' });
    expect(decideLoad(question({ model: model({ ...bigFacts, template: { sha256: '0', characters: 9, family: null, tools: false, refused: 'too deep' } }) })).worker.template).toBe('builtin');
  });
  test('over two GPUs memory adds up', () => {
    const decision = decideLoad(question({ places: [gpu('a', 3e9), gpu('b', 3.2e9), cpu], settings: { devices: ['b', 'a'], contextTokens: 1024 } }));
    expect(short(decision)).toMatchObject({ on: ['b', 'a'], allOnGpu: true });
  });
});

describe('what does not fit', () => {
  const other = (id: string, bytes: number, lastUsedAtMs: number, busy = false) => ({ id, name: `Other ${id}`, bytes: new Map([['a', bytes]]), lastUsedAtMs, busy });

  test('is refused with numbers, never moved to the processor unasked', () => {
    const problem = problemFrom(() => decideLoad(question({ places: [gpu('a', 0.2e9), cpu] })));
    expect(problem).toMatchObject({ code: 'load.no_memory' });
    expect(problem.cause).toMatch(/needs \d+\.\d GB on GPU a; 200 MB are free/);
    expect(problem.remedy).toContain('Choose the CPU');
  });
  test('names what holds the memory, and offers to unload it', () => {
    const problem = problemFrom(() => decideLoad(question({ places: [gpu('a', 0.2e9), cpu], neighbours: [other('x', 8e9, 5)] })));
    expect(problem.remedy).toContain('Unload Other x (8.0 GB)');
    expect(problem.actions).toEqual([{ kind: 'call', label: 'Unload Other x', operation: 'inference.unload', input: { id: 'x' } }]);
  });
  test('with leave to make room the least recently used goes first, never a busy one', () => {
    const neighbours = [other('new', 8e9, 9), other('busy', 8e9, 1, true), other('old', 8e9, 3)];
    expect(decideLoad(question({ places: [gpu('a', 1e9), cpu], neighbours, makeRoom: true })).unload).toEqual(['old']);
    expect(problemFrom(() => decideLoad(question({ places: [gpu('a', 0.1e9), cpu], neighbours: [other('busy', 8e9, 1, true)], makeRoom: true })))).toMatchObject({ code: 'load.no_memory' });
  });
  test('a context asked for by name is not shortened', () => {
    expect(problemFrom(() => decideLoad(question({ places: [gpu('a', 5e9), cpu], settings: { contextTokens: 4096, gpuLayers: 33 } })))).toMatchObject({ code: 'load.no_memory' });
  });
});

describe('what cannot go together', () => {
  const draft = model({ ...bigFacts, vocabulary: 49_152 }, { id: 'd', name: 'Small' });
  const cases: readonly (readonly [string, Parameters<typeof question>[0], RegExp])[] = [
    ['a quantised V cache without flash attention', { settings: { cacheTypeV: 'q4_0', flashAttention: 'off' } }, /needs flash attention/],
    ['a GPU that is not there', { settings: { devices: ['b'] } }, /no GPU b/],
    ['the CPU and GPUs', { backend: onCpu, settings: { backend: 'cpu', devices: ['a'] } }, /GPUs are named/],
    ['the CPU and layers', { backend: onCpu, settings: { backend: 'cpu', gpuLayers: 3 } }, /3 layers/],
    ['layers where no GPU build runs', { backend: onCpu, settings: { gpuLayers: 3 } }, /runs on the CPU here/],
    ['more threads than cores', { settings: { threads: 17 } }, /100 times slower/],
    ['a draft model of another vocabulary', { draft, settings: { draftModel: 'd' } }, /another vocabulary \(49152 tokens/],
    ['itself as draft', { draft: model(bigFacts), settings: { draftModel: 'm' } }, /guess ahead for itself/],
  ];
  for (const [name, change, says] of cases) {
    test(name, () => {
      const problem = problemFrom(() => decideLoad(question(change)));
      expect(problem.code).toBe('load.settings');
      expect(problem.cause).toMatch(says);
      expect(problem.remedy).not.toBe('');
    });
  }
});

describe('wishes', () => {
  test('go over the profile, and null takes a choice back', () => {
    expect(mergeSettings({ contextTokens: 512, threads: 3 }, { contextTokens: null, threads: undefined })).toMatchObject({ contextTokens: null, threads: 3, mmap: true });
  });
  test('are served by what is loaded when it is that', () => {
    const asked = mergeSettings({}, { contextTokens: 512 });
    const resolved = { ...asked, threads: 7, devices: ['a'] };
    expect([{}, { contextTokens: 512 }, { threads: 7 }, { threads: null }, { devices: ['a'] }, { devices: [] }].map((wish) => decideMatch(wish, asked, resolved))).toEqual([true, true, true, true, true, true]);
    expect([{ contextTokens: 1024 }, { contextTokens: null }, { threads: 6 }, { devices: ['b'] }, { backend: 'cpu' as const }].map((wish) => decideMatch(wish, asked, resolved))).toEqual([false, false, false, false, false]);
  });
  test('this machine has cores and memory', () => {
    const machine = readMachine();
    expect(machine.physicalCores).toBeGreaterThanOrEqual(1);
    expect(machine.physicalCores).toBeLessThanOrEqual(machine.logicalCores);
    expect(machine.freeBytes).toBeGreaterThan(0);
    expect(machine.freeBytes).toBeLessThanOrEqual(machine.memoryBytes);
  });
});
