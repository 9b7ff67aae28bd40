import type { EngineSettings, GpuTruth, LoadedModel } from '../../../contract/inference.ts';
import type { Model } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf, type Problem } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor, WorkerDescription } from '../../supervisor/supervisor.ts';
import type { GpuReadings } from '../parts.ts';
import type { DeathRecord } from './death-record.ts';
import { readFileIdentity } from './file-identity.ts';
import { decideLoadFailure, unproved } from './life-problems.ts';
import { describeLoad, loadModel, makeModelProcess, type LoadedParts, type Plan } from './load-model.ts';
import type { ModelProcess } from './model-process.ts';
import { createRequestListeners, type RequestListeners } from './request-listeners.ts';
import { settleDeath } from './settle-death.ts';
import { createStuckRequests } from './stuck-requests.ts';

export interface ModelLifeOptions {
  readonly id: string;
  readonly model: Model;
  /** Merged, before anything was chosen. */
  readonly asked: EngineSettings;
  readonly plan: () => Promise<Plan>;
  readonly supervisor: Supervisor;
  readonly gpus: GpuReadings;
  readonly deaths: DeathRecord;
  readonly log: Logger;
  readonly now: () => number;
  /** State, progress or truth is another. */
  readonly onChange: () => void;
  readonly onProgress: () => void;
  /** It became ready, or its process ended. */
  readonly onSettled: () => void;
  /** Requests and other users that hold its process now, ended ones that still compute included. */
  readonly users: () => number;
  /** Tests shorten times. */
  readonly worker?: Partial<WorkerDescription>;
}

/** The life of one model's process: loaded when needed, dead of its own, replaced when it cannot be stopped. */
export interface ModelLife {
  state(): LoadedModel['state'];
  progress(): number | null;
  resolved(): EngineSettings;
  process(): ModelProcess | null;
  parts(): LoadedParts | null;
  truth(): GpuTruth;
  problem(): Problem | null;
  restarts(): number;
  isLoading(): boolean;
  isClosed(): boolean;
  /** Why the last process ended, a sentence. */
  lastDeath(): Promise<string>;
  /** Loads it where it is not, once for all who ask. @throws ProblemError */
  ready(): Promise<ModelProcess>;
  readonly listen: RequestListeners['listen'];
  /** Nobody waits for this request any more: it is stopped, with its process if need be. */
  abandon(requestId: string, ended: Promise<unknown>): void;
  /** Requests that nobody waits for and that the worker has not ended yet. */
  abandoned(): number;
  replaceIfStuck(): void;
  /** Asks the driver where it is. Never rejects. */
  look(): Promise<void>;
  close(): Promise<void>;
}

