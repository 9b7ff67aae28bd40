import type { EngineSettings } from '../../../contract/inference.ts';
import type { TuneWish } from '../../../contract/optimize.ts';
import { searchedKeys, type SearchSettings } from './parts.ts';

export interface SearchQuestion {
  readonly goal: TuneWish['goal'];
  readonly kind: 'cpu' | 'gpu';
  readonly place: string;
  /** All GPUs that are here, by UUID. */
  readonly gpus: readonly string[];
  readonly physicalCores: number;
  readonly logicalCores: number;
  /** Of the model, the output layer counted; null: not known. */
  readonly layers: number | null;
  /** False: not all of it has room on the GPU. */
  readonly fitsWhole: boolean;
  /** In use now: defaults with the model's profile over them. */
  readonly base: EngineSettings;
  readonly allowAnswerChanging: boolean;
}

export interface Candidate {
  readonly settings: SearchSettings;
  readonly words: string;
  /** Other words may come out than with the settings in use, beyond rounding. */
  readonly changesAnswers: boolean;
}

const MAX_CANDIDATES = 48;
/** Shares of the layers that are tried on a GPU that is too small for all. */
const LAYER_STEPS = 8;

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** The settings in use first, then what is tried against them. Pure. */
export function listCandidates(question: SearchQuestion): readonly Candidate[] {
  const { goal, kind, place, gpus, layers, fitsWhole } = question;
  const inUse = pick(question);
  const onProcessor = kind === 'cpu' || !fitsWhole;
  const cores = question.physicalCores;
  // More threads than cores: up to a hundred times slower (measured); the second threads of the cores are worth one try.
  const threads = onProcessor ? unique([Math.max(1, Math.ceil(cores / 2)), Math.max(1, cores - 1), cores, question.logicalCores]) : [inUse.threads];
  // Batches have no part in writing one answer.
  const batches = goal === 'decode' ? [inUse.batch] : kind === 'cpu' ? [64, 128, 256, 512] : [256, 512, 1024, 2048];
  const layerCounts = kind === 'gpu' && !fitsWhole && layers !== null ? unique(Array.from({ length: LAYER_STEPS }, (_, i) => Math.round((layers * (LAYER_STEPS - i)) / LAYER_STEPS))) : [inUse.gpuLayers];
  const caches = question.allowAnswerChanging ? unique([inUse.cacheTypeK, 'f16' as const, 'q8_0' as const]) : [null];
  const devices = kind === 'gpu' && gpus.length > 1 ? [[place], [place, ...gpus.filter((one) => one !== place)]] : [inUse.devices];
  const parallels = goal === 'parallel' ? unique([2, 4, 8]) : [inUse.parallel];

  const all: SearchSettings[] = [];
  for (const t of threads) for (const batch of batches) for (const gpuLayers of layerCounts) for (const flashAttention of ['on', 'off'] as const) for (const cache of caches) for (const on of devices) for (const parallel of parallels) {
    const cacheTypeK = cache ?? inUse.cacheTypeK;
    const cacheTypeV = cache ?? inUse.cacheTypeV;
    // A quantised V needs flash attention.
    if (flashAttention === 'off' && !/^(?:f32|f16|bf16)$/.test(cacheTypeV)) continue;
    all.push({ threads: t, batch, gpuLayers, flashAttention, cacheTypeK, cacheTypeV, devices: on, parallel });
  }
  const differing = (one: SearchSettings): number => changedKeys(inUse, one).length;
  const others = all.filter((one) => differing(one) > 0).map((settings, order) => ({ settings, order })).toSorted((a, b) => differing(a.settings) - differing(b.settings) || a.order - b.order).slice(0, MAX_CANDIDATES - 1);
  return [
    { settings: inUse, words: 'as now', changesAnswers: false },
    ...others.map(({ settings }) => ({ settings, words: wordSettings(inUse, settings), changesAnswers: settings.cacheTypeK !== inUse.cacheTypeK || settings.cacheTypeV !== inUse.cacheTypeV })),
  ];
}

/**
 * Layers left open are said where all have room: else the second of two side by side would get what the first has left,
 * and be slower for that alone. With a draft model, whose memory the outlook does not count, they stay open.
 */
function pick({ base, kind, place, layers, fitsWhole }: SearchQuestion): SearchSettings {
  const { threads, batch, flashAttention, cacheTypeK, cacheTypeV, parallel } = base;
  const gpuLayers = base.gpuLayers ?? (kind === 'gpu' && fitsWhole && base.draftModel === null ? layers : null);
  return { threads, batch, gpuLayers, flashAttention, cacheTypeK, cacheTypeV, parallel, devices: kind === 'cpu' ? [] : base.devices.includes(place) ? base.devices : [place] };
}

/** Keys in which two candidates differ. */
export const changedKeys = (a: SearchSettings, b: SearchSettings): (typeof searchedKeys)[number][] => searchedKeys.filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));

/** What is other than now: `4 threads, batch 512, flash attention off`. */
export function wordSettings(inUse: SearchSettings, one: SearchSettings): string {
  const words = changedKeys(inUse, one).flatMap((key) => {
    switch (key) {
      case 'threads': return [one.threads === null ? 'threads left open' : one.threads === 1 ? '1 thread' : `${String(one.threads)} threads`];
      case 'batch': return [one.batch === null ? 'batch left open' : `batch ${String(one.batch)}`];
      case 'gpuLayers': return [one.gpuLayers === null ? 'all layers that fit' : `${String(one.gpuLayers)} layers on the GPU`];
      case 'flashAttention': return [`flash attention ${one.flashAttention}`];
      case 'cacheTypeK': return [one.cacheTypeK === one.cacheTypeV ? `cache ${one.cacheTypeK}` : `K cache ${one.cacheTypeK}`];
      case 'cacheTypeV': return one.cacheTypeK === one.cacheTypeV ? [] : [`V cache ${one.cacheTypeV}`];
      case 'devices': return [one.devices.length > 1 ? `over ${String(one.devices.length)} GPUs` : 'on one GPU'];
      case 'parallel': return [one.parallel === 1 ? '1 answer at a time' : `${String(one.parallel)} answers at once`];
    }
  });
  return words.length === 0 ? 'as now' : words.join(', ');
}
