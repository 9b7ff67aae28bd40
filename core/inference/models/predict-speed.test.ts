import { describe, expect, it } from 'vitest';
import type { GgufFacts } from '../../../contract/models.ts';
import { smolFacts } from '../loaded/fixtures/test-support.ts';
import type { Place } from '../parts.ts';
import type { SpeedRecord } from './known-models.ts';
import { bytesPerToken, predictSpeed } from './predict-speed.ts';

const f16 = { cacheTypeK: 'f16', cacheTypeV: 'f16' } as const;
const dense = (bytes: number, more: Partial<GgufFacts> = {}): GgufFacts => ({ ...smolFacts, layers: 1, kvElementsPerToken: { k: [0], v: [0] }, bytes: { total: bytes, inputEmbedding: 0, output: 1, layers: [bytes - 1], experts: 0, rest: 0 }, ...more });
const place = (gigabytesPerSecond: number | null, computeCapability: string | null = '8.9', kind: 'gpu' | 'cpu' = 'gpu'): Place => ({ key: 'p', name: 'RTX', kind, freeBytes: null, capacityBytes: null, bandwidth: gigabytesPerSecond === null ? null : { bytesPerSecond: gigabytesPerSecond * 1e9, from: 'data sheet' }, computeCapability, unifiedMemory: false });
const record = (bytes: number, tokensPerSecond: number, more: Partial<SpeedRecord> = {}): SpeedRecord => ({ modelId: `m${bytes}`, place: 'p', backend: 'cuda', bytesPerToken: bytes, depth: 100, tokensPerSecond, tokens: 100, synthetic: false, atMs: 1, ...more });
const ask = (facts: GgufFacts, where: Place, records: readonly SpeedRecord[] = [], ids: readonly string[] = []): ReturnType<typeof predictSpeed> => predictSpeed({ facts, settings: f16, place: where, backend: where.kind === 'cpu' ? 'cpu' : 'cuda', ids, records });

describe('bytes of a token', () => {
  it('Llama 3.1 8B Q4_K_M: weights without the input embedding, 128 KiB for each token of context', () => {
    const facts: GgufFacts = { ...smolFacts, layers: 32, vocabulary: 128_256, kvElementsPerToken: { k: Array<number>(32).fill(1024), v: Array<number>(32).fill(1024) }, bytes: { total: 4_912_898_304, inputEmbedding: 295_501_824, output: 430_940_160, layers: Array<number>(32).fill(130_826_240), experts: 0, rest: 16_640 } };
    expect(bytesPerToken(facts, 0, f16) / 1e9).toBeCloseTo(4.62, 2);
    expect(bytesPerToken(facts, 1000, f16) - bytesPerToken(facts, 0, f16)).toBe(1000 * 128 * 1024);
    expect(bytesPerToken(facts, 1000, { cacheTypeK: 'q8_0', cacheTypeV: 'q8_0' }) - bytesPerToken(facts, 0, f16)).toBe(1000 * 128 * 1024 * (34 / 64));
  });
  it('an embedding that is the output is read whole; of experts only those at work; of a window no more than it', () => {
    expect(bytesPerToken(smolFacts, 0, f16)).toBe(30 * 2_217_000 + 30_081_024 + 2304);
    expect(bytesPerToken(dense(1000, { experts: 8, expertsUsed: 2, bytes: { total: 1000, inputEmbedding: 0, output: 1, layers: [999], experts: 800, rest: 0 } }), 0, f16)).toBe(400);
    const windowed = dense(1000, { kvElementsPerToken: { k: [1], v: [1] }, slidingWindow: 128, windowedLayers: [true] });
    expect(bytesPerToken(windowed, 5000, f16)).toBe(1000 + 128 * 4);
    expect(bytesPerToken(dense(1000, { recurrentBytes: 50 }), 5000, f16)).toBe(1100);
  });
});

