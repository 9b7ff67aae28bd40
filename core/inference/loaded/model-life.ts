import type { EngineSettings, GpuTruth, LoadedModel } from '../../../contract/inference.ts';
import type { WorkerGenerationEvent, WorkerLoadReport } from '../../../contract/inference-worker.ts';
import type { Model } from '../../../contract/models.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf, type Problem } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor, WorkerDescription } from '../../supervisor/supervisor.ts';
import type { ChosenBackend, GpuReadings, Place } from '../parts.ts';
import type { LoadDecision } from '../settings/decide-load.ts';
import { readMachine } from '../settings/read-machine.ts';
import { createTruthWatch, type TruthWatch } from '../truth/truth-watch.ts';
import { describeDeath, type DeathRecord } from './death-record.ts';
import { createEnergyMeter } from './energy-meter.ts';
import { isOther, readFileIdentity, type FileIdentity } from './file-identity.ts';
import { createModelProcess, type ModelProcess } from './model-process.ts';

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
  /** Events of the worker for this request, until the returned function is called. */
  listen(requestId: string, onEvent: (event: WorkerGenerationEvent['event']) => void): () => void;
  /** Nobody waits for this request any more: it is stopped, with its process if need be. */
  abandon(requestId: string, ended: Promise<unknown>): void;
  /** Requests that nobody waits for and that the worker has not ended yet. */
  abandoned(): number;
  replaceIfStuck(): void;
  /** Asks the driver where it is. Never rejects. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** Work that cannot be stopped within this time is ended with its process, ms. */
const STUCK_AFTER_MS = 2000;
/** A load may take as long as a slow disk needs, and a minute for the rest. */
const SLOW_DISK_BYTES_PER_SECOND = 20e6;

