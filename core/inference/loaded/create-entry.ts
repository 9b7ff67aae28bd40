import type { EngineSettings, GenerateRequest, GenerationEvent, LoadedModel } from '../../../contract/inference.ts';
import type { Model } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Settings } from '../../../contract/settings.ts';
import type { Experience } from '../parts.ts';
import { isOther, readFileIdentity } from './file-identity.ts';
import { createLearning } from './learn-from-use.ts';
import { createModelLife, type ModelLifeOptions } from './model-life.ts';
import type { ModelProcess } from './model-process.ts';
import { createRequestSlots } from './request-slots.ts';
import { runAnswer, type AnswerOutcome } from './run-answer.ts';
import { createSpeedWindow } from './speed-window.ts';

export interface EntryOptions extends Pick<ModelLifeOptions, 'id' | 'model' | 'asked' | 'plan' | 'supervisor' | 'gpus' | 'deaths' | 'log' | 'now' | 'onChange' | 'worker'> {
  readonly experience: Experience;
  readonly settings: () => Settings['inference'];
  readonly onAnswer: (outcome: AnswerOutcome) => void;
  readonly onRefused: () => void;
  /** It has been left alone long enough, or its file is another now. */
  readonly onIdle: () => void;
}

/** A model that is in memory, or was and will be again. Its id outlives its process. */
export interface Entry {
  readonly id: string;
  readonly model: Model;
  readonly asked: EngineSettings;
  resolved(): EngineSettings;
  state(): LoadedModel['state'];
  isBusy(): boolean;
  lastUsedAtMs(): number;
  snapshot(): LoadedModel;
  /** Loads it where it is not, once for all who ask. @throws ProblemError */
  ready(): Promise<ModelProcess>;
  generate(request: GenerateRequest, signal: AbortSignal | undefined): AsyncGenerator<GenerationEvent, void, void>;
  /** Runs something else in the process of the model, as one of its users. */
  use<T>(signal: AbortSignal | undefined, work: (process: ModelProcess) => Promise<T>): Promise<T>;
  /** Memory that it takes, by place. */
  bytes(): ReadonlyMap<string, number>;
  /** `unload`, and never again. */
  close(): Promise<void>;
}

/** The first look during an answer: readings follow the load after about a second, ms. */
const LOOK_AFTER_MS = 1500;
/** Faces hear of a speed that changes so often at most, ms. */
const TELL_EVERY_MS = 500;
/** Between two looks at an unused model's age, ms: a changed setting counts from then on. */
const LONGEST_TIMER_MS = 30_000;

