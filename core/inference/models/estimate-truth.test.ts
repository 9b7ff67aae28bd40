import { afterAll, beforeAll, expect, it } from 'vitest';
import { engineSettings, type EngineSettings } from '../../../contract/inference.ts';
import type { GgufFacts } from '../../../contract/models.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { readResidentBytes } from '../../supervisor/process-identity.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { smolLm2, tinyModel } from '../../testing/models.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { collect, longPrompt, makeLoaded, modelAt } from '../loaded/fixtures/test-support.ts';
import type { Place } from '../parts.ts';
import { learnMemory } from './create-experience.ts';
import { estimateMemory } from './estimate-memory.ts';
import { createModelProbe, type ModelProbe } from './model-probe.ts';
import { readProcessorFeatures } from './processor-features.ts';

/**
 * Estimates against what llama.cpp itself reports of its buffers, and against the process's memory, on real files.
 */
const folder = makeTestFolder('estimates');
const cpu: Place = { key: 'cpu', name: 'CPU', kind: 'cpu', freeBytes: 64e9, capacityBytes: 64e9, bandwidth: null, computeCapability: null, unifiedMemory: false };
let supervisor: Supervisor;
let probe: ModelProbe;
beforeAll(() => {
  supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
  probe = createModelProbe({ supervisor, log: silentLogger });
});
afterAll(async () => {
  await probe.stop();
  await supervisor.stopAll();
});

const factsOf = async (path: string): Promise<GgufFacts> => {
  const { facts } = await probe.read({ path, ofBytes: null });
  if (facts === null) throw new Error(path);
  return facts;
};
const wide = { fileName: 'wide.gguf', embeddingLength: 512, feedForward: 1536, heads: 8, kvHeads: 2, headLength: 64, vocabulary: 32_000, types: { inputEmbedding: 'F16', output: 'F16', layers: [{ most: 'F16', fine: 'F16' }] } } as const;

interface Case { readonly name: string; readonly path: () => Promise<string> | string; readonly settings: Partial<EngineSettings> }
const cases: readonly Case[] = [
  { name: 'SmolLM2, 2,048', path: smolLm2, settings: { contextTokens: 2048 } },
  { name: 'SmolLM2, 8,192', path: smolLm2, settings: { contextTokens: 8192 } },
  { name: 'SmolLM2, 8,192, q8_0', path: smolLm2, settings: { contextTokens: 8192, cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' } },
  { name: 'SmolLM2, 4,096, K q4_0', path: smolLm2, settings: { contextTokens: 4096, cacheTypeK: 'q4_0' } },
  { name: 'SmolLM2, 4,096, without flash attention', path: smolLm2, settings: { contextTokens: 4096, flashAttention: 'off' } },
  { name: 'SmolLM2, 2,048, batch of 128', path: smolLm2, settings: { contextTokens: 2048, batch: 128 } },
  { name: 'SmolLM2, 2,048, two at once', path: smolLm2, settings: { contextTokens: 2048, parallel: 2 } },
  { name: 'small with 32,000 tokens, 4,096', path: () => tinyModel(folder, wide), settings: { contextTokens: 4096 } },
  { name: 'the same, 4,096, f32', path: () => tinyModel(folder, wide), settings: { contextTokens: 4096, cacheTypeK: 'f32', cacheTypeV: 'f32' } },
  { name: 'the same, 4,096, q5_1', path: () => tinyModel(folder, wide), settings: { contextTokens: 4096, cacheTypeK: 'q5_1', cacheTypeV: 'q5_1' } },
];
const processor = readProcessorFeatures();
const untaught = { overheadBytes: null, ownError: null };
const percent = (estimated: number, truth: number): number => (Math.abs(estimated - truth) / truth) * 100;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Infinity;

it('buffers: of ten cases the median error is at most 5 percent, the cache exact', async () => {
  const errors: number[] = [];
  for (const { name, path, settings } of cases) {
    const file = await path();
    const facts = await factsOf(file);
    const wish = engineSettings.parse({ backend: 'cpu', threads: 2, checkTensors: false, ...settings });
    const { loaded } = makeLoaded([modelAt(file, facts)]);
    const { id, bytes } = await loaded.load({ model: null, settings: wish });
    if (bytes === null) throw new Error('No bytes were reported');
    const { weightsBytes, cacheBytes, workBytes } = estimateMemory({ facts, settings: wish, place: cpu, backend: 'cpu', processor, lessons: untaught });
    // llama.cpp reports hundredths of a MiB.
    expect(Math.abs(cacheBytes - bytes.cache), name).toBeLessThan(20_000);
    expect(percent(weightsBytes, bytes.weights), name).toBeLessThan(1);
    errors.push(percent(weightsBytes + cacheBytes + workBytes, bytes.weights + bytes.cache + bytes.work));
    await loaded.unload(id);
  }
  expect(errors).toHaveLength(10);
  expect(median(errors)).toBeLessThanOrEqual(5);
  expect(Math.max(...errors)).toBeLessThan(15);
}, 300_000);

it('the process: what it holds after a full batch is what was estimated, and a record of it teaches the rest', async () => {
  const file = smolLm2();
  const facts = await factsOf(file);
  const wish = engineSettings.parse({ backend: 'cpu', threads: 2, contextTokens: 2048, checkTensors: false });
  const { loaded } = makeLoaded([modelAt(file, facts)]);
  const { pid } = await loaded.load({ model: null, settings: wish });
  await collect(loaded.generate({ model: null, settings: wish }, { turns: [{ role: 'user', content: longPrompt(430), toolCalls: [], toolCallId: null }], maxTokens: 2 }));
  const truthBytes = pid === null ? null : await readResidentBytes(pid);
  if (truthBytes === null) throw new Error('The memory of the process is not known');
  const estimate = estimateMemory({ facts, settings: wish, place: cpu, backend: 'cpu', processor, lessons: untaught });
  expect(percent(estimate.totalBytes, truthBytes)).toBeLessThan(15);
  const record = { modelId: 'm', place: 'cpu', backend: 'cpu' as const, estimatedBytes: estimate.totalBytes, overheadBytes: estimate.overheadBytes, workBytes: estimate.workBytes, truthBytes, atMs: 1 };
  const lessons = learnMemory([record], 'cpu', 'cpu');
  const taught = estimateMemory({ facts, settings: wish, place: cpu, backend: 'cpu', processor, lessons });
  expect(taught.ownError).toEqual({ medianPercent: expect.any(Number) as number, worstPercent: expect.any(Number) as number, loads: 1 });
  expect(percent(taught.totalBytes, truthBytes)).toBeLessThanOrEqual(percent(estimate.totalBytes, truthBytes) + 0.01);
}, 300_000);
