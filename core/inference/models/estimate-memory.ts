import type { BackendKind, EngineSettings } from '../../../contract/inference.ts';
import type { GgufFacts, MemoryEstimate } from '../../../contract/models.ts';
import type { Place } from '../parts.ts';
import { cacheBytesByLayer, padCells, type CacheShape } from './cache-bytes.ts';
import { decideHeldWeights } from './copied-weights.ts';
import { plainProcessor, type ProcessorFeatures } from './processor-features.ts';

/** What loads here have taught. */
export interface MemoryLessons {
  /** Bytes that the backend itself takes on that place; null: nothing learned yet. */
  readonly overheadBytes: number | null;
  readonly ownError: MemoryEstimate['ownError'];
}

export interface MemoryQuestion {
  readonly facts: GgufFacts;
  readonly settings: EngineSettings;
  readonly place: Place;
  readonly backend: BackendKind;
  readonly processor: ProcessorFeatures;
  readonly lessons: MemoryLessons;
}

const MIB = 1_048_576;
/** Tokens that are computed at once where nothing else is asked for (node-llama-cpp and llama.cpp). */
const DEFAULT_BATCH = 512;
/** A context that nobody asked for; llama.cpp's own default would be the trained length. */
const DEFAULT_CONTEXT = 8192;
/**
 * What a backend takes before it holds anything. `cuda`: context, kernels and cuBLAS, 0.4 to 0.6 GB on cards of the last
 * years; `vulkan`: its pipelines; `cpu`: Node with the library (resident, beyond the buffers). First
 * guesses only: each load here replaces them.
 */
const OVERHEAD: Readonly<Record<BackendKind, number>> = { cuda: 500 * MIB, vulkan: 200 * MIB, cpu: 110 * MIB };
/** Kept free beside an estimate before it is called "fits": at least this share of it, or its own worst error here. */
const MARGIN = 0.03;
const MOST_MARGIN = 0.15;

/**
 * Memory that a model takes with these settings on one place.
 *
 * weights: the layers from the last one backwards, the output matrix first of all (llama.cpp's -ngl); where the input
 *   embedding serves as output too, a GPU gets a copy of it, while the input side always stays in the machine's memory.
 *   On the processor alone some are held twice (decideHeldWeights).
 * cache: cells × (K + V elements) in blocks of their types, layer by layer (cacheBytesByLayer).
 * work: the compute graph's buffer, u tokens at once, 4 bytes a value. Fitted to 90 graphs of nine shapes as llama.cpp
 *   v0.5.0 reported them (estimate-truth.test.ts compares): the greatest of
 *   - feed-forward: (3 × its width + 4 × embedding) × u, and the attention mask (2 bytes × context × u) beside it
 *   - output: (vocabulary + 3 × embedding) × u
 *   - attention without flash attention: heads × context × u + mask of 4 bytes + 5.5 × embedding × u
 * overhead: the backend itself, learned from loads.
 *
 * Pure.
 */
export function estimateMemory(question: MemoryQuestion): MemoryEstimate {
  const { facts, settings, place, lessons } = question;
  const layers = facts.layers + 1;
  const onGpu = place.kind === 'gpu';
  const trained = facts.contextTrained ?? DEFAULT_CONTEXT;
  const room = place.freeBytes === null ? null : place.freeBytes / (1 + decideMargin(lessons));
  const fits = (contextTokens: number, gpuLayers: number): boolean => room !== null && neededBytes(sumParts(question, contextTokens, gpuLayers)) <= room;

  const allLayers = onGpu ? layers : 0;
  const contextThatFits = room === null ? null : largest(Math.floor(Math.max(trained, settings.contextTokens ?? 0) / 256), (steps) => fits(steps * 256, allLayers)) * 256;
  const wishedContext = settings.contextTokens ?? Math.min(trained, DEFAULT_CONTEXT);
  const contextTokens = settings.contextTokens === null && contextThatFits !== null && contextThatFits >= 2048 ? Math.min(wishedContext, contextThatFits) : wishedContext;
  const wishedLayers = onGpu ? Math.min(settings.gpuLayers ?? layers, layers) : 0;
  const layersThatFit = !onGpu || room === null || fits(contextTokens, layers) ? null : largest(layers, (n) => fits(contextTokens, n));
  const gpuLayers = settings.gpuLayers === null && layersThatFit !== null && layersThatFit > 0 ? layersThatFit : wishedLayers;
  const parts = sumParts(question, contextTokens, gpuLayers);
  return {
    place: place.key,
    placeName: place.name,
    contextTokens,
    gpuLayers,
    layers,
    ...parts,
    freeBytes: place.freeBytes,
    capacityBytes: place.capacityBytes,
    verdict: decideVerdict(room, neededBytes(parts), onGpu && settings.gpuLayers === null && gpuLayers < layers && gpuLayers > 0, (layersThatFit ?? 0) > 0),
    unload: [],
    layersThatFit,
    contextThatFits: contextThatFits === null || contextThatFits === 0 ? null : Math.min(contextThatFits, trained),
    ownError: lessons.ownError,
  };
}

