import type { Alert, AlertPreview, AlertsState } from '../../contract/alerts.ts';
import type { GpuFrame, Inventory } from '../../contract/gpu.ts';
import type { HistoryEvent, HistorySeries } from '../../contract/history.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { AlertSettings } from '../../contract/settings.ts';
import type { Logger } from '../logging/logger.ts';
import type { AlertStore } from './alert-store.ts';
import { previewAlerts } from './preview-alerts.ts';
import { emptyAlertState, openAlerts, stepAlerts, type AlertInput, type AlertState } from './step-alerts.ts';

export interface AlertsOptions {
  readonly getSettings: () => AlertSettings;
  readonly getInventory: () => Inventory;
  /** False for simulated and replayed devices that nobody asked for: nothing is ever opened. */
  readonly enabled: boolean;
  readonly store: AlertStore;
  readonly log: Logger;
  /** For the marks in the history. */
  readonly onEvent?: (event: Omit<HistoryEvent, 'id'>) => void;
  /** Temperature, memory and event reasons of all devices, a point a minute. */
  readonly queryMinutes: (fromMs: number, toMs: number) => Promise<readonly HistorySeries[]>;
  /** Alerts that another area holds open, with quiet left to us: what others changed in an environment. */
  readonly standing?: () => readonly Alert[];
  readonly now?: () => number;
}

export interface Alerts {
  /** Loads what was; begins to watch the clock. */
  start(): Promise<void>;
  acceptFrame(frame: GpuFrame): void;
  acceptInventory(): void;
  /** What stands elsewhere has changed. `ended`: alerts of it that are over now. */
  acceptStanding(ended: readonly Alert[]): void;
  acceptXid(xid: { readonly uuid: string | null; readonly xid: number; readonly atMs: number }): void;
  /** `sinceMs` null: the last seven days. Newest first. */
  list(sinceMs: number | null): AlertsState;
  onChange(listener: (state: AlertsState) => void): () => void;
  /** New alerts only, once each, with `quietUntilMs` set while quiet is asked for. */
  onOpened(listener: (alert: Alert) => void): () => void;
  /** No notification until then. Null: for any alert. @throws ProblemError `input.invalid` for an unknown id */
  quiet(alertId: string | null, untilMs: number): void;
  preview(days: number): Promise<AlertPreview>;
  /** Closes nothing: an alert that is open when the engine ends is over at that time. */
  stop(): Promise<void>;
}

const DAY_MS = 86_400_000;
const TICK_MS = 1000;
/** A frame at 10 Hz changes little: conditions are looked at this often, and whenever a slower tier came. */
const LOOK_MS = 250;

/** Watches frames and inventory, opens and closes alerts, keeps those that are over. */
export function createAlerts(options: AlertsOptions): Alerts {
  const { store } = options;
  const log = options.log.child('alerts');
  const now = options.now ?? Date.now;
  const changeListeners = new Set<(state: AlertsState) => void>();
  const openListeners = new Set<(alert: Alert) => void>();
  const quietById = new Map<string, number>();
  let quietAllUntilMs = 0;
  let state: AlertState = emptyAlertState;
  let over: Alert[] = [];
  let timer: NodeJS.Timeout | null = null;
  let saving: Promise<void> = Promise.resolve();
  let lookedAtMs = -Infinity;

  const withQuiet = (alert: Alert): Alert => {
    const until = Math.max(quietAllUntilMs, quietById.get(alert.id) ?? 0);
    return { ...alert, quietUntilMs: until > now() ? until : null };
  };
  const openNow = (): readonly Alert[] => [...openAlerts(state), ...(options.standing?.() ?? [])];
  function list(sinceMs: number | null): AlertsState {
    const since = sinceMs ?? now() - 7 * DAY_MS;
    return { open: openNow().map(withQuiet).sort((a, b) => b.sinceMs - a.sinceMs), over: over.filter((a) => (a.endedMs ?? 0) >= since).sort((a, b) => (b.endedMs ?? 0) - (a.endedMs ?? 0)) };
  }
  function keep(alert: Alert): void {
    over.push(alert);
    if (over.length > 2000) over = over.slice(-2000);
    quietById.delete(alert.id);
    saving = saving.then(() => store.save(alert)).catch((error: unknown) => log.warn('an alert that is over could not be kept', { error: String(error) }));
  }
  function tell(): void {
    if (changeListeners.size === 0) return;
    const now7 = list(null);
    for (const listener of [...changeListeners]) listener(now7);
  }

  function step(part: Pick<AlertInput, 'frame' | 'xid'>): void {
    if (!options.enabled) return;
    const result = stepAlerts(state, { ...part, inventory: options.getInventory(), settings: options.getSettings(), nowMs: now() });
    state = result.state;
    for (const alert of result.opened) {
      log.info('alert opened', { kind: alert.kind, uuid: alert.uuid, value: alert.value });
      options.onEvent?.({ atMs: alert.sinceMs, kind: alert.kind === 'xid' ? 'xid' : 'alert', uuid: alert.uuid, text: alert.title });
      const told = withQuiet(alert);
      for (const listener of [...openListeners]) listener(told);
    }
    for (const alert of result.closed) {
      log.info('alert over', { kind: alert.kind, uuid: alert.uuid });
      options.onEvent?.({ atMs: alert.endedMs ?? now(), kind: 'alert', uuid: alert.uuid, text: `Over: ${alert.title}` });
      keep(alert);
    }
    if (result.opened.length + result.closed.length + result.updated.length > 0) tell();
  }

  return {
    list,
    async start() {
      try {
        over = await store.load();
      } catch (error) {
        log.warn('earlier alerts could not be read', { error: String(error) });
      }
      timer = setInterval(() => step({ frame: null }), TICK_MS);
      timer.unref();
    },
    acceptFrame(frame) {
      const slower = frame.samples.some((s) => s.state !== 'ok' || s.medium !== undefined || s.slow !== undefined);
      if (!slower && frame.atMs - lookedAtMs < LOOK_MS) return;
      lookedAtMs = frame.atMs;
      step({ frame });
    },
    acceptInventory() { step({ frame: null }); },
    acceptStanding(ended) {
      for (const alert of ended) keep(alert);
      tell();
    },
    acceptXid(xid) { step({ frame: null, xid }); },
    onChange(listener) {
      const own = (s: AlertsState): void => listener(s);
      changeListeners.add(own);
      return () => void changeListeners.delete(own);
    },
    onOpened(listener) {
      const own = (a: Alert): void => listener(a);
      openListeners.add(own);
      return () => void openListeners.delete(own);
    },
    quiet(alertId, untilMs) {
      if (alertId === null) quietAllUntilMs = untilMs;
      else if (openNow().some((a) => a.id === alertId)) quietById.set(alertId, untilMs);
      else throw problemError('input.invalid', { detail: `No open alert has the id ${alertId}.` });
      tell();
    },
    async preview(days) {
      const toMs = now();
      const fromMs = toMs - days * DAY_MS;
      const past = [...over.filter((a) => a.sinceMs >= fromMs), ...openAlerts(state)];
      const series = await options.queryMinutes(fromMs, toMs);
      return previewAlerts(days, options.getSettings(), options.getInventory().devices, series, past);
    },
    async stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      for (const alert of openAlerts(state)) keep({ ...alert, endedMs: now() });
      state = emptyAlertState;
      await saving;
    },
  };
}
