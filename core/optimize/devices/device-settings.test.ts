import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseSimulatedSettings, simulatedFiles } from '../../../contract/simulated-driver.ts';
import { deviceChange, type DeviceChange } from '../../../contract/optimize.ts';
import { until } from '../../gpu/test-support.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { makeRig, type DeviceRig } from './fixtures/make-rig.ts';

const RECORDING = join(import.meta.dirname, '..', '..', '..', 'e2e', 'fixtures', 'recordings', 'gb10-unified.jsonl');

const rigs: DeviceRig[] = [];
const children: ReturnType<typeof spawn>[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const rig of rigs.splice(0)) await rig.end();
});

async function open(folder: string, options: Parameters<typeof makeRig>[1] = {}): Promise<DeviceRig> {
  const rig = await makeRig(folder, options);
  rigs.push(rig);
  return rig;
}
const driverLimit = (folder: string, uuid: string): number | null | undefined => {
  try {
    return parseSimulatedSettings(readFileSync(join(folder, 'driver', simulatedFiles.settings), 'utf8')).get(uuid)?.powerLimitWatts;
  } catch {
    return undefined;
  }
};
const set = async (rig: DeviceRig, setting: 'persistence_mode' | 'power_limit' | 'sm_clock_lock', value: number): Promise<DeviceChange> => rig.devices.apply((await rig.devices.plan({ uuid: rig.uuid, setting, value })).planId);
const valueOf = async (rig: DeviceRig, id: string): Promise<number | null | undefined> => (await rig.devices.settings(rig.uuid)).find((one) => one.id === id)?.value;
const limits = async (rig: DeviceRig): Promise<{ min: number; max: number; normal: number }> => {
  const found = (await rig.devices.settings(rig.uuid)).find((one) => one.id === 'power_limit');
  return { min: found?.min ?? Number.NaN, max: found?.max ?? Number.NaN, normal: found?.defaultValue ?? Number.NaN };
};

describe('settings of simulated GPUs', () => {
  it('are listed with their limits, and planned with the exact command', async () => {
    const rig = await open(makeTestFolder('devices'));
    const all = await rig.devices.settings(rig.uuid);
    expect(all.map((one) => [one.id, one.canChange])).toEqual([['persistence_mode', true], ['power_limit', true], ['sm_clock_lock', true]]);
    const { min } = await limits(rig);
    const plan = await rig.devices.plan({ uuid: rig.uuid, setting: 'power_limit', value: min });
    expect(plan).toMatchObject({ to: min, revertSeconds: 20 });
    expect(plan.notes[1]).toBe(`Sets: nvidia-smi -i ${rig.uuid} -pl ${String(min)}`);
    expect(plan.command).toContain(rig.uuid);
    expect(rig.devices.changes()).toEqual([]);
  });

  it('lower power, clock and heat, and are kept when confirmed', async () => {
    const folder = makeTestFolder('devices');
    const rig = await open(folder);
    const { min } = await limits(rig);
    const change = await set(rig, 'power_limit', min);
    expect(deviceChange.parse(change)).toMatchObject({ state: 'trial', to: min });
    expect(change.revertsAtMs).toBeGreaterThan(change.atMs);
    await until('the reading', () => rig.gpus.latest().get(rig.uuid)?.sample.medium?.powerLimitWatts === min);
    expect(await rig.devices.confirm(change.id)).toMatchObject({ state: 'confirmed', revertsAtMs: null });
    expect(driverLimit(folder, rig.uuid)).toBe(min);
    expect(await rig.devices.revert(change.id)).toMatchObject({ state: 'reverted' });
    expect(driverLimit(folder, rig.uuid)).toBe(change.from);
    await until('the old reading', () => rig.gpus.latest().get(rig.uuid)?.sample.medium?.powerLimitWatts === change.from);
  });

  it('are put back by themselves when nobody confirms', async () => {
    const folder = makeTestFolder('devices');
    const rig = await open(folder, { revertSeconds: 1 });
    const change = await set(rig, 'power_limit', (await limits(rig)).min);
    await until('the revert', () => rig.devices.changes()[0]?.state === 'reverted');
    expect(driverLimit(folder, rig.uuid)).toBe(change.from);
    await expect(rig.devices.confirm(change.id)).rejects.toMatchObject({ problem: { code: 'device.not_found' } });
  });

  it('are put back at once when asked, each setting', async () => {
    const rig = await open(makeTestFolder('devices'));
    for (const [setting, value] of [['persistence_mode', 0], ['sm_clock_lock', 1200]] as const) {
      const change = await set(rig, setting, value);
      expect(change.state).toBe('trial');
      if (setting === 'persistence_mode') expect(await valueOf(rig, setting)).toBe(0);
      else await until('the clock', () => (rig.gpus.latest().get(rig.uuid)?.sample.fast?.clockSmMhz ?? Infinity) <= 1200);
      expect((await rig.devices.revert(change.id)).state).toBe('reverted');
      if (setting === 'persistence_mode') expect(await valueOf(rig, setting)).toBe(1);
    }
  });

  it('are put back when the engine ends as usual', async () => {
    const folder = makeTestFolder('devices');
    const rig = await makeRig(folder);
    const change = await set(rig, 'power_limit', (await limits(rig)).min);
    await rig.end();
    expect(driverLimit(folder, rig.uuid)).toBe(change.from);
  });
});