/** What must be free for it: all but the pages that the system takes back when it needs them. Pure. */
export function neededBytes({ totalBytes, reclaimableBytes = 0 }: Pick<MemoryEstimate, 'totalBytes' | 'reclaimableBytes'>): number {
  return totalBytes - reclaimableBytes;
}

type Parts = Pick<MemoryEstimate, 'weightsBytes' | 'copiedBytes' | 'reclaimableBytes' | 'cacheBytes' | 'workBytes' | 'overheadBytes' | 'totalBytes' | 'hostBytes'>;

function sumParts({ facts, settings, place, backend, processor, lessons }: MemoryQuestion, contextTokens: number, gpuLayers: number): Parts {
  const onGpu = place.kind === 'gpu' && gpuLayers > 0;
  const flashAttention = settings.flashAttention !== 'off';
  const microBatch = Math.min(settings.batch ?? DEFAULT_BATCH, padCells(contextTokens) * settings.parallel);
  const shape: CacheShape = { contextTokens, microBatch, parallel: settings.parallel, cacheTypeK: settings.cacheTypeK, cacheTypeV: settings.cacheTypeV, flashAttention };
  const cache = cacheBytesByLayer(facts, shape);
  const work = workBytes(facts, shape);
  const overhead = lessons.overheadBytes ?? OVERHEAD[backend];
  const { layers, inputEmbedding, output, rest } = facts.bytes;
  if (!onGpu) {
    // A backend for GPUs without a layer on one holds the weights plain, as decideHeldWeights says. With mlock, node-llama-cpp reads the file instead of mapping it.
    const weights = decideHeldWeights(facts, backend === 'cpu' ? processor : plainProcessor, settings.mmap && !settings.mlock);
    const buffers = weights.bytes + sum(cache) + work;
    const copied = weights.copiedBytes > 0 ? { copiedBytes: weights.copiedBytes } : {};
    const reclaimable = weights.reclaimableBytes > 0 ? { reclaimableBytes: weights.reclaimableBytes } : {};
    return { weightsBytes: weights.bytes, ...copied, ...reclaimable, cacheBytes: sum(cache), workBytes: work, overheadBytes: overhead, totalBytes: buffers + overhead, hostBytes: buffers };
  }
  // The output goes first, then the layers from the last one backwards.
  const from = Math.max(0, layers.length - (gpuLayers - 1));
  const weights = sum(layers.slice(from)) + (output > 0 ? output : inputEmbedding) + rest;
  const cacheThere = sum(cache.slice(from));
  const left = sum(layers.slice(0, from)) + inputEmbedding;
  const cacheLeft = sum(cache.slice(0, from));
  // The mask and the embedded tokens are made in the machine's memory; a part of the layers there needs the whole buffer.
  const workLeft = from > 0 ? work : microBatch * (2 * padCells(contextTokens) + 4 * (facts.embeddingLength ?? 0));
  return { weightsBytes: weights, cacheBytes: cacheThere, workBytes: work, overheadBytes: overhead, totalBytes: weights + cacheThere + work + overhead, hostBytes: left + cacheLeft + workLeft };
}

/** Bytes of the compute graph's buffer. */
export function workBytes(facts: GgufFacts, shape: CacheShape): number {
  const u = shape.microBatch;
  const width = facts.embeddingLength ?? 0;
  const cells = padCells(shape.contextTokens);
  const vocabulary = facts.vocabulary ?? 0;
  // Where a file says no width, the usual one: eight thirds of the embedding, twice for a gate.
  const feedForward = facts.feedForward ?? width * 3.5;
  const attends = facts.kvElementsPerToken.k.some((n) => n > 0);
  const mask = attends ? 2 * cells * u : 0;
  const forward = 4 * u * (3 * feedForward + 4 * width) + (shape.flashAttention ? mask : 0);
  const output = 4 * u * (vocabulary + 3 * width);
  const attention = shape.flashAttention || !attends ? 0 : 4 * u * cells * ((facts.attentionHeads ?? Math.max(1, width / 128)) + 1) + 4 * u * 5.5 * width;
  return Math.max(forward, output, attention);
}

function decideVerdict(room: number | null, total: number, partly: boolean, couldPartly: boolean): MemoryEstimate['verdict'] {
  if (room === null) return 'unknown';
  if (total <= room) return partly ? 'fits_partly' : 'fits';
  return couldPartly ? 'fits_partly' : 'does_not_fit';
}

function decideMargin({ ownError }: MemoryLessons): number {
  return ownError === null || ownError.loads < 3 ? MARGIN : Math.min(MOST_MARGIN, Math.max(0.01, ownError.worstPercent / 100));
}

/** The greatest of 1 … most for which it holds, given that it holds for all smaller ones; 0: for none. */
function largest(most: number, holds: (n: number) => boolean): number {
  let good = 0;
  for (let bad = most + 1; bad - good > 1;) {
    const middle = Math.floor((good + bad) / 2);
    if (holds(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
