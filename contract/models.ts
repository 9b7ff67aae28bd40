import { z } from 'zod';
import { problem } from './problem.ts';

/** Which program put the file where it lies. `folder`: one that the user added; `package`: out of a Python wheel. */
export const modelHome = z.enum(['warpdeck', 'lm_studio', 'ollama', 'hugging_face', 'folder']);
export type ModelHome = z.infer<typeof modelHome>;

/** Bytes of the tensors, apart by how they are read while decoding. */
export const tensorBytes = z.object({
  total: z.number(),
  /** The input embedding: one row of it is read for each token, unless it is also the output. */
  inputEmbedding: z.number(),
  /** The output matrix; 0 when the input embedding serves as it (then that is read whole). */
  output: z.number(),
  /** By layer, all that is in it; index = layer. */
  layers: z.array(z.number()).max(1024),
  /** Part of `layers` that belongs to experts of which only some are active. */
  experts: z.number(),
  /** Everything else. */
  rest: z.number(),
});
export type TensorBytes = z.infer<typeof tensorBytes>;

/** Tensors of one type and use. With a processor's features it follows which of them llama.cpp rearranges for it into a copy. */
export const tensorGroup = z.object({
  /** Part of a split model, from 0. */
  file: z.int(),
  type: z.string(),
  /** `product`: matrices; `experts`: a stack of them; `lookup`: read row by row; `both`: that, and it is the output too. */
  use: z.enum(['product', 'experts', 'lookup', 'both', 'other']),
  /** The largest of 32, 16, 8, 4 that divides the number of rows of each; 1: none does, or rows are no multiple of 16 long. */
  rowsMultipleOf: z.int(),
  bytes: z.number(),
  /** From where to where they lie, from the start of the file's tensors. */
  firstByte: z.number(),
  endByte: z.number(),
});
export type TensorGroup = z.infer<typeof tensorGroup>;

export const chatTemplate = z.object({
  /** SHA-256, hexadecimal, of the template's text. */
  sha256: z.string(),
  characters: z.int(),
  /** A family that is known by its text: `ChatML`, `Llama 3`; null: a custom one. */
  family: z.string().nullable(),
  /** It knows tools. */
  tools: z.boolean(),
  /** Why it is not used as it is (too long, too deep): a built-in one serves instead. */
  refused: z.string().nullable(),
});
export type ChatTemplate = z.infer<typeof chatTemplate>;

/** What the header of a GGUF file says, read within bounds, without loading it. null: not said. */
export const ggufFacts = z.object({
  version: z.int(),
  architecture: z.string(),
  name: z.string().nullable(),
  sizeLabel: z.string().nullable(),
  /** As people write it: `Q4_K_M`; from the file type, else from the tensors' types. */
  quantisation: z.string(),
  /** Tensor types with their share of the bytes, largest first. */
  types: z.array(z.object({ type: z.string(), bytes: z.number() })),
  parameters: z.number(),
  /** Those at work for one token; less than `parameters` for a mixture of experts. */
  activeParameters: z.number(),
  layers: z.int(),
  contextTrained: z.int().nullable(),
  embeddingLength: z.int().nullable(),
  /** Values of K and of V that one token adds to the cache, by layer (0: that layer keeps none). */
  kvElementsPerToken: z.object({ k: z.array(z.number()), v: z.array(z.number()) }),
  /** Tokens that a sliding-window layer looks back; null: no such layer. */
  slidingWindow: z.int().nullable(),
  /** By layer: true where only the window is kept. Empty when there is no window. */
  windowedLayers: z.array(z.boolean()),
  /** Attention heads of the layer that has most; absent: not said. With the next one: how large compute buffers get. */
  attentionHeads: z.int().optional(),
  /** Values between the two halves of a feed-forward block for one token, of the widest layer; of experts those at work. */
  feedForward: z.int().optional(),
  /** Bytes of recurrent state for one sequence (Mamba and its kin), 0 for a plain transformer. */
  recurrentBytes: z.number(),
  vocabulary: z.int().nullable(),
  experts: z.int().nullable(),
  expertsUsed: z.int().nullable(),
  tokenizer: z.string().nullable(),
  template: chatTemplate.nullable(),
  licence: z.object({ id: z.string().nullable(), name: z.string().nullable(), link: z.string().nullable() }).nullable(),
  tensors: z.int(),
  bytes: tensorBytes,
  /** Absent: not looked at, or too many. */
  groups: z.array(tensorGroup).max(4096).optional(),
  /** Parts of a split model, as the header counts them. */
  split: z.object({ part: z.int(), of: z.int() }).nullable(),
  /** Where the last tensor ends, from the start of the file: more than the file has means that it is cut. */
  endsAtByte: z.number(),
  /** For embeddings only: what a chat would get from it is noise. */
  embeddingOnly: z.boolean(),
});
export type GgufFacts = z.infer<typeof ggufFacts>;

