import { describe, expect, it } from 'vitest';
import type { Alert } from '../../contract/alerts.ts';
import { alert as alertSchema } from '../../contract/alerts.ts';
import type { DeviceSample, FastReading, Inventory, MediumReading, SlowReading } from '../../contract/gpu.ts';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { defaultSettings, type AlertSettings } from '../../contract/settings.ts';
import { readSimulatedMachine } from '../gpu/sources/gpu-models.ts';
import { createSimulatedDevice } from '../gpu/sources/simulate-model.ts';
import { emptyAlertState, EVENT_LASTS_MS, openAlerts, stepAlerts, type AlertInput, type AlertState } from './step-alerts.ts';

/** An RTX 3090 (slowdown 92 °C, so the default threshold is 87 °C) and an H200. */
const machine = readSimulatedMachine(5);
const real = [3, 4].map((i) => {
  const m = machine[i];
  if (m === undefined) throw new Error('no model');
  const d = createSimulatedDevice({ model: m.model, mig: false, index: i, seed: 1, warm: false, startMs: 0 });
  d.step();
  return { device: d.devices()[0], sample: d.read({ medium: true, slow: true })[0] };
});
const device = real[0]?.device, other = real[1]?.device, template = real[0]?.sample;
if (device === undefined || other === undefined || template?.fast == null || template.medium === undefined || template.slow === undefined) throw new Error('no device');
const uuid = device.uuid;
const calm = { fast: template.fast, medium: template.medium, slow: template.slow };

const inventory: Inventory = {
  revision: 1, atMs: 0, source: 'nvml', sourceSpec: 'nvml', simulated: false, state: 'ok', problem: null, driver: { driverVersion: null, cudaVersion: null, nvmlVersion: null, libraryPath: null }, devices: [device, other], provenance: null, findings: [], rateHz: 1, rateNote: null, inContainer: false,
};
interface Change { fast?: Partial<FastReading>; medium?: Partial<MediumReading>; slow?: Partial<SlowReading>; state?: DeviceSample['state'] }
function rig(settings: AlertSettings = defaultSettings.alerts) {
  let state: AlertState = emptyAlertState;
  let t = 1_000_000;
  const opened: Alert[] = [], closed: Alert[] = [], updated: Alert[] = [];
  let inv = inventory;
  function step(part: Pick<AlertInput, 'frame' | 'xid'>): void {
    const r = stepAlerts(state, { ...part, inventory: inv, settings, nowMs: t });
    state = r.state;
    opened.push(...r.opened);
    closed.push(...r.closed);
    updated.push(...r.updated);
    for (const a of [...r.opened, ...r.closed, ...r.updated]) expect(alertSchema.parse(a)).toEqual(a);
  }
  return {
    opened, closed, updated,
    open: () => openAlerts(state).map((a) => a.kind),
    setInventory: (part: Partial<Inventory>) => { inv = { ...inv, ...part }; },
    xid: (xid: number) => step({ frame: null, xid: { uuid, xid, atMs: t } }),
    /** The same reading once a second for so long. */
    hold(seconds: number, change: Change = {}): void {
      for (let i = 0; i < seconds; i += 1) {
        t += 1000;
        const sample: DeviceSample = change.state !== undefined && change.state !== 'ok' ? { uuid, state: change.state, fast: null } : { uuid, state: 'ok', fast: { ...calm.fast, ...change.fast }, medium: { ...calm.medium, ...change.medium }, slow: { ...calm.slow, ...change.slow } };
        step({ frame: { seq: i, atMs: t, tookMs: 0, samples: [sample] } });
      }
    },
    pass(seconds: number): void { for (let i = 0; i < seconds; i += 1) { t += 1000; step({ frame: null }); } },
  };
}

