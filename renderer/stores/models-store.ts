import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Job } from '../../contract/jobs.ts';
import type { Download, DownloadWish, ModelList, ModelOutlook, ModelSubject, OfferedModel } from '../../contract/models.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, type Remote } from '../connection/remote.ts';
import { createAttempt } from './create-attempt.ts';

/** What stands open in the drawer: a model of this machine, or one that is offered, in one quantisation. */
export type OpenModel = { readonly kind: 'here'; readonly id: string } | { readonly kind: 'offered'; readonly id: string; readonly quantisation: string };

export interface ModelsState {
  readonly list: Remote<ModelList>;
  readonly offered: Remote<readonly OfferedModel[]>;
  readonly downloads: Remote<readonly Download[]>;
  /** Memory and speed on every place, by the id of the model. */
  readonly outlooks: Readonly<Record<string, Remote<ModelOutlook>>>;
  readonly open: OpenModel | null;
  /** Of what is offered and stands open; its header is read from the server. */
  readonly preview: Remote<ModelOutlook>;
  /** The place that speed and memory are shown for; null: the first. */
  readonly place: string | null;
  readonly problem: Problem | null;
  search(): Promise<void>;
  readOutlooks(): Promise<void>;
  show(open: OpenModel | null): void;
  /** Asks again for what could not be read of the open one. */
  again(): void;
  setPlace(place: string): void;
  /** Asks the hub what a repository has; it is then offered like the others. */
  lookUp(repository: string): Promise<OfferedModel | null>;
  get(wish: DownloadWish): Promise<Download | null>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  cancel(id: string): Promise<void>;
  measure(subject: ModelSubject, place: string | null): Promise<Job | null>;
  verify(id: string): Promise<Job | null>;
  addFolder(path: string): Promise<boolean>;
  /** What would be deleted, to be said yes to. */
  planRemove(id: string): Promise<{ readonly planId: string; readonly name: string; readonly files: readonly string[]; readonly bytes: number } | null>;
  remove(planId: string): Promise<boolean>;
  dismiss(): void;
}
export type ModelsStore = StoreApi<ModelsState>;

/** Models on this machine and those that can be had, downloads, and what each model would need and give. */
export function createModelsStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): ModelsStore {
  const { client, source, clock } = deps;
  let previewing = 0;
  let outlooking: Promise<void> | null = null;
  let outlookAgain = false;
  const store = createStore<ModelsState>()((set, get) => {
    const attempt = createAttempt(set);
    const readOutlook = async (id: string): Promise<void> => {
      const before = get().outlooks[id] ?? loading;
      try {
        const outlook = await client.models.outlook({ subject: { model: id }, settings: {} });
        set((s) => ({ outlooks: { ...s.outlooks, [id]: ready(outlook, Date.now()) } }));
      } catch (error) {
        set((s) => ({ outlooks: { ...s.outlooks, [id]: troubled(before, problemFrom(error)) } }));
      }
    };
    /** Which of the offered files are here, and what each would need and give. */
    const readOffered = async (): Promise<void> => {
      try {
        const offered = await client.models.offered({});
        set({ offered: ready(offered, Date.now()) });
      } catch (error) {
        set((s) => ({ offered: troubled(s.offered, problemFrom(error)) }));
      }
    };
    const preview = async (open: OpenModel & { readonly kind: 'offered' }): Promise<void> => {
      const mine = ++previewing;
      set({ preview: loading });
      try {
        const outlook = await client.models.outlook({ subject: { offered: open.id, quantisation: open.quantisation }, settings: {} });
        if (mine !== previewing) return;
        set({ preview: ready(outlook, Date.now()) });
        // With one header the other files of this model are known better, too.
        if (outlook.facts !== null) await readOffered();
      } catch (error) {
        if (mine === previewing) set({ preview: { state: 'failed', problem: problemFrom(error) } });
      }
    };
    return {
      list: loading,
      offered: loading,
      downloads: loading,
      outlooks: {},
      open: null,
      preview: idle,
      place: null,
      problem: null,
      search: async () => void (await attempt(() => client.models.search({}))),
      readOutlooks: () => {
        outlookAgain = true;
        outlooking ??= (async () => {
          // What came meanwhile is read, too; one after the other: each reads a header in the engine's probe.
          while (outlookAgain) {
            outlookAgain = false;
            const { list } = get();
            const models = list.state === 'ready' || list.state === 'stale' ? list.value.models : [];
            await readOffered();
            for (const model of models) if (model.facts !== null) await readOutlook(model.id);
          }
        })().finally(() => { outlooking = null; });
        return outlooking;
      },
      show: (open) => {
        previewing += 1;
        set({ open, preview: idle });
        if (open?.kind === 'offered') void preview(open);
        else if (open !== null) void readOutlook(open.id);
      },
      again: () => get().show(get().open),
      setPlace: (place) => set({ place }),
      lookUp: (repository) => attempt(async () => {
        const found = await client.models.lookUp({ repository });
        set((s) => ({ offered: ready([found, ...(s.offered.state === 'ready' ? s.offered.value.filter((o) => o.id !== found.id) : [])], Date.now()) }));
        return found;
      }),
      get: (wish) => attempt(() => client.downloads.start(wish)),
      pause: async (id) => void (await attempt(() => client.downloads.pause({ id }))),
      resume: async (id) => void (await attempt(() => client.downloads.resume({ id }))),
      cancel: async (id) => void (await attempt(() => client.downloads.cancel({ id }))),
      measure: (subject, place) => attempt(() => client.models.measure({ subject, place, settings: {} })),
      verify: (id) => attempt(() => client.models.verify({ id })),
      addFolder: async (path) => (await attempt(() => client.models.addFolder({ path }))) !== null,
      planRemove: (id) => attempt(() => client.models.planRemove({ id })),
      remove: async (planId) => (await attempt(() => client.models.remove({ planId }))) !== null,
      dismiss: () => set({ problem: null }),
    };
  });
  const newestList = keepNewest<ModelList>(clock, (list, nowMs) => {
    const before = store.getState().list;
    store.setState({ list: ready(list, nowMs) });
    const ids = (l: ModelList): string => l.models.map((m) => `${m.id} ${String(m.changedAtMs)}`).join();
    if (before.state !== 'ready' || ids(before.value) !== ids(list)) void store.getState().readOutlooks();
  });
  const newestDownloads = keepNewest<readonly Download[]>(clock, (downloads, nowMs) => store.setState({ downloads: ready(downloads, nowMs) }));
  consumeStream(source, (signal) => client.models.watch({}, { signal }), newestList.take, (problem) => store.setState((s) => ({ list: troubled(s.list, problem) })));
  consumeStream(source, (signal) => client.downloads.watch({}, { signal }), newestDownloads.take, (problem) => store.setState((s) => ({ downloads: troubled(s.downloads, problem) })));
  return store;
}