describe('prior', () => {
  // performance.md, section 4, check rows: bytes of a token in GB, bandwidth of the card in GB/s, tokens/s as measured.
  it.each([
    ['RTX 6000 Ada 8B Q4_0', 4.34, 960, '8.9', 168.9], ['RTX 6000 Ada 9B BF16', 17.8, 960, '8.9', 48.6], ['4090 7B 4-bit', 3.75, 1008, '8.9', 205],
    ['4090 8B Q4_0 at depth', 8.6, 1008, '8.9', 102.8], ['GB10 7B Q8_0', 7.58, 273, '12.1', 29.2], ['5090 8B Q8_0', 7.98, 1792, '12.0', 143.2], ['5090 Qwen3-8B', 4.68, 1792, '12.0', 221.7],
    ['H200 7B Q4_0', 4.06, 4800, '9.0', 363.5],
  ])('%s lies in its interval', (_name, gb, bandwidth, capability, measured) => {
    const speed = ask(dense(gb * 1e9), place(bandwidth, capability));
    expect(speed).toMatchObject({ basis: 'prior', bandwidth: bandwidth * 1e9, efficiency: 0.92, why: null });
    expect(speed.low ?? 0).toBeLessThanOrEqual(measured);
    expect(speed.high ?? 0).toBeGreaterThanOrEqual(measured);
    expect(speed.tokensPerSecond ?? 0).toBeLessThan(speed.roofline ?? 0);
  });
  it('says why there is none: a processor, a card that no table knows', () => {
    expect(ask(dense(1e9), place(null, null, 'cpu'))).toMatchObject({ basis: 'none', tokensPerSecond: null, why: expect.stringContaining('No table') as string });
    expect(ask(dense(1e9), place(null))).toMatchObject({ basis: 'none', tokensPerSecond: null, roofline: null, why: expect.stringContaining('bandwidth') as string });
  });
});

describe('fitted to what was measured there', () => {
  const t = (bytes: number, slope: number, fixed: number): number => 1 / (bytes * slope + fixed);
  it('two models of different size give slope and fixed part', () => {
    const slope = 1 / (0.8 * 1000e9);
    const speed = ask(dense(5e9), place(1000), [record(1e9, t(1e9, slope, 2e-3)), record(8e9, t(8e9, slope, 2e-3))]);
    expect(speed).toMatchObject({ basis: 'fitted', runs: 2, efficiency: expect.closeTo(0.8, 6) as number, fixedSeconds: expect.closeTo(2e-3, 9) as number });
    expect(speed.tokensPerSecond).toBeCloseTo(t(5e9, slope, 2e-3), 6);
  });
  it('two of nearly the same size do not, nor those of another place, backend or depth', () => {
    expect(ask(dense(5e9), place(1000), [record(4e9, 100), record(4.4e9, 95)]).basis).toBe('prior');
    expect(ask(dense(5e9), place(1000), [record(1e9, 400, { place: 'q' }), record(8e9, 90, { backend: 'vulkan' }), record(4e9, 9, { depth: 9000 })]).basis).toBe('prior');
  });
  it('no memory is faster than its peak, and no fixed part is below zero', () => {
    const speed = ask(dense(5e9), place(1000), [record(1e9, 100), record(8e9, 99)]);
    expect(speed.efficiency ?? 2).toBeLessThanOrEqual(1.0001);
    const odd = ask(dense(5e9), place(1000), [record(1e9, 1000), record(8e9, 10)]);
    expect(odd.fixedSeconds ?? -1).toBeGreaterThanOrEqual(0);
    expect(odd.tokensPerSecond ?? 0).toBeGreaterThan(0);
  });
  it('a processor learns from one model already, with a wide interval', () => {
    const one = ask(dense(2e8), place(null, null, 'cpu'), [record(1e8, 100, { backend: 'cpu' })]);
    expect(one).toMatchObject({ basis: 'fitted', tokensPerSecond: 50, efficiency: null, roofline: null });
    expect((one.high ?? 0) - (one.low ?? 0)).toBeGreaterThan(25);
  });
});

it('measured: this very file before random weights of its shapes, with the spread of the runs', () => {
  const runs = [record(5e9, 100, { modelId: 'a', atMs: 1 }), record(5e9, 110, { modelId: 'a', atMs: 2 }), record(5e9, 105, { modelId: 'a', atMs: 3 }), record(5e9, 50, { modelId: 's', synthetic: true })];
  expect(ask(dense(5e9), place(1000), runs, ['a', 's'])).toMatchObject({ basis: 'measured', tokensPerSecond: 105, low: 100, high: 110, runs: 3, measuredAtMs: 3 });
  expect(ask(dense(5e9), place(1000), runs, ['s'])).toMatchObject({ basis: 'measured_synthetic', tokensPerSecond: 50, runs: 1 });
});
