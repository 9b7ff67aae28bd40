import { describe, expect, it } from 'vitest';
import { engineSettings, type EngineSettings } from '../../../contract/inference.ts';
import type { GgufFacts, MemoryEstimate } from '../../../contract/models.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { smolFacts } from '../loaded/fixtures/test-support.ts';
import type { Place } from '../parts.ts';
import { cacheBytesByLayer } from './cache-bytes.ts';
import { createExperience, learnMemory } from './create-experience.ts';
import { estimateMemory, neededBytes, workBytes, type MemoryLessons } from './estimate-memory.ts';
import { createKnownModels, type LoadRecord } from './known-models.ts';
import { plainProcessor } from './processor-features.ts';

const MIB = 1_048_576;
const layers = (count: number, value: number): number[] => Array.from({ length: count }, () => value);
/** Llama 3.1 8B Q4_K_M: 32 layers of 1,024 + 1,024, an output of its own. */
const llama8b: GgufFacts = {
  ...smolFacts, layers: 32, contextTrained: 131_072, embeddingLength: 4096, attentionHeads: 32, feedForward: 14_336, vocabulary: 128_256,
  kvElementsPerToken: { k: layers(32, 1024), v: layers(32, 1024) },
  bytes: { total: 4_912_898_304, inputEmbedding: 295_501_824, output: 430_940_160, layers: layers(32, 130_826_240), experts: 0, rest: 16_640 },
};
const gpu = (freeBytes: number | null): Place => ({ key: 'GPU-1', name: 'RTX 4090', kind: 'gpu', freeBytes, capacityBytes: 24e9, bandwidth: null, computeCapability: '8.9', unifiedMemory: false });
const cpu: Place = { key: 'cpu', name: 'CPU', kind: 'cpu', freeBytes: 64e9, capacityBytes: 64e9, bandwidth: null, computeCapability: null, unifiedMemory: false };
const untaught: MemoryLessons = { overheadBytes: null, ownError: null };
const estimate = (settings: Partial<EngineSettings>, place: Place, facts = llama8b, lessons = untaught): MemoryEstimate => estimateMemory({ facts, settings: engineSettings.parse(settings), place, backend: place.kind === 'cpu' ? 'cpu' : 'cuda', processor: { ...plainProcessor, avx2: true }, lessons });
const shape = { contextTokens: 8192, microBatch: 512, parallel: 1, cacheTypeK: 'f16', cacheTypeV: 'f16', flashAttention: true } as const;
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe('buffers that llama.cpp has printed', () => {
  it('8B, 8,192 tokens: cache 1,024 MiB; work within a tenth of the 258.5 MiB of CUDA', () => {
    expect(sum(cacheBytesByLayer(llama8b, shape))).toBe(1024 * MIB);
    expect(Math.abs(workBytes(llama8b, shape) / (258.5 * MIB) - 1)).toBeLessThan(0.1);
  });
  it('two requests at once have two caches; a context is padded to 256', () => {
    expect(sum(cacheBytesByLayer(llama8b, { ...shape, parallel: 2 }))).toBe(2048 * MIB);
    expect(sum(cacheBytesByLayer(llama8b, { ...shape, contextTokens: 8000 }))).toBe(1024 * MIB);
  });
  it.each([['q8_0', 34 / 64], ['q5_1', 24 / 64], ['q5_0', 22 / 64], ['q4_1', 20 / 64], ['q4_0', 18 / 64], ['f32', 2], ['bf16', 1]] as const)('a cache of %s takes %d of f16', (type, share) => {
    expect(sum(cacheBytesByLayer(llama8b, { ...shape, cacheTypeK: type, cacheTypeV: type }))).toBeCloseTo(1024 * MIB * share, -3);
  });
  it('windowed layers keep the window and a batch; recurrent ones their state for each request', () => {
    const windowed: GgufFacts = { ...llama8b, layers: 2, kvElementsPerToken: { k: [1024, 1024], v: [1024, 1024] }, slidingWindow: 1024, windowedLayers: [true, false] };
    expect(cacheBytesByLayer(windowed, shape)).toEqual([1536 * 4096, 8192 * 4096]);
    const recurrent: GgufFacts = { ...llama8b, layers: 3, kvElementsPerToken: { k: [0, 0, 1024], v: [0, 0, 1024] }, recurrentBytes: 200 };
    expect(cacheBytesByLayer(recurrent, { ...shape, parallel: 3 })).toEqual([300, 300, 3 * 8192 * 4096]);
  });
  it('without flash attention the scores of all heads are held, and values as wide as the widest', () => {
    expect(workBytes(llama8b, { ...shape, flashAttention: false })).toBeGreaterThan(32 * 8192 * 512 * 4);
    const uneven: GgufFacts = { ...llama8b, layers: 2, kvElementsPerToken: { k: [1024, 512], v: [1024, 512] } };
    expect(cacheBytesByLayer(uneven, { ...shape, flashAttention: false })[1]).toBe(8192 * (1024 + 2048));
  });
});