export function createModelLife(options: ModelLifeOptions): ModelLife {
  const { id, model, asked, gpus, log, now, deaths, onChange } = options;
  const listeners = new Map<string, (event: WorkerGenerationEvent['event']) => void>();
  const zombies = new Map<string, { readonly stuckAtMs: number }>();
  let state: LoadedModel['state'] = 'starting';
  let progress: number | null = null;
  let process: ModelProcess | null = null;
  let loaded: LoadedParts | null = null;
  let loading: Promise<ModelProcess> | null = null;
  let resolved: EngineSettings = asked;
  let truth: GpuTruth = notYet('The model is being loaded.');
  let problem: Problem | null = null;
  let deathCause = Promise.resolve('The model\'s process ended.');
  let restarts = 0;
  let closed = false;

  function notYet(sentence: string): GpuTruth {
    return { verdict: 'unproved', colour: 'grey', title: 'Not known yet', sentence, backend: null, layersOnGpu: 0, layers: 0, placed: [], checks: [], problem: null, atMs: now() };
  }

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
      const { decision, backend } = plan;
      resolved = decision.settings;
      problem = null;
      progress = 0;
      const identity = await readFileIdentity(model.path);
      const watch = createTruthWatch({ gpus, places: plan.places, meant: decision.places, asked, why: backend.why, pid: () => process?.pid() ?? null, now });
      if (closed) throw gone();
      change('loading');
      const mine = (process ??= makeProcess(plan));
      const report = await mine.load(decision.worker, 60_000 + (model.bytes / SLOW_DISK_BYTES_PER_SECOND) * 1000);
      if (closed) throw gone();
      watch.loaded(report);
      truth = watch.truth();
      loaded?.meter.stop();
      loaded = { plan, report, identity, watch, meter: createEnergyMeter({ gpus, uuids: decision.settings.devices, pid: () => mine.pid(), now }), atMs: now(), seconds: (performance.now() - startMs) / 1000 };
      progress = null;
      log.info('model loaded', { id, name: model.name, backend: backend.id, gpuLayers: report.gpuLayers, layers: report.layers, contextTokens: report.contextTokens, seconds: Math.round(loaded.seconds * 100) / 100, chosen: decision.chosen });
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
      throw await decideLoadFailure(error);
    } finally {
      plan?.settled();
    }
  };

  const makeProcess = (plan: Plan): ModelProcess => {
    const { decision, backend } = plan;
    const uuids = decision.settings.devices.join(',');
    // The CPU's process sees no GPU at all: a context that nobody needs takes hundreds of megabytes there.
    const visible: Record<string, string> = { CUDA_VISIBLE_DEVICES: backend.kind === 'cpu' ? '' : uuids };
    const mine: ModelProcess = createModelProcess({
      supervisor: options.supervisor, name: `inference:${id}`, env: { ...backend.env, ...visible }, memoryLimitBytes: readMachine().memoryBytes, log,
      onGeneration: ({ requestId, event }) => { listeners.get(requestId)?.(event); },
      onProgress: (value) => {
        progress = value;
        options.onProgress();
      },
      onDeath: (cause) => { if (process === mine) died(cause); },
      ...(options.worker === undefined ? {} : { worker: options.worker }),
    });
    return mine;
  };

  const endProcess = async (): Promise<void> => {
    const mine = process;
    process = null;
    await mine?.stop();
  };

  /** What those who wait for the load are told. The process is gone then, unless it died by itself. */
  const decideLoadFailure = async (error: unknown): Promise<unknown> => {
    const found = problemOf(error);
    await endProcess();
    if (closed) return gone();
    if (found?.code === 'worker.gone') {
      await deathCause;
      change('failed');
      return problem === null ? error : new ProblemError(problem, { cause: error });
    }
    const code = found?.code ?? '';
    if (/^(?:load|model|engine|input)\./.test(code)) {
      problem = found;
      change('failed');
      return error;
    }
    const detail = found?.cause ?? (error instanceof Error ? error.message : String(error));
    problem = makeProblem('load.failed', { name: model.name, detail, remedy: 'Try again; the log has more.' }, { chain: found === null ? [] : [`${found.code}: ${found.cause}`, ...found.chain] });
    change('failed');
    return problemError('load.failed', problem.facts, { chain: problem.chain });
  };

  const ready = (): Promise<ModelProcess> => {
    if (closed) return Promise.reject(gone());
    if (state === 'ready' && process !== null && loaded !== null) return Promise.resolve(process);
    loading ??= Promise.resolve()
      .then(async () => {
        // How the last one ended must be known before the next is begun.
        await deathCause;
        deaths.check(model.id, model.name);
        return load(null);
      })
      .finally(() => { loading = null; });
    return loading;
  };

  const gone = (): Error => problemError('load.not_loaded', { what: model.name });

  function died(cause: Problem): void {
    const mine = process;
    const wasLoading = loading !== null;
    const identity = loaded?.identity ?? null;
    process = null;
    restarts += 1;
    truth = notYet('Its process ended.');
    loaded?.meter.stop();
    loaded = null;
    zombies.clear();
    void mine?.stop();
    deathCause = readFileIdentity(model.path).then((is) => {
      const otherFile = isOther(identity, is);
      const detail = describeDeath(cause, otherFile);
      log.warn('the process of a model ended', { id, name: model.name, detail });
      if (otherFile) problem = makeProblem('model.changed', { path: model.path });
      else {
        deaths.died(model.id, detail);
        problem = deaths.isBarred(model.id) ? makeProblem('load.crashed_twice', { name: model.name, detail }) : makeProblem('load.died', { name: model.name, detail, remedy: 'The next request loads it anew.' }, { chain: cause.chain });
      }
      onChange();
      return detail;
    });
    if (!wasLoading) change('failed');
    options.onSettled();
  }

  /** The computing of an ended answer does not stop: its process is replaced, unless it serves another. */
  const replaceIfStuck = (): void => {
    const mine = process;
    const plan = loaded?.plan;
    if (mine === null || plan === undefined || zombies.size === 0 || closed || loading !== null) return;
    if (zombies.size < options.users()) return;
    if (![...zombies.values()].some((zombie) => performance.now() >= zombie.stuckAtMs)) return;
    log.info('a stop did not come in time: the process is replaced', { id, name: model.name });
    loading = mine.kill().then(() => {
      restarts += 1;
      zombies.clear();
      state = 'starting';
      return load(plan);
    }).finally(() => { loading = null; });
    loading.catch((error: unknown) => { log.warn('a replaced process could not load its model', { id, error: String(error) }); });
  };

  const abandon = (requestId: string, ended: Promise<unknown>): void => {
    const mine = process;
    if (mine === null) return;
    zombies.set(requestId, { stuckAtMs: performance.now() + STUCK_AFTER_MS });
    const timer = setTimeout(replaceIfStuck, STUCK_AFTER_MS + 5);
    void mine.stopRequest(requestId);
    void ended.then(() => {
      clearTimeout(timer);
      zombies.delete(requestId);
      onChange();
    });
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
    listen(requestId, onEvent) {
      listeners.set(requestId, onEvent);
      return () => void listeners.delete(requestId);
    },
    abandon,
    abandoned: () => zombies.size,
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
