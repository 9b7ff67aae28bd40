import { createHash } from 'node:crypto';
import type { ChatTurn, EngineSettings, GenerateRequest, GenerationEvent, InferenceTotals, LoadedModel, LoadWish } from '../../../contract/inference.ts';
import type { WorkerMeasureResult } from '../../../contract/inference-worker.ts';
import type { Model } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Settings } from '../../../contract/settings.ts';
import { createGauge } from '../../engine/gauge.ts';
import type { Given, LoadedServices } from '../../engine/inference-services.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor, WorkerDescription } from '../../supervisor/supervisor.ts';
import { neededBytes } from '../models/estimate-memory.ts';
import type { Answer, BackendChooser, Experience, GpuReadings, ModelFinder, Place } from '../parts.ts';
import { decideLoad, type LoadDecision } from '../settings/decide-load.ts';
import { decideMatch, mergeSettings } from '../settings/merge-settings.ts';
import { readMachine } from '../settings/read-machine.ts';
import type { LoadedNeighbour } from '../settings/refuse-for-memory.ts';
import { settingNotes } from '../settings/setting-notes.ts';
import { awaitReading } from './await-reading.ts';
import { completeRequest } from './complete-request.ts';
import { createEntry, type Entry } from './create-entry.ts';
import { createDeathRecord } from './death-record.ts';
import { createInferenceMetrics, type MetricSample } from './inference-metrics.ts';
import type { Plan } from './load-model.ts';

export interface LoadedOptions {
  readonly supervisor: Supervisor;
  readonly models: ModelFinder;
  readonly backends: BackendChooser;
  readonly experience: Experience;
  readonly gpus: GpuReadings;
  readonly places: () => readonly Place[];
  readonly settings: () => Settings['inference'];
  readonly saveProfile: (modelId: string, settings: Given<EngineSettings>) => Promise<void>;
  readonly log: Logger;
  readonly now?: () => number;
  /** Tests shorten times. */
  readonly worker?: Partial<WorkerDescription>;
}

export interface Loaded extends LoadedServices {
  /** Answers with the model of this wish, loaded when the first answer is asked for. */
  answer(wish: Given<LoadWish>): Answer;
  embed(wish: Given<LoadWish>, texts: readonly string[], signal?: AbortSignal): Promise<{ vectors: number[][]; tokens: number }>;
  /** Tokens of a text, or of turns in the model's template. */
  count(wish: Given<LoadWish>, what: { readonly text: string } | { readonly turns: readonly ChatTurn[] }, signal?: AbortSignal): Promise<number>;
  /** Prompt and decode speed of a loaded model with made-up tokens, tokens a second. @throws ProblemError `load.not_loaded` */
  measure(loadedId: string, input: { readonly promptTokens: number; readonly decodeTokens: number; readonly depth: number; readonly repeats: number }, signal?: AbortSignal): Promise<WorkerMeasureResult>;
  totals(): InferenceTotals;
  metrics(): MetricSample[];
  onChange(listener: () => void): () => void;
  stop(): Promise<void>;
}

/** A measurement is ended by force after this long, ms. */
const MEASURE_TIMEOUT_MS = 3_600_000;

