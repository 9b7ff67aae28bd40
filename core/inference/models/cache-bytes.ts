import type { CacheType } from '../../../contract/inference.ts';
import type { GgufFacts } from '../../../contract/models.ts';

/** Elements and bytes of one block: ggml-common.h of llama.cpp v0.5.0. */
const blocks: Readonly<Record<CacheType, readonly [elements: number, bytes: number]>> = {
  f32: [1, 4], f16: [1, 2], bf16: [1, 2], q8_0: [32, 34], q5_1: [32, 24], q5_0: [32, 22], q4_1: [32, 20], q4_0: [32, 18],
};
/** llama.cpp pads contexts and windowed caches to whole steps of this many cells. */
const CELLS = 256;

export interface CacheShape {
  /** Of one request. */
  readonly contextTokens: number;
  readonly microBatch: number;
  readonly parallel: number;
  readonly cacheTypeK: CacheType;
  readonly cacheTypeV: CacheType;
  readonly flashAttention: boolean;
}

export const padCells = (tokens: number): number => Math.ceil(tokens / CELLS) * CELLS;

/** Bytes that so many elements take in the cache. */
export function elementBytes(type: CacheType, elements: number): number {
  const [per, bytes] = blocks[type];
  return (elements / per) * bytes;
}

/**
 * Bytes of the KV cache by layer, with the state of recurrent layers spread over those that keep nothing else
 * (llama-kv-cache.cpp, llama-kv-cache-iswa.cpp): each request has cells of its own; a layer with a window keeps the window
 * and one micro-batch; values that are not read by flash attention are stored as wide as the widest layer's. Pure.
 */
export function cacheBytesByLayer(facts: GgufFacts, shape: CacheShape): number[] {
  const full = padCells(shape.contextTokens);
  const windowed = facts.slidingWindow === null ? full : Math.min(full, padCells(Math.min(full, facts.slidingWindow + shape.microBatch)));
  const { k, v } = facts.kvElementsPerToken;
  const widest = v.reduce((most, n) => Math.max(most, n), 0);
  const stateless = k.map((elements) => elements === 0);
  const states = stateless.filter(Boolean).length;
  const stateBytes = (facts.recurrentBytes / Math.max(1, states === 0 ? k.length : states)) * shape.parallel;
  return k.map((elements, layer) => {
    const cells = (facts.windowedLayers[layer] === true ? windowed : full) * shape.parallel;
    const values = v[layer] ?? 0;
    const stored = !shape.flashAttention && values > 0 ? widest : values;
    const state = states === 0 || stateless[layer] === true ? stateBytes : 0;
    return cells * (elementBytes(shape.cacheTypeK, elements) + elementBytes(shape.cacheTypeV, stored)) + state;
  });
}
