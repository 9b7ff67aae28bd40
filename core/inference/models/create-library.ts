import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import type { ModelReadResult } from '../../../contract/model-probe.ts';
import type { Model, ModelList } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Settings } from '../../../contract/settings.ts';
import { createGauge, type Gauge } from '../../engine/gauge.ts';
import { decideFolders, decideOwnFolder, type ModelFolder } from './decide-folders.ts';
import { describeModel, type FoundModel } from './describe-model.ts';
import type { KnownModels } from './known-models.ts';
import { mapAtMost } from './map-at-most.ts';
import type { ModelProbe } from './model-probe.ts';

export interface LibraryOptions {
  readonly probe: Pick<ModelProbe, 'search' | 'read'>;
  readonly known: Pick<KnownModels, 'origin' | 'lastUsedAtMs'>;
  readonly settings: () => Settings['inference'];
  readonly dataFolder: string | null;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

/** The model files that are known now, and how they become known. */
export interface Library {
  readonly gauge: Gauge<ModelList>;
  now(): ModelList;
  search(): Promise<ModelList>;
  /** The list as it is; the first time, after a search. */
  searched(): Promise<ModelList>;
  /** A search that is under way has ended. */
  settled(): Promise<void>;
  folders(): Promise<readonly ModelFolder[]>;
  ownFolder(): string | null;
  put(model: Model): Model;
  drop(id: string): void;
  /** The files of one model as they are now, headers read again. `before`: as it is in the list. @throws ProblemError `model.not_found` */
  readAgain(path: string, before: Model | undefined): Promise<Model>;
  /** It lies in none of the folders: no search drops it. */
  keep(id: string): void;
  onChange(listener: () => void): () => void;
  tell(): void;
}

const READS_AT_ONCE = 3;

/** Searches the folders of models and keeps what was found. */
export function createLibrary({ probe, known, settings, dataFolder, env, home, platform }: LibraryOptions): Library {
  const gauge = createGauge<ModelList>({ models: [], searchedAtMs: null, searching: false, folders: [] });
  const listeners = new Set<() => void>();
  const reads = new Map<string, { readonly key: string; readonly result: ModelReadResult }>();
  const kept = new Set<string>();
  let list: ModelList = { models: [], searchedAtMs: null, searching: false, folders: [] };
  let searching: Promise<ModelList> | null = null;

  const tell = (): void => { for (const listener of [...listeners]) listener(); };
  const publish = (change: Partial<ModelList>): void => {
    list = { ...list, ...change };
    gauge.publish(list);
    tell();
  };
  const ownFolder = (): string | null => decideOwnFolder({ env, dataFolder, settings: settings() });

  const folders = async (): Promise<ModelFolder[]> => {
    const all = decideFolders({ env, home, platform, dataFolder, settings: settings(), lmStudioHome: await readLmStudioHome(home) });
    // What the user named and is gone is worth a word; another program's folder that was never there is not.
    const there = await Promise.all(all.map((folder) => (folder.home === 'folder' ? Promise.resolve(true) : stat(folder.path).then(() => true, () => false))));
    return all.filter((_, index) => there[index]);
  };

  const readFiles = async (found: FoundModel, again: boolean): Promise<ModelReadResult> => {
    const [first, ...others] = found.files;
    if (first === undefined) throw new Error('A model without files');
    const key = found.files.map((file) => `${file.path}\0${file.bytes}\0${file.changedAtMs}`).join('\0');
    const before = reads.get(first.path);
    if (!again && before?.key === key) return before.result;
    const result = await probe.read({ path: first.path, ofBytes: null, otherParts: others.map((file) => ({ path: file.path, ofBytes: null })) });
    // A reader that could not start says nothing of the file: asked again next time.
    if (result.problem?.code.startsWith('worker.') === true) reads.delete(first.path);
    else reads.set(first.path, { key, result });
    return result;
  };
  const describe = async (found: FoundModel, of: Model['home'], again = false): Promise<Model | null> => describeModel(found, of, await readFiles(found, again), known);

  const searchNow = async (): Promise<ModelList> => {
    try {
      const answer = await probe.search((await folders()).map((folder) => ({ path: folder.path, home: folder.home })));
      const found = answer.folders.flatMap((folder) => folder.found.map((one) => ({ one, of: folder.home })));
      const models = (await mapAtMost(found, READS_AT_ONCE, ({ one, of }) => describe(one, of))).flatMap((model) => (model === null ? [] : [model]));
      const outside = list.models.filter((model) => kept.has(model.id) && !models.some((m) => m.id === model.id));
      publish({
        models: sorted([...models, ...outside]),
        searchedAtMs: Date.now(),
        folders: answer.folders.map((folder) => ({ path: folder.path, home: folder.home, problem: folder.problem, models: folder.found.length })),
      });
    } finally {
      publish({ searching: false });
      searching = null;
    }
    return list;
  };
  const search = (): Promise<ModelList> => {
    if (searching !== null) return searching;
    // Begun before it is told: whoever hears of it may ask for the list.
    const begun = Promise.resolve().then(searchNow);
    searching = begun;
    publish({ searching: true });
    return begun;
  };

  const homeOf = (path: string): Model['home'] => {
    const own = ownFolder();
    const within = own === null ? '..' : relative(own, path);
    return within.startsWith('..') || isAbsolute(within) ? 'folder' : 'warpdeck';
  };
  const drop = (id: string): void => { publish({ models: list.models.filter((m) => m.id !== id) }); };

  return {
    gauge, search, folders, ownFolder, drop, tell,
    now: () => list,
    searched: async () => (list.searchedAtMs === null ? search() : list),
    settled: async () => void (await searching?.catch(() => undefined)),
    put(model) {
      publish({ models: sorted([...list.models.filter((m) => m.id !== model.id), model]) });
      return model;
    },
    async readAgain(path, before) {
      const answer = await probe.search([{ path, home: 'folder' }]);
      const found = answer.folders[0]?.found.find((one) => one.files.some((file) => file.path === path)) ?? (await findAlone(path));
      const own: Pick<FoundModel, 'label' | 'name'> = before === undefined ? { label: null, name: null } : { label: before.label, name: before.home === 'ollama' ? before.name : null };
      const model = found === null ? null : await describe({ ...found, ...own }, before?.home ?? homeOf(path), true);
      if (model !== null) return model;
      if (before !== undefined) drop(before.id);
      throw problemError('model.not_found', { what: path });
    },
    keep: (id) => void kept.add(id),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function sorted(models: readonly Model[]): Model[] {
  return [...models].sort((a, b) => a.name.localeCompare(b.name) || a.bytes - b.bytes);
}

/** A file that a search does not list: an Ollama blob, a name without ending. */
async function findAlone(path: string): Promise<FoundModel | null> {
  const about = await stat(path).catch(() => null);
  return about?.isFile() === true ? { files: [{ path, bytes: about.size, changedAtMs: about.mtimeMs }], label: null, name: null, problems: [] } : null;
}

/** LM Studio writes where its folder is, when it was moved. */
async function readLmStudioHome(home: string): Promise<string | null> {
  const text = await readFile(join(home, '.lmstudio-home-pointer'), 'utf8').catch(() => '');
  const path = text.slice(0, 4096).trim();
  return isAbsolute(path) ? path : null;
}