describe('what is refused', () => {
  it('values out of range, unknown plans, changes and GPUs, a second trial of the same setting', async () => {
    const rig = await open(makeTestFolder('devices'));
    const { min, max } = await limits(rig);
    for (const value of [min - 1, max + 1, Number.NaN, Infinity]) await expect(rig.devices.plan({ uuid: rig.uuid, setting: 'power_limit', value })).rejects.toMatchObject({ problem: { code: 'device.out_of_range' } });
    await expect(rig.devices.plan({ uuid: rig.uuid, setting: 'sm_clock_lock', value: 99_999 })).rejects.toMatchObject({ problem: { code: 'device.out_of_range' } });
    await expect(rig.devices.plan({ uuid: 'GPU-none', setting: 'power_limit', value: 1 })).rejects.toMatchObject({ problem: { code: 'device.not_found' } });
    await expect(rig.devices.apply('none')).rejects.toMatchObject({ problem: { code: 'device.not_found' } });
    await expect(rig.devices.revert('none')).rejects.toMatchObject({ problem: { code: 'device.not_found' } });
    const change = await set(rig, 'power_limit', min);
    await expect(set(rig, 'power_limit', max)).rejects.toMatchObject({ problem: { code: 'device.refused' } });
    expect((await rig.devices.revert(change.id)).state).toBe('reverted');
  });

  it('a plan from before another change, and the undo of an older change while a newer one is on trial', async () => {
    const rig = await open(makeTestFolder('devices'));
    const { min, max } = await limits(rig);
    const stale = await rig.devices.plan({ uuid: rig.uuid, setting: 'power_limit', value: min + 1 });
    const older = await set(rig, 'power_limit', min);
    // While it is on trial nothing is planned from it: it may not stay.
    await expect(rig.devices.plan({ uuid: rig.uuid, setting: 'power_limit', value: max })).rejects.toMatchObject({ problem: { code: 'device.refused' } });
    await rig.devices.confirm(older.id);
    await expect(rig.devices.apply(stale.planId)).rejects.toMatchObject({ problem: { code: 'device.not_found' } });
    const newer = await set(rig, 'power_limit', max);
    await expect(rig.devices.revert(older.id)).rejects.toMatchObject({ problem: { code: 'device.refused' } });
    expect((await rig.devices.revert(newer.id)).state).toBe('reverted');
    expect((await rig.devices.revert(older.id)).state).toBe('reverted');
  });

  it('a plan is used once', async () => {
    const rig = await open(makeTestFolder('devices'));
    const plan = await rig.devices.plan({ uuid: rig.uuid, setting: 'persistence_mode', value: 0 });
    await rig.devices.revert((await rig.devices.apply(plan.planId)).id);
    await expect(rig.devices.apply(plan.planId)).rejects.toMatchObject({ problem: { code: 'device.not_found' } });
  });

  it('by the driver, of a GPU that was lost after the plan: nothing stays changed', async () => {
    const folder = makeTestFolder('devices');
    const rig = await open(folder);
    const plan = await rig.devices.plan({ uuid: rig.uuid, setting: 'power_limit', value: (await limits(rig)).min });
    rig.gpus.fault({ fault: 'lost', uuid: rig.uuid });
    await expect(rig.devices.apply(plan.planId)).rejects.toMatchObject({ problem: { code: 'device.refused', cause: expect.stringContaining('GPU is lost') as string } });
    expect(rig.devices.changes()[0]).toMatchObject({ state: 'failed', problem: { code: 'device.refused' } });
    expect(driverLimit(folder, rig.uuid)).toBeUndefined();
  });

  it('lost while on trial: it says that the way back failed', async () => {
    const rig = await open(makeTestFolder('devices'));
    const change = await set(rig, 'power_limit', (await limits(rig)).min);
    rig.gpus.fault({ fault: 'lost', uuid: rig.uuid });
    expect(await rig.devices.revert(change.id)).toMatchObject({ state: 'failed', problem: { code: 'device.refused' } });
    rig.gpus.fault({ fault: 'none' });
    expect(await rig.devices.revert(change.id)).toMatchObject({ state: 'reverted', problem: null });
  });

  it.each([
    // As nvidia-smi says it: with 0 where it "moves on", and the way back is gone all the same.
    ['it moves on', 'Setting locked GPU clocks is not supported for GPU 00000000:01:00.0.\nTreating as warning and moving on.\nAll done.', 0, 'device.not_supported'],
    ['no permission', 'The current user does not have permission to change clocks for GPU 00000000:01:00.0.\nTerminating early due to previous errors.', 4, 'device.refused'],
  ])('clocks that the driver refuses: %s', async (_, text, exitCode, code) => {
    const folder = makeTestFolder('devices');
    const asked = join(folder, 'asked');
    const rig = await open(folder, { smi: ['/bin/sh', '-c', `shift 2; echo "$*" >> '${asked}'; [ "$1" = -rgc ] && exit 0; printf '${text}\\n'; exit ${String(exitCode)}`, 'nvidia-smi'] });
    await expect(set(rig, 'sm_clock_lock', 1200)).rejects.toMatchObject({ problem: { code } });
    expect(rig.devices.changes()).toMatchObject([{ setting: 'sm_clock_lock', state: 'failed', revertsAtMs: null, problem: { code } }]);
    expect(readFileSync(asked, 'utf8').trim().split('\n')).toEqual(exitCode === 0 ? ['-lgc 1200,1200', '-rgc'] : ['-lgc 1200,1200']);
  });

  it('without a journal nothing is changed', async () => {
    const folder = makeTestFolder('devices');
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const rig = await open(folder, { journal: join(file, 'below') });
    await expect(set(rig, 'power_limit', (await limits(rig)).min)).rejects.toMatchObject({ problem: { code: 'file.not_writable' } });
    expect(driverLimit(folder, rig.uuid)).toBeUndefined();
    expect(rig.devices.changes()).toEqual([]);
  });

  it('on boards that take no limit, and on recorded GPUs', async () => {
    const rig = await open(makeTestFolder('devices'), { spec: 'simulate:16' });
    const without = rig.gpus.list().devices.find((one) => one.kind === 'gpu' && one.powerMaxLimitWatts === null);
    await expect(rig.devices.plan({ uuid: without?.uuid ?? '', setting: 'power_limit', value: 100 })).rejects.toMatchObject({ problem: { code: 'device.not_supported' } });
    const replay = await open(makeTestFolder('devices'), { spec: `replay:${RECORDING}` });
    await until('devices', () => replay.gpus.list().devices.length > 0);
    const uuid = replay.gpus.list().devices[0]?.uuid ?? '';
    expect((await replay.devices.settings(uuid)).every((one) => !one.canChange)).toBe(true);
    await expect(replay.devices.plan({ uuid, setting: 'power_limit', value: 300 })).rejects.toMatchObject({ problem: { code: 'device.not_real' } });
  });
});