export function createModelLife(options: ModelLifeOptions): ModelLife {
  const { id, model, asked, gpus, log, now, deaths, onChange } = options;
  const requests = createRequestListeners();
  const stuck = createStuckRequests({ onOverdue: () => { replaceIfStuck(); }, onEnded: onChange });
  let state: LoadedModel['state'] = 'starting';
  let progress: number | null = null;
  let process: ModelProcess | null = null;
  let loaded: LoadedParts | null = null;
  let loading: Promise<ModelProcess> | null = null;
  let resolved: EngineSettings = asked;
  let truth: GpuTruth = unproved('The model is being loaded.', now());
  let problem: Problem | null = null;
  let deathCause = Promise.resolve('The model\'s process ended.');
  let restarts = 0;
  let closed = false;

  const change = (next: LoadedModel['state']): void => {
    state = next;
    onChange();
  };

  const load = async (known: Plan | null, again = false): Promise<ModelProcess> => {
    const startMs = performance.now();
    let plan: Plan | null = known;
    try {
      // Replaced after a stop that did not come: everything is as it was, and it is ready soonest.
      plan ??= await options.plan();
      resolved = plan.decision.settings;
      problem = null;
      progress = 0;
      const identity = await readFileIdentity(model.path);
      if (closed) throw gone();
      change('loading');
      const mine = (process ??= makeProcess(plan));
      const parts = await loadModel({ plan, process: mine, model, identity, asked, gpus, pid: () => process?.pid() ?? null, now, startMs });
      if (closed) throw gone();
      truth = parts.watch.truth();
      loaded?.meter.stop();
      loaded = parts;
      progress = null;
      log.info('model loaded', { id, name: model.name, ...describeLoad(parts) });
      change('ready');
      void look();
      options.onSettled();
      return mine;
    } catch (error) {
      // Somebody else took the memory meanwhile: what fits now is asked once more.
      if (!again && plan !== null && plan.decision.places[0]?.kind === 'gpu' && problemOf(error)?.code === 'load.no_memory' && process !== null) {
        plan.settled();
        await endProcess();
        return await load(null, true);
      }
      throw await settleFailure(error);
    } finally {
      plan?.settled();
    }
  };

  const makeProcess = (plan: Plan): ModelProcess => {
    const mine: ModelProcess = makeModelProcess(plan, {
      id, supervisor: options.supervisor, worker: options.worker, log,
      onGeneration: requests.tell,
      onProgress: (value) => {
        progress = value;
        options.onProgress();
      },
      onDeath: (cause) => { if (process === mine) died(cause); },
    });
    return mine;
  };

  const endProcess = async (): Promise<void> => {
    const mine = process;
    process = null;
    await mine?.stop();
  };

  /** What those who wait for the load are told. The process is gone then, unless it died by itself. */
  const settleFailure = async (error: unknown): Promise<unknown> => {
    const found = problemOf(error);
    await endProcess();
    if (closed) return gone();
    if (found?.code === 'worker.gone') {
      await deathCause;
      change('failed');
      return problem === null ? error : new ProblemError(problem, { cause: error });
    }
    const failure = decideLoadFailure(model.name, error);
    problem = failure.problem;
    change('failed');
    return failure.error;
  };

  const ready = (): Promise<ModelProcess> => {
    if (closed) return Promise.reject(gone());
    if (state === 'ready' && process !== null && loaded !== null) return Promise.resolve(process);
    // How the last one ended must be known before the next is begun.
    loading ??= deathCause.then(() => {
      deaths.check(model.id, model.name);
      return load(null);
    }).finally(() => { loading = null; });
    return loading;
  };

  const gone = (): Error => problemError('load.not_loaded', { what: model.name });

  function died(cause: Problem): void {
    const mine = process;
    const wasLoading = loading !== null;
    const identity = loaded?.identity ?? null;
    process = null;
    restarts += 1;
    truth = unproved('Its process ended.', now());
    loaded?.meter.stop();
    loaded = null;
    stuck.clear();
    void mine?.stop();
    deathCause = settleDeath(model, identity, cause, deaths).then((death) => {
      log.warn('the process of a model ended', { id, name: model.name, detail: death.detail });
      problem = death.problem;
      onChange();
      return death.detail;
    });
    if (!wasLoading) change('failed');
    options.onSettled();
  }

  /** The computing of an ended answer does not stop: its process is replaced, unless it serves another. */
  const replaceIfStuck = (): void => {
    const mine = process;
    const plan = loaded?.plan;
    if (mine === null || plan === undefined || stuck.count() === 0 || closed || loading !== null) return;
    if (stuck.count() < options.users() || !stuck.isOverdue()) return;
    log.info('a stop did not come in time: the process is replaced', { id, name: model.name });
    loading = mine.kill().then(() => {
      restarts += 1;
      stuck.clear();
      state = 'starting';
      return load(plan);
    }).finally(() => { loading = null; });
    loading.catch((error: unknown) => { log.warn('a replaced process could not load its model', { id, error: String(error) }); });
  };

  async function look(): Promise<void> {
    const mine = loaded;
    if (mine === null) return;
    const seen = await mine.watch.look();
    if (loaded !== mine || closed) return;
    truth = seen;
    onChange();
  }

  return {
    state: () => (closed ? 'stopping' : state),
    progress: () => (state === 'loading' ? progress : null),
    resolved: () => resolved,
    process: () => process,
    parts: () => loaded,
    truth: () => truth,
    problem: () => problem,
    restarts: () => restarts,
    isLoading: () => loading !== null,
    isClosed: () => closed,
    lastDeath: () => (closed ? Promise.resolve('The model was unloaded.') : deathCause),
    ready,
    listen: requests.listen,
    abandon(requestId, ended) {
      if (process === null) return;
      stuck.add(requestId, ended);
      void process.stopRequest(requestId);
    },
    abandoned: stuck.count,
    replaceIfStuck,
    look,
    async close() {
      closed = true;
      onChange();
      loaded?.meter.stop();
      await process?.stop();
      // A load that is under way ends by that; nobody may find its process afterwards.
      await loading?.catch(() => undefined);
    },
  };
}
