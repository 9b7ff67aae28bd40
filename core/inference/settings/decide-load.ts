import type { EngineSettings } from '../../../contract/inference.ts';
import type { WorkerLoadInput } from '../../../contract/inference-worker.ts';
import type { MemoryEstimate, Model } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { neededBytes } from '../models/estimate-memory.ts';
import type { ChosenBackend, Place } from '../parts.ts';
import { checkSettings } from './check-settings.ts';
import { refuseForMemory, type LoadedNeighbour } from './refuse-for-memory.ts';
import type { Machine } from './read-machine.ts';

export interface LoadQuestion {
  readonly model: Model;
  /** Merged: defaults, profile, wish. */
  readonly settings: EngineSettings;
  readonly backend: ChosenBackend;
  readonly places: readonly Place[];
  readonly machine: Pick<Machine, 'physicalCores' | 'logicalCores'>;
  readonly draft: Model | null;
  readonly estimate: (settings: EngineSettings, place: Place) => MemoryEstimate;
  /** Other models in memory, for what could be unloaded. */
  readonly neighbours: readonly LoadedNeighbour[];
  /** Unload them where there is no room otherwise. */
  readonly makeRoom: boolean;
}

export interface LoadDecision {
  /** Nothing is null any more, except what stays with llama.cpp: the batch and the draft. */
  readonly settings: EngineSettings;
  /** GPUs that it runs on; the processor alone when there are none. */
  readonly places: readonly Place[];
  readonly worker: WorkerLoadInput;
  readonly estimate: MemoryEstimate | null;
  /** To be unloaded first, least recently used first. */
  readonly unload: readonly string[];
  readonly allOnGpu: boolean;
  /** What was chosen where nothing was asked for, one sentence each. */
  readonly chosen: readonly string[];
}

/** A context that nobody asked for: enough for a long talk, little enough to load at once. */
const DEFAULT_CONTEXT = 8192;
/** Shorter ones are not chosen: below, a conversation is over after a few answers. */
const LEAST_CONTEXT = 2048;
/** A context without a trained length in the file. */
const UNKNOWN_CONTEXT = 4096;

/**
 * Everything about a load that is decided before its process starts. Pure.
 * @throws ProblemError `load.settings`, `load.no_memory`
 */
export function decideLoad(question: LoadQuestion): LoadDecision {
  const { model, settings, backend, machine, draft } = question;
  checkSettings(question);
  const places = decidePlacesFor(question);
  const onGpu = places[0]?.kind === 'gpu' && settings.gpuLayers !== 0;
  if (!onGpu && settings.gpuLayers !== null && settings.gpuLayers > 0) {
    throw problemError('load.settings', { detail: `${settings.gpuLayers} layers on a GPU are asked for, and llama.cpp runs on the CPU here: ${backend.why}`, remedy: 'Set the GPU layers to 0 or to "chosen by Warpdeck".' });
  }
  const chosen: string[] = [];
  const layers = model.facts === null ? null : model.facts.layers + 1;
  const threads = settings.threads ?? Math.max(1, machine.physicalCores - 1);
  if (settings.threads === null) chosen.push(`${threads} threads: one fewer than the ${machine.physicalCores} cores.`);
  const flashAttention = settings.flashAttention === 'auto' && !/^(?:f32|f16|bf16)$/.test(settings.cacheTypeV) ? 'on' : settings.flashAttention;
  const base: EngineSettings = { ...settings, threads, flashAttention, devices: places.filter((p) => p.kind === 'gpu').map((p) => p.key) };
  const fit = decideFit(question, base, leaveRoomForDraft(combinePlaces(places), draft), onGpu, chosen);
  const gpuLayers = fit.settings.gpuLayers ?? 0;
  const allOnGpu = onGpu && (layers === null || gpuLayers >= layers);
  const batch = settings.batch === null ? null : Math.min(settings.batch, fit.contextTokens);
  const checkTensors = settings.checkTensors ?? model.lastUsedAtMs === null;
  const resolved: EngineSettings = { ...fit.settings, contextTokens: fit.contextTokens, batch, checkTensors };
  return {
    settings: resolved,
    places,
    estimate: fit.estimate,
    unload: fit.unload,
    allOnGpu,
    chosen,
    worker: {
      engineFolder: backend.engineFolder,
      // It was chosen after a trial in a child of our own, and this worker may die as well.
      selfTest: false,
      backend: backend.kind,
      modelPath: model.path,
      gpuLayers,
      contextTokens: fit.contextTokens,
      batch,
      threads,
      flashAttention,
      cacheTypeK: settings.cacheTypeK,
      cacheTypeV: settings.cacheTypeV,
      mmap: settings.mmap,
      mlock: settings.mlock,
      parallel: settings.parallel,
      checkTensors,
      template: model.facts?.template?.refused == null ? 'file' : 'builtin',
      draft: draft === null ? null : { modelPath: draft.path, gpuLayers: onGpu ? (draft.facts?.layers ?? 1000) + 1 : 0, tokens: settings.draftTokens },
      // Measured: +14 % on an H200; with fewer cores, or work on the processor, it takes the core that computes.
      spin: allOnGpu && machine.physicalCores >= 4,
      promptChunk: decidePromptChunk(model, onGpu, threads, batch),
    },
  };
}

