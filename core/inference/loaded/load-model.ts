/** One load: which process, with what environment, and what is known once it has succeeded. */
import type { EngineSettings } from '../../../contract/inference.ts';
import type { WorkerLoadReport } from '../../../contract/inference-worker.ts';
import type { Model } from '../../../contract/models.ts';
import type { Supervisor, WorkerDescription } from '../../supervisor/supervisor.ts';
import type { ChosenBackend, GpuReadings, Place } from '../parts.ts';
import type { LoadDecision } from '../settings/decide-load.ts';
import { readMachine } from '../settings/read-machine.ts';
import { createTruthWatch, type TruthWatch } from '../truth/truth-watch.ts';
import { createEnergyMeter } from './energy-meter.ts';
import type { FileIdentity } from './file-identity.ts';
import { createModelProcess, type ModelProcess, type ModelProcessOptions } from './model-process.ts';

/** What was decided for one load, and what it stands on. */
export interface Plan {
  readonly decision: LoadDecision;
  readonly backend: ChosenBackend;
  readonly places: readonly Place[];
  /** The memory that was set aside for it is read from now on. */
  settled(): void;
}

/** A load that succeeded. */
export interface LoadedParts {
  readonly plan: Plan;
  readonly report: WorkerLoadReport;
  readonly identity: FileIdentity | null;
  readonly watch: TruthWatch;
  readonly meter: ReturnType<typeof createEnergyMeter>;
  readonly atMs: number;
  readonly seconds: number;
}

/** A load may take as long as a slow disk needs, and a minute for the rest. */
const SLOW_DISK_BYTES_PER_SECOND = 20e6;

/** The process of one model, not started yet. It sees the GPUs of the plan and no others. */
export function makeModelProcess({ decision, backend }: Pick<Plan, 'decision' | 'backend'>, options: Pick<ModelProcessOptions, 'log' | 'onGeneration' | 'onProgress' | 'onDeath'> & { readonly id: string; readonly supervisor: Supervisor; readonly worker: Partial<WorkerDescription> | undefined }): ModelProcess {
  const { id, supervisor, worker, ...rest } = options;
  const uuids = decision.settings.devices.join(',');
  // The CPU's process sees no GPU at all: a context that nobody needs takes hundreds of megabytes there.
  const visible: Record<string, string> = { CUDA_VISIBLE_DEVICES: backend.kind === 'cpu' ? '' : uuids };
  return createModelProcess({ ...rest, supervisor, name: `inference:${id}`, env: { ...backend.env, ...visible }, memoryLimitBytes: readMachine().memoryBytes, ...(worker === undefined ? {} : { worker }) });
}

export interface LoadOptions {
  readonly plan: Plan;
  readonly process: ModelProcess;
  readonly model: Pick<Model, 'bytes'>;
  readonly identity: FileIdentity | null;
  /** Merged, before anything was chosen. */
  readonly asked: EngineSettings;
  readonly gpus: GpuReadings;
  /** Of the process that has the model now; null: none has. */
  readonly pid: () => number | null;
  readonly now: () => number;
  /** When the load was wished for: `performance.now()`, ms. */
  readonly startMs: number;
}

/** @throws ProblemError of the worker, or `worker.gone` */
export async function loadModel({ plan, process, model, identity, asked, gpus, pid, now, startMs }: LoadOptions): Promise<LoadedParts> {
  const { decision, backend } = plan;
  const watch = createTruthWatch({ gpus, places: plan.places, meant: decision.places, asked, why: backend.why, pid, now });
  const report = await process.load(decision.worker, 60_000 + (model.bytes / SLOW_DISK_BYTES_PER_SECOND) * 1000);
  watch.loaded(report);
  const meter = createEnergyMeter({ gpus, uuids: decision.settings.devices, pid: () => process.pid(), now });
  return { plan, report, identity, watch, meter, atMs: now(), seconds: (performance.now() - startMs) / 1000 };
}

/** For the log. Pure. */
export function describeLoad({ plan, report: { gpuLayers, layers, contextTokens }, seconds }: LoadedParts): Record<string, unknown> {
  return { backend: plan.backend.id, gpuLayers, layers, contextTokens, seconds: Math.round(seconds * 100) / 100, chosen: plan.decision.chosen };
}