/** The models in memory: which there are, who may be loaded, who has to go. */
export function createLoaded(options: LoadedOptions): Loaded {
  const { models, backends, experience, gpus, places, settings } = options;
  const now = options.now ?? Date.now;
  const log = options.log.child('inference');
  const entries = new Map<string, Entry>();
  const gauge = createGauge<LoadedModel[]>([]);
  const listeners = new Set<() => void>();
  const deaths = createDeathRecord(now);
  const metrics = createInferenceMetrics();
  /** Bytes that loads under way will take, which no reading shows yet. */
  const reserved = new Map<symbol, { readonly places: readonly string[]; readonly bytes: number }>();
  const leaving = new Map<Entry, Promise<void>>();
  /** When a model last gave memory of a GPU back, by the clock of the readings. */
  let leftGpuAtMs: number | null = null;
  let stopped = false;
  let telling = false;

  /** Several changes of one moment are told once. */
  const changed = (): void => {
    if (telling) return;
    telling = true;
    queueMicrotask(() => {
      telling = false;
      gauge.publish(list());
      for (const listener of [...listeners]) listener();
    });
  };

  const list = (): LoadedModel[] => [...entries.values()].map((entry) => entry.snapshot());

  const neighbours = (except: string): LoadedNeighbour[] => [...entries.values()].filter((entry) => entry.id !== except && entry.state() !== 'failed').map((entry) => ({ id: entry.id, name: entry.model.name, bytes: entry.bytes(), lastUsedAtMs: entry.lastUsedAtMs(), busy: entry.isBusy() }));

  const remove = (entry: Entry): Promise<void> => {
    const known = leaving.get(entry);
    if (known !== undefined) return known;
    const wasOnGpu = [...entry.bytes().keys()].some((key) => key !== 'cpu');
    const left = entry.close().finally(() => {
      if (wasOnGpu) leftGpuAtMs = Date.now();
      entries.delete(entry.id);
      leaving.delete(entry);
      changed();
    });
    leaving.set(entry, left);
    return left;
  };

  /** As many as may be are there: the one that was left alone longest goes. @throws ProblemError `load.too_many` */
  const makeWay = async (except: string): Promise<void> => {
    for (;;) {
      const inMemory = [...entries.values()].filter((entry) => entry.id !== except && entry.state() !== 'failed');
      if (inMemory.length < settings().maxLoaded) return;
      const idle = inMemory.filter((entry) => !entry.isBusy()).toSorted((a, b) => a.lastUsedAtMs() - b.lastUsedAtMs())[0];
      if (idle === undefined) throw problemError('load.too_many', { count: inMemory.length });
      log.info('a model is unloaded for another', { id: idle.id, name: idle.model.name });
      await remove(idle);
    }
  };

  const freePlaces = (): Place[] => places().map((place) => {
    if (place.freeBytes === null) return place;
    let freeBytes = place.freeBytes;
    // Over several places it is divided evenly: near enough for the seconds of a load.
    for (const load of reserved.values()) if (load.places.includes(place.key)) freeBytes -= load.bytes / load.places.length;
    return { ...place, freeBytes };
  });

  const plan = async (id: string, model: Model, asked: EngineSettings, makeRoom: boolean): Promise<Plan> => {
    await makeWay(id);
    const draft = asked.draftModel === null ? null : await models.find(asked.draftModel);
    const backend = await backends.choose({ backend: asked.backend, devices: asked.devices });
    if (leftGpuAtMs !== null && backend.kind !== 'cpu') {
      const since = leftGpuAtMs;
      await awaitReading(gpus, since);
      // Waited for once: where no reading comes, or the clocks differ, the next load is not held up too.
      if (leftGpuAtMs === since) leftGpuAtMs = null;
    }
    const here = freePlaces();
    const decision: LoadDecision = decideLoad({
      model, settings: asked, backend, places: here, machine: readMachine(), draft, neighbours: neighbours(id), makeRoom,
      estimate: (wanted, place) => experience.estimate(model.facts ?? failFacts(), wanted, place, backend.kind),
    });
    const mark = Symbol(id);
    reserved.set(mark, { places: decision.places.map((place) => place.key), bytes: decision.estimate === null ? 0 : neededBytes(decision.estimate) });
    for (const other of decision.unload) {
      const entry = entries.get(other);
      if (entry !== undefined) await remove(entry);
    }
    return { decision, backend, places: here, settled: () => void reserved.delete(mark) };
  };

  /** One that is there and is what this wish means, a ready one first. */
  const findLoaded = (model: Model, wish: Given<LoadWish>): Entry | undefined => [...entries.values()]
    .filter((entry) => entry.model.id === model.id && decideMatch(wish.settings, entry.asked, entry.resolved()))
    .toSorted((a, b) => Number(b.state() === 'ready') - Number(a.state() === 'ready') || b.lastUsedAtMs() - a.lastUsedAtMs())[0];

  /** The entry that a wish means: one that is there, or a new one. */
  const find = async (wish: Given<LoadWish>): Promise<Entry> => {
    const model = await models.find(wish.model ?? null);
    if (stopped) throw problemError('load.not_loaded', { what: model.name });
    let best = findLoaded(model, wish);
    for (let left = best && leaving.get(best); left !== undefined; left = best && leaving.get(best)) {
      await left;
      best = findLoaded(model, wish);
    }
    // From here to the end without a wait: of ten who ask at the same time one makes it.
    if (best !== undefined) return best;
    const asked = mergeSettings(settings().profiles[model.id], wish.settings);
    const id = createHash('sha256').update(JSON.stringify([model.id, Object.entries(asked).toSorted(([a], [b]) => (a < b ? -1 : 1))])).digest('hex').slice(0, 12);
    const entry: Entry = createEntry({
      id, model, asked, plan: () => plan(id, model, asked, wish.makeRoom ?? false), supervisor: options.supervisor, gpus, experience, settings, deaths, log, now, onChange: changed,
      onAnswer: (outcome) => { metrics.answered(outcome); },
      onRefused: () => { metrics.refused(); },
      onIdle: () => { void remove(entry); },
      ...(options.worker === undefined ? {} : { worker: options.worker }),
    });
    entries.set(id, entry);
    changed();
    return entry;
  };

  /** One that could not even be loaded is not kept: whoever asked has been told why. */
  const ready = async (entry: Entry): Promise<void> => {
    try {
      await entry.ready();
      models.used(entry.model.id, now());
    } catch (error) {
      forget(entry);
      throw error;
    }
  };

  const forget = (entry: Entry): void => {
    const { problem, state, loadedAtMs } = entry.snapshot();
    if (state !== 'failed' || loadedAtMs !== null || problem?.code === 'load.died' || problem?.code === 'load.crashed_twice') return;
    void remove(entry);
  };

  async function* generate(wish: Given<LoadWish>, request: Given<GenerateRequest>, signal?: AbortSignal): AsyncGenerator<GenerationEvent, void, void> {
    const complete = completeRequest(request, settings());
    const entry = await find(wish);
    metrics.asked();
    try {
      yield* entry.generate(complete, signal);
    } finally {
      if (entry.state() === 'ready') models.used(entry.model.id, now());
      forget(entry);
    }
  }

  return {
    gauge,
    list,
    async load(wish, signal) {
      signal?.throwIfAborted();
      const model = await models.find(wish.model ?? null);
      // By hand: it gets its chance again.
      deaths.forgive(model.id);
      const entry = await find(wish);
      await abortable(ready(entry), signal);
      return entry.snapshot();
    },
    async unload(id) {
      const entry = entries.get(id);
      if (entry === undefined) throw problemError('load.not_loaded', { what: id });
      await remove(entry);
    },
    setProfile: (modelId, profile) => options.saveProfile(modelId, profile),
    generate,
    settingNotes: () => [...settingNotes],
    answer: (wish) => (request, signal) => generate(wish, request, signal),
    async embed(wish, texts, signal) {
      const entry = await find(wish);
      return entry.use(signal, (process) => process.embed(texts));
    },
    async count(wish, what, signal) {
      const entry = await find(wish);
      return entry.use(signal, (process) => process.count({ text: 'text' in what ? what.text : null, turns: 'turns' in what ? what.turns : null }));
    },
    async measure(loadedId, input, signal) {
      const entry = entries.get(loadedId);
      if (entry === undefined) throw problemError('load.not_loaded', { what: loadedId });
      return entry.use(signal, (process) => process.measure(input, MEASURE_TIMEOUT_MS));
    },
    totals: () => metrics.totals(),
    metrics: () => metrics.samples(list()),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async stop() {
      stopped = true;
      await Promise.all([...entries.values()].map((entry) => remove(entry)));
    },
  };
}

function failFacts(): never {
  throw new Error('Nothing is estimated for a file without facts.');
}

/** Whoever leaves is not waited for; what others wait for goes on. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => { reject(signal.reason); };
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => { signal.removeEventListener('abort', onAbort); });
  });
}
