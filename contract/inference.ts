import { z } from 'zod';
import { problem } from './problem.ts';

export const backendKind = z.enum(['cuda', 'vulkan', 'cpu']);
export type BackendKind = z.infer<typeof backendKind>;

/** A llama.cpp build that could run a model, judged before it is used. */
export const backend = z.object({
  /** `cuda`, `vulkan`, `cpu`: the ones that ship; `cuda-local`: built here. */
  id: z.string(),
  kind: backendKind,
  /** Release of llama.cpp. */
  release: z.string().nullable(),
  path: z.string().nullable(),
  /** Kernels inside: SASS and PTX, read from the library's bytes. Empty for Vulkan and the CPU. */
  sass: z.array(z.string()),
  ptx: z.array(z.string()),
  /** Libraries it needs and does not bring, and the file used for each; null: not found. */
  runtime: z.array(z.object({ library: z.string(), path: z.string().nullable(), from: z.string().nullable() })),
  /** What the bytes promise for each GPU. */
  devices: z.array(z.object({ uuid: z.string(), name: z.string(), promise: z.enum(['native', 'jit', 'incompatible', 'unknown']), why: z.string() })),
  /** A decode in a child that may die, cached by driver, library and file hash. */
  trial: z.object({ state: z.enum(['untried', 'running', 'works', 'fails', 'missing']), atMs: z.number().nullable(), seconds: z.number().nullable(), detail: z.string().nullable(), problem: problem.nullable() }),
  chosen: z.boolean(),
  /** One sentence: why it is chosen, or why not. */
  why: z.string(),
});
export type Backend = z.infer<typeof backend>;

export const backendsState = z.object({
  backends: z.array(backend),
  looking: z.boolean(),
  lookedAtMs: z.number().nullable(),
  /** What can be done for a better one: each is one click and one command. */
  offers: z.array(z.object({
    kind: z.enum(['fetch_cuda_runtime', 'build_cuda']),
    title: z.string(),
    why: z.string(),
    bytes: z.number().nullable(),
    /** What it needs first: `CUDA toolkit 13.0`. */
    needs: z.array(z.object({ text: z.string(), met: z.boolean(), detail: z.string().nullable() })),
    possible: z.boolean(),
  })),
  problems: z.array(problem),
});
export type BackendsState = z.infer<typeof backendsState>;

export const cacheType = z.enum(['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0']);
export type CacheType = z.infer<typeof cacheType>;

/** How a model is loaded, with llama.cpp's names. null: chosen by Warpdeck, which says what it chose. */
export const engineSettings = z.object({
  /** Asked for by name means: this one or a Problem, never another. */
  backend: z.enum(['auto', 'cuda', 'vulkan', 'cpu']).default('auto'),
  /** GPUs by UUID; empty: the one with the most free memory. */
  devices: z.array(z.string().max(128)).max(16).default([]),
  /** -ngl; null: all that fit. */
  gpuLayers: z.int().min(0).max(10_000).nullable().default(null),
  /** -c; null: what fits, at most the trained length and 8192. */
  contextTokens: z.int().min(16).max(16_777_216).nullable().default(null),
  /** -b. */
  batch: z.int().min(1).max(65_536).nullable().default(null),
  /** -t. */
  threads: z.int().min(1).max(1024).nullable().default(null),
  /** -fa. */
  flashAttention: z.enum(['auto', 'on', 'off']).default('auto'),
  /** -ctk, -ctv. A quantised V needs flash attention. */
  cacheTypeK: cacheType.default('f16'),
  cacheTypeV: cacheType.default('f16'),
  mmap: z.boolean().default(true),
  mlock: z.boolean().default(false),
  /** Requests that are answered at the same time; each has its own context. */
  parallel: z.int().min(1).max(64).default(1),
  /** A smaller model of the same vocabulary that guesses ahead. */
  draftModel: z.string().max(4096).nullable().default(null),
  draftTokens: z.int().min(1).max(64).default(8),
  /** Look at every weight for NaN and infinity when loading. null: on a file's first load. */
  checkTensors: z.boolean().nullable().default(null),
});
export type EngineSettings = z.infer<typeof engineSettings>;

/** Some of the fields: what is left out stays left out. `.partial()` alone would fill in the defaults, and hide that nobody asked. */
function someOf<S extends Record<string, z.ZodDefault<z.ZodType>>>(shape: S): z.ZodObject<{ [K in keyof S]: z.ZodOptional<ReturnType<S[K]['unwrap']>> }> {
  const entries = Object.entries(shape).map(([key, field]) => [key, field.unwrap().optional()] as const);
  return z.object(Object.fromEntries(entries) as { [K in keyof S]: z.ZodOptional<ReturnType<S[K]['unwrap']>> });
}

export const someEngineSettings = someOf(engineSettings.shape);

/** What each setting is, for the pages and --help. */
export const engineSettingNote = z.object({ key: z.string(), flag: z.string().nullable(), title: z.string(), does: z.string(), changesAnswer: z.boolean(), unit: z.string().nullable() });
export type EngineSettingNote = z.infer<typeof engineSettingNote>;

