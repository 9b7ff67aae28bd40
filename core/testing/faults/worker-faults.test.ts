// The process that reads the driver goes wrong; what a subscribed face is told. Real engine, real worker, the C driver.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { readDriverFacts } from '../../gpu/diagnose-driver.ts';
import { isProcessAlive } from '../../supervisor/process-identity.ts';
import { makeNvmlTestDriver, type NvmlControl, type NvmlTestDriver } from '../nvml-driver/nvml-test-driver.ts';
import { makeTestFolder } from '../test-folder.ts';
import { endEngines, follow, startEngine, until } from './engine-under-test.ts';

const drivers: NvmlTestDriver[] = [];
afterEach(async () => {
  await endEngines();
  for (const driver of drivers.splice(0)) await driver.dispose();
});

async function startOnDriver(control: NvmlControl = {}, env: Readonly<Record<string, string>> = {}) {
  const driver = await makeNvmlTestDriver({ recording: 'h200-two', control });
  drivers.push(driver);
  const engine = await startEngine({ dir: makeTestFolder('fault'), gpus: 'nvml', env: { ...driver.env, ...env } });
  const { client } = await engine.face();
  const seen = follow(client);
  const frames = () => seen.items.flatMap((i) => (i.type === 'frame' ? [i.frame] : []));
  const gaps = () => seen.items.filter((i) => i.type === 'gap');
  /** That readings come again, from this moment on. */
  const goesOn = async (): Promise<void> => {
    const before = frames().length;
    await until('more readings', () => frames().length > before + 3);
  };
  const problem = (code: string, deadlineMs = 20_000) => until(code, () => seen.inventories.find((i) => i.problem?.code === code), deadlineMs);
  const worker = () => until('the worker', () => seen.statuses.at(-1)?.workers.find((w) => w.name === 'nvml' && w.pid !== null));
  return { driver, engine, client, seen, frames, gaps, goesOn, problem, worker };
}

describe.skipIf(process.platform === 'win32')('the nvml worker', () => {
  it('is killed: one gap, the cause by name, and readings again', async () => {
    const { goesOn, worker, gaps, problem, seen, client } = await startOnDriver();
    await goesOn();
    const { pid } = await worker();
    process.kill(pid ?? 0, 'SIGKILL');
    expect((await problem('worker.crashed')).problem?.facts).toMatchObject({ name: 'nvml', signal: 'SIGKILL' });
    await goesOn();
    expect(gaps()).toHaveLength(1);
    const at = seen.items.findIndex((i) => i.type === 'gap');
    expect(seen.items[at + 1]?.type).toBe('frame');
    expect(await client.gpus.list({})).toMatchObject({ state: 'ok', problem: null });
    await until('the new process', () => seen.statuses.at(-1)?.workers.some((w) => w.pid !== null && w.pid !== pid && w.restarts === 1));
  });

  it('hangs in a call of the driver: named, replaced, and readings again', async () => {
    const { driver, goesOn, worker, gaps, problem } = await startOnDriver();
    await goesOn();
    const { pid } = await worker();
    await driver.setControl({ hang: 'nvmlDeviceGetUtilizationRates' });
    expect((await problem('worker.unresponsive')).problem?.cause).toContain('nvmlDeviceGetUtilizationRates');
    await driver.setControl({});
    await goesOn();
    expect(gaps()).toHaveLength(1);
    expect(isProcessAlive(pid ?? 0)).toBe(false);
  });

  it('is stopped by a signal (nothing moves, no beat): ended and replaced', async () => {
    const { goesOn, worker, problem } = await startOnDriver();
    await goesOn();
    const { pid } = await worker();
    process.kill(pid ?? 0, 'SIGSTOP');
    expect((await problem('worker.unresponsive')).problem?.facts).toMatchObject({ busy: 'silence' });
    await goesOn();
    expect(isProcessAlive(pid ?? 0)).toBe(false);
  });

  it('crashes again and again: given up with a Problem, the engine goes on, and trying again by hand works', async () => {
    const { driver, engine, client, goesOn, problem } = await startOnDriver();
    await goesOn();
    await driver.setControl({ segv: 'nvmlDeviceGetUtilizationRates' });
    // Five restarts with 0.5 to 8 s between them.
    const { problem: failed } = await problem('worker.failed', 60_000);
    expect(failed).toMatchObject({ facts: { name: 'nvml', restarts: 6, how: 'signal SIGSEGV' }, retry: 'now' });
    expect((await client.engine.info({})).pid).toBe(engine.pid);
    expect((await client.engine.report({})).text).toContain('worker.failed');
    await driver.setControl({});
    await client.gpus.refresh({});
    await goesOn();
    expect(await client.gpus.list({})).toMatchObject({ state: 'ok', problem: null });
  }, 120_000);
});

