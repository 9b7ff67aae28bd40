import type { BackendKind } from '../../../contract/inference.ts';
import type { MemoryEstimate } from '../../../contract/models.ts';
import type { Experience } from '../parts.ts';
import { estimateMemory, type MemoryLessons } from './estimate-memory.ts';
import type { KnownModels, LoadRecord } from './known-models.ts';
import { bytesPerToken } from './predict-speed.ts';
import { readProcessorFeatures, type ProcessorFeatures } from './processor-features.ts';

/** So many of the last loads count. */
const NEWEST = 30;
/** An answer of fewer tokens says little of the speed. */
const ENOUGH_TOKENS = 16;
/** Much more than all that was estimated: a copy of weights that was not foreseen (a processor that tells nothing of itself). It teaches nothing of the backend. */
const UNFORESEEN = 0.25;
const MOST_OVERHEAD = 8 * 1_073_741_824;

/** What loads on that place taught: the backend's own share, and how far estimates were off when they were made. Pure. */
export function learnMemory(loads: readonly LoadRecord[], place: string, backend: BackendKind): MemoryLessons {
  const here = loads.filter((load) => load.place === place && load.backend === backend && load.truthBytes > 0).slice(-NEWEST);
  if (here.length === 0) return { overheadBytes: null, ownError: null };
  const off = here.map(missedBytes);
  const overheads = here.map((load, i) => load.overheadBytes + (off[i] ?? 0)).sort((a, b) => a - b);
  const errors = here.map((load, i) => (Math.abs(off[i] ?? 0) / load.truthBytes) * 100).sort((a, b) => a - b);
  const middle = (values: readonly number[]): number => ((values[(values.length - 1) >> 1] ?? 0) + (values[values.length >> 1] ?? 0)) / 2;
  return {
    overheadBytes: Math.min(MOST_OVERHEAD, Math.max(0, middle(overheads))),
    ownError: { medianPercent: middle(errors), worstPercent: errors.at(-1) ?? 0, loads: here.length },
  };
}

/**
 * How much more (or less, negative) it took than was estimated. In the machine's own memory a compute buffer counts only
 * as far as a prompt has filled it, and pages that the system may take back as long as it has not: anything between none
 * and all of them is no error there.
 */
function missedBytes(load: LoadRecord): number {
  const least = load.backend === 'cpu' ? load.estimatedBytes - load.workBytes : load.estimatedBytes;
  if (load.truthBytes > load.estimatedBytes) return load.truthBytes - load.estimatedBytes;
  return load.truthBytes < least ? load.truthBytes - least : 0;
}

/** Estimates that learn from what happened. */
export function createExperience(known: KnownModels, changed: () => void, read: () => ProcessorFeatures = readProcessorFeatures): Experience {
  let features: ProcessorFeatures | null = null;
  return {
    estimate: (facts, settings, place, backend): MemoryEstimate => estimateMemory({ facts, settings, place, backend, processor: (features ??= read()), lessons: learnMemory(known.loads(), place.key, backend) }),
    recordLoad({ modelId, place, backend, estimate, truthBytes, atMs }) {
      if (!(truthBytes > 0) || (backend === 'cpu' && truthBytes > estimate.totalBytes + estimate.weightsBytes * UNFORESEEN)) return;
      known.addLoad({ modelId, place, backend, estimatedBytes: estimate.totalBytes, overheadBytes: estimate.overheadBytes, workBytes: estimate.workBytes + (estimate.reclaimableBytes ?? 0), truthBytes, atMs });
      changed();
    },
    bytesPerToken,
    recordSpeed(entry) {
      if (entry.tokens < ENOUGH_TOKENS || !(entry.tokensPerSecond > 0) || !Number.isFinite(entry.tokensPerSecond)) return;
      known.addSpeed({ ...entry });
      changed();
    },
  };
}