describe('alerts', () => {
  it('nothing on a calm machine, a power cap at full load, idle', () => {
    const r = rig();
    for (const eventReasons of [0, 1, 2, 4, 0x10, 0x100]) r.hold(120, { fast: { eventReasons } });
    expect(r.opened).toEqual([]);
  });

  it('temperature: only after its time, once, and over only below the margin', () => {
    const r = rig();
    r.hold(29, { medium: { tempCelsius: 88 } });
    r.hold(5, { medium: { tempCelsius: 80 } });
    r.hold(29, { medium: { tempCelsius: 88 } });
    expect(r.opened).toEqual([]);
    r.hold(5, { medium: { tempCelsius: 89 } });
    expect(r.opened).toHaveLength(1);
    expect(r.opened[0]).toMatchObject({ kind: 'temperature', severity: 'attention', uuid, title: 'RTX 3090 is hot', value: '89 °C', endedMs: null });
    expect(r.opened[0]?.text).toBe('89 °C; the threshold is 87 °C. Its hardware slows it down at 92 °C. Check the intake and the fans, or lower the power limit.');
    for (let i = 0; i < 20; i += 1) { r.hold(3, { medium: { tempCelsius: 86 } }); r.hold(3, { medium: { tempCelsius: 88 } }); }
    r.hold(60, { medium: { tempCelsius: 85 } });
    expect(r.opened).toHaveLength(1);
    expect(r.closed).toEqual([]);
    r.hold(7, { medium: { tempCelsius: 84 } });
    expect(r.closed).toHaveLength(1);
    expect(r.closed[0]?.endedMs).toBeGreaterThan(r.closed[0]?.sinceMs ?? 0);
    expect(r.open()).toEqual([]);
  });

  it.each<[string, AlertSettings, number, boolean]>([
    ['a threshold of its own', { ...defaultSettings.alerts, temperature: { on: true, celsius: 60, forSeconds: 5 } }, 61, true],
    ['an exception above it', { ...defaultSettings.alerts, temperature: { on: true, celsius: 60, forSeconds: 5 }, exceptions: { [uuid]: { celsius: 70 } } }, 65, false],
    ['switched off', { ...defaultSettings.alerts, temperature: { on: false, celsius: 60, forSeconds: 5 } }, 95, false],
  ])('temperature with %s', (_, settings, tempCelsius, fires) => {
    const r = rig(settings);
    r.hold(20, { medium: { tempCelsius } });
    expect(r.open()).toEqual(fires ? ['temperature'] : []);
  });

  it('memory: nearly full', () => {
    const r = rig();
    const memUsedBytes = Math.round((device.memTotalBytes ?? 0) * 0.905);
    r.hold(62, { medium: { memUsedBytes } });
    expect(r.opened[0]).toMatchObject({ kind: 'memory', title: 'Memory of the RTX 3090 is nearly full', value: '90 %' });
    expect(r.opened[0]?.text).toMatch(/^21\.7 of 24\.0 GiB, 90 %\./);
    r.hold(10, { medium: { memUsedBytes: 0 } });
    expect(r.closed).toHaveLength(1);
  });

  it('heat and hardware slowdown, the worse in place of the other; flicker is no break', () => {
    const r = rig();
    for (let i = 0; i < 12; i += 1) { r.hold(1, { fast: { eventReasons: 0x20, clockSmMhz: 1245 }, medium: { tempCelsius: 86 } }); if (i % 3 === 0) r.hold(1, { fast: { eventReasons: 4 } }); }
    expect(r.open()).toEqual(['throttle_heat']);
    expect(r.opened[0]?.text).toBe('At 86 °C the clock is held at 1,245 of 1,890 MHz, ≈ 34 % below its highest. Check the intake and the fan curve, or lower the power limit from 350 W.');
    r.hold(12, { fast: { eventReasons: 0x48 }, medium: { tempCelsius: 86 } });
    expect(r.open().sort()).toEqual(['throttle_hardware', 'throttle_heat'].sort());
    expect(r.opened[1]).toMatchObject({ kind: 'throttle_hardware', severity: 'problem' });
    r.hold(10, { fast: { eventReasons: 4 } });
    expect(r.open()).toEqual([]);
    expect(r.opened).toHaveLength(2);
  });

  it('a power brake is named as such', () => {
    const r = rig();
    r.hold(12, { fast: { eventReasons: 0x80 } });
    expect(r.opened[0]?.text).toContain('power supply');
  });

  it('a lost GPU at once, whatever else is switched off, and over when it is back', () => {
    const off = { on: false } as const;
    const r = rig({ ...defaultSettings.alerts, lost: off });
    r.hold(1, { state: 'lost' });
    expect(r.opened[0]).toMatchObject({ kind: 'lost', severity: 'problem', title: 'RTX 3090 is lost' });
    r.hold(5, { state: 'lost' });
    expect(r.opened).toHaveLength(1);
    r.hold(1);
    expect(r.closed).toHaveLength(1);
  });

  it.each([[48, 'serious', true], [79, 'serious', true], [120, 'serious', true], [13, 'serious', false], [13, 'all', true], [999, 'all', true]] as const)('Xid %i with %s: %s', (xid, which, fires) => {
    const r = rig({ ...defaultSettings.alerts, xid: { on: true, which } });
    r.xid(xid);
    expect(r.opened.map((a) => a.value)).toEqual(fires ? [`Xid ${xid}`] : []);
    if (!fires) return;
    r.pass(EVENT_LASTS_MS / 1000 - 1);
    expect(r.closed).toEqual([]);
    r.pass(2);
    expect(r.closed).toHaveLength(1);
  });

  it('the same Xid in event and readings is one alert', () => {
    const r = rig();
    r.hold(3, { slow: { xid: 79, xidAtMs: 1_000_500 } });
    r.hold(3, { slow: { xid: 79, xidAtMs: 1_000_500 } });
    expect(r.opened).toHaveLength(1);
    expect(r.updated).toEqual([]);
    r.hold(1, { state: 'lost' });
    expect(r.opened[1]).toMatchObject({ kind: 'lost', value: 'Xid 79' });
  });

  it('uncorrected memory errors: what is added, not what was', () => {
    const r = rig();
    r.hold(5, { slow: { eccUncorrected: 3 } });
    expect(r.opened).toEqual([]);
    r.hold(1, { slow: { eccUncorrected: 5 } });
    expect(r.opened[0]).toMatchObject({ kind: 'ecc', severity: 'problem', value: '2' });
  });

  it('a driver that does not answer, not a GPU-less machine, not a short restart', () => {
    const r = rig();
    r.setInventory({ state: 'problem', problem: makeProblem('gpu.none') });
    r.pass(20);
    r.setInventory({ state: 'problem', problem: makeProblem('worker.crashed', { name: 'nvml', how: 'signal SIGKILL', detail: '' }) });
    r.pass(3);
    r.setInventory({ state: 'ok', problem: null });
    r.pass(5);
    expect(r.opened).toEqual([]);
    r.setInventory({ state: 'problem', problem: makeProblem('gpu.version_mismatch', { moduleVersion: '1', libraryVersion: '2' }) });
    r.pass(7);
    expect(r.opened[0]).toMatchObject({ kind: 'driver', uuid: null, title: 'Driver and library are of different versions' });
    r.setInventory({ state: 'ok', problem: null });
    r.pass(1);
    expect(r.closed).toHaveLength(1);
  });

  it('of a device that is no longer there are over', () => {
    const r = rig();
    r.hold(1, { state: 'lost' });
    r.setInventory({ devices: [other] });
    r.pass(1);
    expect(r.closed).toHaveLength(1);
  });

  it('write their value again while they last', () => {
    const r = rig();
    r.hold(40, { medium: { tempCelsius: 88 } });
    r.hold(10, { medium: { tempCelsius: 91 } });
    expect(r.updated.at(-1)?.value).toBe('91 °C');
    expect(r.updated.at(-1)?.id).toBe(r.opened[0]?.id);
  });
});
