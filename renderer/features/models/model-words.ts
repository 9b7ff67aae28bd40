import type { LoadedModel } from '../../../contract/inference.ts';
import type { Download, FilePlace, MemoryEstimate, MemoryVerdict, Model, ModelOutlook, OfferedFile, OfferedModel, SpeedPrediction } from '../../../contract/models.ts';
import { formatFigures, type Quantity } from '../../ui/format.ts';
import type { StateKind } from '../../ui/state-mark.tsx';

/** One line of the table: a model of this machine, or one that can be had. */
export type ModelRow =
  | { readonly kind: 'here'; readonly key: string; readonly model: Model; readonly loaded: LoadedModel | null; /** What it is offered as, where it is known. */ readonly offered: OfferedModel | null }
  | { readonly kind: 'offered'; readonly key: string; readonly offered: OfferedModel; readonly file: OfferedFile; readonly download: Download | null };

/** 8.03 B, 135 M. */
export function formatParameters(count: number): Quantity {
  return count >= 1e9 ? { text: formatFigures(count / 1e9), unit: 'B' } : { text: formatFigures(count / 1e6), unit: 'M' };
}

const isOpen = (d: Download): boolean => d.state !== 'done' && d.state !== 'cancelled';

/** The file of an offered model that a click gets: the one that is coming, else Q4_K_M, else the first. Pure. */
export function decideFile(offered: OfferedModel, downloads: readonly Download[]): OfferedModel['files'][number] | null {
  const coming = downloads.find((d) => isOpen(d) && d.name === offered.name);
  return offered.files.find((f) => coming !== undefined && f.quantisation === coming.quantisation) ?? offered.files.find((f) => f.quantisation === 'Q4_K_M') ?? offered.files[0] ?? null;
}

/** Models here by name, loaded ones first; then what is offered and not here. Pure. */
export function decideRows(models: readonly Model[], loaded: readonly LoadedModel[], offered: readonly OfferedModel[], downloads: readonly Download[], find: string): readonly ModelRow[] {
  const words = find.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (...texts: readonly (string | null)[]): boolean => words.every((w) => texts.some((t) => t?.toLowerCase().includes(w)));
  const here = models
    .filter((m) => fits(m.name, m.label, m.path, m.facts?.quantisation ?? null))
    .map((model): ModelRow & { kind: 'here' } => ({ kind: 'here', key: model.id, model, loaded: loaded.find((l) => l.modelId === model.id) ?? null, offered: offered.find((o) => o.files.some((f) => f.hereAs === model.id)) ?? null }))
    .sort((a, b) => Number(b.loaded !== null) - Number(a.loaded !== null) || a.model.name.localeCompare(b.model.name));
  const rest = offered.flatMap((one): ModelRow[] => {
    const file = decideFile(one, downloads);
    if (file === null || one.files.some((f) => f.hereAs !== null) || !fits(one.name, one.repository, one.note)) return [];
    return [{ kind: 'offered', key: `offered ${one.id}`, offered: one, file, download: downloads.find((d) => isOpen(d) && d.name === one.name) ?? null }];
  });
  return [...here, ...rest];
}

/** Where a model can run: a GPU by UUID, or `cpu`. */
export interface ShownPlace {
  readonly key: string;
  readonly name: string;
  readonly freeBytes: number | null;
  readonly capacityBytes: number | null;
}

/** Places that are known from what was predicted for them, in their order: GPUs, then the processor. Pure. */
export function listPlaces(outlooks: readonly ModelOutlook[], offered: readonly OfferedModel[]): readonly ShownPlace[] {
  const first: readonly (MemoryEstimate | FilePlace)[] = outlooks.find((o) => o.memory.length > 0)?.memory ?? offered.flatMap((o) => o.files).find((f) => (f.places ?? []).length > 0)?.places ?? [];
  return first.map((m) => ({ key: m.place, name: m.placeName, freeBytes: m.freeBytes, capacityBytes: m.capacityBytes }));
}

/** What is known of a model on one place. */
export interface PlaceOutlook {
  readonly place: string;
  readonly placeName: string;
  /** `size`: only what the size of the file tells. */
  readonly from: FilePlace['from'];
  readonly verdict: MemoryVerdict;
  readonly weightsBytes: number;
  readonly freeBytes: number | null;
  readonly capacityBytes: number | null;
  readonly memory: MemoryEstimate | null;
  readonly speed: SpeedPrediction | null;
}

