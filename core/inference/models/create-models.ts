import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { engineSettings, type EngineSettings, type LoadedModel } from '../../../contract/inference.ts';
import type { Model, ModelSubject, OfferedModel } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Settings } from '../../../contract/settings.ts';
import type { Given, ModelServices } from '../../engine/inference-services.ts';
import type { Jobs } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor, WorkerDescription } from '../../supervisor/supervisor.ts';
import type { Experience, ModelFinder, Place } from '../parts.ts';
import { createExperience } from './create-experience.ts';
import { createKnownModels } from './known-models.ts';
import { createModelProbe, type ModelProbe } from './model-probe.ts';
import { createLibrary } from './create-library.ts';
import type { ModelFolder } from './decide-folders.ts';
import { nameOf } from './describe-model.ts';
import { decideDefault, findModel } from './find-model.ts';
import { measureModel, measureSynthetic, shapeIdOf, type MeasureWish, type MeasureWith } from './measure-speed.ts';
import { decideFilePlaces } from './decide-file-places.ts';
import { createReadHeaders, decideHeaderPlace, findHeader, markHere, readOfferedModels, type HeaderPlace, type ReadHeader } from './offered-models.ts';
import { decideOutlook, backendFor } from './decide-outlook.ts';
import { readRemoteHeader, type HeaderFetch } from './read-remote-header.ts';
import { createRemovals } from './remove-model.ts';
import { verifyModel } from './verify-model.ts';

export interface ModelsOptions {
  readonly supervisor: Supervisor;
  readonly jobs: Jobs;
  readonly log: Logger;
  readonly resources: string;
  readonly settings: () => Settings['inference'];
  readonly updateSettings: (change: Partial<Settings['inference']>) => Promise<unknown>;
  /** `models` lies in it, and what is known of them; null: nothing is kept. */
  readonly dataFolder: string | null;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly platform?: NodeJS.Platform;
  readonly places: () => readonly Place[];
  readonly loaded: () => readonly LoadedModel[];
  readonly hub: HeaderFetch & {
    lookUp(repository: string, revision: string | null, signal?: AbortSignal): Promise<OfferedModel>;
    /** Address of a file. */
    resolve(repository: string, revision: string | null, file: string): string;
  };
  readonly measureWith: MeasureWith;
  /** Tests shorten its times. */
  readonly worker?: Partial<WorkerDescription>;
}

export interface Models extends ModelServices, ModelFinder {
  readonly experience: Experience;
  /** The list changed. */
  onChange(listener: () => void): () => void;
  /** SHA-256 of a file, made by the process that reads models. */
  readonly hash: ModelProbe['hash'];
  /** A finished download: it is in the list from then on. */
  add(path: string, origin: Model['origin']): Promise<Model>;
  /** Folders that are searched. */
  folders(): Promise<readonly ModelFolder[]>;
  /** Where downloads go; null: nowhere, because nothing is kept. */
  ownFolder(): string | null;
  /** Reads what was known of models; once, first of all. */
  load(): Promise<void>;
  stop(): Promise<void>;
}

/** A search is not repeated because of a name that is not found, when it was so short ago, ms. */
const FRESH_MS = 2000;

