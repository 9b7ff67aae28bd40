import { createStore, type StoreApi } from 'zustand/vanilla';
import type { LoadedModel, LoadWish } from '../../contract/inference.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { loading, ready, troubled, type Remote } from '../connection/remote.ts';

/** Speeds that a model's line shows; at two a second, about a minute. */
export const SPEED_POINTS = 120;

export interface LoadedState {
  readonly loaded: Remote<readonly LoadedModel[]>;
  readonly problem: Problem | null;
  /** Answers when it is ready; null with `problem` set. */
  load(wish: Partial<LoadWish>): Promise<LoadedModel | null>;
  unload(id: string): Promise<void>;
  dismiss(): void;
}
export type LoadedStore = StoreApi<LoadedState> & { /** Tokens a second while it wrote, oldest first, by id; outside React. */ speeds(id: string): readonly number[] };

/** Models in memory, where they really are and how fast, as the engine tells. */
export function createLoadedStore({ client, source, clock }: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): LoadedStore {
  const lines = new Map<string, number[]>();
  const store = createStore<LoadedState>()((set) => ({
    loaded: loading,
    problem: null,
    load: async (wish) => {
      try {
        const model = await client.inference.load(wish);
        set({ problem: null });
        return model;
      } catch (error) {
        set({ problem: problemFrom(error) });
        return null;
      }
    },
    unload: async (id) => {
      try {
        await client.inference.unload({ id });
        set({ problem: null });
      } catch (error) {
        set({ problem: problemFrom(error) });
      }
    },
    dismiss: () => set({ problem: null }),
  }));
  const newest = keepNewest<readonly LoadedModel[]>(clock, (loaded, nowMs) => store.setState({ loaded: ready(loaded, nowMs) }));
  consumeStream(
    source,
    (signal) => client.inference.watchLoaded({}, { signal }),
    (loaded) => {
      for (const { id, tokensPerSecondNow } of loaded) {
        const line = lines.get(id) ?? [];
        if (tokensPerSecondNow !== null) line.push(tokensPerSecondNow);
        if (line.length > SPEED_POINTS) line.shift();
        lines.set(id, line);
      }
      for (const id of lines.keys()) if (!loaded.some((m) => m.id === id)) lines.delete(id);
      newest.take(loaded);
    },
    (problem) => store.setState((s) => ({ loaded: troubled(s.loaded, problem) })),
  );
  return Object.assign(store, { speeds: (id: string): readonly number[] => lines.get(id) ?? [] });
}

/** The loaded model that answers for this one: of several with other settings, the one that was used last. Pure. */
export function findLoaded(loaded: readonly LoadedModel[], modelId: string | null): LoadedModel | null {
  return loaded.filter((m) => modelId === null || m.modelId === modelId).reduce<LoadedModel | null>((best, m) => (best === null || m.lastUsedAtMs > best.lastUsedAtMs ? m : best), null);
}
