import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { GpuStreamItem, Inventory } from '../../../contract/gpu.ts';
import type { SourceEvent } from '../../../contract/nvml-worker.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { makeNvmlTestDriver, type NvmlTestDriver } from '../../testing/nvml-driver/nvml-test-driver.ts';
import { createGpuService, type GpuService } from '../gpu-service.ts';
import { quietLog, until } from '../test-support.ts';
import { createSimulateSource } from './simulate-source.ts';
import { createRecordingWriter } from './write-recording.ts';

let text = '';
/** Eight devices as the simulation gives them, written as a recording, spoken by the C test driver. */
beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'warpdeck-nvml-rec-'));
  const path = join(dir, 'r.jsonl');
  let t = 1_800_000_000_000;
  const events: SourceEvent[] = [];
  const source = createSimulateSource({ count: 8, emit: (e) => events.push(e), now: () => t });
  source.start();
  source.setDemand({ rateHz: 10, processes: true });
  const devices = events.find((e) => e.type === 'devices');
  if (devices === undefined) throw new Error('no devices');
  const inventory: Inventory = { revision: 1, atMs: t, source: 'simulate', sourceSpec: 'simulate:8', simulated: true, state: 'ok', problem: null, driver: { ...devices.driver, driverVersion: '580.95.05', cudaVersion: '13.0' }, devices: devices.devices, provenance: source.provenance, findings: [], rateHz: 10, rateNote: null, inContainer: false };
  const writer = await createRecordingWriter({ path, app: 'test', inventory, note: null, now: () => t });
  for (let i = 0; i < 100; i += 1) { t += 100; source.tick(t); }
  for (const e of events.slice(1)) writer.write(e);
  await source.stop();
  await writer.close();
  text = readFileSync(path, 'utf8');
  rmSync(dir, { recursive: true, force: true });
}, 120_000);

let driver: NvmlTestDriver;
let supervisor: Supervisor;
let service: GpuService;
let items: GpuStreamItem[] = [];
let inventories: Inventory[] = [];
beforeEach(async () => {
  driver = await makeNvmlTestDriver({ recording: { text } });
  supervisor = createSupervisor({ log: quietLog, journalFolder: null });
  items = [];
  inventories = [];
  service = createGpuService({ spec: 'nvml', supervisor, log: quietLog, worker: { env: driver.env, restart: { firstMs: 50, maxMs: 100 } } });
  service.frames.subscribe((i) => items.push(i));
  service.onInventory((i) => inventories.push(i));
  service.start();
  service.watch(10);
  await until('frames', () => frames().length >= 3);
});
afterEach(async () => {
  await service.stop();
  await supervisor.stopAll();
  await driver.dispose();
});
afterAll(() => { text = ''; });
const frames = () => items.flatMap((i) => (i.type === 'frame' ? [i.frame] : []));
const gaps = () => items.flatMap((i) => (i.type === 'gap' ? [i] : []));
const pid = () => until('the pid', () => supervisor.statuses()[0]?.pid);

describe('nvml source, on the test driver', () => {
  it('gives devices and frames at the rate that is asked for', async () => {
    expect(service.list()).toMatchObject({ source: 'nvml', state: 'ok', simulated: false, problem: null, driver: { driverVersion: '580.95.05' } });
    expect(service.list().devices).toHaveLength(8);
    const n = frames().length;
    await until('20 more', () => frames().length >= n + 20, 8000);
    expect(frames().at(-1)?.samples).toHaveLength(8);
    expect(service.list().rateHz).toBe(10);
  });

  it('that is killed leaves one gap and a Problem, and comes back with its demand', async () => {
    process.kill(await pid(), 'SIGKILL');
    await until('the problem', () => inventories.some((i) => i.problem?.code === 'worker.crashed'));
    const n = frames().length;
    await until('frames again', () => frames().length >= n + 15);
    expect(gaps()).toHaveLength(1);
    const at = items.findIndex((i) => i.type === 'gap');
    expect(items[at + 1]?.type).toBe('frame');
    expect(service.list()).toMatchObject({ state: 'ok', problem: null });
    const times = frames().slice(-5).map((f) => f.atMs);
    expect((times[4] ?? 0) - (times[0] ?? 0)).toBeLessThan(2000);
  });

  it('that hangs in a call is found, replaced and goes on', async () => {
    const first = await pid();
    await driver.setControl({ hang: 'nvmlDeviceGetUtilizationRates' });
    await until('the problem', () => inventories.some((i) => i.problem?.code === 'worker.unresponsive'));
    await driver.setControl({});
    const n = frames().length;
    await until('frames again', () => frames().length >= n + 3);
    expect(gaps()).toHaveLength(1);
    expect(await pid()).not.toBe(first);
    expect(service.list().state).toBe('ok');
  });

  it('shows one lost GPU as lost while the others go on', async () => {
    const uuid = service.list().devices[2]?.uuid ?? '';
    await driver.setControl({ lost: uuid });
    await until('lost', () => service.latest().get(uuid)?.sample.state === 'lost');
    const n = frames().length;
    await until('more frames', () => frames().length >= n + 5);
    expect(frames().at(-1)?.samples.filter((s) => s.state === 'ok')).toHaveLength(7);
    expect(service.list().state).toBe('ok');
    expect(gaps()).toEqual([]);
  });
});
