import type { BackendKind, EngineSettings, LoadedModel } from '../../../contract/inference.ts';
import type { GgufFacts, MemoryEstimate, ModelOutlook } from '../../../contract/models.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Experience, Place } from '../parts.ts';
import { neededBytes } from './estimate-memory.ts';
import type { SpeedRecord } from './known-models.ts';
import { predictSpeed } from './predict-speed.ts';

/** With which settings, and where, a model is looked at. */
export interface LookQuestion {
  readonly settings: EngineSettings;
  readonly places: readonly Place[];
  readonly loaded: readonly LoadedModel[];
  readonly experience: Experience;
  readonly records: readonly SpeedRecord[];
}

export interface OutlookQuestion extends LookQuestion {
  readonly name: string;
  readonly facts: GgufFacts | null;
  readonly fileBytes: number | null;
  readonly problems: readonly Problem[];
  /** Ids under which this model's speed was recorded. */
  readonly ids: readonly string[];
}

/** The kind of backend that would serve there. Pure. */
export function backendFor(place: Place, settings: Pick<EngineSettings, 'backend'>): BackendKind {
  if (place.kind === 'cpu') return 'cpu';
  return settings.backend === 'vulkan' ? 'vulkan' : 'cuda';
}

/** Memory and speed on every place. Pure. */
export function decideOutlook({ name, facts, fileBytes, problems, ids, settings, places, loaded, experience, records }: OutlookQuestion): ModelOutlook {
  if (facts === null) return { name, facts, fileBytes, memory: [], speed: [], problems: [...problems] };
  return {
    name, facts, fileBytes,
    memory: places.map((place) => withUnloads(experience.estimate(facts, settings, place, backendFor(place, settings)), loaded)),
    speed: places.map((place) => predictSpeed({ facts, settings, place, backend: backendFor(place, settings), ids, records })),
    problems: [...problems],
  };
}

/** What would have to go first, least recently used first, where that is enough. */
export function withUnloads(estimate: MemoryEstimate, loaded: readonly LoadedModel[]): MemoryEstimate {
  if (estimate.freeBytes === null || (estimate.verdict !== 'does_not_fit' && estimate.verdict !== 'fits_partly')) return estimate;
  // With fewer layers it may take less than it wants: all of them is what is asked for.
  const missing = neededBytes(estimate) - estimate.freeBytes;
  if (missing <= 0) return estimate;
  const candidates = loaded.filter((one) => one.state === 'ready' && one.requestsActive === 0 && one.requestsQueued === 0).sort((a, b) => a.lastUsedAtMs - b.lastUsedAtMs);
  const unload: string[] = [];
  let freed = 0;
  for (const one of candidates) {
    const bytes = bytesAt(one, estimate.place);
    if (bytes === 0) continue;
    unload.push(one.id);
    freed += bytes;
    if (freed >= missing) return { ...estimate, verdict: 'fits_after_unload', unload };
  }
  return estimate;
}

function bytesAt(one: LoadedModel, place: string): number {
  const placed = one.truth.placed.filter((part) => (part.uuid ?? 'cpu') === place).reduce((total, part) => total + part.bytes, 0);
  if (placed > 0 || one.bytes === null) return placed;
  return place === 'cpu' && one.truth.layersOnGpu === 0 ? one.bytes.weights + one.bytes.cache + one.bytes.work : 0;
}
