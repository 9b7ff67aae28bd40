import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertPreview, type Alert, type AlertsState } from '../../contract/alerts.ts';
import type { HistoryEvent, HistorySeries } from '../../contract/history.ts';
import { defaultSettings } from '../../contract/settings.ts';
import { createGpuService } from '../gpu/gpu-service.ts';
import { quietLog, until } from '../gpu/test-support.ts';
import { createSupervisor } from '../supervisor/create-supervisor.ts';
import { createAlertFile } from './alert-store.ts';
import { createAlerts } from './create-alerts.ts';
import { countRuns } from './preview-alerts.ts';

let dir = '';
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'warpdeck-alerts-')); });
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const sample: Alert = { id: 'lost-GPU-1-5', kind: 'lost', severity: 'problem', uuid: 'GPU-1', deviceName: 'RTX', title: 't', text: 'x', value: null, sinceMs: 5, endedMs: null, quietUntilMs: null };

describe('alerts on simulated devices that were asked for', () => {
  async function rig(enabled: boolean) {
    const supervisor = createSupervisor({ log: quietLog, journalFolder: null });
    const events: Omit<HistoryEvent, 'id'>[] = [];
    const changes: AlertsState[] = [];
    const told: Alert[] = [];
    const path = join(dir, 'alerts.jsonl');
    const series: HistorySeries[] = [];
    const gpus = createGpuService({ spec: 'simulate:2', supervisor, log: quietLog, onFrame: (f) => alerts.acceptFrame(f) });
    const alerts = createAlerts({ getSettings: () => defaultSettings.alerts, getInventory: () => gpus.list(), enabled, store: createAlertFile(path), log: quietLog, onEvent: (e) => events.push(e), queryMinutes: () => Promise.resolve(series) });
    gpus.onInventory(() => alerts.acceptInventory());
    gpus.onSourceEvent((e) => { if (e.type === 'xid') alerts.acceptXid(e); });
    alerts.onChange((s) => changes.push(s));
    alerts.onOpened((a) => told.push(a));
    await alerts.start();
    gpus.start();
    gpus.watch(10);
    const stop = async (): Promise<void> => { await gpus.stop(); await alerts.stop(); await supervisor.stopAll(); };
    return { gpus, alerts, events, changes, told, path, series, stop };
  }

  it('open, are quiet when asked, end, and are kept for the next engine', async () => {
    const r = await rig(true);
    const uuid = r.gpus.list().devices[1]?.uuid ?? '';
    r.gpus.fault({ fault: 'lost', uuid });
    await until('the alert', () => r.told.length === 1);
    const open = r.alerts.list(null).open[0];
    expect(open).toMatchObject({ kind: 'lost', uuid, quietUntilMs: null });
    const later = Date.now() + 60_000;
    r.alerts.quiet(open?.id ?? '', later);
    expect(r.alerts.list(null).open[0]?.quietUntilMs).toBe(later);
    expect(() => r.alerts.quiet('nonsense', later)).toThrow(/input.invalid/);
    r.alerts.quiet(null, later);
    r.gpus.fault({ fault: 'xid', uuid, xid: 48 });
    await until('the second', () => r.told.length === 2);
    expect(r.told[1]).toMatchObject({ kind: 'xid', quietUntilMs: later });
    r.gpus.fault({ fault: 'none' });
    await until('it is over', () => r.alerts.list(null).over.length === 1);
    expect(r.changes.length).toBeGreaterThanOrEqual(3);
    expect(r.events.map((e) => e.kind)).toEqual(['alert', 'xid', 'alert']);
    await r.stop();
    expect(statSync(r.path).mode & 0o777).toBe(0o600);
    const kept = await createAlertFile(r.path).load();
    expect(kept.map((a) => a.kind)).toEqual(['lost', 'xid']);
    expect(kept.every((a) => a.endedMs !== null)).toBe(true);
    const preview = await createAlerts({ getSettings: () => defaultSettings.alerts, getInventory: () => r.gpus.list(), enabled: true, store: createAlertFile(r.path), log: quietLog, queryMinutes: () => Promise.resolve([]) }).preview(7);
    expect(alertPreview.parse(preview)).toEqual(preview);
  });

  it('never open when nobody asked for simulated devices', async () => {
    const r = await rig(false);
    r.gpus.fault({ fault: 'lost', uuid: r.gpus.list().devices[0]?.uuid ?? '' });
    let frames = 0;
    r.gpus.frames.subscribe(() => { frames += 1; });
    await until('frames', () => frames >= 5);
    expect(r.alerts.list(null)).toEqual({ open: [], over: [] });
    await r.stop();
  });

  it('count how often the thresholds would have fired', async () => {
    const r = await rig(true);
    const device = r.gpus.list().devices[0];
    const total = device?.memTotalBytes ?? 0;
    const n = 10;
    r.series.push({ uuid: device?.uuid ?? '', resolution: 'minute', stepMs: 60_000, times: Array.from({ length: n }, (_, i) => i * 60_000), series: { tempCelsius: [50, 91, 50, 91, 92, null, 95, 50, 50, 50], memUsedBytes: Array.from({ length: n }, () => total * 0.95), eventReasons: [0, 4, 0x20, 0x20, 0, 0x40, 0, 0, 0x24, 0] } });
    expect((await r.alerts.preview(7)).counts).toMatchObject({ temperature: 3, memory: 1, throttle_heat: 2, throttle_hardware: 1, lost: 0 });
    await r.stop();
  });
});

it('an alert file with broken lines gives what is whole, and a missing one nothing', async () => {
  const path = join(dir, 'a.jsonl');
  expect(await createAlertFile(path).load()).toEqual([]);
  const store = createAlertFile(path);
  await Promise.all([store.save({ ...sample, endedMs: Date.now() }), store.save({ ...sample, id: 'two', endedMs: Date.now() })]);
  appendFileSync(path, 'oops\n{"id":1}\n');
  expect((await createAlertFile(path).load()).map((a) => a.id)).toEqual(['lost-GPU-1-5', 'two']);
});

it.each([[[1, 1, 1, 0, 1], 3, 1], [[1, null, 1], 2, 0], [[1, 1, 0, 1, 1], 2, 2], [[], 1, 0]] as const)('runs of %j of %i: %i', (values, length, runs) => {
  expect(countRuns(values, length, (v) => v === 1)).toBe(runs);
});
