import { changedEvent, findReply, libraryReply, watchingEvent, xrayReply, type ChangedEvent, type FindReply, type FindRequest, type LibraryReply, type XrayRequest } from '../../../contract/environment-probe.ts';
import type { EnvironmentXray, FoundEnvironment } from '../../../contract/environments.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { WorkerStatus } from '../../../contract/system.ts';
import type { Logger } from '../../logging/logger.ts';
import type { runTool as runToolOfSystem } from '../../supervisor/run-tool.ts';
import type { Supervisor, WorkerDescription, WorkerHandle } from '../../supervisor/supervisor.ts';
import { pickPlaceVariables } from './place-variables.ts';
import { readWindowsPlaces } from './windows-places.ts';

export interface EnvironmentProbeOptions {
  readonly supervisor: Supervisor;
  readonly log: Logger;
  readonly runTool: typeof runToolOfSystem;
  /** Variables that say where tools keep things are taken from here. Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
  /** Tests shorten times. */
  readonly worker?: Partial<WorkerDescription>;
}

export interface EnvironmentProbe {
  /**
   * All environments of this machine. Never rejects for what it found or could not read: those are problems in the
   * answer, `env.probe_failed` when the worker died over it.
   * @throws the reason of `signal` when it is aborted
   */
  find(request?: Partial<FindRequest>, signal?: AbortSignal): Promise<FindReply>;
  /** What is in one environment. When the worker dies over it, an empty X-ray with `env.probe_failed`. */
  xray(environment: FoundEnvironment, options?: Partial<Omit<XrayRequest, 'environment'>>): Promise<EnvironmentXray>;
  /** Device code and needs of one shared library. @throws ProblemError `worker.…` when the worker died over it */
  library(path: string): Promise<LibraryReply>;
  /** Tells `onChanged` of changes in these folders from now on; replaces what was watched before. */
  watch(targets: readonly { readonly id: string; readonly folders: readonly string[] }[]): void;
  onChanged(listener: (event: ChangedEvent) => void): () => void;
  status(): WorkerStatus;
  stop(): Promise<void>;
}

const NAME = 'environment-probe';

/** How the process that reads environments is run. */
export const environmentProbeWorker: WorkerDescription = {
  name: NAME,
  entry: 'environment-probe',
  startTimeoutMs: 10_000,
  beatIntervalMs: 500,
  // Its main thread never blocks by itself, but may wait long for a core beside a training.
  unresponsiveAfterMs: 20_000,
  memoryLimitBytes: 500 * 1_048_576,
  // Files are read by these threads; one that hangs on a dead mount must not hold up all others.
  env: { UV_THREADPOOL_SIZE: '8', MALLOC_ARENA_MAX: '2' },
  // Over 50 environments with 300,000 files the worker alone peaked at 98 MB with these, at 99 to 118 MB without.
  nodeArgs: ['--no-node-snapshot', '--max-old-space-size=384', '--max-semi-space-size=1'],
};

/** The walks are limited to seconds each; all limits together stay below. */
const FIND_TIMEOUT_MS = 120_000;
/** A cold disk gives a 3 GB torch with 20,000 files in seconds; a busy one, or the network, in minutes. */
const XRAY_TIMEOUT_MS = 180_000;
/** A census reads headers only, 10 to 200 ms where the disk is not slow. */
const LIBRARY_TIMEOUT_MS = 60_000;
/** Backoff after one death is at most 8 s, and starting takes a second. */
const COME_BACK_MS = 15_000;
/** Codes that mean that the worker, not what it was asked for, is the trouble. */
const WORKER_CODES = /^worker\./;

