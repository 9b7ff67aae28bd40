import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Problem } from '../../contract/problem.ts';
import { defaultSettings, type Settings, type SettingsPatch, type SettingsStatus } from '../../contract/settings.ts';
import type { Client } from '../connection/client.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { loading, ready, troubled, valueOf, type Remote } from '../connection/remote.ts';

export interface SettingsState {
  readonly status: Remote<SettingsStatus>;
  /** What counts: the engine's, or the defaults until it has answered. */
  readonly current: Settings;
  /** The last change was not taken. */
  readonly problem: Problem | null;
  /** Changes count at once; the engine's answer is what is shown. True when it was taken. */
  update(patch: SettingsPatch): Promise<boolean>;
}
export type SettingsStore = StoreApi<SettingsState>;

/** Settings as the engine holds them. */
export function createSettingsStore(deps: { readonly client: Client; readonly source: StreamSource }): SettingsStore {
  const { client, source } = deps;
  const take = (status: SettingsStatus): Partial<SettingsState> => ({ status: ready(status, Date.now()), current: status.settings });
  const store = createStore<SettingsState>()((set) => ({
    status: loading,
    current: defaultSettings,
    problem: null,
    update: async (patch) => {
      try {
        set({ ...take(await client.settings.update(patch)), problem: null });
        return true;
      } catch (error) {
        set({ problem: problemFrom(error) });
        return false;
      }
    },
  }));
  consumeStream(
    source,
    (signal) => client.settings.watch({}, { signal }),
    (status) => store.setState(take(status)),
    (problem) => store.setState((s) => ({ status: troubled(s.status, problem) })),
  );
  return store;
}

/** Where the settings lie and whether they are kept; null until known. */
export const settingsStatusOf = (state: SettingsState): SettingsStatus | null => valueOf(state.status);