/** A model on this machine: one file, or the parts of a split one. */
export const model = z.object({
  /** Stable while the file stays where it is. */
  id: z.string(),
  /** As people call it: `SmolLM2-135M-Instruct`. */
  name: z.string(),
  /** The first part. */
  path: z.string(),
  files: z.array(z.object({ path: z.string(), bytes: z.number() })),
  bytes: z.number(),
  changedAtMs: z.number(),
  home: modelHome,
  /** How its home calls it: an Ollama tag, a repository. */
  label: z.string().nullable(),
  /** Random weights made here to measure speed: it says nothing sensible. */
  synthetic: z.boolean(),
  facts: ggufFacts.nullable(),
  /** Where it was downloaded from, and what was checked. */
  origin: z.object({ repository: z.string().nullable(), revision: z.string().nullable(), url: z.string(), sha256: z.string().nullable(), verified: z.boolean() }).nullable(),
  lastUsedAtMs: z.number().nullable(),
  /** It cannot be used, or only in part: why. */
  problems: z.array(problem),
});
export type Model = z.infer<typeof model>;

export const modelList = z.object({
  models: z.array(model),
  /** When the folders were last searched; null: not yet. */
  searchedAtMs: z.number().nullable(),
  searching: z.boolean(),
  /** Searched folders with what they gave. */
  folders: z.array(z.object({ path: z.string(), home: modelHome, models: z.int(), problem: problem.nullable() })),
});
export type ModelList = z.infer<typeof modelList>;

/** Where it would run. */
export const placeKey = z.string().min(1).max(128);

/** Whether a model goes into what is free there now. */
export const memoryVerdict = z.enum(['fits', 'fits_after_unload', 'fits_partly', 'does_not_fit', 'unknown']);
export type MemoryVerdict = z.infer<typeof memoryVerdict>;

/** Bytes on one place (a GPU by UUID, or `cpu`) that a model with these settings would take. */
export const memoryEstimate = z.object({
  /** GPU UUID, or `cpu`. */
  place: z.string(),
  placeName: z.string(),
  contextTokens: z.int(),
  gpuLayers: z.int(),
  layers: z.int(),
  weightsBytes: z.number(),
  /** Of the weights: a copy that llama.cpp rearranges for this processor (its CPU_REPACK and AMX buffers). Absent: none. */
  copiedBytes: z.number().optional(),
  /**
   * Of the weights: pages of the file that the copy has replaced. They count in the size of the process, and the system
   * takes them back when memory is needed: whether it fits is decided without them. Absent: none.
   */
  reclaimableBytes: z.number().optional(),
  cacheBytes: z.number(),
  /** Compute buffers. */
  workBytes: z.number(),
  /** What the backend itself takes (a CUDA context, its library). */
  overheadBytes: z.number(),
  totalBytes: z.number(),
  /** What stays in the machine's memory when it runs on a GPU. */
  hostBytes: z.number(),
  /** Free there now; null: not reported. */
  freeBytes: z.number().nullable(),
  capacityBytes: z.number().nullable(),
  verdict: memoryVerdict,
  /** What to unload for it. */
  unload: z.array(z.string()),
  /** Most layers that fit, where not all do. */
  layersThatFit: z.int().nullable(),
  /** Longest context that fits with all layers. */
  contextThatFits: z.int().nullable(),
  /** How far earlier estimates were from the truth here, over `loads` loads; null: none yet. */
  ownError: z.object({ medianPercent: z.number(), worstPercent: z.number(), loads: z.int() }).nullable(),
});
export type MemoryEstimate = z.infer<typeof memoryEstimate>;

/** Tokens a second while decoding at a short context, and where the number comes from. */
export const speedPrediction = z.object({
  place: z.string(),
  placeName: z.string(),
  /** `measured`: with this very file; `measured_synthetic`: with random weights of its shapes. */
  basis: z.enum(['measured', 'measured_synthetic', 'fitted', 'prior', 'none']),
  tokensPerSecond: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Of how many runs a measured or fitted figure is made. */
  runs: z.int(),
  bytesPerToken: z.number(),
  /** Peak of the memory, bytes a second; null: not known, then nothing is predicted. */
  bandwidth: z.number().nullable(),
  bandwidthFrom: z.string().nullable(),
  /** t = bytes ÷ (efficiency × bandwidth) + fixed. */
  efficiency: z.number().nullable(),
  fixedSeconds: z.number().nullable(),
  /** bandwidth ÷ bytesPerToken. */
  roofline: z.number().nullable(),
  measuredAtMs: z.number().nullable(),
  /** Why there is none. */
  why: z.string().nullable(),
});
export type SpeedPrediction = z.infer<typeof speedPrediction>;

