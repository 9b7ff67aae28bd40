import type { EngineSettings } from '../../../contract/inference.ts';
import type { WorkerLoadReport } from '../../../contract/inference-worker.ts';

/** A GPU of this machine, as the driver names it. */
export interface RealGpu {
  readonly uuid: string;
  readonly name: string;
}

/** All that is known of where a model is. Bytes and watts as the driver said them; null: it did not. */
export interface TruthEvidence {
  /** As the user asked, before anything was chosen. */
  readonly asked: Pick<EngineSettings, 'backend' | 'devices' | 'gpuLayers'>;
  /** GPUs on which it was to be loaded; empty: the processor. */
  readonly meant: readonly RealGpu[];
  readonly gpus: readonly RealGpu[];
  readonly shareMemory: boolean;
  readonly cpuName: string;
  /** Why this backend was taken, one sentence. */
  readonly why: string;
  readonly report: WorkerLoadReport | null;
  /** Memory that the driver says this process holds, by UUID; null: it cannot be told, for this reason. */
  readonly processBytes: ReadonlyMap<string, number> | null;
  readonly processUnknown: string | null;
  /** How much more of each GPU's memory is in use than before the load. */
  readonly grownBytes: ReadonlyMap<string, number>;
  /** While it decoded, summed over the GPUs it was meant for; null: it has not answered yet, or nothing was read. */
  readonly decode: { readonly idleWatts: number | null; readonly watts: number | null; readonly utilGpuPercent: number | null } | null;
  readonly atMs: number;
}
