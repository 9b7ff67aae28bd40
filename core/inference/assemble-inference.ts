/**
 * Puts the inference parts together: models, downloads, builds of llama.cpp, models in memory, servers, chat and
 * comparisons. `app.ts` hands in what is of other areas.
 */
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answerer } from '../../contract/chat.ts';
import type { GpuTruth, LoadWish } from '../../contract/inference.ts';
import type { LibraryReply } from '../../contract/environment-probe.ts';
import type { Model } from '../../contract/models.ts';
import type { Settings } from '../../contract/settings.ts';
import type { ReadinessLine } from '../../contract/system.ts';
import type { Given, InferenceServices } from '../engine/inference-services.ts';
import type { GpuService } from '../gpu/gpu-service.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import type { Logger } from '../logging/logger.ts';
import type { StorageClient } from '../storage/storage-client.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { createBackends } from './backends/create-backends.ts';
import { createChat } from './chat/create-chat.ts';
import { createComparisons } from './comparisons/create-comparisons.ts';
import { createDownloads } from './downloads/create-downloads.ts';
import { createHub } from './hub/create-hub.ts';
import { createLoaded, type Loaded } from './loaded/create-loaded.ts';
import { readGpuHardware, type GpuHardware } from './loaded/gpu-hardware.ts';
import { createGpuReadings } from './loaded/gpu-readings.ts';
import { decidePlaces } from './loaded/places.ts';
import { createModels } from './models/create-models.ts';
import type { MeasureWith } from './models/measure-speed.ts';
import { createPackageRunner, type RunPackageTool } from './packages/create-package-runner.ts';
import { createWheelFetcher, createWheelUnpacker } from './packages/fetch-wheels.ts';
import type { PackageTools } from './packages/package-tools.ts';
import type { Answer, Place } from './parts.ts';
import { createProviders } from './providers/create-providers.ts';
import { decideChatReadiness } from './readiness.ts';
import { decideMatch } from './settings/merge-settings.ts';
import { readMachine } from './settings/read-machine.ts';

export interface AssembleInferenceOptions {
  readonly root: string;
  readonly modelsRoot: string;
  readonly resources: string;
  /** node_modules/node-llama-cpp as installed. */
  readonly packageFolder: string;
  /** Nothing is kept on disk. */
  readonly ephemeral: boolean;
  readonly supervisor: Supervisor;
  readonly jobs: Jobs;
  readonly storage: StorageClient;
  readonly gpus: GpuService;
  readonly environments: {
    packagePlaces(): readonly { readonly prefix: string; readonly sitePackages: readonly string[] }[];
    readLibrary(path: string): Promise<LibraryReply>;
    judgeCode: Parameters<typeof createBackends>[0]['judgeCode'];
    readonly packageTools: PackageTools;
  };
  readonly settings: () => Settings['inference'];
  readonly updateSettings: (change: Partial<Settings['inference']>) => Promise<unknown>;
  readonly secrets: { get(name: 'hub_token' | `provider:${string}`): Promise<string | null>; set(name: string, value: string | null): Promise<unknown>; onChange(listener: (name: string) => void): unknown };
  readonly log: Logger;
}

export interface AssembledInference {
  readonly services: InferenceServices;
  /** pip or uv, as this user has them. */
  readonly runPackageTool: RunPackageTool;
  readonly loaded: Loaded;
  /** By id, path or name; null: the default one. @throws ProblemError `model.not_found`, `model.none` */
  findModel(reference: string | null): Promise<Model>;
  /** For `/v1`. */
  models(): Promise<readonly { readonly id: string; readonly createdAtMs: number; readonly ownedBy: string }[]>;
  /** The settings of inference are others. */
  settingsChanged(): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readiness(): ReadinessLine;
  /** The engine lives as long as something is answered. */
  busy(): boolean;
  onChange(listener: () => void): () => void;
}

/** What a measurement of speed is made of: as llama-bench's defaults, fewer repeats. */
const MEASURE = { promptTokens: 512, decodeTokens: 128, depth: 0, repeats: 5 } as const;
const HUB_URL = 'https://huggingface.co';

