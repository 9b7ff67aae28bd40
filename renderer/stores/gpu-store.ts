import { createStore, type StoreApi } from 'zustand/vanilla';
import type { DeviceState, FastReading, GpuStreamItem, Inventory, MediumReading, SlowReading } from '../../contract/gpu.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import type { GpuFeed } from '../connection/gpu-feed.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { loading, ready, troubled, type Remote } from '../connection/remote.ts';

/** The newest reading of every tier of one device. `atMs` is the engine's time of the newest frame that had it. */
export interface LatestReading {
  readonly atMs: number;
  readonly state: DeviceState;
  readonly fast: FastReading | null;
  readonly medium: MediumReading | null;
  readonly slow: SlowReading | null;
}

export interface GpuState {
  readonly inventory: Remote<Inventory>;
  /** UUIDs that filter every page; empty: all. */
  readonly selection: readonly string[];
  /** By UUID; committed at most twice a second. */
  readonly latest: Readonly<Record<string, LatestReading>>;
  /** No reading arrives now: what is shown is old. */
  readonly interrupted: boolean;
  /** `refresh` is under way. */
  readonly refreshing: boolean;
  /** Selects one device alone (again: none), or with `add` adds it to or takes it from the selection. */
  select(uuid: string, add: boolean): void;
  clearSelection(): void;
  /** Looks for driver and devices again now. */
  refresh(): Promise<void>;
}
export type GpuStore = StoreApi<GpuState>;

/** The selection after a click on `uuid`. Pure. */
export function decideSelection(selection: readonly string[], uuid: string, add: boolean): readonly string[] {
  const has = selection.includes(uuid);
  if (add) return has ? selection.filter((u) => u !== uuid) : [...selection, uuid];
  return has && selection.length === 1 ? [] : [uuid];
}

/** Folds a frame into what is known. A tier that was not due keeps its last reading; a lost device has none. */
export function foldFrame(latest: Map<string, LatestReading>, item: GpuStreamItem): void {
  if (item.type !== 'frame') return;
  for (const sample of item.frame.samples) {
    const before = latest.get(sample.uuid);
    const gone = sample.state !== 'ok';
    latest.set(sample.uuid, {
      atMs: item.frame.atMs,
      state: sample.state,
      fast: gone ? null : sample.fast,
      medium: gone ? null : (sample.medium ?? before?.medium ?? null),
      slow: gone ? null : (sample.slow ?? before?.slow ?? null),
    });
  }
}

/** Inventory, selection and the newest numbers. */
export function createGpuStore(deps: { readonly client: Client; readonly source: StreamSource; readonly feed: GpuFeed; readonly clock: CommitClock }): GpuStore {
  const { client, source, feed, clock } = deps;
  const pending = new Map<string, LatestReading>();
  let dirty = false;
  const store = createStore<GpuState>()((set, get) => ({
    inventory: loading,
    selection: [],
    latest: {},
    interrupted: false,
    refreshing: false,
    select: (uuid, add) => set({ selection: decideSelection(get().selection, uuid, add) }),
    clearSelection: () => set({ selection: [] }),
    refresh: async () => {
      if (get().refreshing) return;
      set({ refreshing: true });
      try {
        set({ inventory: ready(await client.gpus.refresh({}), Date.now()), refreshing: false });
      } catch (error) {
        set({ inventory: troubled(get().inventory, problemFrom(error)), refreshing: false });
      }
    },
  }));
  feed.onFrame((item) => {
    foldFrame(pending, item);
    dirty = true;
  });
  feed.onTrouble(() => store.setState({ interrupted: true }));
  clock.onTick(() => {
    if (!dirty) return;
    dirty = false;
    store.setState({ latest: Object.fromEntries(pending), interrupted: false });
  });
  consumeStream(
    source,
    (signal) => client.gpus.watchInventory({}, { signal }),
    (inventory) => {
      const before = store.getState().inventory;
      if (before.state === 'ready' && before.value.revision === inventory.revision && before.value.rateHz === inventory.rateHz) return;
      const uuids = new Set(inventory.devices.map((d) => d.uuid));
      for (const uuid of pending.keys()) if (!uuids.has(uuid)) pending.delete(uuid);
      store.setState((s) => ({ inventory: ready(inventory, Date.now()), selection: s.selection.filter((u) => uuids.has(u)) }));
    },
    (problem) => store.setState((s) => ({ inventory: troubled(s.inventory, problem) })),
  );
  return store;
}
