import type { z } from 'zod';
import { modelHashing, modelHashResult, modelReadResult, modelSearchResult, type modelReadInput, type ModelReadResult, type modelSearchInput, type ModelSearchResult } from '../../../contract/model-probe.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf, type Problem } from '../../../contract/problem.ts';
import type { WorkerStatus } from '../../../contract/system.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor, WorkerDescription, WorkerHandle } from '../../supervisor/supervisor.ts';

export interface ModelProbe {
  /** Never rejects: what could not be searched is in the answer. */
  search(folders: z.input<typeof modelSearchInput>['folders']): Promise<ModelSearchResult>;
  /** Never rejects: `model.damaged` when the process died over the file. */
  read(input: z.input<typeof modelReadInput>): Promise<ModelReadResult>;
  /** SHA-256, hexadecimal. @throws ProblemError; the reason of `signal` */
  hash(path: string, signal: AbortSignal, onProgress: (doneBytes: number) => void): Promise<string>;
  stop(): Promise<void>;
}

export interface ModelProbeOptions {
  readonly supervisor: Supervisor;
  readonly log: Logger;
  /** Tests shorten times. */
  readonly worker?: Partial<WorkerDescription>;
}

/** How the process that reads model files is run. */
export const modelProbeWorker: WorkerDescription = {
  name: 'model-probe',
  entry: 'model-probe',
  startTimeoutMs: 10_000,
  beatIntervalMs: 500,
  // A head of 64 MiB is judged in less than a second; beside a training it may wait for a core.
  unresponsiveAfterMs: 10_000,
  memoryLimitBytes: 600 * 1_048_576,
  env: { UV_THREADPOOL_SIZE: '6', MALLOC_ARENA_MAX: '2' },
  nodeArgs: ['--no-node-snapshot', '--max-old-space-size=256'],
};

/** Backoff after one death is at most 8 s; starting may take as long on a busy machine. */
const COME_BACK_MS = 20_000;
const SEARCH_MS = 120_000;
const READ_MS = 30_000;
/** A terabyte at 50 MB/s. */
const HASH_MS = 6 * 3_600_000;

/** The worker that reads model files, started when it is first needed. */
export function createModelProbe(options: ModelProbeOptions): ModelProbe {
  const log = options.log.child('model-probe');
  let worker: WorkerHandle | null = null;
  /** Of reads that follow a death: one after another, with nothing beside them, so that it is known over which file it dies. */
  let alone: Promise<unknown> = Promise.resolve();

  /** Ready, or given up: then the reason is in its status. */
  const started = async (): Promise<WorkerHandle> => {
    worker ??= options.supervisor.startWorker({ ...modelProbeWorker, ...options.worker });
    const handle = worker;
    const { state } = handle.status();
    // One that was given up is started anew because somebody asks.
    if (state === 'failed' || state === 'idle') handle.restart();
    await waitUntil(handle, ({ state: now }) => now === 'ready' || now === 'failed');
    const { state: after, problem } = handle.status();
    if (after === 'failed' && problem !== null) throw new ProblemError(problem);
    return handle;
  };

  const tryRead = async (input: z.input<typeof modelReadInput>): Promise<ModelReadResult | { readonly died: Problem }> => {
    let handle: WorkerHandle;
    try {
      handle = await started();
    } catch (error) {
      // Nothing is said of the file when its reader cannot start.
      const problem = problemOf(error);
      if (problem === null) throw error;
      return { facts: null, synthetic: false, needBytes: null, problem };
    }
    try {
      return modelReadResult.parse(await handle.call('read', input, { timeoutMs: READ_MS }));
    } catch (error) {
      const problem = problemOf(error) ?? makeProblem('worker.protocol', { name: modelProbeWorker.name, how: 'an answer that does not fit', detail: String(error).slice(0, 300) });
      log.warn('a model file could not be read', { path: input.path, code: problem.code, chain: problem.chain });
      return { died: problem };
    }
  };
  const read = async (input: z.input<typeof modelReadInput>): Promise<ModelReadResult> => {
    await alone;
    const first = await tryRead(input);
    if (!('died' in first)) return first;
    const again = alone.then(() => tryRead(input));
    alone = again.catch(() => undefined);
    const second = await again;
    if (!('died' in second)) return second;
    const chain = [`${second.died.code}: ${second.died.cause}`, ...second.died.chain];
    return { facts: null, synthetic: false, needBytes: null, problem: makeProblem('model.damaged', { path: input.path, detail: 'the process that read it ended over it, twice.' }, { chain }) };
  };

  return {
    async search(folders) {
      try {
        return modelSearchResult.parse(await (await started()).call('search', { folders }, { timeoutMs: SEARCH_MS }));
      } catch (error) {
        const detail = problemOf(error)?.cause ?? String(error);
        log.warn('model folders could not be searched', { detail });
        return { folders: folders.map(({ path, home }) => ({ path, home, found: [], problem: makeProblem('model.folder_unreadable', { path, detail }) })) };
      }
    },
    read,
    async hash(path, signal, onProgress) {
      signal.throwIfAborted();
      const handle = await started();
      const forget = handle.onEvent((name, data) => {
        const event = name === 'hashing' ? modelHashing.safeParse(data) : null;
        if (event?.success === true && event.data.path === path) onProgress(event.data.doneBytes);
      });
      const callOff = (): void => void handle.call('cancelHash', { path }).catch(() => undefined);
      signal.addEventListener('abort', callOff, { once: true });
      try {
        const { sha256 } = modelHashResult.parse(await handle.call('hash', { path }, { timeoutMs: HASH_MS }));
        signal.throwIfAborted();
        if (sha256 === null) throw problemError('worker.gone', { name: modelProbeWorker.name });
        return sha256;
      } finally {
        forget();
        signal.removeEventListener('abort', callOff);
      }
    },
    async stop() {
      await worker?.stop();
      worker = null;
    },
  };
}

/** Settles when the status fits, or after so long that whatever it is then is the answer. */
function waitUntil(handle: WorkerHandle, fits: (status: WorkerStatus) => boolean): Promise<void> {
  if (fits(handle.status())) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(done, COME_BACK_MS);
    const forget = handle.onStatus((status) => { if (fits(status)) done(); });
  });
}