export function createEntry(options: EntryOptions): Entry {
  const { id, model, asked, log, now, onChange } = options;
  const slots = createRequestSlots(() => life.resolved().parallel);
  const speed = createSpeedWindow(now);
  const life = createModelLife({
    ...options,
    onProgress: () => { tell(); },
    onSettled() {
      lastUsedAtMs = now();
      armIdle();
    },
    users: () => slots.active() + users,
  });
  const learning = createLearning({ model, experience: options.experience, life, now, isAlone: () => slots.active() <= 1, hasAnswered: () => speed.average() !== null });
  let lastUsedAtMs = now();
  let contextUsed: number | null = null;
  let durations: number[] = [];
  let users = 0;
  let idleTimer: NodeJS.Timeout | null = null;
  let toldAtMs = 0;

  const look = async (): Promise<void> => {
    await life.look();
    await learning.memory();
  };

  const done = (outcome: AnswerOutcome): void => {
    const { figures, result, energy } = outcome;
    lastUsedAtMs = now();
    contextUsed = result?.contextUsed ?? contextUsed;
    if (result !== null) durations = [...durations, figures.seconds].slice(-10);
    if (figures.decodeTokensPerSecond !== null) speed.answered(figures.decodeTokensPerSecond);
    life.parts()?.watch.answered(energy);
    learning.speed(figures);
    options.onAnswer(outcome);
    void look();
    armIdle();
  };

  const tell = (): void => {
    if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = performance.now();
    onChange();
  };

  function armIdle(): void {
    if (idleTimer !== null) clearTimeout(idleTimer);
    idleTimer = null;
    const until = unloadsAtMs();
    if (until === null || life.isClosed()) return;
    idleTimer = setTimeout(() => {
      const due = unloadsAtMs();
      if (due !== null && due <= now() && !inUse()) options.onIdle();
      else armIdle();
    }, Math.max(1, Math.min(LONGEST_TIMER_MS, until - now())));
    idleTimer.unref();
  }

  const inUse = (): boolean => slots.active() + slots.waiting() + users > 0 || life.isLoading();
  const unloadsAtMs = (): number | null => {
    const minutes = options.settings().unloadMinutes;
    // While it is in use the timer only looks again.
    return minutes === 0 ? null : (inUse() ? now() : lastUsedAtMs) + minutes * 60_000;
  };

  /** How long the first of those who wait will wait, s, by the last answers. */
  const waitSeconds = (): number => {
    const mean = durations.length === 0 ? 5 : durations.reduce((sum, seconds) => sum + seconds, 0) / durations.length;
    return Math.max(1, Math.ceil((mean * slots.waiting()) / Math.max(1, life.resolved().parallel)));
  };

  const takeSlot = async (signal: AbortSignal, onAhead: (ahead: number) => void): Promise<() => void> => {
    // Nothing is waited for before the place in the queue is taken: who came first is first.
    if (slots.active() >= life.resolved().parallel && slots.waiting() >= options.settings().maxWaiting) {
      options.onRefused();
      throw problemError('generate.too_many', { waiting: slots.waiting(), name: model.name, seconds: waitSeconds() });
    }
    lastUsedAtMs = now();
    const taken = slots.take(signal, onAhead);
    tell();
    const free = await taken;
    try {
      await refuseChanged();
    } catch (error) {
      free();
      throw error;
    }
    return () => {
      free();
      life.replaceIfStuck();
      lastUsedAtMs = now();
      onChange();
      armIdle();
    };
  };

  /** @throws ProblemError `model.changed`; the next request loads what is there now */
  const refuseChanged = async (): Promise<void> => {
    const mine = life.parts();
    if (mine === null || life.state() !== 'ready' || !isOther(mine.identity, await readFileIdentity(model.path)) || life.parts() !== mine) return;
    log.warn('a model file was changed while it was in use', { id, path: model.path });
    options.onIdle();
    throw problemError('model.changed', { path: model.path });
  };

  return {
    id,
    model,
    asked,
    resolved: () => life.resolved(),
    state: () => life.state(),
    isBusy: inUse,
    lastUsedAtMs: () => lastUsedAtMs,
    ready: () => life.ready(),
    generate: (request, signal) => runAnswer({
      name: model.name,
      takeSlot,
      isReady: () => life.state() === 'ready',
      ready: () => life.ready(),
      contextTokens: () => life.parts()?.report.contextTokens ?? life.resolved().contextTokens ?? 0,
      roofline: (depth) => learning.roofline(depth),
      lastDeath: () => life.lastDeath(),
      beginEnergy: () => life.parts()?.meter.begin() ?? { end: () => ({ joules: null, watts: null, utilGpuPercent: null }) },
      listen(requestId, onEvent) {
        let first = true;
        return life.listen(requestId, (event) => {
          if (event.t === 'text') {
            speed.token(event.tokens);
            if (first && life.truth().backend !== 'cpu') setTimeout(() => void look(), LOOK_AFTER_MS).unref();
            first = false;
          }
          onEvent(event);
          tell();
        });
      },
      abandon: (requestId, ended) => { life.abandon(requestId, ended); },
      done,
    }, request, signal),
    async use(signal, work) {
      signal?.throwIfAborted();
      await refuseChanged();
      users += 1;
      lastUsedAtMs = now();
      try {
        const answer = work(await life.ready());
        if (signal === undefined) return await answer;
        return await new Promise((resolve, reject) => {
          const onAbort = (): void => { reject(signal.reason); };
          signal.addEventListener('abort', onAbort, { once: true });
          answer.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort); });
        });
      } catch (error) {
        if (problemOf(error)?.code === 'worker.gone') throw problemError('load.died', { name: model.name, detail: await life.lastDeath(), remedy: 'Ask again; it is loaded anew.' });
        throw error;
      } finally {
        users -= 1;
        lastUsedAtMs = now();
        armIdle();
      }
    },
    bytes() {
      const map = new Map<string, number>();
      for (const part of life.parts()?.watch.truth().placed ?? []) map.set(part.uuid ?? 'cpu', (map.get(part.uuid ?? 'cpu') ?? 0) + part.bytes);
      const held = life.parts()?.watch.processBytes();
      for (const uuid of map.keys()) map.set(uuid, Math.max(map.get(uuid) ?? 0, held?.get(uuid) ?? 0));
      return map;
    },
    snapshot() {
      const parts = life.parts();
      const abandoned = life.abandoned();
      return {
        id,
        modelId: model.id,
        name: model.name,
        quantisation: model.facts?.quantisation ?? 'unknown',
        state: life.state(),
        progress: life.progress(),
        settings: life.resolved(),
        backendId: parts?.plan.backend.id ?? null,
        release: parts?.report.release ?? null,
        contextTokens: parts?.report.contextTokens ?? null,
        flashAttention: parts?.report.flashAttention ?? null,
        threads: parts?.report.threads ?? null,
        template: parts?.report.template.name ?? null,
        pid: life.process()?.pid() ?? null,
        bytes: parts?.report.bytes ?? null,
        truth: life.truth(),
        loadedAtMs: parts?.atMs ?? null,
        loadSeconds: parts?.seconds ?? null,
        lastUsedAtMs,
        unloadsAtMs: inUse() ? null : unloadsAtMs(),
        requestsActive: Math.max(0, slots.active() - abandoned),
        requestsQueued: slots.waiting(),
        tokensPerSecondNow: slots.active() > abandoned ? speed.now() : null,
        tokensPerSecondAverage: speed.average(),
        contextUsed,
        restarts: life.restarts(),
        problem: life.problem(),
      };
    },
    async close() {
      if (idleTimer !== null) clearTimeout(idleTimer);
      await life.close();
    },
  };
}
