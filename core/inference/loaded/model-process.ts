import type { z } from 'zod';
import {
  workerCountResult, workerEmbedResult, workerGenerateResult, workerGenerationEvent, workerLoading, workerLoadReport, workerMeasureResult,
  type WorkerGenerateInput, type WorkerGenerateResult, type WorkerGenerationEvent, type WorkerLoadInput, type WorkerLoadReport, type WorkerMeasureResult,
} from '../../../contract/inference-worker.ts';
import type { ChatTurn } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { WorkerStatus } from '../../../contract/system.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor, WorkerDescription, WorkerHandle } from '../../supervisor/supervisor.ts';

export interface ModelProcessOptions {
  readonly supervisor: Supervisor;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly memoryLimitBytes: number;
  readonly log: Logger;
  readonly onGeneration: (event: WorkerGenerationEvent) => void;
  readonly onProgress: (progress: number) => void;
  /** It ended without being told to; what was asked of it is answered with `worker.gone` right after. */
  readonly onDeath: (problem: Problem) => void;
  /** Tests shorten times. */
  readonly worker?: Partial<WorkerDescription>;
}

/** The process that holds one model. It is never started again by itself: whoever needs the model loads it anew. */
export interface ModelProcess {
  pid(): number | null;
  /** Starts the process and loads. @throws ProblemError of the worker, or `worker.gone` */
  load(input: WorkerLoadInput, timeoutMs: number): Promise<WorkerLoadReport>;
  generate(input: WorkerGenerateInput, timeoutMs: number): Promise<WorkerGenerateResult>;
  /** Settles when that request has ended. Never rejects. */
  stopRequest(requestId: string): Promise<void>;
  embed(texts: readonly string[]): Promise<z.infer<typeof workerEmbedResult>>;
  count(what: { readonly text: string | null; readonly turns: readonly ChatTurn[] | null }): Promise<number>;
  measure(input: unknown, timeoutMs: number): Promise<WorkerMeasureResult>;
  /** Ends the process now and settles when it is gone; that is no death. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 60_000;
const EMBED_TIMEOUT_MS = 600_000;
/** An end by a kill is seen after milliseconds; a process in an uninterruptible call is given up by then. */
const GONE_MS = 5000;

export function createModelProcess(options: ModelProcessOptions): ModelProcess {
  const { supervisor, name, log } = options;
  let worker: WorkerHandle | null = null;
  let meant = false;

  const onEvent = (event: string, data: unknown): void => {
    if (event === 'generation') {
      const parsed = workerGenerationEvent.safeParse(data);
      if (parsed.success) options.onGeneration(parsed.data);
      else log.warn('an inference worker sent something that does not fit', { worker: name, detail: parsed.error.message.slice(0, 300) });
    } else if (event === 'loading') {
      const parsed = workerLoading.safeParse(data);
      if (parsed.success) options.onProgress(Math.min(1, Math.max(0, parsed.data.progress)));
    }
  };

  const onStatus = (status: WorkerStatus): void => {
    if (status.state !== 'failed' || meant || status.problem === null) return;
    options.onDeath(status.problem);
  };

  const start = (): WorkerHandle => {
    meant = false;
    if (worker !== null) {
      const { state } = worker.status();
      if (state !== 'ready' && state !== 'starting') worker.restart();
      return worker;
    }
    worker = supervisor.startWorker({
      name,
      entry: 'inference',
      startTimeoutMs: 60_000,
      beatIntervalMs: 500,
      // Its main thread compiles templates and grammars and may wait long for a core beside other work.
      unresponsiveAfterMs: 30_000,
      memoryLimitBytes: options.memoryLimitBytes,
      temporary: true,
      ...options.worker,
      // Decode and sample are each a work item of libuv: with one thread they do not hop (measured: twice as fast on a
      // processor, +8 % on an H200). CUDA and the driver count GPUs alike only in the order of the bus.
      env: { UV_THREADPOOL_SIZE: '1', CUDA_DEVICE_ORDER: 'PCI_BUS_ID', ...options.env, ...options.worker?.env },
      restart: { budget: 0 },
    });
    worker.onEvent(onEvent);
    worker.onStatus(onStatus);
    return worker;
  };

  const ask = async <T>(op: string, schema: z.ZodType<T>, input: unknown, timeoutMs: number): Promise<T> => {
    if (worker === null) throw problemError('worker.gone', { name });
    const parsed = schema.safeParse(await worker.call(op, input, { timeoutMs }));
    if (parsed.success) return parsed.data;
    throw problemError('worker.protocol', { name, how: 'a wrong answer', detail: `${op}: ${parsed.error.message.slice(0, 300)}` });
  };

  return {
    pid: () => worker?.status().pid ?? null,
    load(input, timeoutMs) {
      start();
      return ask('load', workerLoadReport, input, timeoutMs);
    },
    generate: (input, timeoutMs) => ask('generate', workerGenerateResult, input, timeoutMs),
    async stopRequest(requestId) {
      await worker?.call('stop', { requestId }, { timeoutMs: STOP_TIMEOUT_MS }).catch(() => undefined);
    },
    embed: (texts) => ask('embed', workerEmbedResult, { texts }, EMBED_TIMEOUT_MS),
    count: async (what) => (await ask('count', workerCountResult, what, EMBED_TIMEOUT_MS)).tokens,
    measure: (input, timeoutMs) => ask('measure', workerMeasureResult, input, timeoutMs),
    async kill() {
      meant = true;
      const mine = worker;
      if (mine === null || mine.status().pid === null) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          forget();
          resolve();
        };
        const timer = setTimeout(done, GONE_MS);
        const forget = mine.onStatus((status) => { if (status.pid === null) done(); });
        mine.kill();
      });
    },
    async stop() {
      meant = true;
      const mine = worker;
      worker = null;
      await mine?.stop();
    },
  };
}
