import { describe, expect, test } from 'vitest';
import type { Device } from '../../../contract/gpu.ts';
import { createGpuService } from '../../gpu/gpu-service.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { resourcesFolder } from '../../system/entry-points.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { awaitReading } from './await-reading.ts';
import { readGpuHardware } from './gpu-hardware.ts';
import { createGpuReadings } from './gpu-readings.ts';
import { decidePlaces } from './places.ts';

const hardware = await readGpuHardware(resourcesFolder());
const machine = { cpuName: 'Some CPU', memoryBytes: 64e9, freeBytes: 30e9 };
const device = (uuid: string, name: string, change: Partial<Device> = {}): Device => ({
  uuid, index: 0, kind: 'gpu', parentUuid: null, migProfile: null, name, architecture: null, computeCapability: '9.0', pciBusId: null, vbiosVersion: null, persistenceMode: null, eccEnabled: null, migMode: null,
  displayActive: null, unifiedMemory: false, memTotalBytes: 80e9, powerLimitWatts: null, powerDefaultLimitWatts: null, powerMinLimitWatts: null, powerMaxLimitWatts: null, tempSlowdownCelsius: null, tempShutdownCelsius: null,
  tempMaxOperatingCelsius: null, clockMaxSmMhz: null, clockMaxMemMhz: null, pcieMaxGen: null, pcieMaxWidth: null, nvlinkCount: null, fanCount: null, notReported: {}, ...change,
});
const places = (devices: Device[], free: readonly (readonly [string, number])[] = [], simulated = false) => decidePlaces({ inventory: { devices, simulated }, freeBytes: new Map(free), machine, hardware });

describe('where a model can run', () => {
  test('real GPUs with what is free and how fast their memory is, then the processor', () => {
    const [gpu, cpu] = places([device('h', 'NVIDIA H100 80GB HBM3')], [['h', 79e9]]);
    expect(gpu).toMatchObject({ key: 'h', kind: 'gpu', freeBytes: 79e9, capacityBytes: 80e9, bandwidth: { bytesPerSecond: 3.35e12 } });
    expect(cpu).toMatchObject({ key: 'cpu', name: 'Some CPU', freeBytes: 30e9, bandwidth: null });
  });
  test('a product is known by its whole name only', () => {
    expect(places([device('a', 'NVIDIA GeForce RTX 4090')])[0]?.bandwidth?.bytesPerSecond).toBe(1.008e12);
    expect(places([device('a', 'NVIDIA GeForce RTX 4090 Laptop GPU')])[0]?.bandwidth).toBeNull();
  });
  test('simulated devices are no places; not reported stays null', () => {
    expect(places([device('a', 'NVIDIA H200')], [], true).map((p) => p.key)).toEqual(['cpu']);
    expect(places([device('a', 'NVIDIA H200')])[0]?.freeBytes).toBeNull();
  });
  test('a GPU that is cut into instances is not one; they are, without a bandwidth', () => {
    const cut = places([device('p', 'NVIDIA H100 80GB HBM3', { migMode: 'enabled' }), device('i', 'NVIDIA H100 80GB HBM3', { kind: 'mig', parentUuid: 'p' })]);
    expect(cut.map((p) => [p.key, p.bandwidth])).toEqual([['i', null], ['cpu', null]]);
  });
  test('where memory is shared, the machine\'s counts', () => {
    expect(places([device('g', 'NVIDIA GB10', { unifiedMemory: true, memTotalBytes: null })])[0]).toMatchObject({ freeBytes: 30e9, capacityBytes: 64e9, unifiedMemory: true });
  });
});

describe('what an ended process gave back', () => {
  /** A driver's clock and its listeners, moved by hand. */
  const driver = (atMs: number | null) => {
    const state = { atMs, listeners: new Set<() => void>() };
    return { state, read(now: number): void { state.atMs = now; for (const one of [...state.listeners]) one(); }, gpus: { freeBytesAtMs: () => state.atMs, onReading: (one: () => void) => { state.listeners.add(one); return () => void state.listeners.delete(one); } } };
  };
  test('is waited for until it was read', async () => {
    const { gpus, read, state } = driver(100);
    let came = false;
    const waiting = awaitReading(gpus, 100, 60_000).then(() => { came = true; });
    read(100);
    await Promise.resolve();
    expect(came).toBe(false);
    read(101);
    await waiting;
    expect(state.listeners.size).toBe(0);
  });
  test('is not waited for where it is read already, where no GPU is read, or longer than it may take', async () => {
    await awaitReading(driver(101).gpus, 100, 60_000);
    await awaitReading(driver(null).gpus, 100, 60_000);
    const silent = driver(100);
    await awaitReading(silent.gpus, 100, 10);
    expect(silent.state.listeners.size).toBe(0);
  });
});

test('the readings of a simulation are nobody\'s', async () => {
  const supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
  const service = createGpuService({ spec: 'simulate:2', supervisor, log: silentLogger });
  const readings = createGpuReadings(service);
  const framed = new Promise<void>((resolve) => { const stop = service.frames.subscribe(() => { stop(); resolve(); }); });
  service.start();
  await framed;
  const [first] = service.list().devices;
  expect(first).toBeDefined();
  expect(readings.inventory().devices).toEqual([]);
  expect(readings.freeBytes().size).toBe(0);
  expect(readings.freeBytesAtMs()).toBeNull();
  expect(readings.latest(first?.uuid ?? '')).toBeNull();
  expect((await readings.processes()).processes).toEqual([]);
  readings.hold()();
  await service.stop();
  await supervisor.stopAll();
});
