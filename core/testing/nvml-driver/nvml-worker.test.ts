import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { sourceEvent } from '../../../contract/nvml-worker.ts';
import type { GpuFrame } from '../../../contract/gpu.ts';
import { oldDriverLacks, type LeftOut } from './build-nvml-driver.ts';
import { makeNvmlTestDriver, readRecording, type NvmlControl, type NvmlTestDriver, type RecordingName } from './nvml-test-driver.ts';
import { startNvmlWorker, type NvmlWorkerProcess } from './nvml-worker-process.ts';

/** The real worker process on the real C library: what it says must be what the feed holds. */
const open: { driver: NvmlTestDriver; worker: NvmlWorkerProcess }[] = [];
afterEach(async () => {
  for (const { driver, worker } of open.splice(0)) {
    await worker.stop();
    await driver.dispose();
  }
});
const A = 'GPU-00000002-0000-4000-8000-000000000002';
const B = 'GPU-00000003-0000-4000-8000-000000000003';

async function start(recording: RecordingName, control: NvmlControl = {}, options: { without?: readonly LeftOut[]; env?: Record<string, string> } = {}): Promise<{ driver: NvmlTestDriver; worker: NvmlWorkerProcess }> {
  const driver = await makeNvmlTestDriver({ recording, control, ...(options.without === undefined ? {} : { without: options.without }) });
  const worker = startNvmlWorker({ ...driver.env, WARPDECK_NVML_TIMES: '300,400,300', ...options.env });
  open.push({ driver, worker });
  return { driver, worker };
}
const sampleOf = (frame: GpuFrame, uuid = A) => frame.samples.find((s) => s.uuid === uuid);

async function recordedFrame(name: RecordingName, n: number): Promise<GpuFrame> {
  const lines = (await readRecording(name)).trimEnd().split('\n').slice(1);
  const frames = lines.map((line) => sourceEvent.parse(JSON.parse(line))).flatMap((e) => (e.type === 'frame' ? [e.frame] : []));
  const frame = frames[n];
  if (frame === undefined) throw new Error(`No frame ${n}`);
  return frame;
}

