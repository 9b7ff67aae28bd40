import type { LoadedModel } from '../../../contract/inference.ts';
import type { Download, MemoryEstimate, Model, ModelOutlook, OfferedModel, SpeedPrediction } from '../../../contract/models.ts';
import { formatFigures, type Quantity } from '../../ui/format.ts';

/** One line of the table: a model of this machine, or one that can be had. */
export type ModelRow =
  | { readonly kind: 'here'; readonly key: string; readonly model: Model; readonly loaded: LoadedModel | null; /** What it is offered as, where it is known. */ readonly offered: OfferedModel | null }
  | { readonly kind: 'offered'; readonly key: string; readonly offered: OfferedModel; readonly quantisation: string; readonly bytes: number; readonly download: Download | null };

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
    return [{ kind: 'offered', key: `offered ${one.id}`, offered: one, quantisation: file.quantisation, bytes: file.bytes, download: downloads.find((d) => isOpen(d) && d.name === one.name) ?? null }];
  });
  return [...here, ...rest];
}

/** Places that outlooks know, in their order: GPUs, then the processor. Pure. */
export function listPlaces(outlooks: readonly ModelOutlook[]): readonly { readonly key: string; readonly name: string; readonly freeBytes: number | null; readonly capacityBytes: number | null }[] {
  const first = outlooks.find((o) => o.memory.length > 0);
  return (first?.memory ?? []).map((m) => ({ key: m.place, name: m.placeName, freeBytes: m.freeBytes, capacityBytes: m.capacityBytes }));
}

export const memoryOn = (outlook: ModelOutlook | null, place: string | null): MemoryEstimate | null => outlook?.memory.find((m) => m.place === place) ?? null;
export const speedOn = (outlook: ModelOutlook | null, place: string | null): SpeedPrediction | null => outlook?.speed.find((s) => s.place === place) ?? null;

/** How sure a speed is, under the number. Pure. */
export function describeBasis(speed: SpeedPrediction): string {
  if (speed.basis === 'measured') return speed.low !== null && speed.high !== null && speed.tokensPerSecond !== null ? `measured, ± ${formatFigures(Math.max(speed.high - speed.tokensPerSecond, speed.tokensPerSecond - speed.low))}` : 'measured';
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
export function decideFitBar(memory: MemoryEstimate, loadedBytes: number): FitBar | null {
  const capacity = memory.capacityBytes;
  if (capacity === null || capacity <= 0 || memory.freeBytes === null) return null;
  // A loaded model is already among what is used: it is shown once.
  const used = Math.max(0, capacity - memory.freeBytes - loadedBytes);
  const weights = memory.weightsBytes;
  const cache = memory.totalBytes - memory.weightsBytes;
  const clip = (from: number, size: number): number => Math.max(0, Math.min(capacity, from + size) - Math.min(capacity, from));
  return { used: used / capacity, weights: clip(used, weights) / capacity, cache: clip(used + weights, cache) / capacity, over: Math.min(0.08, Math.max(0, used + weights + cache - capacity) / capacity) };
}