/** Model files of this machine and what is known of them. */
export function createModels(options: ModelsOptions): Models {
  const { jobs, settings, dataFolder, loaded, hub, places } = options;
  const log = options.log.child('models');
  const probe = createModelProbe({ supervisor: options.supervisor, log: options.log, ...(options.worker === undefined ? {} : { worker: options.worker }) });
  const known = createKnownModels(dataFolder === null ? null : join(dataFolder, 'known-models.json'), log);
  const measuringFolder = dataFolder === null ? null : join(dataFolder, 'measuring');
  const library = createLibrary({ probe, known, settings, dataFolder, env: options.env, home: options.home, platform: options.platform ?? process.platform });
  const { gauge, search, searched, put } = library;
  const experience = createExperience(known, library.tell);
  let table: Promise<OfferedModel[]> | null = null;
  /** Repositories that were looked up: their files can be asked about by id. */
  const lookedUp = new Map<string, OfferedModel>();
  const headers = createReadHeaders();

  const offers = async (): Promise<OfferedModel[]> => (await (table ??= readOfferedModels(options.resources)));

  const find = async (reference: string | null): Promise<Model> => {
    let models = (await searched()).models;
    if (reference === null) {
      const model = decideDefault(models, settings().defaultModel) ?? decideDefault((await search()).models, settings().defaultModel);
      if (model === null) throw problemError('model.none');
      return model;
    }
    const path = isAbsolute(reference) ? resolve(reference) : reference;
    let model = findModel(path, models, await offers());
    if (model === null && Date.now() - (library.now().searchedAtMs ?? 0) > FRESH_MS) {
      models = (await search()).models;
      model = findModel(path, models, await offers());
    }
    if (model !== null) return model;
    if (!isAbsolute(reference) || !(await stat(path).then((s) => s.isFile(), () => false))) throw problemError('model.not_found', { what: reference });
    const stray = await library.readAgain(path, undefined);
    library.keep(stray.id);
    return put(stray);
  };

  const offerOf = async (): Promise<OfferedModel[]> => [...lookedUp.values(), ...(await offers())];

  const parseSettings = (given: Given<EngineSettings>): EngineSettings => engineSettings.parse(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));

  /** With which files are here, and what each of them would need and give on every place. */
  const describeOffer = (offer: OfferedModel, models: readonly Model[]): OfferedModel => {
    const marked = markHere(offer, models);
    const common = { offer, settings: engineSettings.parse({}), places: places(), loaded: loaded(), experience, records: known.speeds() };
    return {
      ...marked,
      files: marked.files.map((file) => {
        const header = findHeader(marked, file, models, headers);
        const ids = header?.own === true ? [...(file.hereAs === null ? [] : [file.hereAs]), shapeIdOf(header.facts)] : [];
        return { ...file, places: decideFilePlaces({ ...common, file, header, ids }) };
      }),
    };
  };

  /** A model that is here, when that is what is meant. */
  const modelOf = async (subject: ModelSubject): Promise<Model | null> => {
    if ('model' in subject) return find(subject.model);
    if (!('offered' in subject)) return null;
    const { models } = await searched();
    const offer = (await offerOf()).map((one) => markHere(one, models)).find((one) => one.id.toLowerCase() === subject.offered.toLowerCase());
    const here = offer?.files.find((file) => file.quantisation.toLowerCase() === subject.quantisation.toLowerCase())?.hereAs ?? null;
    return models.find((m) => m.id === here) ?? null;
  };

  const readHeaderOf = async (place: HeaderPlace, signal: AbortSignal | undefined): Promise<ReadHeader> => {
    const header = await readRemoteHeader(place.urls, hub, probe, signal);
    await header.remove();
    const read: ReadHeader = { facts: header.read.facts, problem: header.read.problem, fileBytes: header.fileBytes };
    headers.keep(place, read);
    return read;
  };

  const removals = createRemovals({
    get: find, loaded,
    removed: (model) => {
      for (const file of model.files) known.setOrigin(file.path, null);
      library.drop(model.id);
    },
  });

  return {
    gauge, experience, find, search,
    hash: probe.hash,
    folders: library.folders,
    ownFolder: library.ownFolder,
    onChange: library.onChange,
    list() {
      const { searchedAtMs, searching } = library.now();
      if (searchedAtMs === null && !searching) void search().catch((error: unknown) => { log.warn('models could not be searched', { detail: String(error) }); });
      return library.now();
    },
    async get(id) {
      const model = await find(id);
      return put(await library.readAgain(model.path, model));
    },
    async offered() {
      const { models } = await searched();
      return (await offerOf()).map((offer) => describeOffer(offer, models));
    },
    async lookUp(repository, revision, signal) {
      const { models } = await searched();
      const offer = await hub.lookUp(repository, revision, signal);
      lookedUp.delete(offer.id);
      lookedUp.set(offer.id, offer);
      const oldest = lookedUp.keys().next().value;
      if (lookedUp.size > 50 && oldest !== undefined) lookedUp.delete(oldest);
      return describeOffer(offer, models);
    },
    async outlook(subject, given, signal) {
      const wish = parseSettings(given);
      const here = await modelOf(subject);
      const common = { settings: wish, places: places(), loaded: loaded(), experience, records: known.speeds() };
      if (here !== null) return decideOutlook({ ...common, name: here.name, facts: here.facts, fileBytes: here.bytes, problems: here.problems, ids: [here.id, ...(here.facts === null ? [] : [shapeIdOf(here.facts)])] });
      if ('model' in subject) throw problemError('model.not_found', { what: subject.model });
      const place = decideHeaderPlace(subject, await offerOf(), (repository, revision, file) => hub.resolve(repository, revision, file));
      try {
        const read = headers.get(place) ?? (await readHeaderOf(place, signal));
        const { facts, problem, fileBytes } = read;
        return decideOutlook({ ...common, name: place.offer?.name ?? nameOf(place.name), facts, fileBytes, problems: problem === null ? [] : [problem], ids: facts === null ? [] : [shapeIdOf(facts)] });
      } catch (error) {
        signal?.throwIfAborted();
        const problem = problemOf(error);
        if (problem === null) throw error;
        // The size alone is known then: said, with why there is no more.
        return { name: place.offer?.name ?? nameOf(place.name), facts: null, fileBytes: place.fileBytes, memory: [], speed: [], problems: [problem] };
      }
    },
    async measure(subject, placeKey, given) {
      const here = await modelOf(subject);
      const all = places();
      const place = placeKey === null ? (all.filter((p) => p.kind === 'gpu').sort((a, b) => (b.freeBytes ?? 0) - (a.freeBytes ?? 0))[0] ?? all[0]) : all.find((p) => p.key === placeKey);
      if (place === undefined) throw problemError('load.settings', { detail: `There is no place "${placeKey ?? ''}" to run on.`, remedy: 'Name a GPU by its UUID, or "cpu".' });
      const asked = parseSettings(given);
      const settingsThere: EngineSettings = place.kind === 'cpu' ? { ...asked, backend: 'cpu', devices: [], gpuLayers: null } : { ...asked, devices: [place.key] };
      const wish: MeasureWish = { place, settings: settingsThere, backend: backendFor(place, settingsThere), measureWith: options.measureWith, experience };
      if (here !== null) return jobs.start({ kind: 'measure', title: `Measure ${here.name}` }, (job) => measureModel(here, wish, job));
      if ('model' in subject) throw problemError('model.not_found', { what: subject.model });
      const where = decideHeaderPlace(subject, await offerOf(), (repository, revision, file) => hub.resolve(repository, revision, file));
      const name = where.offer?.name ?? nameOf(where.name);
      return jobs.start({ kind: 'measure', title: `Measure ${name} with random weights` }, async (job) => {
        job.progress({ fraction: null, doing: 'Reading its header' });
        const header = await readRemoteHeader(where.urls, hub, probe, job.signal);
        try {
          return await measureSynthetic(name, header, measuringFolder ?? tmpdir(), wish, job);
        } finally {
          await header.remove();
        }
      });
    },
    async verify(id) {
      const model = await find(id);
      return jobs.start({ kind: 'verify', title: `Verify ${model.name}` }, async (job) => {
        const { result, origin } = await verifyModel(model, probe, job);
        if (origin !== null) {
          known.setOrigin(model.path, origin);
          put({ ...model, origin });
        }
        return result;
      });
    },
    async addFolder(path) {
      const full = resolve(path.replace(/^~(?=$|[\\/])/, options.home));
      const trouble = await stat(full).then(() => null, (error: unknown) => (error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no such file or folder.' : error instanceof Error ? error.message : String(error)));
      if (trouble !== null || !isAbsolute(path.replace(/^~/, options.home))) throw problemError('model.folder_unreadable', { path, detail: trouble ?? 'Name it from the root of the file system.' });
      const before = settings().modelFolders;
      if (!before.includes(full)) await options.updateSettings({ modelFolders: [...before, full] });
      await library.settled();
      return search();
    },
    async removeFolder(path) {
      await options.updateSettings({ modelFolders: settings().modelFolders.filter((one) => one !== path) });
      await library.settled();
      return search();
    },
    planRemove: (id) => removals.plan(id),
    remove: (planId) => removals.apply(planId),
    used(id, atMs) {
      const model = library.now().models.find((m) => m.id === id);
      if (model === undefined) return;
      known.setLastUsed(model.path, atMs);
      put({ ...model, lastUsedAtMs: atMs });
    },
    async add(path, origin) {
      if (origin !== null) known.setOrigin(path, origin);
      await known.saved();
      const model = await library.readAgain(path, undefined);
      // Outside of the folders it would be gone with the next search.
      if (model.home !== 'warpdeck') library.keep(model.id);
      return put(model);
    },
    async load() {
      // What a measurement left whose engine was killed: gigabytes of random weights.
      if (measuringFolder !== null) await rm(measuringFolder, { recursive: true, force: true }).catch((error: unknown) => { log.warn('an old measurement could not be cleared away', { detail: String(error) }); });
      await known.load();
    },
    async stop() {
      await probe.stop();
      await known.saved();
    },
  };
}
