import { z } from 'zod';
import { backendKind, cacheType, finishReason, generateRequest, tokenLogprob, toolCall } from './inference.ts';

/**
 * Between the engine and an inference worker: one process per loaded model. Its environment is set when it is
 * started: which GPUs it sees (by UUID), where the CUDA runtime lies, one thread-pool thread.
 */

/** Operation `load`, once. Everything is decided: the worker chooses nothing. */
export const workerLoadInput = z.object({
  /** Folder of another copy of the node-llama-cpp package (a build made here); null: the one that ships. */
  engineFolder: z.string().nullable(),
  /** Let the library load its binary in a child first (0.3 to 0.5 s): for a binary that has not been tried. */
  selfTest: z.boolean(),
  backend: backendKind,
  modelPath: z.string(),
  gpuLayers: z.int(),
  contextTokens: z.int(),
  batch: z.int().nullable(),
  threads: z.int(),
  flashAttention: z.enum(['auto', 'on', 'off']),
  cacheTypeK: cacheType,
  cacheTypeV: cacheType,
  mmap: z.boolean(),
  mlock: z.boolean(),
  parallel: z.int(),
  checkTensors: z.boolean(),
  /** `file`: the template in the file; `builtin`: chosen by the architecture, when the file's was refused. */
  template: z.enum(['file', 'builtin']),
  draft: z.object({ modelPath: z.string(), gpuLayers: z.int(), tokens: z.int() }).nullable(),
  /** Keep a core awake while generating: only with all layers on a GPU and four or more cores (measured). */
  spin: z.boolean(),
  /** Prompt tokens between two looks for a stop. */
  promptChunk: z.int(),
});
export type WorkerLoadInput = z.infer<typeof workerLoadInput>;

export const workerLoadReport = z.object({
  release: z.string(),
  backend: backendKind,
  deviceNames: z.array(z.string()),
  layers: z.int(),
  gpuLayers: z.int(),
  contextTokens: z.int(),
  batch: z.int(),
  threads: z.int(),
  flashAttention: z.boolean(),
  vocabulary: z.int(),
  template: z.object({ name: z.string(), tools: z.boolean(), thinking: z.boolean() }),
  bytes: z.object({ weights: z.number(), hostWeights: z.number(), cache: z.number(), work: z.number() }),
  /** What llama.cpp itself said of the placement: `offloaded 33/33 layers to GPU`. */
  said: z.array(z.string().max(500)).max(64),
  seconds: z.object({ engine: z.number(), model: z.number(), context: z.number() }),
});
export type WorkerLoadReport = z.infer<typeof workerLoadReport>;

/** Operation `generate`: answered once, when the answer has ended; what comes meanwhile is event `generation`. */
export const workerGenerateInput = z.object({ requestId: z.string(), request: generateRequest, seed: z.int() });
export type WorkerGenerateInput = z.infer<typeof workerGenerateInput>;

/** Times are of the worker's own clock, ms since its start (performance.now). */
export const workerGenerateResult = z.object({
  reason: finishReason,
  promptTokens: z.int(),
  cachedTokens: z.int(),
  answerTokens: z.int(),
  receivedAtMs: z.number(),
  /** The template is filled and the text is tokens: from here on the model computes. */
  promptStartedAtMs: z.number().nullable(),
  promptDoneAtMs: z.number().nullable(),
  firstTokenAtMs: z.number().nullable(),
  lastTokenAtMs: z.number().nullable(),
  contextUsed: z.int(),
  turnsDropped: z.int(),
  drafted: z.int().nullable(),
  accepted: z.int().nullable(),
});
export type WorkerGenerateResult = z.infer<typeof workerGenerateResult>;

/** Event `generation`. */
export const workerGenerationEvent = z.object({
  requestId: z.string(),
  event: z.discriminatedUnion('t', [
    z.object({ t: z.literal('prompt'), done: z.int(), total: z.int() }),
    z.object({ t: z.literal('text'), text: z.string(), channel: z.enum(['answer', 'thinking']), tokens: z.int(), atMs: z.number(), logprobs: z.array(tokenLogprob).optional() }),
    z.object({ t: z.literal('tool_call'), call: toolCall }),
  ]),
});
export type WorkerGenerationEvent = z.infer<typeof workerGenerationEvent>;

/** Event `loading`: 0 to 1. */
export const workerLoading = z.object({ progress: z.number() });

/** Operation `stop`: answered when that request has ended (or is not there). */
export const workerStopInput = z.object({ requestId: z.string() });

/** Operation `embed`. Vectors of the model's embedding length, normalised to length 1. */
export const workerEmbedInput = z.object({ texts: z.array(z.string()).max(2048) });
export const workerEmbedResult = z.object({ vectors: z.array(z.array(z.number())), tokens: z.int() });

/** Operation `count`: tokens of a text, or of turns in the model's template. */
export const workerCountInput = z.object({ text: z.string().nullable(), turns: generateRequest.shape.turns });
export const workerCountResult = z.object({ tokens: z.int() });

/** Operation `measure`: prompt and decode speed with made-up tokens, as llama-bench does it; tokens a second. */
export const workerMeasureInput = z.object({ promptTokens: z.int().min(0).max(65_536), decodeTokens: z.int().min(0).max(65_536), depth: z.int().min(0).max(1_048_576), repeats: z.int().min(1).max(100) });
export const workerMeasureResult = z.object({ prompt: z.array(z.number()), decode: z.array(z.number()) });
export type WorkerMeasureResult = z.infer<typeof workerMeasureResult>;
