import type { MemoryEstimate, Model } from '../../../contract/models.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { ProblemError, type ProblemAction } from '../../../contract/problem.ts';
import { neededBytes } from '../models/estimate-memory.ts';
import type { Place } from '../parts.ts';

/** Another model in memory. */
export interface LoadedNeighbour {
  readonly id: string;
  readonly name: string;
  /** What it takes, by place. */
  readonly bytes: ReadonlyMap<string, number>;
  readonly lastUsedAtMs: number;
  /** It is answering, or being loaded: never unloaded for another. */
  readonly busy: boolean;
}

export interface MemoryRefusal {
  readonly model: Pick<Model, 'name'>;
  readonly places: readonly Place[];
  readonly neighbours: readonly LoadedNeighbour[];
}

/** Says what is missing and everything that would help, nearest first. @throws ProblemError `load.no_memory` */
export function refuseForMemory({ model, places, neighbours }: MemoryRefusal, estimate: MemoryEstimate, place: Place): never {
  const remedies: string[] = [];
  const actions: ProblemAction[] = [];
  const held = neighbours.map((other) => ({ ...other, here: other.bytes.get(place.key) ?? 0 })).filter((other) => other.here > 0).toSorted((a, b) => b.here - a.here);
  for (const other of held.slice(0, 3)) {
    remedies.push(`Unload ${other.name} (${formatBytes(other.here)}${other.busy ? ', busy now' : ''}).`);
    actions.push({ kind: 'call', label: `Unload ${other.name}`, operation: 'inference.unload', input: { id: other.id } });
  }
  if (estimate.contextThatFits !== null && estimate.contextThatFits > 0) remedies.push(`Ask for a context of ${estimate.contextThatFits} tokens at most.`);
  if (place.kind === 'gpu') {
    if (estimate.layersThatFit !== null && estimate.layersThatFit > 0) remedies.push(`Put ${estimate.layersThatFit} of ${estimate.layers} layers on the GPU; the rest is then slow.`);
    const cpu = places.find((other) => other.kind === 'cpu');
    if (cpu?.freeBytes != null && cpu.freeBytes > neededBytes(estimate)) remedies.push('Choose the CPU, which is slower and has the room.');
  }
  remedies.push('Take a smaller quantisation, or end other programs.');
  const facts = {
    name: model.name, contextTokens: estimate.contextTokens, need: formatBytes(neededBytes(estimate)), place: place.name, free: formatBytes(place.freeBytes ?? 0),
    needBytes: neededBytes(estimate), freeBytes: place.freeBytes, remedy: remedies.join(' '),
  };
  throw new ProblemError({ ...makeProblem('load.no_memory', facts), actions });
}

/** `1.2 GB`, decimal as the model lists say it. */
export function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(0, Math.round(bytes / 1e6))} MB`;
}