/** Pids of the processes of the trial, found by the folder that stands in their arguments. */
function trialPids(folder: string): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8');
      return command.includes('warpdeck-trial') && command.includes(folder) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

async function startEngine(folder: string, watts: number, seconds: number): Promise<{ change: DeviceChange; kill: () => void }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'engine-to-kill.ts'), folder, String(watts), String(seconds)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => { text += part; });
  const line = await until('the change', () => (text.includes('\n') ? text : null));
  return { change: deviceChange.parse(JSON.parse(line)), kill: () => child.kill('SIGKILL') };
}

describe('kill -9 while a power limit is on trial', () => {
  it('is put back without an engine, and the next one knows', async () => {
    const folder = makeTestFolder('devices');
    const first = await makeRig(folder);
    const { min, normal } = await limits(first);
    const { uuid } = first;
    await first.end();
    const { change, kill } = await startEngine(folder, min, 600);
    expect(driverLimit(folder, uuid)).toBe(min);
    kill();
    await until('the guard', () => driverLimit(folder, uuid) === normal);
    const next = await open(folder);
    await until('the note', () => next.devices.changes().find((one) => one.id === change.id)?.state === 'reverted');
    expect(await valueOf(next, 'power_limit')).toBe(normal);
  });

  it('is put back by the engine when only the process of the trial was killed', async () => {
    const folder = makeTestFolder('devices');
    const rig = await open(folder);
    const { min, normal } = await limits(rig);
    const change = await set(rig, 'power_limit', min);
    expect(driverLimit(folder, rig.uuid)).toBe(min);
    const pids = trialPids(folder);
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until('the note', () => rig.devices.changes().find((one) => one.id === change.id)?.state === 'reverted');
    expect(driverLimit(folder, rig.uuid)).toBe(normal);
  });

  it('is put back by the next engine when its guard was killed too', async () => {
    const folder = makeTestFolder('devices');
    const first = await makeRig(folder);
    const { min, normal } = await limits(first);
    const { uuid } = first;
    await first.end();
    const { change, kill } = await startEngine(folder, min, 600);
    const guards = trialPids(folder);
    expect(guards.length).toBeGreaterThan(0);
    for (const pid of guards) process.kill(pid, 'SIGKILL');
    kill();
    await until('their ends', () => trialPids(folder).length === 0);
    expect(driverLimit(folder, uuid)).toBe(min);
    const next = await open(folder);
    await until('the note', () => next.devices.changes().find((one) => one.id === change.id)?.state === 'reverted');
    expect(driverLimit(folder, uuid)).toBe(normal);
    expect(await valueOf(next, 'power_limit')).toBe(normal);
  });
});

it('a damaged journal is left aside', async () => {
  const folder = makeTestFolder('devices');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'device-changes.json'), '{"schemaVersion":1,"changes":[{"id":1},');
  chmodSync(join(folder, 'device-changes.json'), 0o600);
  expect((await open(folder)).devices.changes()).toEqual([]);
});
