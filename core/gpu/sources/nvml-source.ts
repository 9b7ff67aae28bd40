import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { WorkerStatus } from '../../../contract/system.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor, WorkerDescription, WorkerHandle } from '../../supervisor/supervisor.ts';
import type { Emit, GpuSource } from './gpu-source.ts';
import { parseSourceEvent } from './validate-frame.ts';

export interface NvmlOptions {
  readonly supervisor: Supervisor;
  readonly emit: Emit;
  readonly log: Logger;
  /** Called when readings are missing because the worker died or hung. */
  readonly onGap?: (atMs: number, reason: string) => void;
  readonly now?: () => number;
  /** Tests change the description: another entry, shorter times, a test driver in the environment. */
  readonly worker?: Partial<WorkerDescription>;
}

/** How the process that holds the driver's library is run. */
export const nvmlWorker: WorkerDescription = {
  name: 'nvml',
  entry: 'nvml',
  startTimeoutMs: 5000,
  beatIntervalMs: 500,
  unresponsiveAfterMs: 3000,
  memoryLimitBytes: 160 * 1_048_576,
  // Resident memory is a promise (80 MB): 90 MB after 36,000 readings of 8 GPUs without these, 79 MB with them.
  // Without the optimising compiler it would be 72 MB, for 6 % more CPU on a real GPU.
  nodeArgs: ['--no-node-snapshot', '--max-semi-space-size=1', '--max-old-space-size=48'],
  env: { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' },
};

/** A reading that takes longer than the worker's own patience is no answer any more. */
const REFRESH_TIMEOUT_MS = 15_000;

/** Readings of the driver's library, made in a process of its own that may die. */
export function createNvmlSource(options: NvmlOptions): GpuSource {
  const { supervisor, emit, log } = options;
  const now = options.now ?? Date.now;
  let worker: WorkerHandle | null = null;
  let stopped = false;
  let demand = { rateHz: 1, processes: false };
  /** What the worker itself last said of the driver; said again when the worker is back. */
  let driverProblem: Problem | null = null;
  let workerProblem: Problem | null = null;
  let ready = false;
  let badEvents = 0;

  function onEvent(name: string, data: unknown): void {
    if (stopped || name !== 'source') return;
    const event = parseSourceEvent(data);
    if (event === null) {
      badEvents += 1;
      if (badEvents <= 5) log.warn('the nvml worker sent something that does not fit', { count: badEvents, type: typeof data });
      return;
    }
    if (event.type === 'problem') driverProblem = event.problem;
    // A frame is the proof that it is back, before its status is heard of.
    if (event.type === 'frame' && workerProblem !== null) { workerProblem = null; emit({ type: 'problem', problem: driverProblem }); }
    emit(event);
  }

  function onStatus(status: WorkerStatus): void {
    if (stopped) return;
    const isReady = status.state === 'ready';
    if (ready && !isReady) options.onGap?.(now(), status.state === 'unresponsive' ? 'The driver does not answer.' : 'The process that reads the driver ended and is started again.');
    ready = isReady;
    if (isReady) {
      if (workerProblem !== null) { workerProblem = null; emit({ type: 'problem', problem: driverProblem }); }
    } else if (status.state === 'unresponsive' || status.state === 'backoff' || status.state === 'failed') {
      workerProblem = status.problem ?? makeProblem('worker.unresponsive', { name: 'nvml', busy: 'a call of the driver', seconds: 3 });
      emit({ type: 'problem', problem: workerProblem });
    }
  }

  return {
    kind: 'nvml',
    simulated: false,
    provenance: null,
    start() {
      worker = supervisor.startWorker({ ...nvmlWorker, ...options.worker });
      worker.onEvent(onEvent);
      worker.onStatus(onStatus);
      worker.keep('demand', demand);
    },
    setDemand(next) {
      demand = next;
      worker?.keep('demand', next);
    },
    refresh() {
      if (worker === null || stopped) return;
      if (worker.status().state === 'failed') { worker.restart(); return; }
      worker.call('refresh', {}, { timeoutMs: REFRESH_TIMEOUT_MS }).catch((error: unknown) => log.info('the nvml worker did not answer a refresh', { error: error instanceof Error ? error.message : String(error) }));
    },
    async stop() {
      stopped = true;
      await worker?.stop();
    },
  };
}
