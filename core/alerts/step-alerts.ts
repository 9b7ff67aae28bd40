import type { Alert } from '../../contract/alerts.ts';
import type { GpuFrame, DeviceSample, Inventory } from '../../contract/gpu.ts';
import type { AlertSettings } from '../../contract/settings.ts';
import { eccWords, seriousXids, xidWords, type AlertWords } from './alert-words.ts';
import { findConditions, findDriverCondition, type Condition } from './find-conditions.ts';

interface Tracked {
  readonly overSinceMs: number | null;
  readonly notOverSinceMs: number | null;
  readonly clearSinceMs: number | null;
  readonly alert: Alert | null;
  /** Events (Xid, ECC) end by themselves at this time. */
  readonly endsAtMs: number | null;
  readonly wordsAtMs: number;
}
export interface AlertState {
  readonly tracked: ReadonlyMap<string, Tracked>;
  /** The newest tiers of each device: a frame at 10 Hz holds only the fast one. */
  readonly samples: ReadonlyMap<string, DeviceSample>;
  readonly lastXid: ReadonlyMap<string, { readonly xid: number; readonly atMs: number }>;
  readonly eccSeen: ReadonlyMap<string, number>;
}
export const emptyAlertState: AlertState = { tracked: new Map(), samples: new Map(), lastXid: new Map(), eccSeen: new Map() };

export interface AlertInput {
  readonly inventory: Inventory;
  /** Null: only time has passed. */
  readonly frame: GpuFrame | null;
  /** Reported beside the frames. */
  readonly xid?: { readonly uuid: string | null; readonly xid: number; readonly atMs: number };
  readonly settings: AlertSettings;
  readonly nowMs: number;
}
export interface AlertStep {
  readonly state: AlertState;
  readonly opened: readonly Alert[];
  /** With `endedMs` set. */
  readonly closed: readonly Alert[];
  /** Still open, with a new value. */
  readonly updated: readonly Alert[];
}

/** A break shorter than this does not start the clock of a pending alert anew: throttle bits flicker. */
const FLICKER_MS = 2000;
/** Values in open alerts are written again this often. */
const REWRITE_MS = 5000;
/** An Xid or ECC alert is over so long after the last one. */
export const EVENT_LASTS_MS = 600_000;