/** What a file that can be had would need and give on one place, as far as it is known before it is here. */
export const filePlace = z.object({
  place: z.string(),
  placeName: z.string(),
  /**
   * `header`: read from this very file; `sibling`: from another quantisation of the model, its tensors scaled to the size of
   * this file; `size`: from the size of the file alone, so without the cache and buffers that it needs besides.
   */
  from: z.enum(['header', 'sibling', 'size']),
  weightsBytes: z.number(),
  freeBytes: z.number().nullable(),
  capacityBytes: z.number().nullable(),
  /** `fits` from a size alone: with room for a usual cache. `unknown`: the header has to be read, or what is free is not reported. */
  verdict: memoryVerdict,
  /** The whole estimate; null from a size alone. */
  memory: memoryEstimate.nullable(),
  speed: speedPrediction,
});
export type FilePlace = z.infer<typeof filePlace>;

/** A file that can be had for a model. */
export const offeredFile = z.object({
  quantisation: z.string(),
  /** Name in the repository; the first part of a split one. */
  file: z.string(),
  parts: z.int(),
  bytes: z.number(),
  sha256: z.string().nullable(),
  /** Id of the model on this machine that is this file. */
  hereAs: z.string().nullable(),
  /** On every place of this machine; absent in the table that ships. */
  places: z.array(filePlace).optional(),
});
export type OfferedFile = z.infer<typeof offeredFile>;

/** One of the short list that Warpdeck proposes, or a repository that was looked up. */
export const offeredModel = z.object({
  /** `smollm2-135m-instruct`, or the repository. */
  id: z.string(),
  name: z.string(),
  repository: z.string().nullable(),
  revision: z.string().nullable(),
  parameters: z.number().nullable(),
  activeParameters: z.number().nullable(),
  contextTrained: z.int().nullable(),
  licence: z.object({ name: z.string(), conditions: z.string(), link: z.string().nullable() }).nullable(),
  /** One sentence: what it is good for. */
  note: z.string(),
  gated: z.boolean(),
  files: z.array(offeredFile),
  /** It can also be had from a Python package, for where the hub does not answer. */
  package: z.object({ name: z.string(), version: z.string(), file: z.string(), bytes: z.number(), sha256: z.string() }).nullable(),
  /** The one for a first chat. */
  first: z.boolean(),
});
export type OfferedModel = z.infer<typeof offeredModel>;

export const downloadState = z.enum(['waiting', 'running', 'paused', 'checking', 'done', 'failed', 'cancelled']);
export type DownloadState = z.infer<typeof downloadState>;

/** A download; it is also a job while it runs. Paused and failed ones go on where they stopped. */
export const download = z.object({
  id: z.string(),
  jobId: z.string().nullable(),
  name: z.string(),
  quantisation: z.string().nullable(),
  from: z.string(),
  state: downloadState,
  totalBytes: z.number().nullable(),
  doneBytes: z.number(),
  bytesPerSecond: z.number().nullable(),
  secondsLeft: z.number().nullable(),
  connections: z.int(),
  startedAtMs: z.number(),
  /** The model that it became. */
  modelId: z.string().nullable(),
  problem: problem.nullable(),
});
export type Download = z.infer<typeof download>;

/** What to get: exactly one of them. */
export const downloadWish = z.union([
  z.strictObject({ offered: z.string().min(1).max(300), quantisation: z.string().max(40).nullable().default(null) }),
  z.strictObject({ repository: z.string().min(3).max(200), revision: z.string().max(200).nullable().default(null), file: z.string().max(500).nullable().default(null), quantisation: z.string().max(40).nullable().default(null) }),
  z.strictObject({ url: z.string().min(8).max(4000), sha256: z.string().regex(/^[0-9a-f]{64}$/i).nullable().default(null) }),
]);
export type DownloadWish = z.infer<typeof downloadWish>;

/** A GGUF on this machine by id or path, or one that is only offered: its header is then read by range. */
export const modelSubject = z.union([
  z.strictObject({ model: z.string().min(1).max(4096) }),
  z.strictObject({ offered: z.string().min(1).max(300), quantisation: z.string().max(40) }),
  z.strictObject({ url: z.string().min(8).max(4000) }),
]);
export type ModelSubject = z.infer<typeof modelSubject>;

/** All that is known of a model for every place. */
export const modelOutlook = z.object({
  name: z.string(),
  facts: ggufFacts.nullable(),
  fileBytes: z.number().nullable(),
  memory: z.array(memoryEstimate),
  speed: z.array(speedPrediction),
  problems: z.array(problem),
});
export type ModelOutlook = z.infer<typeof modelOutlook>;