describe('placement', () => {
  it('all layers on a GPU: the input embedding stays in the machine', () => {
    const all = estimate({}, gpu(24e9));
    expect(all).toMatchObject({ verdict: 'fits', layers: 33, gpuLayers: 33, contextTokens: 8192, layersThatFit: null });
    expect(all.weightsBytes).toBe(llama8b.bytes.total - llama8b.bytes.inputEmbedding);
    expect(all.hostBytes).toBeGreaterThan(llama8b.bytes.inputEmbedding);
    expect(all.totalBytes).toBe(all.weightsBytes + all.cacheBytes + all.workBytes + all.overheadBytes);
  });
  it('an embedding that is also the output is there twice', () => {
    expect(estimate({}, gpu(24e9), smolFacts).weightsBytes).toBe(sum(smolFacts.bytes.layers) + smolFacts.bytes.inputEmbedding + smolFacts.bytes.rest);
  });
  it('one layer is the output; none is the processor', () => {
    expect(estimate({ gpuLayers: 1 }, gpu(24e9))).toMatchObject({ weightsBytes: llama8b.bytes.output + llama8b.bytes.rest, cacheBytes: 0 });
    expect(estimate({ gpuLayers: 11 }, gpu(24e9)).weightsBytes).toBe(llama8b.bytes.output + llama8b.bytes.rest + 10 * 130_826_240);
    expect(estimate({}, cpu)).toMatchObject({ gpuLayers: 0, weightsBytes: llama8b.bytes.total, verdict: 'fits' });
  });
});

describe('verdicts', () => {
  it.each<[string, number | null, Partial<EngineSettings>, MemoryEstimate['verdict']]>([
    ['plenty', 24e9, {}, 'fits'], ['not reported', null, {}, 'unknown'], ['4 GB', 4e9, {}, 'fits_partly'], ['next to nothing', 0.3e9, {}, 'does_not_fit'],
    ['all layers asked for in 4 GB', 4e9, { gpuLayers: 33 }, 'fits_partly'],
  ])('%s', (_name, free, settings, verdict) => {
    expect(estimate(settings, gpu(free)).verdict).toBe(verdict);
  });
  it('what is said to fit does, and one more does not', () => {
    for (const free of [2e9, 3e9, 4e9, 5e9, 6.5e9, 8e9, 12e9]) {
      const place = gpu(free);
      const { layersThatFit, contextThatFits } = estimate({ contextTokens: 8192 }, place);
      const fits = (settings: Partial<EngineSettings>): boolean => estimate({ contextTokens: 8192, gpuLayers: 33, ...settings }, place).totalBytes * 1.03 <= free;
      if (layersThatFit !== null) expect([fits({ gpuLayers: layersThatFit }), fits({ gpuLayers: layersThatFit + 1 })]).toEqual([layersThatFit > 0, false]);
      if (contextThatFits !== null && contextThatFits < 131_072) expect([fits({ contextTokens: contextThatFits }), fits({ contextTokens: contextThatFits + 256 })]).toEqual([true, false]);
    }
  });
  it('a context that nobody asked for shrinks to what fits; one that was asked for does not', () => {
    const tight = gpu(6.1e9);
    expect(estimate({}, tight).contextTokens).toBeLessThan(8192);
    expect(estimate({}, tight).contextTokens).toBeGreaterThanOrEqual(2048);
    expect(estimate({ contextTokens: 8192 }, tight).contextTokens).toBe(8192);
  });
});