describe('what an H200 says', () => {
  test('devices agree with nvidia-smi', async () => {
    const { worker } = await start('h200-two');
    const { driver, devices } = await worker.seen('devices');
    expect(driver).toMatchObject({ driverVersion: '580.159.04', cudaVersion: '13.0', nvmlVersion: '13.580.159.04' });
    expect(driver.libraryPath).toMatch(/libnvidia-ml\.so\.580\.159\.04$/);
    expect(devices).toHaveLength(2);
    expect(devices[0]).toMatchObject({
      uuid: A, index: 0, kind: 'gpu', name: 'NVIDIA H200', architecture: 'Hopper', computeCapability: '9.0', pciBusId: '00000000:00:06.0', vbiosVersion: '96.00.A5.00.1A', memTotalBytes: 143_771 * 1024 * 1024,
      powerLimitWatts: 700, powerMinLimitWatts: 200, powerMaxLimitWatts: 700, tempSlowdownCelsius: 89, pcieMaxGen: 5, pcieMaxWidth: 16, nvlinkCount: 18, migMode: 'disabled', eccEnabled: true, unifiedMemory: false,
    });
    expect(Object.keys(devices[0]?.notReported ?? {}).sort()).toEqual(['fanPercent', 'fanRpm']);
  });

  test('a frame equals the recorded one, and fits the contract', async () => {
    const { worker } = await start('h200-two', { frame: 35 });
    const { frame } = await worker.seen('frame');
    sourceEvent.parse({ type: 'frame', frame });
    const recorded = await recordedFrame('h200-two', 35);
    expect(sampleOf(frame)?.fast).toEqual(sampleOf(recorded)?.fast);
    const { pcieRxBytesPerSecond: _rx, pcieTxBytesPerSecond: _tx, nvlinkRxBytesPerSecond: _nrx, nvlinkTxBytesPerSecond: _ntx, ...gauges } = sampleOf(recorded)?.medium ?? {};
    expect(sampleOf(frame)?.medium).toMatchObject(gauges);
    expect(sampleOf(frame)?.slow).toMatchObject({ eccCorrected: 0, remappedRows: 0, rowRemapPending: false, pcieReplays: 0, nvlinkActive: 18, fanPercent: null });
  });

  test('at 10 Hz: one frame a tick, medium about once a second, rates from the counters', async () => {
    const { worker } = await start('h200-two');
    await worker.seen('frame');
    await worker.call('demand', { rateHz: 10, processes: false });
    await worker.next('rate', (e) => e.rateHz === 10, 5000).catch(() => worker.seen('rate', (e) => e.rateHz === 10));
    const rated = await worker.next('frame', (e) => sampleOf(e.frame)?.medium?.pcieTxBytesPerSecond != null);
    expect(sampleOf(rated.frame)?.medium?.pcieTxBytesPerSecond).toBeGreaterThan(400_000);
    expect(sampleOf(rated.frame)?.medium?.pcieTxBytesPerSecond).toBeLessThan(2_000_000);
    const first = await worker.next('frame');
    const last = await worker.next('frame', (e) => e.frame.seq === first.frame.seq + 20);
    // Ticks that a busy machine made late are left out, never doubled.
    expect(last.frame.atMs - first.frame.atMs).toBeGreaterThan(1900);
    const seqs = worker.events('frame').map((e) => e.frame.seq);
    expect(seqs).toEqual(seqs.map((_, i) => i));
    const mediums = worker.events('frame').filter((e) => e.frame.seq > first.frame.seq && sampleOf(e.frame)?.medium !== undefined);
    expect(mediums.length).toBeGreaterThanOrEqual(1);
    expect(mediums.length).toBeLessThanOrEqual(Math.ceil((last.frame.atMs - first.frame.atMs) / 900) + 1);
  });

  test('NVLink errors are summed once every link was read; the fields that damage the heap are never asked', async () => {
    // The C driver aborts when fields 161–163 are asked: a worker that still runs has not asked.
    const { worker } = await start('h200-two');
    await worker.seen('frame', (e) => sampleOf(e.frame)?.slow?.nvlinkErrors === null);
    await worker.call('burst', { readings: 800, emit: true });
    expect((await worker.seen('frame', (e) => sampleOf(e.frame)?.slow?.nvlinkErrors === 0)).frame.seq).toBeGreaterThan(400);
  });

  test('processes with memory and use, only on demand', async () => {
    const { worker } = await start('h200-two');
    await worker.seen('frame');
    expect(worker.events('processes')).toHaveLength(0);
    await worker.call('demand', { rateHz: 1, processes: true });
    const event = await worker.seen('processes');
    expect(event.processes).toEqual([{ gpuUuid: A, pid: 4242, type: 'compute', memUsedBytes: 1139 * 1024 * 1024, utilSmPercent: 100, utilMemPercent: 25, utilEncoderPercent: 0, utilDecoderPercent: 0 }]);
    sourceEvent.parse(event);
  });
});

