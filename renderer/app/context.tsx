import { createContext, useContext, useEffect, type ReactNode } from 'react';
import { useStore } from 'zustand';
import type { Settings } from '../../contract/settings.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import type { Connection, ConnectionState } from '../connection/connect.ts';
import type { GpuFeed } from '../connection/gpu-feed.ts';
import type { Shell } from '../connection/shell.ts';
import type { BenchmarksState, BenchmarksStore } from '../stores/benchmarks-store.ts';
import type { ChatState } from '../stores/chat-state.ts';
import type { ChatStore } from '../stores/chat-store.ts';
import type { ComparisonsState, ComparisonsStore } from '../stores/comparisons-store.ts';
import type { LoadedState, LoadedStore } from '../stores/loaded-store.ts';
import type { ModelsState, ModelsStore } from '../stores/models-store.ts';
import type { AlertsState, AlertsStore } from '../stores/alerts-store.ts';
import type { EnvironmentsState, EnvironmentsStore } from '../stores/environments-store.ts';
import type { EngineState, EngineStore } from '../stores/engine-store.ts';
import type { GpuState, GpuStore } from '../stores/gpu-store.ts';
import type { JobsState, JobsStore } from '../stores/jobs-store.ts';
import type { MachineState, MachineStore } from '../stores/machine-store.ts';
import type { OptimiseState, OptimiseStore } from '../stores/optimise-store.ts';
import type { ReadinessState, ReadinessStore } from '../stores/readiness-store.ts';
import type { SettingsState, SettingsStore } from '../stores/settings-store.ts';
import type { UpgradesState, UpgradesStore } from '../stores/upgrades-store.ts';
import type { UiState, UiStore } from '../stores/ui-store.ts';
import type { Intent, IntentRegistry } from './intents.ts';

/** Everything the page is made of; built once by `create-app.ts`. */
export interface App {
  readonly client: Client;
  readonly connection: Connection;
  readonly feed: GpuFeed;
  readonly clock: CommitClock;
  readonly shell: Shell;
  readonly intents: IntentRegistry;
  readonly gpus: GpuStore;
  readonly jobs: JobsStore;
  readonly settings: SettingsStore;
  readonly alerts: AlertsStore;
  readonly environments: EnvironmentsStore;
  readonly upgrades: UpgradesStore;
  readonly models: ModelsStore;
  readonly loaded: LoadedStore;
  readonly chat: ChatStore;
  readonly comparisons: ComparisonsStore;
  readonly benchmarks: BenchmarksStore;
  readonly optimise: OptimiseStore;
  readonly machine: MachineStore;
  readonly engine: EngineStore;
  readonly readiness: ReadinessStore;
  readonly ui: UiStore;
}

const AppContext = createContext<App | null>(null);

export function AppProvider({ app, children }: { readonly app: App; readonly children: ReactNode }): ReactNode {
  return <AppContext.Provider value={app}>{children}</AppContext.Provider>;
}

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('useApp outside AppProvider');
  return app;
}

/** The typed client. Components call store actions; a store of a feature is made with this. */
export const useClient = (): Client => useApp().client;
/** Live readings outside React. */
export const useGpuFeed = (): GpuFeed => useApp().feed;
/** The beat of commits: text that changes by itself changes on it. */
export const useCommitClock = (): CommitClock => useApp().clock;
export const useIntents = (): IntentRegistry => useApp().intents;
export const useConnection = <T,>(selector: (s: ConnectionState) => T): T => useStore(useApp().connection.store, selector);
export const useGpuStore = <T,>(selector: (s: GpuState) => T): T => useStore(useApp().gpus, selector);
export const useJobs = <T,>(selector: (s: JobsState) => T): T => useStore(useApp().jobs, selector);
export const useAlerts = <T,>(selector: (s: AlertsState) => T): T => useStore(useApp().alerts, selector);
export const useEnvironments = <T,>(selector: (s: EnvironmentsState) => T): T => useStore(useApp().environments, selector);
export const useUpgrades = <T,>(selector: (s: UpgradesState) => T): T => useStore(useApp().upgrades, selector);
export const useModels = <T,>(selector: (s: ModelsState) => T): T => useStore(useApp().models, selector);
export const useLoaded = <T,>(selector: (s: LoadedState) => T): T => useStore(useApp().loaded, selector);
export const useChat = <T,>(selector: (s: ChatState) => T): T => useStore(useApp().chat, selector);
export const useComparisons = <T,>(selector: (s: ComparisonsState) => T): T => useStore(useApp().comparisons, selector);
export const useOptimise = <T,>(selector: (s: OptimiseState) => T): T => useStore(useApp().optimise, selector);
export const useMachine = <T,>(selector: (s: MachineState) => T): T => useStore(useApp().machine, selector);
export const useBenchmarks = <T,>(selector: (s: BenchmarksState) => T): T => useStore(useApp().benchmarks, selector);
export const useEngine = <T,>(selector: (s: EngineState) => T): T => useStore(useApp().engine, selector);
export const useReadiness = <T,>(selector: (s: ReadinessState) => T): T => useStore(useApp().readiness, selector);
export const useUi = <T,>(selector: (s: UiState) => T): T => useStore(useApp().ui, selector);
export const useSettingsStore = <T,>(selector: (s: SettingsState) => T): T => useStore(useApp().settings, selector);
/** A part of the settings as they count now (the defaults until the engine has answered). */
export const useSettings = <T,>(selector: (s: Settings) => T): T => useStore(useApp().settings, (s) => selector(s.current));

/** Offers intents while the calling component is mounted. `intents` must keep its identity (useMemo). */
export function useRegisterIntents(intents: readonly Intent[]): void {
  const registry = useIntents();
  useEffect(() => registry.register(intents), [registry, intents]);
}
