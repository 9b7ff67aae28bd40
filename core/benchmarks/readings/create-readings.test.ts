import { afterAll, describe, expect, it } from 'vitest';
import { createGpuService, type GpuService } from '../../gpu/gpu-service.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { makeNvmlTestDriver } from '../../testing/nvml-driver/nvml-test-driver.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { createReadings } from './create-readings.ts';

const ends: (() => Promise<unknown>)[] = [];
afterAll(async () => { for (const end of ends.splice(0)) await end(); });
const nothing = { powerWatts: null, smClockMhz: null, tempCelsius: null, eventReasons: null, joules: null, otherProcesses: null };

async function start(spec: string, env: Readonly<Record<string, string>>): Promise<GpuService> {
  const supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
  const service = createGpuService({ spec, supervisor, log: silentLogger, worker: { env } });
  ends.push(async () => {
    await service.stop();
    await supervisor.stopAll();
  });
  const framed = new Promise<void>((resolve) => { const stop = service.frames.subscribe(() => { stop(); resolve(); }); });
  service.start();
  await framed;
  return service;
}
/** The times of so many frames from now on. */
const frames = (service: GpuService, count: number): Promise<number[]> => new Promise((resolve) => {
  const times: number[] = [];
  const stop = service.frames.subscribe((item) => {
    if (item.type !== 'frame') return;
    times.push(item.frame.atMs);
    if (times.length < count) return;
    stop();
    resolve(times);
  });
});

describe.skipIf(process.platform === 'win32')('what the driver says while somebody measures', () => {
  it('is joined at ten readings a second, as long as it is held', async () => {
    const driver = await makeNvmlTestDriver({ recording: 'h200-two' });
    ends.push(() => driver.dispose());
    const service = await start('nvml', driver.env);
    const readings = createReadings(service);
    const uuid = service.list().devices[0]?.uuid ?? '';
    expect(await readings.between(uuid, 0, Date.now())).toEqual(nothing);
    const release = readings.hold();
    const releaseSecond = readings.hold();
    const times = await frames(service, 16);
    const read = await readings.between(uuid, times[1] ?? 0, times.at(-1) ?? 0);
    expect(read).toMatchObject({ powerWatts: expect.any(Number), smClockMhz: expect.any(Number), tempCelsius: expect.any(Number), eventReasons: expect.any(Number) });
    const latest = service.latest().get(uuid)?.sample;
    expect(Math.abs((read.smClockMhz ?? 0) - (latest?.fast?.clockSmMhz ?? 0))).toBeLessThan(500);
    expect(await readings.between('cpu', times[1] ?? 0, times.at(-1) ?? 0)).toEqual(nothing);
    expect(await readings.between('GPU-none', 0, 0)).toEqual(nothing);
    release();
    release();
    expect((await readings.between(uuid, times[1] ?? 0, times.at(-1) ?? 0)).powerWatts).not.toBeNull();
    releaseSecond();
    expect(await readings.between(uuid, times[1] ?? 0, times.at(-1) ?? 0)).toEqual(nothing);
  });

  it('is nothing where the devices are simulated', async () => {
    const service = await start('simulate:1', {});
    const readings = createReadings(service);
    const release = readings.hold();
    const times = await frames(service, 2);
    expect(await readings.between(service.list().devices[0]?.uuid ?? '', times[0] ?? 0, times[1] ?? 0)).toEqual(nothing);
    release();
  });
});