/** The worker that finds, reads and watches environments, started when it is first needed. */
export function createEnvironmentProbe(options: EnvironmentProbeOptions): EnvironmentProbe {
  const { supervisor } = options;
  const log = options.log.child(NAME);
  const listeners = new Set<(event: ChangedEvent) => void>();
  let worker: WorkerHandle | null = null;
  let findsUnderWay = 0;
  let watched: readonly string[] = [];
  let wasAway = false;

  const onEvent = (name: string, data: unknown): void => {
    if (name === 'watching') {
      const state = watchingEvent.safeParse(data);
      if (state.success && state.data.note !== null) log.warn('environments are not all watched', { note: state.data.note });
      return;
    }
    if (name !== 'changed') return;
    const event = changedEvent.safeParse(data);
    if (!event.success) return log.warn('the environment-probe worker sent something that does not fit', { detail: event.error.message.slice(0, 300) });
    tell(event.data);
  };

  const tell = (event: ChangedEvent): void => {
    for (const listener of [...listeners]) listener(event);
  };

  /** Nobody looked while the worker was away: anything may have changed. */
  const onStatus = (status: WorkerStatus): void => {
    if (status.state === 'backoff' || status.state === 'failed') wasAway = true;
    if (status.state !== 'ready' || !wasAway) return;
    wasAway = false;
    if (watched.length > 0) tell({ ids: [...watched], atMs: Date.now() });
  };

  const started = (): WorkerHandle => {
    if (worker !== null) return worker;
    const env = { ...environmentProbeWorker.env, ...pickPlaceVariables(options.env ?? process.env), ...options.worker?.env };
    worker = supervisor.startWorker({ ...environmentProbeWorker, ...options.worker, env });
    worker.onEvent(onEvent);
    worker.onStatus(onStatus);
    return worker;
  };

  const call = async (op: string, input: unknown, timeoutMs: number): Promise<unknown> => {
    const handle = started();
    await waitUntilUp(handle);
    return handle.call(op, input, { timeoutMs });
  };

  /** The Problem of a call that failed because of the worker; anything else is thrown on. */
  const failed = (prefix: string, error: unknown): Problem => {
    const problem = problemOf(error);
    if (problem === null) throw error;
    if (!WORKER_CODES.test(problem.code)) return makeProblem('env.probe_failed', { prefix, detail: problem.cause }, { chain: [`${problem.code}: ${problem.cause}`, ...problem.chain] });
    log.warn('the environment-probe worker failed', { prefix, code: problem.code, chain: problem.chain });
    return makeProblem('env.probe_failed', { prefix, detail: problem.chain[0]?.replace(/^[\w.]+: /, '') ?? problem.cause }, { chain: [`${problem.code}: ${problem.cause}`, ...problem.chain] });
  };

  const find = async (request: Partial<FindRequest>): Promise<FindReply> => {
    const startMs = performance.now();
    const where = request.home ?? (request.onlyGiven === true ? (request.folders ?? []).join(', ') : 'This machine');
    try {
      const windows = request.home == null && request.onlyGiven !== true ? await readWindowsPlaces(options.runTool, options.platform ?? process.platform) : { registryText: null, wslText: null };
      const full: FindRequest = { folders: [], interpreters: [], home: null, onlyGiven: false, ...windows, ...request };
      const parsed = findReply.safeParse(await call('find', full, FIND_TIMEOUT_MS));
      if (parsed.success) return parsed.data;
      return emptyFind(makeProblem('env.probe_failed', { prefix: where, detail: 'its answer does not fit.' }, { chain: [parsed.error.message.slice(0, 500)] }), startMs);
    } catch (error) {
      return emptyFind(failed(where, error), startMs);
    }
  };

  return {
    find(request = {}, signal) {
      signal?.throwIfAborted();
      findsUnderWay += 1;
      const answer = find(request).finally(() => { findsUnderWay -= 1; });
      if (signal === undefined) return answer;
      return new Promise((resolve, reject) => {
        const onAbort = (): void => {
          // Another one's search goes on.
          if (findsUnderWay === 1) worker?.call('cancelFind', null).catch(() => undefined);
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        answer.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort); });
      });
    },
    async xray(environment, wish = {}) {
      const startMs = performance.now();
      try {
        const request: XrayRequest = { environment, record: wish.record ?? true, pins: wish.pins ?? true };
        const parsed = xrayReply.safeParse(await call('xray', request, XRAY_TIMEOUT_MS));
        if (parsed.success) return parsed.data;
        return emptyXray(environment, makeProblem('env.probe_failed', { prefix: environment.prefix, detail: 'its answer does not fit.' }, { chain: [parsed.error.message.slice(0, 500)] }), startMs);
      } catch (error) {
        return emptyXray(environment, failed(environment.prefix, error), startMs);
      }
    },
    async library(path) {
      const parsed = libraryReply.safeParse(await call('library', { path }, LIBRARY_TIMEOUT_MS));
      if (parsed.success) return parsed.data;
      throw problemError('env.probe_failed', { prefix: path, detail: 'its answer does not fit.' });
    },
    watch(targets) {
      watched = [...new Set(targets.map((target) => target.id))];
      started().keep('watch', { targets });
    },
    onChanged(listener) {
      listeners.add(listener);
      return () => { listeners.delete(listener); };
    },
    status: () => worker?.status() ?? { name: NAME, state: 'idle', pid: null, restarts: 0, problem: null, rssBytes: null },
    async stop() {
      await worker?.stop();
      worker = null;
    },
  };
}

/** A worker that died comes back by itself; one that was given up is started anew because somebody asks. */
async function waitUntilUp(handle: WorkerHandle): Promise<void> {
  const { state } = handle.status();
  if (state === 'ready' || state === 'starting') return;
  if (state === 'failed' || state === 'idle') {
    handle.restart();
    return;
  }
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    // Whatever it is then, the call says it.
    const timer = setTimeout(done, COME_BACK_MS);
    const forget = handle.onStatus((status) => { if (status.state === 'starting' || status.state === 'ready' || status.state === 'failed') done(); });
  });
}

function emptyFind(problem: Problem, startMs: number): FindReply {
  return { environments: [], problems: [problem], tookMs: performance.now() - startMs, foldersSeen: 0 };
}

function emptyXray(environment: FoundEnvironment, problem: Problem, startMs: number): EnvironmentXray {
  return {
    environmentId: environment.id, atMs: Date.now(), tookMs: performance.now() - startMs, bytesRead: 0,
    torch: null, otherTorch: [], companions: [], packages: [], leftovers: [], record: null, pins: [], shadows: [], problems: [problem],
  };
}