/** A model on every place: from its header where that has been read, else from what its file tells. Pure. */
export function listPlaceOutlooks(outlook: ModelOutlook | null, file: OfferedFile | null): readonly PlaceOutlook[] {
  if (outlook === null || outlook.memory.length === 0) return file?.places ?? [];
  return outlook.memory.map((memory) => ({ place: memory.place, placeName: memory.placeName, from: 'header', verdict: memory.verdict, weightsBytes: memory.weightsBytes, freeBytes: memory.freeBytes, capacityBytes: memory.capacityBytes, memory, speed: outlook.speed.find((s) => s.place === memory.place) ?? null }));
}

/** Another place that has room for all of it, the one with most of it; null: none. Pure. */
export function findRoom(outlooks: readonly PlaceOutlook[], place: string): PlaceOutlook | null {
  return outlooks.filter((o) => o.place !== place && o.place !== 'cpu' && o.verdict === 'fits').sort((a, b) => (b.freeBytes ?? 0) - (a.freeBytes ?? 0))[0] ?? null;
}

/** The speed that holds with the whole model there. `why`: none can be said; `only`: under which condition. Pure. */
export function decideSpeed(there: PlaceOutlook): { readonly speed: SpeedPrediction | null; readonly why: string | null; readonly only: string | null } {
  const { speed, verdict, memory, capacityBytes } = there;
  if (speed === null || isMeasured(speed) || there.place === 'cpu' || verdict === 'fits' || verdict === 'unknown') return { speed, why: null, only: null };
  if (capacityBytes !== null && (memory === null ? there.weightsBytes : memoryOfAll(memory)) > capacityBytes) return { speed: null, why: 'It is larger than the memory there. Part of it would run on the processor, and how fast that is says no prediction: measure it.', only: null };
  return { speed, why: null, only: 'if alone' };
}

/** An estimate with only some layers on the GPU names the rest as the machine's. */
const memoryOfAll = (memory: MemoryEstimate): number => (memory.gpuLayers < memory.layers ? memory.totalBytes + memory.hostBytes : memory.totalBytes);

export const isMeasured = (speed: SpeedPrediction): boolean => speed.basis === 'measured' || speed.basis === 'measured_synthetic';

/** Whether it goes into what is free, in few words with their state. Pure. */
export function describeFit({ verdict, from, memory }: Pick<PlaceOutlook, 'verdict' | 'from' | 'memory'>, isLoaded = false): { readonly kind: StateKind; readonly words: string } {
  if (isLoaded) return { kind: 'fine', words: 'loaded' };
  switch (verdict) {
    case 'fits': return { kind: 'fine', words: from === 'size' ? 'should fit' : 'fits' };
    case 'fits_after_unload': return { kind: 'attention', words: 'after a swap' };
    case 'fits_partly': return { kind: 'attention', words: memory === null ? 'in part' : `${String(memory.layersThatFit ?? 0)} of ${String(memory.layers)} layers` };
    case 'does_not_fit': return { kind: 'problem', words: 'does not fit' };
    case 'unknown': return { kind: 'unknown', words: from === 'size' ? 'a close fit' : 'not known' };
  }
}


/** How sure a speed is, under the number. Pure. */
export function describeBasis(speed: SpeedPrediction): string {
  if (speed.basis === 'measured' && speed.runs > 1) return speed.low !== null && speed.high !== null && speed.tokensPerSecond !== null ? `measured, ± ${formatFigures(Math.max(speed.high - speed.tokensPerSecond, speed.tokensPerSecond - speed.low))}` : 'measured';
  if (speed.basis === 'measured') return 'measured once';
  if (speed.basis === 'measured_synthetic') return 'measured, random weights';
  return speed.low !== null && speed.high !== null ? `${formatFigures(speed.low)} to ${formatFigures(speed.high)}` : '';
}

export interface FitBar {
  /** Shares of the capacity, 0 to 1. */
  readonly used: number;
  readonly weights: number;
  readonly cache: number;
  /** What would lie beyond the capacity. */
  readonly over: number;
}

/** What stands in the bar of a place, or null when its size is not reported. Pure. */
export function decideFitBar(memory: Pick<MemoryEstimate, 'capacityBytes' | 'freeBytes' | 'weightsBytes' | 'totalBytes'>, loadedBytes: number): FitBar | null {
  const capacity = memory.capacityBytes;
  if (capacity === null || capacity <= 0 || memory.freeBytes === null) return null;
  // A loaded model is already among what is used: it is shown once.
  const used = Math.max(0, capacity - memory.freeBytes - loadedBytes);
  const weights = memory.weightsBytes;
  const cache = memory.totalBytes - memory.weightsBytes;
  const clip = (from: number, size: number): number => Math.max(0, Math.min(capacity, from + size) - Math.min(capacity, from));
  return { used: used / capacity, weights: clip(used, weights) / capacity, cache: clip(used + weights, cache) / capacity, over: Math.min(0.08, Math.max(0, used + weights + cache - capacity) / capacity) };
}