/** The GPUs named, else the one with the most free memory; the processor where the backend is its own. */
function decidePlacesFor({ settings, backend, places }: LoadQuestion): readonly Place[] {
  const cpu = places.filter((place) => place.kind === 'cpu');
  if (backend.kind === 'cpu') return cpu;
  const gpus = places.filter((place) => place.kind === 'gpu');
  if (settings.devices.length > 0) return settings.devices.flatMap((uuid) => gpus.filter((gpu) => gpu.key === uuid));
  const best = gpus.toSorted((a, b) => (b.freeBytes ?? b.capacityBytes ?? 0) - (a.freeBytes ?? a.capacityBytes ?? 0))[0];
  return best === undefined ? cpu : [best];
}

/** Layers go one after the other: memory adds up, speed does not. */
function combinePlaces(places: readonly Place[]): Place {
  const first = places[0];
  if (first === undefined) throw problemError('load.settings', { detail: 'No place was found that a model could run on.', remedy: 'Look at "warpdeck doctor".' });
  const sum = (pick: (place: Place) => number | null): number | null => places.reduce<number | null>((total, place) => { const part = pick(place); return total === null || part === null ? null : total + part; }, 0);
  return { ...first, name: places.map((p) => p.name).join(' + '), freeBytes: sum((p) => p.freeBytes), capacityBytes: sum((p) => p.capacityBytes) };
}

/** What a draft model takes beside its weights is little: its context is as long, its layers are few. */
const DRAFT_SHARE = 1.15;

function leaveRoomForDraft(place: Place, draft: Model | null): Place {
  return draft === null || place.freeBytes === null ? place : { ...place, freeBytes: place.freeBytes - draft.bytes * DRAFT_SHARE };
}

interface Fit {
  readonly settings: EngineSettings;
  readonly contextTokens: number;
  readonly estimate: MemoryEstimate | null;
  readonly unload: readonly string[];
}