describe.skipIf(process.platform === 'win32')('the driver', () => {
  it('is of another version than its library: said, with what was looked at; found again when it answers', async () => {
    const { driver, client, frames, goesOn, problem } = await startOnDriver({ init: 18 });
    const inventory = await problem('gpu.version_mismatch');
    expect(inventory).toMatchObject({ state: 'problem', simulated: false, devices: [] });
    expect(inventory.findings.map((f) => f.name)).toContain('Library');
    expect(frames()).toEqual([]);
    expect(await client.history.query({ fromMs: 0, toMs: Date.now(), maxPoints: 10 })).toEqual([]);
    await driver.setControl({});
    expect(await client.gpus.refresh({})).toMatchObject({ state: 'ok', problem: null });
    await goesOn();
  });

  it('cannot be loaded: the loader\'s words', async () => {
    const broken = makeTestFolder('library');
    writeFileSync(join(broken, 'libnvidia-ml.so.1'), 'not a library');
    const { problem, client } = await startOnDriver({}, { LD_LIBRARY_PATH: broken });
    expect((await problem('gpu.library_broken')).problem?.cause).toContain('libnvidia-ml.so.1');
    expect((await client.gpus.list({})).devices).toEqual([]);
  });

  it.skipIf(readDriverFacts().libraryPath !== null)('is not there: said, and nothing is simulated in its place', async () => {
    const { seen, client } = await startOnDriver({}, { LD_LIBRARY_PATH: makeTestFolder('nothing') });
    const { problem } = await until('a Problem', () => seen.inventories.find((i) => i.state === 'problem'));
    expect(problem?.code).toMatch(/^gpu\.(none|no_driver|container)$/);
    expect(await client.gpus.list({})).toMatchObject({ source: 'nvml', simulated: false, devices: [] });
  });

  it('loses one GPU in the middle: it is shown as lost, an alert says so, the other goes on; it comes back', async () => {
    const { driver, client, frames, gaps, goesOn } = await startOnDriver();
    await goesOn();
    const [first, second] = (await client.gpus.list({})).devices;
    await driver.setControl({ lost: first?.uuid ?? '' });
    const state = (uuid: string | undefined) => frames().at(-1)?.samples.find((s) => s.uuid === uuid)?.state;
    await until('it is lost', () => state(first?.uuid) === 'lost');
    expect(state(second?.uuid)).toBe('ok');
    await until('the alert', async () => (await client.alerts.list({})).open.some((a) => a.uuid === first?.uuid && a.kind === 'lost'));
    await goesOn();
    expect(gaps()).toEqual([]);
    await driver.setControl({});
    await client.gpus.refresh({});
    await until('it is back', () => state(first?.uuid) === 'ok');
  });

  it('loses all: gpu.lost, and back', async () => {
    const { driver, goesOn, problem } = await startOnDriver();
    await goesOn();
    await driver.setControl({ lost: 'all' });
    expect((await problem('gpu.lost')).state).toBe('problem');
    await driver.setControl({});
    await goesOn();
  });
});