export const sampling = z.object({
  /** 0: always the likeliest token. */
  temperature: z.number().min(0).max(5).default(0.8),
  topK: z.int().min(0).max(1_000_000).default(40),
  topP: z.number().min(0).max(1).default(0.95),
  minP: z.number().min(0).max(1).default(0.05),
  repeatPenalty: z.number().min(0.1).max(5).default(1),
  presencePenalty: z.number().min(-2).max(2).default(0),
  frequencyPenalty: z.number().min(-2).max(2).default(0),
  /** Tokens looked back for the penalties. */
  repeatLastTokens: z.int().min(0).max(65_536).default(64),
  /** null: a fresh one, which is said with the answer. */
  seed: z.int().min(0).max(4_294_967_295).nullable().default(null),
});
export type Sampling = z.infer<typeof sampling>;
export const someSampling = someOf(sampling.shape);

export const role = z.enum(['system', 'user', 'assistant', 'tool']);
export type Role = z.infer<typeof role>;

export const toolDefinition = z.object({ name: z.string().regex(/^[\w.-]{1,128}$/), description: z.string().max(20_000).nullable(), parameters: z.record(z.string(), z.unknown()).nullable() });
export type ToolDefinition = z.infer<typeof toolDefinition>;

export const toolCall = z.object({ id: z.string().max(128), name: z.string().max(128), /** JSON text. */ arguments: z.string().max(1_000_000) });
export type ToolCall = z.infer<typeof toolCall>;

export const chatTurn = z.object({
  role,
  content: z.string().max(20_000_000),
  /** What the assistant called; what a `tool` turn answers. */
  toolCalls: z.array(toolCall).max(64).default([]),
  toolCallId: z.string().max(128).nullable().default(null),
});
export type ChatTurn = z.infer<typeof chatTurn>;

/** One answer that is asked of a loaded model. */
export const generateRequest = z.object({
  /** Chat, or raw text to be continued (`/v1/completions`): exactly one. */
  turns: z.array(chatTurn).max(50_000).nullable(),
  prompt: z.string().max(20_000_000).nullable(),
  sampling,
  /** At most; null: until the context is full or the time is up. */
  maxTokens: z.int().min(1).max(1_000_000).nullable(),
  stop: z.array(z.string().min(1).max(1000)).max(16),
  /** The answer is JSON of this schema; or follows this GBNF grammar. At most one. */
  jsonSchema: z.record(z.string(), z.unknown()).nullable(),
  grammar: z.string().max(200_000).nullable(),
  tools: z.array(toolDefinition).max(64),
  toolChoice: z.enum(['auto', 'none', 'required']),
  /** Likeliest alternatives to say with each token, 0: none; null: not even the token's own. */
  topLogprobs: z.int().min(0).max(20).nullable(),
  /** Ends by itself after so long, s. */
  timeLimitSeconds: z.number().min(1).max(86_400),
  /** The page may shorten the oldest turns when the context is full; the API may not. */
  mayShift: z.boolean(),
});
export type GenerateRequest = z.infer<typeof generateRequest>;

export const finishReason = z.enum(['stop', 'length', 'context_full', 'tool_calls', 'cancelled', 'time_limit', 'interrupted']);
export type FinishReason = z.infer<typeof finishReason>;

/** Of one answer. Times are of the model's own work, without what waited in the queue. */
export const generationFigures = z.object({
  /** The counts are null where another server (a provider) does not report them; never of a model of this machine. */
  promptTokens: z.int().nullable(),
  /** Of these, tokens that were still in the context from before. */
  cachedTokens: z.int().nullable(),
  answerTokens: z.int().nullable(),
  /** From the request's arrival in the engine to its first token. */
  firstTokenMs: z.number().nullable(),
  queuedMs: z.number(),
  promptTokensPerSecond: z.number().nullable(),
  /** Between the first and the last token. */
  decodeTokensPerSecond: z.number().nullable(),
  seconds: z.number(),
  /** Of the GPUs that it ran on, while it ran; null: not reported, or another program used them too. */
  joules: z.number().nullable(),
  joulesPerToken: z.number().nullable(),
  /** Decode speed ÷ (memory bandwidth ÷ bytes per token at this depth). */
  rooflineShare: z.number().nullable(),
  contextTokens: z.int().nullable(),
  contextUsed: z.int().nullable(),
  /** The oldest turns that were left out because the context was full. */
  turnsDropped: z.int(),
  /** null: a provider that takes none. */
  seed: z.number().nullable(),
  /** Tokens that a draft model guessed, and those that were taken. */
  drafted: z.int().nullable(),
  accepted: z.int().nullable(),
});
export type GenerationFigures = z.infer<typeof generationFigures>;

export const tokenLogprob = z.object({ token: z.string(), bytes: z.array(z.int()), logprob: z.number(), top: z.array(z.object({ token: z.string(), bytes: z.array(z.int()), logprob: z.number() })) });
export type TokenLogprob = z.infer<typeof tokenLogprob>;

