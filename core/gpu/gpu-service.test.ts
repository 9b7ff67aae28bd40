import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inventory as inventorySchema, type GpuStreamItem, type Inventory } from '../../contract/gpu.ts';
import { problemOf } from '../../contract/problem.ts';
import { createSupervisor } from '../supervisor/create-supervisor.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';
import { readDriverFacts } from './diagnose-driver.ts';
import { createGpuService, type GpuService, type GpuServiceOptions } from './gpu-service.ts';
import { fakeSmi, makeTree, quietLog, until } from './test-support.ts';

let supervisor: Supervisor;
let service: GpuService | null = null;
let tree: ReturnType<typeof makeTree>;
beforeEach(() => {
  supervisor = createSupervisor({ log: quietLog, journalFolder: null });
  tree = makeTree({ 'bin/nvidia-smi': fakeSmi, 'proc/sys/kernel/osrelease': '6.8.0\n' });
});
afterEach(async () => {
  await service?.stop();
  await supervisor.stopAll();
  tree.remove();
});

function run(options: Partial<GpuServiceOptions> & { spec: string | null }) {
  const s = createGpuService({ supervisor, log: quietLog, root: tree.root, platform: 'linux', smi: { program: `${tree.root}/bin/nvidia-smi`, env: { FAKE_SMI: 'normal' }, backoff: { firstMs: 50, maxMs: 200 } }, ...options });
  service = s;
  const items: GpuStreamItem[] = [];
  const inventories: Inventory[] = [];
  s.frames.subscribe((i) => items.push(i));
  s.onInventory((i) => inventories.push(i));
  s.start();
  return { s, items, inventories, frames: () => items.flatMap((i) => (i.type === 'frame' ? [i.frame] : [])), gaps: () => items.filter((i) => i.type === 'gap') };
}

