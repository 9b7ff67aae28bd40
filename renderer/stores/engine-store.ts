import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Problem } from '../../contract/problem.ts';
import type { EngineStatus, WebStatus } from '../../contract/system.ts';
import type { HistoryStatus } from '../../contract/history.ts';
import type { SecretStatus } from '../../contract/settings.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, type Remote } from '../connection/remote.ts';

export interface EngineState {
  readonly status: Remote<EngineStatus>;
  /** The last status asked for with a token: the address that opens the page in a browser. Kept in memory only. */
  readonly webAddress: string | null;
  readonly webToken: string | null;
  readonly history: Remote<HistoryStatus>;
  readonly secrets: Remote<readonly SecretStatus[]>;
  /** The last action did not succeed. */
  readonly problem: Problem | null;
  readonly busy: boolean;
  startWeb(port: number | null): Promise<WebStatus | null>;
  stopWeb(): Promise<void>;
  loadHistory(): Promise<void>;
  loadSecrets(): Promise<void>;
  setSecret(name: 'hub_token', value: string | null): Promise<boolean>;
  /** The redacted report, or null when it failed. */
  report(): Promise<{ readonly fileName: string; readonly text: string } | null>;
  /** All history between two times as text, piece by piece joined; null when it failed. */
  exportHistory(fromMs: number, toMs: number, format: 'csv' | 'jsonl'): Promise<string | null>;
}
export type EngineStore = StoreApi<EngineState>;

/** The engine's own state, and what is asked of it in the settings. */
export function createEngineStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): EngineStore {
  const { client, source, clock } = deps;
  const store = createStore<EngineState>()((set, get) => {
    const attempt = async <T>(work: () => Promise<T>): Promise<T | null> => {
      set({ busy: true });
      try {
        const value = await work();
        set({ busy: false, problem: null });
        return value;
      } catch (error) {
        set({ busy: false, problem: problemFrom(error) });
        return null;
      }
    };
    return {
      status: loading,
      webAddress: null,
      webToken: null,
      history: idle,
      secrets: idle,
      problem: null,
      busy: false,
      startWeb: (port) =>
        attempt(async () => {
          const { token, metricsToken: _, ...web } = await client.engine.startWeb({ port });
          set({ webToken: token, webAddress: web.url === null ? null : `${web.url.replace(/#.*$/, '')}#token=${token}` });
          return web;
        }),
      stopWeb: async () => {
        await attempt(() => client.engine.stopWeb({}));
        set({ webToken: null, webAddress: null });
      },
      loadHistory: async () => {
        try {
          set({ history: ready(await client.history.status({}), Date.now()) });
        } catch (error) {
          set({ history: troubled(get().history, problemFrom(error)) });
        }
      },
      loadSecrets: async () => {
        try {
          set({ secrets: ready(await client.settings.secrets({}), Date.now()) });
        } catch (error) {
          set({ secrets: troubled(get().secrets, problemFrom(error)) });
        }
      },
      setSecret: async (name, value) => {
        const done = await attempt(() => client.settings.setSecret({ name, value }));
        if (done) await get().loadSecrets();
        return done !== null;
      },
      report: () => attempt(() => client.engine.report({})),
      exportHistory: (fromMs, toMs, format) =>
        attempt(async () => {
          const pieces: string[] = [];
          for await (const piece of await client.history.export({ fromMs, toMs, format })) pieces.push(piece.text);
          return pieces.join('');
        }),
    };
  });
  const newest = keepNewest<EngineStatus>(clock, (status, nowMs) => store.setState({ status: ready(status, nowMs) }));
  consumeStream(
    source,
    (signal) => client.engine.watch({}, { signal }),
    newest.take,
    (problem) => {
      newest.drop();
      store.setState((s) => ({ status: troubled(s.status, problem) }));
    },
  );
  return store;
}