describe('other machines', () => {
  test('RTX 5090: fans, no ECC, no NVLink, each with its reason', async () => {
    const { worker } = await start('rtx-5090');
    const { devices } = await worker.seen('devices');
    expect(devices[0]).toMatchObject({ name: 'NVIDIA GeForce RTX 5090', architecture: 'Blackwell', computeCapability: '12.0', fanCount: 2, nvlinkCount: null });
    expect(Object.keys(devices[0]?.notReported ?? {})).toEqual(expect.arrayContaining(['eccCorrected', 'nvlinkActive', 'tempMemCelsius', 'remappedRows']));
    const { frame } = await worker.seen('frame');
    expect(frame.samples[0]?.slow).toMatchObject({ fanPercent: 48, fanRpm: 1620, eccCorrected: null, nvlinkActive: null });
  });

  test('MIG: the GPU and its instances; who is on them; how busy is not reported', async () => {
    const { worker } = await start('h100-mig', { frame: 30 });
    const { devices } = await worker.seen('devices');
    expect(devices.map((d) => [d.kind, d.migProfile])).toEqual([['gpu', null], ['mig', '3g.40gb'], ['mig', '1g.10gb']]);
    expect(devices[1]).toMatchObject({ parentUuid: devices[0]?.uuid, memTotalBytes: 40_448 * 1024 * 1024 });
    expect(devices[0]?.notReported['utilGpuPercent']?.code).toBe('mig');
    expect(devices[1]?.notReported['powerWatts']?.code).toBe('mig');
    const { frame } = await worker.seen('frame');
    expect(frame.samples[0]?.fast?.utilGpuPercent).toBeNull();
    expect(frame.samples[1]?.medium?.memUsedBytes).toBe(sampleOf(await recordedFrame('h100-mig', 30), devices[1]?.uuid)?.medium?.memUsedBytes);
    await worker.call('demand', { rateHz: 1, processes: true });
    expect((await worker.seen('processes')).processes).toMatchObject([{ gpuUuid: devices[1]?.uuid, pid: 9001, utilSmPercent: null }]);
  });

  test('GB10: memory is the system\'s', async () => {
    const { worker } = await start('gb10-unified');
    const { devices } = await worker.seen('devices');
    expect(devices[0]?.unifiedMemory).toBe(true);
    expect(devices[0]?.memTotalBytes).toBeGreaterThan(0);
    const medium = (await worker.seen('frame')).frame.samples[0]?.medium;
    expect((medium?.memUsedBytes ?? 0) + (medium?.memFreeBytes ?? 0)).toBe(devices[0]?.memTotalBytes);
    expect(devices[0]?.notReported['clockMemMhz']?.code).toBe('unified_memory');
  });

  test('memory of a process that the driver does not know', async () => {
    const { worker } = await start('wsl-5090', { process_memory: 'none' });
    await worker.call('demand', { rateHz: 1, processes: true });
    const event = await worker.seen('processes');
    expect(event.processes[0]).toMatchObject({ pid: 611, memUsedBytes: null, utilSmPercent: 100 });
    expect(event.notReported['memUsedBytes']).toBeDefined();
  });

  test('an old driver: older functions are used, what is missing says so', async () => {
    const { worker } = await start('h200-two', { frame: 35 }, { without: oldDriverLacks });
    const { devices } = await worker.seen('devices');
    for (const field of ['memReservedBytes', 'tempMemCelsius', 'pcieRxBytesPerSecond', 'powerCapSeconds', 'xid']) expect(devices[0]?.notReported[field]?.code).toBe('symbol_missing');
    const sample = sampleOf((await worker.seen('frame')).frame);
    const recorded = sampleOf(await recordedFrame('h200-two', 35));
    expect(sample?.fast).toEqual(recorded?.fast);
    expect(sample?.medium).toMatchObject({ tempCelsius: recorded?.medium?.tempCelsius, energyJoules: recorded?.medium?.energyJoules, memReservedBytes: null });
    // Version 1 counts what the system reserves as used.
    expect(sample?.medium?.memUsedBytes).toBe((recorded?.medium?.memUsedBytes ?? 0) + (recorded?.medium?.memReservedBytes ?? 0));
    await worker.call('demand', { rateHz: 1, processes: true });
    expect((await worker.seen('processes')).notReported['processes']?.code).toBe('symbol_missing');
  });
});