/** One step: what opened, what is over. Pure: all it knows is in the state. */
export function stepAlerts(state: AlertState, input: AlertInput): AlertStep {
  const { inventory, frame, settings, nowMs } = input;
  const opened: Alert[] = [], closed: Alert[] = [], updated: Alert[] = [];
  const tracked = new Map(state.tracked);
  const samples = new Map(state.samples);
  const lastXid = new Map(state.lastXid);
  const eccSeen = new Map(state.eccSeen);

  function close(key: string, t: Tracked): void {
    if (t.alert !== null) closed.push({ ...t.alert, endedMs: nowMs });
    tracked.delete(key);
  }
  function make(kind: Alert['kind'], uuid: string | null, deviceName: string | null, words: AlertWords, sinceMs: number): Alert {
    return { id: `${kind}-${uuid ?? 'all'}-${Math.round(sinceMs)}`, kind, uuid, deviceName, ...words, sinceMs, endedMs: null, quietUntilMs: null };
  }

  function follow(c: Condition): void {
    const key = `${c.kind}:${c.uuid ?? ''}`;
    const t = tracked.get(key);
    if (t === undefined && !c.over) return;
    const before: Tracked = t ?? { overSinceMs: null, notOverSinceMs: null, clearSinceMs: null, alert: null, endsAtMs: null, wordsAtMs: 0 };
    if (before.alert === null) {
      if (!c.over) {
        const notOverSinceMs = before.notOverSinceMs ?? nowMs;
        if (nowMs - notOverSinceMs >= FLICKER_MS) tracked.delete(key);
        else tracked.set(key, { ...before, notOverSinceMs });
        return;
      }
      const overSinceMs = before.overSinceMs ?? nowMs;
      if (nowMs - overSinceMs < c.forMs) { tracked.set(key, { ...before, overSinceMs, notOverSinceMs: null }); return; }
      const alert = make(c.kind, c.uuid, c.deviceName, c.words(), overSinceMs);
      opened.push(alert);
      tracked.set(key, { ...before, overSinceMs, notOverSinceMs: null, clearSinceMs: null, alert, wordsAtMs: nowMs });
      return;
    }
    if (c.clear) {
      const clearSinceMs = before.clearSinceMs ?? nowMs;
      if (nowMs - clearSinceMs >= c.clearForMs) close(key, before);
      else tracked.set(key, { ...before, clearSinceMs });
      return;
    }
    let { alert, wordsAtMs } = before;
    if (c.over && nowMs - wordsAtMs >= REWRITE_MS) {
      wordsAtMs = nowMs;
      const words = c.words();
      if (words.text !== alert.text || words.title !== alert.title) { alert = { ...alert, ...words }; updated.push(alert); }
    }
    tracked.set(key, { ...before, clearSinceMs: null, alert, wordsAtMs });
  }

  function happen(kind: 'xid' | 'ecc', uuid: string | null, deviceName: string | null, words: AlertWords, atMs: number): void {
    const key = `${kind}:${uuid ?? ''}`;
    const before = tracked.get(key);
    const alert = before?.alert ? { ...before.alert, ...words } : make(kind, uuid, deviceName, words, atMs);
    (before?.alert ? updated : opened).push(alert);
    tracked.set(key, { overSinceMs: atMs, notOverSinceMs: null, clearSinceMs: null, alert, endsAtMs: atMs + EVENT_LASTS_MS, wordsAtMs: nowMs });
  }
  function seeXid(uuid: string | null, xid: number, atMs: number): void {
    const key = uuid ?? '';
    const before = lastXid.get(key);
    if (before !== undefined && atMs <= before.atMs && xid === before.xid) return;
    lastXid.set(key, { xid, atMs });
    if (!settings.xid.on || (settings.xid.which === 'serious' && !seriousXids.has(xid))) return;
    const device = inventory.devices.find((d) => d.uuid === uuid) ?? null;
    happen('xid', uuid, device?.name ?? null, xidWords(device, xid), atMs);
  }

  if (input.xid !== undefined) seeXid(input.xid.uuid, input.xid.xid, input.xid.atMs);
  follow(findDriverCondition(inventory));
  if (frame !== null) {
    for (const fresh of frame.samples) {
      const device = inventory.devices.find((d) => d.uuid === fresh.uuid);
      if (device === undefined) continue;
      const before = samples.get(fresh.uuid);
      const sample = fresh.state === 'ok' && before !== undefined ? { ...before, ...fresh } : fresh;
      samples.set(fresh.uuid, sample);
      const slow = fresh.slow;
      if (slow !== undefined) {
        if (slow.xid !== null && slow.xidAtMs !== null) seeXid(fresh.uuid, slow.xid, slow.xidAtMs);
        const errors = slow.eccUncorrected;
        if (errors !== null) {
          const seen = eccSeen.get(fresh.uuid);
          // The first count is history: only what is added while Warpdeck looks is news.
          if (seen !== undefined && errors > seen && settings.ecc.on) happen('ecc', fresh.uuid, device.name, eccWords(device, errors - seen), frame.atMs);
          if (seen === undefined || errors < seen) eccSeen.set(fresh.uuid, errors);
        }
      }
      for (const c of findConditions(device, sample, settings, lastXid.get(fresh.uuid)?.xid ?? null)) follow(c);
    }
  }
  const present = new Set(inventory.devices.map((d) => d.uuid));
  for (const [key, t] of tracked) {
    if (t.endsAtMs !== null && nowMs >= t.endsAtMs) close(key, t);
    // A device that was taken out of the list is no trouble any more; while the driver is silent its alerts stand.
    else if (inventory.state === 'ok' && t.alert?.uuid != null && !present.has(t.alert.uuid)) close(key, t);
  }
  return { state: { tracked, samples, lastXid, eccSeen }, opened, closed, updated };
}

/** Alerts that are open in a state. */
export function openAlerts(state: AlertState): Alert[] {
  return [...state.tracked.values()].map((t) => t.alert).filter((a) => a !== null);
}