/** An answer as it comes: lossless, in order; text of up to 16 ms is joined. */
export const generationEvent = z.discriminatedUnion('t', [
  z.object({ t: z.literal('queued'), ahead: z.int() }),
  z.object({ t: z.literal('prompt'), done: z.int(), total: z.int() }),
  /** `tokens`: how many made this piece. `channel`: `thinking` between the model's marks for it. */
  z.object({ t: z.literal('text'), text: z.string(), channel: z.enum(['answer', 'thinking']), tokens: z.int(), atMs: z.number(), logprobs: z.array(tokenLogprob).optional() }),
  z.object({ t: z.literal('tool_call'), call: toolCall }),
  z.object({ t: z.literal('end'), reason: finishReason, figures: generationFigures, problem: problem.nullable() }),
]);
export type GenerationEvent = z.infer<typeof generationEvent>;

/** One thing that was compared to find out where the model really is. */
export const truthCheck = z.object({
  check: z.enum(['backend', 'device', 'layers', 'process_memory', 'power', 'load', 'shared_memory']),
  expected: z.string(),
  found: z.string(),
  /** null: could not be told, with the reason in `found`. */
  agrees: z.boolean().nullable(),
});
export type TruthCheck = z.infer<typeof truthCheck>;

/** Whether the model is where it was asked to be. */
export const gpuTruth = z.object({
  /** `cpu_as_asked` is not green, and not red. `simulated`: the shown GPUs are not real, so nothing is checked against them. */
  verdict: z.enum(['on_gpu', 'partly_on_gpu', 'not_on_gpu', 'other_gpu', 'cpu_as_asked', 'unproved', 'remote']),
  colour: z.enum(['green', 'amber', 'red', 'grey']),
  /** `On the GPU`. */
  title: z.string(),
  /** `All 33 of 33 layers are on the RTX 4090. The engine says so, and memory and load agree.` */
  sentence: z.string(),
  backend: backendKind.nullable(),
  layersOnGpu: z.int(),
  layers: z.int(),
  placed: z.array(z.object({ uuid: z.string().nullable(), name: z.string(), bytes: z.number(), layers: z.int() })),
  checks: z.array(truthCheck),
  problem: problem.nullable(),
  atMs: z.number(),
});
export type GpuTruth = z.infer<typeof gpuTruth>;

/** A model that is in memory, or on its way there. */
export const loadedModel = z.object({
  id: z.string(),
  /** Of the model on this machine. */
  modelId: z.string(),
  name: z.string(),
  quantisation: z.string(),
  state: z.enum(['starting', 'loading', 'ready', 'stopping', 'failed']),
  /** 0 to 1 while loading. */
  progress: z.number().nullable(),
  settings: engineSettings,
  backendId: z.string().nullable(),
  release: z.string().nullable(),
  contextTokens: z.int().nullable(),
  flashAttention: z.boolean().nullable(),
  threads: z.int().nullable(),
  template: z.string().nullable(),
  pid: z.int().nullable(),
  bytes: z.object({ weights: z.number(), cache: z.number(), work: z.number(), hostWeights: z.number() }).nullable(),
  truth: gpuTruth,
  loadedAtMs: z.number().nullable(),
  loadSeconds: z.number().nullable(),
  lastUsedAtMs: z.number(),
  /** Left alone until then, it is unloaded. */
  unloadsAtMs: z.number().nullable(),
  requestsActive: z.int(),
  requestsQueued: z.int(),
  /** Of the answer that is being written; null: none is. */
  tokensPerSecondNow: z.number().nullable(),
  /** Mean of the last answers. */
  tokensPerSecondAverage: z.number().nullable(),
  contextUsed: z.int().nullable(),
  restarts: z.int(),
  problem: problem.nullable(),
});
export type LoadedModel = z.infer<typeof loadedModel>;

export const loadWish = z.object({
  /** Id, path, name or `offered` id of a model on this machine; null: the default one. */
  model: z.string().min(1).max(4096).nullable().default(null),
  settings: someEngineSettings.default({}),
  /** Unload others where there is no room otherwise. */
  makeRoom: z.boolean().default(false),
});
export type LoadWish = z.infer<typeof loadWish>;

/** A server with OpenAI's API that is used like a model of this machine. */
export const provider = z.object({
  id: z.string(),
  name: z.string(),
  baseUrl: z.string(),
  hasKey: z.boolean(),
  state: z.enum(['unknown', 'answers', 'fails']),
  models: z.array(z.string()),
  checkedAtMs: z.number().nullable(),
  /** Found out by its answers: `llama-server`, `vLLM`, `Ollama`, `LM Studio`. */
  software: z.string().nullable(),
  problem: problem.nullable(),
});
export type Provider = z.infer<typeof provider>;

/** Totals since the engine started, for `/metrics`. */
export const inferenceTotals = z.object({ promptTokens: z.number(), answerTokens: z.number(), requests: z.number(), refused: z.number() });
export type InferenceTotals = z.infer<typeof inferenceTotals>;
