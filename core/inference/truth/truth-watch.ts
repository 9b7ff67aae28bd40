import type { EngineSettings, GpuTruth } from '../../../contract/inference.ts';
import type { WorkerLoadReport } from '../../../contract/inference-worker.ts';
import type { GpuReadings, Place } from '../parts.ts';
import { decideTruth } from './decide-truth.ts';
import type { RealGpu, TruthEvidence } from './truth-evidence.ts';
import { decideProcessEvidence, type ProcessEvidence } from './read-evidence.ts';

export interface TruthWatchOptions {
  readonly gpus: GpuReadings;
  readonly places: readonly Place[];
  /** Where it was decided to run. */
  readonly meant: readonly Place[];
  readonly asked: EngineSettings;
  readonly why: string;
  readonly pid: () => number | null;
  readonly now: () => number;
}

/** Follows where one model is, from its load through its answers. Made before it is loaded: that is the idle state. */
export interface TruthWatch {
  truth(): GpuTruth;
  loaded(report: WorkerLoadReport): void;
  /** The most that its GPUs drew and did while it answered. */
  answered(seen: { readonly watts: number | null; readonly utilGpuPercent: number | null }): void;
  /** Reads the driver's list of processes and decides anew. Never rejects. */
  look(): Promise<GpuTruth>;
  /** Memory that the driver saw of it by GPU, as last looked. */
  processBytes(): ReadonlyMap<string, number> | null;
  grownBytes(): ReadonlyMap<string, number>;
}

export function createTruthWatch({ gpus, places, meant, asked, why, pid, now }: TruthWatchOptions): TruthWatch {
  const real: readonly RealGpu[] = places.filter((place) => place.kind === 'gpu').map(({ key, name }) => ({ uuid: key, name }));
  const meantGpus = meant.filter((place) => place.kind === 'gpu').map(({ key, name }): RealGpu => ({ uuid: key, name }));
  const before = new Map(real.map((gpu) => [gpu.uuid, gpus.latest(gpu.uuid)?.memUsedBytes ?? null]));
  const idleWatts = meantGpus.reduce<number | null>((sum, gpu) => { const watts = gpus.latest(gpu.uuid)?.powerWatts ?? null; return sum === null || watts === null ? null : sum + watts; }, 0);
  let report: WorkerLoadReport | null = null;
  let decode: TruthEvidence['decode'] = null;
  let seen: ProcessEvidence = { processBytes: null, processUnknown: null };
  let truth = decide();

  function grown(): ReadonlyMap<string, number> {
    const bytes = new Map<string, number>();
    for (const [uuid, was] of before) {
      const is = gpus.latest(uuid)?.memUsedBytes ?? null;
      if (was !== null && is !== null) bytes.set(uuid, is - was);
    }
    return bytes;
  }

  function decide(): GpuTruth {
    return decideTruth({
      asked, meant: meantGpus, gpus: real, shareMemory: meant.some((place) => place.unifiedMemory), cpuName: places.find((place) => place.kind === 'cpu')?.name ?? 'Processor',
      why, report, ...seen, grownBytes: grown(), decode, atMs: now(),
    });
  }

  return {
    truth: () => truth,
    loaded(next) {
      report = next;
      truth = decide();
    },
    answered({ watts, utilGpuPercent }) {
      if (watts === null && utilGpuPercent === null) return;
      decode = { idleWatts, watts: most(watts, decode?.watts ?? null), utilGpuPercent: most(utilGpuPercent, decode?.utilGpuPercent ?? null) };
      truth = decide();
    },
    async look() {
      if (real.length > 0 && report !== null && report.backend !== 'cpu') {
        // A device that is read through nvidia-smi has no list; it says so.
        const reading = await gpus.processes().catch(() => null);
        if (reading !== null) seen = decideProcessEvidence(reading, gpus.inventory(), pid());
      }
      truth = decide();
      return truth;
    },
    processBytes: () => seen.processBytes,
    grownBytes: grown,
  };
}

function most(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}
