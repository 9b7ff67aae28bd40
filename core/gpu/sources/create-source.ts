import type { Problem } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor, WorkerDescription } from '../../supervisor/supervisor.ts';
import type { SourceSpec } from './choose-source.ts';
import type { Emit, GpuSource } from './gpu-source.ts';
import { createNoneSource } from './none-source.ts';
import { createNvmlSource } from './nvml-source.ts';
import { createReplaySource } from './replay-source.ts';
import { createSimulateSource } from './simulate-source.ts';
import { createSmiSource, type SmiOptions } from './smi-source.ts';

/** What a source of any kind may need. */
export interface SourceContext {
  readonly supervisor: Supervisor;
  readonly log: Logger;
  readonly now: () => number;
  readonly onGap: (atMs: number, reason: string) => void;
  readonly onNotice: (problem: Problem | null) => void;
  readonly seed?: number;
  readonly speed?: number;
  readonly driverFolder?: string;
  readonly worker?: Partial<WorkerDescription>;
  readonly smi?: Partial<Pick<SmiOptions, 'program' | 'env' | 'idleTimeoutMs' | 'backoff'>>;
}

/** The source that a spec names, not yet started. */
export function createSource(spec: SourceSpec, emit: Emit, context: SourceContext): GpuSource {
  const { supervisor, log, now, onGap, onNotice } = context;
  const speed = context.speed === undefined ? {} : { speed: context.speed };
  switch (spec.kind) {
    case 'nvml': return createNvmlSource({ supervisor, emit, log, now, onGap, ...(context.worker === undefined ? {} : { worker: context.worker }) });
    case 'smi': return createSmiSource({ supervisor, emit, now, ...context.smi });
    case 'replay': return createReplaySource({ path: spec.path, emit, now, ...speed, onGap, onNotice });
    case 'simulate': return createSimulateSource({ count: spec.count, emit, now, ...speed, ...(context.seed === undefined ? {} : { seed: context.seed }), ...(context.driverFolder === undefined ? {} : { driverFolder: context.driverFolder }) });
    case 'none': return createNoneSource(emit);
  }
}