describe('weights that the processor gets a copy of', () => {
  const q4: GgufFacts = { ...llama8b, groups: [
    { file: 0, type: 'Q4_K', use: 'lookup', rowsMultipleOf: 1, bytes: 295_501_824, firstByte: 0, endByte: 295_501_824 },
    { file: 0, type: 'Q4_K', use: 'product', rowsMultipleOf: 32, bytes: 4_186_439_680, firstByte: 295_501_824, endByte: 4_481_941_504 },
    { file: 0, type: 'F32', use: 'other', rowsMultipleOf: 1, bytes: 16_640, firstByte: 295_600_000, endByte: 4_481_958_144 },
    { file: 0, type: 'Q6_K', use: 'product', rowsMultipleOf: 32, bytes: 430_940_160, firstByte: 4_481_958_144, endByte: 4_912_898_304 },
  ] };
  it('count as weights, and whether it fits does not hang on the pages that they replace', () => {
    const made = estimate({}, cpu, q4);
    expect(made).toMatchObject({ weightsBytes: 4_912_898_304 + 4_186_439_680, copiedBytes: 4_186_439_680, reclaimableBytes: 4_186_439_680, verdict: 'fits' });
    expect(made.totalBytes).toBe(made.weightsBytes + made.cacheBytes + made.workBytes + made.overheadBytes);
    expect(neededBytes(made)).toBe(estimate({}, cpu).totalBytes);
    const tight = { ...cpu, freeBytes: neededBytes(made) * 1.04 };
    expect(estimate({ contextTokens: 8192 }, tight, q4).verdict).toBe('fits');
    expect(estimate({ contextTokens: 8192 }, { ...tight, freeBytes: neededBytes(made) * 1.02 }, q4).verdict).toBe('does_not_fit');
  });
  it.each<[string, Partial<EngineSettings>]>([['not mapped', { mmap: false }], ['locked: then it is not mapped either', { mlock: true }]])('each once when the file is %s', (_name, settings) => {
    expect(estimate(settings, cpu, q4)).toMatchObject({ weightsBytes: 4_912_898_304, copiedBytes: 4_186_439_680 });
    expect(estimate(settings, cpu, q4)).not.toHaveProperty('reclaimableBytes');
  });
  it('with a GPU in use there is none, whatever stays in the machine', () => {
    for (const gpuLayers of [33, 12, 0]) {
      expect(estimate({ gpuLayers }, gpu(24e9), q4)).toEqual(estimate({ gpuLayers }, gpu(24e9)));
    }
  });
});