describe('bad answers', () => {
  test('not supported: null with a reason; the rest goes on', async () => {
    const { worker } = await start('h200-two', { unsupported: 'power_mw,temp,util,energy_mj' });
    const { devices } = await worker.seen('devices');
    for (const field of ['powerWatts', 'tempCelsius', 'utilGpuPercent', 'utilMemPercent', 'energyJoules']) expect(devices[0]?.notReported[field]).toMatchObject({ code: 'not_supported' });
    const sample = sampleOf((await worker.seen('frame')).frame);
    expect(sample?.fast).toMatchObject({ powerWatts: null, utilGpuPercent: null, clockMemMhz: 3201 });
  });

  test('no permission is its own reason', async () => {
    const { worker } = await start('h200-two', { fail: 'nvmlDeviceGetTotalEccErrors:4' });
    expect((await worker.seen('devices')).devices[0]?.notReported['eccCorrected']?.code).toBe('no_permission');
  });

  test('all ones and out of range become null and are counted', async () => {
    const { worker } = await start('h200-two', { garbage: 'power_mw,mem_used,util,energy_mj,temp,reasons' });
    const sample = sampleOf((await worker.seen('frame')).frame);
    expect(sample?.fast).toMatchObject({ powerWatts: null, utilGpuPercent: null, eventReasons: null, clockMemMhz: 3201 });
    expect(sample?.medium).toMatchObject({ memUsedBytes: null, energyJoules: null, tempCelsius: null });
    expect(await worker.call('status')).toMatchObject({ badSamples: expect.any(Number) as number });
    expect(((await worker.call('status')) as { badSamples: number }).badSamples).toBeGreaterThanOrEqual(12);
    await worker.call('demand', { rateHz: 10, processes: false });
    const told = await worker.seen('devices', (e) => e.devices[0]?.notReported['powerWatts']?.code === 'out_of_range');
    expect(told.devices[0]?.notReported['powerWatts']?.text).toContain('cannot be true');
  });

  test('a process list that does not fit and grows between the calls', async () => {
    const { worker } = await start('h200-two', { processes: 500, process_growth: 40 });
    await worker.call('demand', { rateHz: 1, processes: true });
    const { processes } = await worker.seen('processes');
    expect(processes.filter((p) => p.gpuUuid === A).length).toBeGreaterThanOrEqual(500);
    expect(new Set(processes.map((p) => p.pid)).size).toBe(processes.length);
  });

  test('a driver that is slow is read less often, and it says why', async () => {
    const { worker } = await start('h200-two', { cost_us: 1500 });
    await worker.call('demand', { rateHz: 10, processes: false });
    const event = await worker.seen('rate', (e) => e.note !== null, 25_000);
    expect(event.rateHz).toBeLessThan(10);
    expect(event.note).toMatch(/The driver takes .* ms for one reading of 2 GPUs/);
  }, 40_000);

  test('an Xid is told and stands in the next slow reading', async () => {
    const { worker, driver } = await start('h200-two');
    await worker.call('demand', { rateHz: 10, processes: false });
    await worker.seen('frame');
    await driver.setControl({ xid: `${B}:79` });
    const event = await worker.seen('xid');
    expect(event).toMatchObject({ uuid: B, xid: 79 });
    const { frame } = await worker.next('frame', (e) => sampleOf(e.frame, B)?.slow?.xid === 79);
    expect(sampleOf(frame, B)?.slow?.xidAtMs).toBe(event.atMs);
  });
});