describe('gpu service', () => {
  it('shows simulated devices, said so, where there is no hardware', async () => {
    const { s, frames, inventories } = run({ spec: null });
    await until('frames', () => frames().length >= 1);
    expect(s.explicit).toBe(false);
    expect(s.list()).toMatchObject({ source: 'simulate', sourceSpec: 'simulate:4', simulated: true, state: 'ok', problem: null });
    expect(s.list().devices).toHaveLength(4);
    for (const i of inventories) expect(inventorySchema.parse(i)).toEqual(i);
    expect(inventories.map((i) => i.revision)).toEqual(inventories.map((_, i) => i + 1));
    expect(s.latest().size).toBe(4);
  });

  it('reads as fast as the fastest watcher wants, and slowly when nobody watches', async () => {
    const { s, frames } = run({ spec: 'simulate:1' });
    expect(s.list().rateHz).toBe(1);
    const slow = s.watch(2), fast = s.watch(10);
    expect(s.list().rateHz).toBe(10);
    await until('10 frames', () => frames().length >= 10);
    fast();
    fast();
    expect(s.list().rateHz).toBe(2);
    slow();
    expect(s.list().rateHz).toBe(1);
  });

  it('marks a gap when the driver stops answering, once, and goes on after it', async () => {
    const { s, frames, gaps } = run({ spec: 'simulate:2' });
    s.watch(10);
    await until('frames', () => frames().length >= 2);
    s.fault({ fault: 'driver_mismatch' });
    expect(s.list()).toMatchObject({ state: 'problem', problem: { code: 'gpu.version_mismatch' } });
    expect(gaps()).toHaveLength(1);
    const n = frames().length;
    s.fault({ fault: 'none' });
    await until('more frames', () => frames().length > n);
    expect(s.list()).toMatchObject({ state: 'ok', problem: null });
    expect(gaps()).toHaveLength(1);
  });

  it('gives the process list to who asks, and refuses to end what is simulated', async () => {
    const { s } = run({ spec: 'simulate:4' });
    const reading = await s.processes.once();
    expect(reading.processes.length).toBeGreaterThan(2);
    let code: string | undefined;
    await s.processes.planTerminate({ pid: reading.processes[0]?.pid ?? 0, startTicks: null, signal: 'TERM' }).catch((e: unknown) => { code = problemOf(e)?.code; });
    expect(code).toBe('gpu.simulated');
  });

  it('says none, and refuses an unknown word', async () => {
    const { s } = run({ spec: 'none' });
    expect(s.list()).toMatchObject({ source: 'none', simulated: false, state: 'problem', problem: { code: 'gpu.none' }, devices: [] });
    expect(() => createGpuService({ spec: 'cuda', supervisor, log: quietLog })).toThrow(/gpu.unknown_source/);
    let code: string | undefined;
    try { s.fault({ fault: 'none' }); } catch (e) { code = problemOf(e)?.code; }
    expect(code).toBe('gpu.simulated');
    expect((await s.refresh()).source).toBe('none');
  });

  it('reads nvidia-smi when told to', async () => {
    const { s, frames } = run({ spec: 'smi' });
    await until('frames', () => frames().length >= 2);
    expect(s.list()).toMatchObject({ source: 'smi', simulated: false, state: 'ok', rateHz: 1, driver: { driverVersion: '580.159.04' } });
    expect(s.list().rateNote).toContain('once a second');
    expect(await s.processes.once()).toMatchObject({ processes: [], notReported: { processes: { code: 'source' } } });
  });

  it('names a recording that is not there', async () => {
    const { s } = run({ spec: `replay:${tree.root}/none.jsonl` });
    await until('a problem', () => s.list().problem);
    expect(s.list()).toMatchObject({ source: 'replay', state: 'problem', problem: { code: 'recording.not_found' } });
  });

  const pci = { 'sys/bus/pci/devices/0000:01:00.0/vendor': '0x10de\n', 'sys/bus/pci/devices/0000:01:00.0/class': '0x030000\n' };
  /** The worker asks the system's loader: what happens without the library can only be seen where there is none. */
  const hasLibrary = readDriverFacts().libraryPath !== null;

  it.skipIf(hasLibrary)('never simulates where there is hardware: it names what is missing, with what it looked at', async () => {
    tree.remove();
    tree = makeTree({ ...pci, 'proc/sys/kernel/osrelease': '6.8.0\n' });
    const { s, items } = run({ spec: null });
    await until('a problem', () => s.list().problem);
    expect(s.list()).toMatchObject({ source: 'nvml', simulated: false, state: 'problem', problem: { code: 'gpu.no_driver' }, devices: [] });
    expect(s.list().findings.map((f) => f.name)).toContain('Library');
    expect(items.filter((i) => i.type === 'frame')).toEqual([]);
  });

  it.skipIf(hasLibrary)('takes nvidia-smi where the library cannot be loaded, and says so', async () => {
    tree.remove();
    tree = makeTree({ ...pci, 'bin/nvidia-smi': fakeSmi, 'proc/sys/kernel/osrelease': '6.8.0\n' });
    const { s, frames } = run({ spec: null });
    await until('frames', () => frames().length >= 2);
    expect(s.list()).toMatchObject({ source: 'smi', state: 'ok', problem: null, rateHz: 1 });
    expect(s.notices().map((n) => n.code)).toEqual(['gpu.smi_only']);
    expect(s.list().rateNote).toContain('nvidia-smi works');
  });

  it.skipIf(hasLibrary)('does not take nvidia-smi for the library when the library was asked for by name', async () => {
    const { s } = run({ spec: 'nvml' });
    await until('a problem', () => s.list().problem);
    expect(s.list().source).toBe('nvml');
    expect(s.notices()).toEqual([]);
  });

  it.skipIf(hasLibrary)('hears of a worker that was killed, and of its return', async () => {
    const { s, inventories } = run({ spec: 'nvml', worker: { restart: { firstMs: 50, maxMs: 100 } } });
    await until('the driver problem', () => s.list().problem);
    const pid = await until('the pid', () => supervisor.statuses()[0]?.pid);
    process.kill(pid, 'SIGKILL');
    await until('the crash', () => inventories.find((i) => i.problem?.code === 'worker.crashed'));
    await until('the driver problem again', () => s.list().problem?.code.startsWith('gpu.') === true);
  });
});