/** Context and layers that fit, most wished for first: all layers with a full context, a shorter one, fewer layers. */
function decideFit(question: LoadQuestion, base: EngineSettings, place: Place, onGpu: boolean, chosen: string[]): Fit {
  const { model, settings, estimate } = question;
  const facts = model.facts;
  const trained = facts?.contextTrained ?? UNKNOWN_CONTEXT;
  const longest = settings.contextTokens ?? Math.min(trained, DEFAULT_CONTEXT);
  const allLayers = facts === null ? 1000 : facts.layers + 1;
  const wishedLayers = onGpu ? (settings.gpuLayers ?? allLayers) : 0;
  const ask = (contextTokens: number, gpuLayers: number): EngineSettings => ({ ...base, contextTokens, gpuLayers });
  const full = ask(longest, wishedLayers);
  // Without facts nothing can be computed; the worker says what it says.
  if (facts === null) return { settings: full, contextTokens: longest, estimate: null, unload: [] };
  const first = estimate(full, place);
  const room = decideRoom(first, question, place);
  if (room !== null) {
    if (settings.contextTokens === null) chosen.push(`${longest} tokens of context: ${longest === trained ? 'the length it was trained with' : 'less than the trained length, which keeps loading quick'}.`);
    if (onGpu && settings.gpuLayers === null) chosen.push(`All ${allLayers} layers on the GPU.`);
    return { settings: full, contextTokens: longest, estimate: first, unload: room };
  }
  if (settings.contextTokens === null) {
    for (let context = longest; context >= Math.min(LEAST_CONTEXT, longest); context = Math.floor(context / 2)) {
      if (context === longest) continue;
      const shorter = estimate(ask(context, wishedLayers), place);
      const freed = decideRoom(shorter, question, place);
      if (freed === null) continue;
      chosen.push(`${context} tokens of context: more do not fit.`);
      return { settings: ask(context, wishedLayers), contextTokens: context, estimate: shorter, unload: freed };
    }
  }
  if (onGpu && settings.gpuLayers === null) {
    const context = settings.contextTokens ?? Math.min(longest, LEAST_CONTEXT * 2);
    const start = Math.min(estimate(ask(context, allLayers), place).layersThatFit ?? allLayers - 1, allLayers - 1);
    for (let layers = start; layers > 0; layers -= 1) {
      const partly = estimate(ask(context, layers), place);
      const freed = decideRoom(partly, question, place);
      if (freed === null) continue;
      chosen.push(`${layers} of ${allLayers} layers on the GPU: more do not fit. The rest runs on the processor, which is much slower.`);
      return { settings: ask(context, layers), contextTokens: context, estimate: partly, unload: freed };
    }
  }
  return refuseForMemory(question, first, place);
}

/** What must go first so that it fits: none, some, or null when that does not help or was not allowed. */
function decideRoom(estimate: MemoryEstimate, { neighbours, makeRoom }: LoadQuestion, place: Place): readonly string[] | null {
  if (place.freeBytes === null) return [];
  let missing = neededBytes(estimate) - place.freeBytes;
  if (missing <= 0) return [];
  if (!makeRoom) return null;
  const unload: string[] = [];
  for (const other of neighbours.filter((n) => !n.busy).toSorted((a, b) => a.lastUsedAtMs - b.lastUsedAtMs)) {
    const bytes = other.bytes.get(place.key) ?? 0;
    if (bytes === 0) continue;
    unload.push(other.id);
    missing -= bytes;
    if (missing <= 0) return unload;
  }
  return null;
}

/** Multiply-adds that one core of today makes in a second on quantised weights: 23 · 10⁹ measured on SmolLM2 Q4_1. */
const OPERATIONS_PER_CORE = 20e9;

/**
 * Prompt tokens between two looks for a stop. On a GPU a whole compute batch is done in milliseconds; on a processor
 * as many as take about a second, because a smaller piece makes the matrices less efficient.
 */
function decidePromptChunk(model: Model, onGpu: boolean, threads: number, batch: number | null): number {
  const active = model.facts?.activeParameters ?? model.bytes * 2;
  // Whoever sets a batch wants it handed over whole.
  if (onGpu) return batch ?? (active > 20e9 ? 256 : 512);
  const tokens = (OPERATIONS_PER_CORE * threads) / Math.max(1, 2 * active);
  return Math.max(32, Math.min(512, 2 ** Math.floor(Math.log2(Math.max(1, tokens)))));
}