describe('what loads teach', () => {
  const load = (truthBytes: number, more: Partial<LoadRecord> = {}): LoadRecord => ({ modelId: 'm', place: 'GPU-1', backend: 'cuda', estimatedBytes: 6e9, overheadBytes: 0.5e9, workBytes: 0.3e9, truthBytes, atMs: 1, ...more });
  it('nothing yet', () => { expect(learnMemory([load(6e9, { place: 'GPU-2' })], 'GPU-1', 'cuda')).toEqual(untaught); });
  it('the backend takes less than was thought', () => {
    const lessons = learnMemory([load(5.8e9), load(5.8e9), load(5.9e9)], 'GPU-1', 'cuda');
    expect(lessons.overheadBytes).toBeCloseTo(0.3e9, -3);
    expect(lessons.ownError).toMatchObject({ loads: 3, medianPercent: expect.closeTo(3.45, 1) as number });
    expect(estimate({}, gpu(24e9), llama8b, lessons)).toMatchObject({ overheadBytes: lessons.overheadBytes, ownError: lessons.ownError });
  });
  it('a bad record makes the next "fits" more careful', () => {
    const bad: MemoryLessons = { overheadBytes: null, ownError: { medianPercent: 2, worstPercent: 12, loads: 5 } };
    const need = estimate({}, gpu(24e9)).totalBytes;
    expect([estimate({ contextTokens: 8192 }, gpu(need * 1.05)).verdict, estimate({ contextTokens: 8192 }, gpu(need * 1.05), llama8b, bad).verdict]).toEqual(['fits', 'fits_partly']);
  });
  it('on a processor a buffer that no prompt has filled is no error', () => {
    const here = (truthBytes: number): LoadRecord => load(truthBytes, { place: 'cpu', backend: 'cpu' });
    expect(learnMemory([here(5.8e9)], 'cpu', 'cpu')).toEqual({ overheadBytes: 0.5e9, ownError: { medianPercent: 0, worstPercent: 0, loads: 1 } });
    expect(learnMemory([here(6.1e9)], 'cpu', 'cpu').overheadBytes).toBeCloseTo(0.6e9, -3);
    expect(learnMemory([here(5.6e9)], 'cpu', 'cpu').overheadBytes).toBeCloseTo(0.4e9, -3);
  });
  it('a size of the process that holds a copy and the file’s own pages is not believed', () => {
    const known = createKnownModels(null, silentLogger);
    const experience = createExperience(known, () => undefined);
    const made = estimate({}, cpu);
    const recordOf = (truthBytes: number, backend: 'cpu' | 'cuda'): void => { experience.recordLoad({ modelId: 'm', place: 'cpu', backend, estimate: made, truthBytes, atMs: 1 }); };
    recordOf(made.totalBytes + made.weightsBytes, 'cpu');
    recordOf(Number.NaN, 'cuda');
    expect(known.loads()).toEqual([]);
    recordOf(made.totalBytes * 1.02, 'cpu');
    expect(known.loads()).toHaveLength(1);
    expect(experience.estimate(llama8b, engineSettings.parse({}), cpu, 'cpu').ownError).toMatchObject({ loads: 1 });
  });
  it('pages that the system has taken back are no error', () => {
    const known = createKnownModels(null, silentLogger);
    const experience = createExperience(known, () => undefined);
    const made = { ...estimate({}, cpu), reclaimableBytes: 2e9 };
    for (const taken of [0, 1e9, 2e9]) experience.recordLoad({ modelId: 'm', place: 'cpu', backend: 'cpu', estimate: made, truthBytes: made.totalBytes - taken, atMs: 1 });
    expect(learnMemory(known.loads(), 'cpu', 'cpu')).toEqual({ overheadBytes: made.overheadBytes, ownError: { medianPercent: 0, worstPercent: 0, loads: 3 } });
  });
  it('an answer of a few tokens says nothing of the speed', () => {
    const known = createKnownModels(null, silentLogger);
    const experience = createExperience(known, () => undefined);
    const answer = { modelId: 'm', place: 'cpu', backend: 'cpu', bytesPerToken: 1e8, depth: 10, tokensPerSecond: 50, tokens: 100, synthetic: false, atMs: 1 } as const;
    experience.recordSpeed({ ...answer, tokens: 3 });
    experience.recordSpeed({ ...answer, tokensPerSecond: Number.POSITIVE_INFINITY });
    expect(known.speeds()).toEqual([]);
    experience.recordSpeed(answer);
    expect(known.speeds()).toEqual([answer]);
  });
});