export function assembleInference(options: AssembleInferenceOptions): AssembledInference {
  const { supervisor, jobs, settings, updateSettings, root, environments, ephemeral } = options;
  const log = options.log;
  const readings = createGpuReadings(options.gpus);
  let hardware: GpuHardware = { gpus: [] } as unknown as GpuHardware;
  const places = (): readonly Place[] => decidePlaces({ inventory: readings.inventory(), freeBytes: readings.freeBytes(), machine: readMachine(), hardware });
  const hub = createHub({ baseUrl: () => settings().hubUrl ?? HUB_URL, token: () => options.secrets.get('hub_token'), log });
  const runPackageTool = createPackageRunner({ supervisor, tools: environments.packageTools, log });

  const backends = createBackends({
    supervisor, jobs, log, resources: options.resources, packageFolder: options.packageFolder, env: process.env,
    dataFolder: ephemeral ? join(tmpdir(), `warpdeck-backends-${String(process.pid)}`) : join(root, 'backends'),
    readLibrary: async (path) => {
      const { census, needed } = await environments.readLibrary(path);
      return { code: census.code, needed, troubles: census.troubles };
    },
    judgeCode: environments.judgeCode,
    environments: () => environments.packagePlaces(),
    inventory: () => readings.inventory(),
    places,
    unpackWheels: createWheelUnpacker(runPackageTool),
  });

  const measureWith: MeasureWith = async (model, wished, place, signal, onProgress) => {
    onProgress(0);
    const wish: Given<LoadWish> = { model: model.path, settings: { ...wished, ...(place.kind === 'cpu' ? { backend: 'cpu' } : { devices: [place.key] }) }, makeRoom: true };
    const before = new Set(loaded.list().map((one) => one.id));
    const at = await loaded.load(wish, signal);
    onProgress(0.3);
    try {
      return await loaded.measure(at.id, MEASURE, signal);
    } finally {
      // What was loaded only to be measured goes again.
      if (!before.has(at.id)) await loaded.unload(at.id).catch(() => undefined);
    }
  };
  const models = createModels({
    supervisor, jobs, log, resources: options.resources, settings, updateSettings, dataFolder: ephemeral ? null : options.modelsRoot, env: process.env, home: homedir(), places,
    loaded: () => loaded.list(), hub, measureWith,
  });
  const loaded: Loaded = createLoaded({
    supervisor, models, backends, experience: models.experience, gpus: readings, places, settings, log,
    saveProfile: async (modelId, profile) => { await updateSettings({ profiles: { ...settings().profiles, [modelId]: Object.fromEntries(Object.entries(profile).filter(([, value]) => value !== undefined)) } }); },
  });
  const downloads = createDownloads({ settings, modelsFolder: () => models.ownFolder() ?? join(tmpdir(), `warpdeck-models-${String(process.pid)}`), offered: () => models.offered(), hub, jobs, fetchWheel: createWheelFetcher(runPackageTool), hash: models.hash, log, ephemeral });
  downloads.onDone(async ({ paths: [first], origin }) => (first === undefined ? null : (await models.add(first, origin)).id));
  const providers = createProviders({ settings, updateProviders: (list) => updateSettings({ providers: list }), secrets: { get: (name) => options.secrets.get(name as `provider:${string}`), set: options.secrets.set }, log });

  /** Who answers: a model here, or another server. */
  const answererOf = async (answerer: Answerer): Promise<{ modelName: string; provider: string | null; answer: Answer; truth: () => GpuTruth | null; memoryBytes: () => number | null }> => {
    if (answerer.provider !== null) return providers.open(answerer.provider, answerer.model, { maxTokens: settings().maxAnswerTokens });
    const model = await models.find(answerer.model);
    const wish: Given<LoadWish> = { model: model.id, settings: answerer.settings, makeRoom: true };
    const here = (): ReturnType<Loaded['list']>[number] | undefined => loaded.list().find((one) => one.modelId === model.id && decideMatch(answerer.settings, one.settings, one.settings));
    return {
      modelName: `${model.name}${model.facts === null ? '' : ` ${model.facts.quantisation}`}`, provider: null, answer: loaded.answer(wish),
      truth: () => here()?.truth ?? null,
      memoryBytes: () => {
        const bytes = here()?.bytes ?? null;
        return bytes === null ? null : bytes.weights + bytes.hostWeights + bytes.cache + bytes.work;
      },
    };
  };
  const listeners = new Set<() => void>();
  const tell = (): void => { for (const listener of [...listeners]) listener(); };
  const chat = createChat({ store: options.storage, answer: answererOf, settings, log, onActivity: tell });
  const comparisons = createComparisons({ jobs, answer: answererOf, folder: ephemeral ? null : join(root, 'comparisons'), resources: options.resources, timeLimitSeconds: () => settings().maxAnswerMinutes * 60, log });
  options.secrets.onChange((name) => { providers.secretChanged(name); });
  models.onChange(tell);
  loaded.onChange(tell);

  return {
    services: { models, downloads, backends, loaded, providers, chat, comparisons },
    runPackageTool,
    loaded,
    findModel: (reference) => models.find(reference),
    models: async () => (await models.search()).models.filter((m) => m.facts !== null && !m.synthetic && !m.problems.some((p) => p.severity === 'problem')).map((m) => ({ id: m.id, createdAtMs: m.changedAtMs, ownedBy: m.home })),
    settingsChanged: () => { providers.settingsChanged(); },
    async start() {
      hardware = await readGpuHardware(options.resources);
      await models.load();
      await downloads.load();
      // Not waited for: a keyring may take its time.
      void providers.refresh();
    },
    async stop() {
      await chat.close();
      await Promise.allSettled([comparisons.stop(), downloads.stop(), providers.stop(), loaded.stop(), models.stop(), backends.stop()]);
      hub.close();
    },
    // Without asking: the first question starts a search.
    readiness: () => decideChatReadiness(models.gauge.get() ?? { models: [], searchedAtMs: null, searching: false, folders: [] }, loaded.list()),
    busy: () => chat.activeCount() > 0,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
