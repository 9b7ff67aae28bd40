import { Worker, type Transferable } from 'node:worker_threads';
import { problemError } from '../../contract/problem-catalogue.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { Logger } from '../logging/logger.ts';
import { entryPoint } from '../system/entry-points.ts';
import type { FromStorage, StorageCalls, StorageOp, StorageOptions, StoreState, ThreadOptions, ToStorage } from './history/storage-messages.ts';

/** The engine's end of the storage thread. The thread may die; it is started again and what was asked of it is answered. */
export interface StorageClient {
  /** From now on the thread keeps a history, also after it was started again. */
  openHistory(makeOptions: () => StorageOptions): void;
  /** Rejects with the Problem that the thread found, or with `worker.gone` when it dies or fails on it. */
  call<Op extends StorageOp>(op: Op, input: StorageCalls[Op]['input'], transfer?: readonly Transferable[]): Promise<StorageCalls[Op]['output']>;
  post(message: ToStorage, transfer?: readonly Transferable[]): void;
  /** Batches of seconds that were posted and not yet taken. */
  lag(): number;
  state(): StoreState;
  close(): Promise<void>;
}

/** A thread that dies so often in a row is not started again. */
const MAX_RESTARTS = 5;
const CLOSE_WITHIN_MS = 5_000;

/**
 * What the JavaScript side of the thread may use, MB; SQLite's page cache (2 MB) is beside it. A message of 20 million
 * characters is 40 MB, and stands there up to four times while it is stored and indexed.
 */
const resourceLimits = { maxOldGenerationSizeMb: 320, maxYoungGenerationSizeMb: 4, stackSizeMb: 2 };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** `databasePath` null: conversations are kept in the thread's memory, and there is no history. */
export function startStorage(databasePath: string | null, log: Logger): StorageClient {
  let historyOptions: (() => StorageOptions) | null = null;
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let posted = 0;
  let taken = new Int32Array(new SharedArrayBuffer(4));
  let state: StoreState = { state: 'on', reason: null, problem: null };
  let restarts = 0;
  let worker: Worker | null = null;
  let closing = false;
  let restartTimer: NodeJS.Timeout | null = null;
  let ended: () => void = () => undefined;

  const receive = (message: FromStorage): void => {
    if (message.t === 'state') {
      state = { state: message.state, reason: message.reason, problem: message.problem };
      if (message.problem !== null) log.warn('The history has a problem', { code: message.problem.code, cause: message.problem.cause });
    } else if (message.t === 'log') log[message.level](message.message, message.fields);
    else {
      const who = waiting.get(message.id);
      waiting.delete(message.id);
      if (waiting.size === 0 && !closing) worker?.unref();
      restarts = 0;
      if (message.error === undefined) who?.resolve(message.value as never);
      else who?.reject(message.problem === undefined ? problemError('worker.gone', { name: 'storage' }, { chain: [message.error] }) : new ProblemError(message.problem));
    }
  };

  const gone = (detail: string): void => {
    worker = null;
    ended();
    for (const who of waiting.values()) who.reject(problemError('worker.gone', { name: 'storage' }, { chain: [detail] }));
    waiting.clear();
    if (closing) return;
    log.error('The storage thread ended', { detail, restarts });
    if (restarts >= MAX_RESTARTS) {
      const problem = problemError('history.off', { why: `The storage thread ended ${restarts + 1} times: ${detail}` }).problem;
      state = { state: 'failed', reason: problem.cause, problem };
      return;
    }
    restartTimer = setTimeout(start, 500 * 2 ** restarts++);
    restartTimer.unref();
  };

  const start = (): void => {
    restartTimer = null;
    posted = 0;
    taken = new Int32Array(new SharedArrayBuffer(4));
    let detail = 'no error was told';
    const thread = new Worker(entryPoint('storage'), {
      name: 'storage',
      workerData: { databasePath, taken: taken.buffer } satisfies ThreadOptions,
      resourceLimits,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    worker = thread;
    thread.on('message', receive);
    thread.on('error', (error) => { detail = error instanceof Error ? error.message : String(error); });
    thread.on('exit', (code) => { if (worker === thread) gone(`${detail} (exit ${code})`); });
    // The engine's life does not hang on its history.
    thread.unref();
    if (historyOptions !== null) client.post({ t: 'history', options: historyOptions() });
  };

  const client: StorageClient = {
    openHistory(makeOptions) {
      historyOptions = makeOptions;
      client.post({ t: 'history', options: makeOptions() });
    },
    call(op, input, transfer = []) {
      const thread = worker;
      if (thread === null) return Promise.reject(problemError('worker.gone', { name: 'storage' }));
      const id = nextId++;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        thread.ref();
        thread.postMessage({ t: 'call', id, op, input } satisfies ToStorage, [...transfer]);
      });
    },
    post(message, transfer = []) {
      if (worker === null) return;
      if (message.t === 'seconds') posted++;
      worker.postMessage(message, [...transfer]);
    },
    lag: () => posted - Atomics.load(taken, 0),
    state: () => state,
    async close() {
      if (closing) return;
      closing = true;
      if (restartTimer !== null) clearTimeout(restartTimer);
      const thread = worker;
      if (thread === null) return;
      const exit = new Promise<void>((resolve) => { ended = resolve; });
      thread.ref();
      const timeout = setTimeout(() => void thread.terminate(), CLOSE_WITHIN_MS);
      await client.call('close', null).catch((error: unknown) => log.warn('The history did not close in order', { detail: String(error) }));
      await exit;
      clearTimeout(timeout);
    },
  };
  start();
  return client;
}
