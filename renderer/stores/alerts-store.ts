import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Alert, AlertPreview, AlertsState as AlertList } from '../../contract/alerts.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { idle, loading, ready, troubled, valueOf, type Remote } from '../connection/remote.ts';

/** How much is asked for on the page; null: all that is kept. */
export type AlertSpan = 'open' | 'week' | 'all';

export interface AlertsState {
  readonly alerts: Remote<AlertList>;
  readonly preview: Remote<AlertPreview>;
  readonly span: AlertSpan;
  /** Alerts that are over, for `span`. */
  readonly over: Remote<readonly Alert[]>;
  readonly problem: Problem | null;
  setSpan(span: AlertSpan): void;
  loadOver(): Promise<void>;
  loadPreview(): Promise<void>;
  /** No notification for one alert (or, with null, for any) until `untilMs`. */
  quiet(alertId: string | null, untilMs: number): Promise<boolean>;
}
export type AlertsStore = StoreApi<AlertsState>;

export const WEEK_MS = 7 * 86_400_000;

/** Open alerts as they come, those that are over, and how often the thresholds would have fired. */
export function createAlertsStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): AlertsStore {
  const { client, source, clock } = deps;
  const store = createStore<AlertsState>()((set, get) => ({
    alerts: loading,
    preview: idle,
    span: 'week',
    over: idle,
    problem: null,
    setSpan: (span) => {
      set({ span });
      void get().loadOver();
    },
    loadOver: async () => {
      const { span } = get();
      try {
        const { over } = await client.alerts.list({ sinceMs: span === 'all' ? null : Date.now() - WEEK_MS });
        if (get().span === span) set({ over: ready(over, Date.now()) });
      } catch (error) {
        set({ over: troubled(get().over, problemFrom(error)) });
      }
    },
    loadPreview: async () => {
      try {
        set({ preview: ready(await client.alerts.preview({ days: 7 }), Date.now()) });
      } catch (error) {
        set({ preview: troubled(get().preview, problemFrom(error)) });
      }
    },
    quiet: async (alertId, untilMs) => {
      try {
        await client.alerts.quiet({ alertId, untilMs });
        set({ problem: null });
        return true;
      } catch (error) {
        set({ problem: problemFrom(error) });
        return false;
      }
    },
  }));
  const newest = keepNewest<AlertList>(clock, (alerts, nowMs) => {
    const before = valueOf(store.getState().alerts);
    store.setState({ alerts: ready(alerts, nowMs) });
    if (before && before.over.length !== alerts.over.length) void store.getState().loadOver();
  });
  consumeStream(
    source,
    (signal) => client.alerts.watch({}, { signal }),
    newest.take,
    (problem) => store.setState((s) => ({ alerts: troubled(s.alerts, problem) })),
  );
  return store;
}