describe('faults', () => {
  test('a call that hangs: progress stands still, the beat goes on and names it', async () => {
    const { worker, driver } = await start('h200-two');
    await worker.call('demand', { rateHz: 10, processes: false });
    await worker.seen('frame');
    await driver.setControl({ hang: 'nvmlDeviceGetUtilizationRates' });
    const hung = await worker.nextBeat((b) => b.busy === 'nvmlDeviceGetUtilizationRates');
    const later = await worker.nextBeat(() => true);
    expect(later).toMatchObject({ progress: hung.progress, busy: 'nvmlDeviceGetUtilizationRates' });
    await driver.setControl({});
    await worker.next('frame');
    expect((await worker.nextBeat((b) => b.busy === null)).progress).toBeGreaterThan(hung.progress);
  });

  test('hung and told to end, or left alone: it does not stay behind', async () => {
    const { worker, driver } = await start('h200-two');
    await worker.call('demand', { rateHz: 10, processes: false });
    await driver.setControl({ hang: 'nvmlDeviceGetClockInfo' });
    await worker.nextBeat((b) => b.busy === 'nvmlDeviceGetClockInfo');
    worker.child.disconnect();
    expect(await worker.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  test.each(['abort', 'segv'] as const)('%s in the driver ends only the worker', async (fault) => {
    const { worker, driver } = await start('h200-two');
    await worker.call('demand', { rateHz: 10, processes: false });
    await worker.seen('frame');
    await driver.setControl({ [fault]: 'nvmlDeviceGetUtilizationRates' });
    expect((await worker.exited).signal).toBe(fault === 'abort' ? 'SIGABRT' : 'SIGSEGV');
  });

  test('a lost GPU: its frames say so, the other goes on, and it comes back', async () => {
    const { worker, driver } = await start('h200-two');
    await worker.call('demand', { rateHz: 10, processes: false });
    await worker.seen('frame');
    await driver.setControl({ lost: A });
    const { frame } = await worker.next('frame', (e) => sampleOf(e.frame)?.state === 'lost');
    expect(sampleOf(frame)).toEqual({ uuid: A, state: 'lost', fast: null });
    expect(sampleOf(frame, B)?.fast).not.toBeNull();
    // NVML is initialised anew meanwhile; the lost one stays in the list.
    const { devices } = await worker.next('devices');
    expect(devices.map((d) => d.uuid).sort()).toEqual([A, B]);
    expect(worker.events('problem')).toHaveLength(0);
    await driver.setControl({});
    const back = await worker.next('frame', (e) => sampleOf(e.frame)?.state === 'ok');
    expect(sampleOf(back.frame)?.fast).not.toBeNull();
  });

  test('every GPU lost is a Problem', async () => {
    const { worker, driver } = await start('rtx-5090');
    await worker.call('demand', { rateHz: 10, processes: false });
    await worker.seen('frame');
    await driver.setControl({ reset: 'all' });
    const { problem } = await worker.seen('problem');
    expect(problem).toMatchObject({ code: 'gpu.reset_required', facts: { name: 'NVIDIA GeForce RTX 5090' } });
  });

  test('hot unplug and plug: the list follows, keyed by UUID', async () => {
    const { worker, driver } = await start('h200-two');
    await worker.call('demand', { rateHz: 10, processes: false });
    await worker.seen('frame');
    // Asked before the change is made: on a busy machine the worker may answer before this process goes on.
    const unplugged = worker.next('devices', (e) => e.devices.length === 1);
    await driver.setControl({ gpus: 1 });
    expect((await unplugged).devices[0]?.uuid).toBe(A);
    const plugged = worker.next('devices', (e) => e.devices.length === 2);
    await driver.setControl({});
    expect((await plugged).devices[1]?.uuid).toBe(B);
  });

  test.each([
    [18, 'gpu.version_mismatch'], [9, 'gpu.module_not_loaded'], [4, 'gpu.no_permission'], [12, 'gpu.no_driver'], [999, 'gpu.driver_error'],
  ] as const)('init answers %i: %s, and it recovers by itself', async (init, code) => {
    const { worker, driver } = await start('h200-two', { init });
    const { problem } = await worker.seen('problem');
    expect(problem?.code).toBe(code);
    if (init === 18) expect(problem?.facts['libraryVersion']).toBe('580.159.04');
    expect(worker.events('frame')).toHaveLength(0);
    await driver.setControl({});
    await worker.seen('problem', (e) => e.problem === null);
    await worker.seen('frame');
  });

  test('refresh looks again at once', async () => {
    const { worker, driver } = await start('h200-two', { init: 18 }, { env: { WARPDECK_NVML_TIMES: '600000,600000,600000' } });
    await worker.seen('problem');
    await driver.setControl({});
    await worker.call('refresh');
    expect((await worker.seen('devices')).devices).toHaveLength(2);
  });

  test('a library that is none, and one without the first function', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'warpdeck-nvml-broken-'));
    await writeFile(join(folder, 'libnvidia-ml.so.1'), 'not a library');
    const { worker } = await start('h200-two', {}, { env: { LD_LIBRARY_PATH: folder } });
    expect((await worker.seen('problem')).problem?.code).toBe('gpu.library_broken');
    await rm(folder, { recursive: true });
    const bare = await start('h200-two', {}, { without: ['nvmlInit_v2'] });
    expect((await bare.worker.seen('problem')).problem?.code).toBe('gpu.library_broken');
  });

  test('what a call asks wrongly is a Problem', async () => {
    const { worker } = await start('h200-two');
    await expect(worker.call('demand', { rateHz: 100 })).rejects.toThrow('input.invalid');
    await expect(worker.call('burst', { readings: 0 })).rejects.toThrow('input.invalid');
  });

  test('shutdown ends it with 0', async () => {
    const { worker } = await start('h200-two');
    await worker.seen('frame');
    worker.child.send({ t: 'shutdown' });
    expect(await worker.exited).toMatchObject({ code: 0, stderr: '' });
  });
});
