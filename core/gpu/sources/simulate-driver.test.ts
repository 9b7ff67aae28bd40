import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { decideSimulatedAnswer, defaultSettings, parseSimulatedBoards, parseSimulatedSettings, simulatedFiles, type SimulatedSettings } from '../../../contract/simulated-driver.ts';
import { entryPoint } from '../../system/entry-points.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { readSimulatedMachine } from './gpu-models.ts';
import { createSimulatedDevice } from './simulate-model.ts';
import { createSimulateSource } from './simulate-source.ts';

const machine = readSimulatedMachine(16);
const index = machine.findIndex((one) => one.model.powerMinLimitWatts !== null && one.model.powerMinLimitWatts < 0.8 * one.model.powerDefaultLimitWatts && one.model.fanCount !== null);

/** Means over ten minutes, after ten to settle. */
function average(settings: Partial<SimulatedSettings>): { watts: number; most: number; clock: number; fastest: number; celsius: number; capped: number } {
  const model = machine[index]?.model;
  if (model === undefined) throw new Error('no such model');
  const device = createSimulatedDevice({ model, mig: false, index, seed: 3, warm: false, startMs: 0 });
  device.setDriver({ ...defaultSettings, ...settings });
  const sum = { watts: 0, most: 0, clock: 0, fastest: 0, celsius: 0, capped: 0 };
  const steps = 36_000;
  for (let i = 0; i < steps + 6000; i += 1) {
    device.step();
    if (i < 6000) continue;
    sum.watts += device.state.powerWatts / steps;
    sum.most = Math.max(sum.most, device.state.powerWatts);
    sum.fastest = Math.max(sum.fastest, device.state.clockSmMhz);
    sum.clock += device.state.clockSmMhz / steps;
    sum.celsius += device.state.dieCelsius / steps;
    sum.capped += (device.state.eventReasons & 0x4) === 0 ? 0 : 1 / steps;
  }
  return sum;
}

describe('what a simulated driver is told goes into the physics', () => {
  it('a lower power limit: less power, lower clocks, cooler, and the cap is reported', () => {
    const limit = machine[index]?.model.powerMinLimitWatts ?? 0;
    const free = average({});
    const low = average({ powerLimitWatts: limit });
    expect(low.most).toBeLessThan(limit * 1.05);
    expect(free.most).toBeGreaterThan(limit * 1.1);
    expect(low.watts).toBeLessThan(free.watts);
    expect(low.clock).toBeLessThan(free.clock);
    expect(low.celsius).toBeLessThan(free.celsius);
    expect(low.capped).toBeGreaterThan(free.capped);
  });

  it('a clock lock: the clock stays under it, and it is no throttling', () => {
    const lock = Math.round((machine[index]?.model.clockMaxSmMhz ?? 0) / 2);
    const free = average({});
    const locked = average({ smClockLockMhz: lock });
    expect(locked.fastest).toBeLessThanOrEqual(lock);
    expect(free.fastest).toBeGreaterThan(lock);
    expect(locked.watts).toBeLessThan(free.watts);
    expect(locked.capped).toBeLessThanOrEqual(free.capped);
  });
});

describe('the simulated nvidia-smi', () => {
  const boards = [{ uuid: 'GPU-1', minWatts: 100, maxWatts: 450, defaultWatts: 450, lost: false }, { uuid: 'GPU-2', minWatts: null, maxWatts: null, defaultWatts: null, lost: false }, { uuid: 'GPU-3', minWatts: 1, maxWatts: 2, defaultWatts: 2, lost: true }];
  it.each([
    [['-i', 'GPU-1', '-pl', '250'], 0, { powerLimitWatts: 250 }, 'was set to 250.00 W from 450.00 W'],
    [['-i', 'GPU-1', '-pl', '99'], 2, null, 'not a valid power limit'],
    [['-i', 'GPU-1', '-pl', 'x'], 2, null, 'not a valid power limit'],
    [['-i', 'GPU-2', '-pl', '99'], 3, null, 'not supported'],
    [['-i', 'GPU-3', '-pl', '1'], 15, null, 'GPU is lost'],
    [['-i', 'GPU-9', '-pl', '1'], 6, null, 'No devices'],
    [['-i', 'GPU-1', '-pm', '1'], 0, { persistenceMode: true }, 'Enabled'],
    [['-i', 'GPU-1', '-lgc', '1500,1500'], 0, { smClockLockMhz: 1500 }, 'gpuClkMax 1500'],
    [['-i', 'GPU-1', '-rgc'], 0, { smClockLockMhz: null }, 'All done'],
    [['-i', 'GPU-1', '-lgc', '1500; rm'], 2, null, 'Invalid combination'],
    [['-i', 'GPU-1'], 2, null, 'Invalid combination'],
    [[], 6, null, 'No devices'],
  ] as const)('%j', (args, exitCode, settings, text) => {
    const answer = decideSimulatedAnswer(args, boards, new Map());
    expect(answer.exitCode).toBe(exitCode);
    expect(answer.settings).toEqual(settings === null ? null : { ...defaultSettings, ...settings });
    expect(answer.text).toContain(text);
  });

  it.each(['', '{', '{"a":1}', '[1,null,{}]', '[{"uuid":3}]'])('leaves out what does not fit: %s', (text) => {
    expect(parseSimulatedBoards(text)).toEqual([]);
    expect(parseSimulatedSettings(text).size).toBe(0);
  });

  it('as a program: what it sets is read by the simulation, and by the next one', async () => {
    const driverFolder = makeTestFolder('driver');
    const limits: (number | null | undefined)[] = [];
    const open = (): ReturnType<typeof createSimulateSource> => createSimulateSource({ count: 2, driverFolder, emit: (event) => { if (event.type === 'devices') limits.push(event.devices[0]?.powerLimitWatts); } });
    const source = open();
    source.start();
    const [board] = parseSimulatedBoards(readFileSync(join(driverFolder, simulatedFiles.devices), 'utf8'));
    await promisify(execFile)(process.execPath, [entryPoint('simulated-driver'), driverFolder, '-i', board?.uuid ?? '', '-pl', String(board?.minWatts)]);
    source.refresh();
    expect(limits.at(-1)).toBe(board?.minWatts);
    await source.stop();
    const next = open();
    next.start();
    expect(limits.at(-1)).toBe(board?.minWatts);
    await next.stop();
  });

  it('a damaged memory is as none', async () => {
    const driverFolder = makeTestFolder('driver');
    writeFileSync(join(driverFolder, simulatedFiles.settings), '[{');
    const limits: (number | null | undefined)[] = [];
    const source = createSimulateSource({ count: 1, driverFolder, emit: (event) => { if (event.type === 'devices') limits.push(event.devices[0]?.powerLimitWatts); } });
    source.start();
    expect(limits.at(-1)).toBe(machine[0]?.model.powerDefaultLimitWatts);
    await source.stop();
  });
});
