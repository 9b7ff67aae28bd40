import { randomUUID } from 'node:crypto';
import type { Device } from '../../../contract/gpu.ts';
import type { DeviceChange, DevicePlan, DeviceSetting } from '../../../contract/optimize.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError, problemOf, type Problem } from '../../../contract/problem.ts';
import type { DeviceSettingServices } from '../../engine/optimize-services.ts';
import type { GpuService } from '../../gpu/gpu-service.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { createChangeJournal } from './change-journal.ts';
import { decideDeviceSettings, decideUnreal } from './decide-device-settings.ts';
import { decidePrivilege, type PrivilegeDecision, type PrivilegeFacts, type PrivilegeWay } from './decide-privilege.ts';
import { decideRefusal, soundsRefused } from './decide-refusal.ts';
import { makeSmiOption, settingTitles, smiArguments, wordValue, type SettingId } from './device-commands.ts';
import { makeSetCommand, makeTrialCommand } from './make-trial-command.ts';
import { readPrivilegeFacts } from './read-privilege-facts.ts';
import { runTrial, type Trial } from './run-trial.ts';

export interface DeviceSettingsOptions {
  readonly gpus: Pick<GpuService, 'list' | 'latest' | 'refresh' | 'onInventory' | 'frames'>;
  readonly supervisor: Pick<Supervisor, 'runProgram' | 'recovered'>;
  /** Where the journal lies; null: in memory only. */
  readonly folder: string | null;
  /** The simulated nvidia-smi with its folder, as program and first arguments; null: a simulation takes no settings. */
  readonly simulatedSmi: readonly string[] | null;
  readonly log: Logger;
  readonly now?: () => number;
  /** Until a change that nobody confirms is put back. Default 20 s. */
  readonly revertSeconds?: number;
  readonly privilege?: (simulated: boolean) => Promise<PrivilegeFacts>;
  /** Default `nvidia-smi`, found on PATH. */
  readonly smi?: string;
}

export interface DeviceSettings extends DeviceSettingServices {
  /** Reads the journal and puts back what an earlier engine left on trial. Once, when the GPUs are listed. */
  load(): Promise<void>;
  onChange(listener: () => void): () => void;
  /** Puts back what is on trial. */
  stop(): Promise<void>;
}

const REVERT_SECONDS = 20;
const PLAN_LIVES_MS = 600_000;
const SET_TIMEOUT_MS = 180_000;
const STOP_MS = 10_000;
const MAX_PLANS = 50;
/** Limits are read once a second. */
const FRESH_MS = 2500;
const UUID = /^GPU-[0-9a-fA-F-]{8,64}$/;

/** Settings of the GPUs themselves: planned, set on trial, kept or put back. */
export function createDeviceSettings(options: DeviceSettingsOptions): DeviceSettings {
  const { gpus, supervisor, simulatedSmi } = options;
  const now = options.now ?? Date.now;
  const seconds = options.revertSeconds ?? REVERT_SECONDS;
  const log = options.log.child('device-settings');
  const journal = createChangeJournal(options.folder, log);
  const readFacts = options.privilege ?? readPrivilegeFacts;
  const plans = new Map<string, { readonly plan: DevicePlan; readonly way: PrivilegeWay; readonly untilMs: number }>();
  const trials = new Map<string, { readonly trial: Trial; readonly over: Promise<void> }>();
  const listeners = new Set<() => void>();
  let changes: DeviceChange[] = [];
  /** On trial in an earlier engine, of GPUs that are not here (yet). */
  let forgotten: DeviceChange[] = [];
  let stopListening = (): void => undefined;

  /** Until a reading has come that was made after the last setting. */
  const fresh = new Map<string, Promise<void>>();
  const readAnew = (uuid: string): void => {
    const reading = gpus.refresh().then(() => new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        leave();
        resolve();
      };
      const timer = setTimeout(done, FRESH_MS);
      const leave = gpus.frames.subscribe((item) => { if (item.type === 'frame' && item.frame.samples.some((one) => one.uuid === uuid && (one.medium !== undefined || one.state !== 'ok'))) done(); });
    })).finally(() => { if (fresh.get(uuid) === reading) fresh.delete(uuid); });
    fresh.set(uuid, reading);
  };

  const tell = (): void => { for (const listener of [...listeners]) listener(); };
  const update = async (id: string, part: Partial<DeviceChange>): Promise<DeviceChange> => {
    changes = changes.map((one) => (one.id === id ? { ...one, ...part } : one));
    tell();
    // What happened, happened; that it cannot be noted must not hide it.
    await journal.write(changes).catch((error: unknown) => log.warn('A device change cannot be noted', { id, detail: String(error) }));
    return findChange(id);
  };
  const findChange = (id: string): DeviceChange => {
    const found = changes.find((one) => one.id === id);
    if (found === undefined) throw problemError('device.not_found', { what: `The change ${id}` });
    return found;
  };
  const findDevice = (uuid: string): Device => {
    const found = gpus.list().devices.find((one) => one.uuid === uuid);
    if (found === undefined) throw problemError('device.not_found', { what: `The GPU ${uuid}` });
    return found;
  };
  const isSimulated = (): boolean => gpus.list().source === 'simulate';
  const programOf = (): readonly string[] => (isSimulated() && simulatedSmi !== null ? simulatedSmi : [options.smi ?? 'nvidia-smi']);
  const privilege = async (): Promise<PrivilegeDecision> => decidePrivilege(await readFacts(isSimulated()));
  const readSettings = (device: Device, how: PrivilegeDecision): DeviceSetting[] => decideDeviceSettings({
    device, source: gpus.list().source, powerLimitWatts: gpus.latest().get(device.uuid)?.sample.medium?.powerLimitWatts ?? null, privilege: how, canTellSimulation: simulatedSmi !== null,
  });
  const plainCommand = (uuid: string, setting: SettingId, value: number | null): string => ['nvidia-smi', ...smiArguments(uuid, makeSmiOption(setting, value))].join(' ');
  const refusal = (change: Pick<DeviceChange, 'uuid' | 'setting'>, value: number | null, way: PrivilegeWay, said: { readonly text: string; readonly exitCode: number | null }): Problem => decideRefusal({
    gpu: gpus.list().devices.find((one) => one.uuid === change.uuid)?.name ?? change.uuid, setting: wordSetting(change.setting), command: plainCommand(change.uuid, change.setting, value), way, ...said,
  });

  /** Sets without a trial. @throws ProblemError `device.refused`, `device.not_supported` */
  const setNow = async (change: DeviceChange, value: number | null, way: PrivilegeWay): Promise<void> => {
    const [program = '', ...args] = makeSetCommand({ way, program: programOf(), uuid: change.uuid, apply: makeSmiOption(change.setting, value) });
    let text = '';
    const collect = (part: string): void => { text = `${text}${part}`.slice(-8192); };
    const done = await supervisor.runProgram({ program, args, timeoutMs: SET_TIMEOUT_MS, onStdout: collect }).done.catch((error: unknown) => ({ exitCode: null, stderr: problemOf(error)?.cause ?? String(error) }));
    const said = { text: `${text}${done.stderr}`, exitCode: done.exitCode };
    if (done.exitCode !== 0 || soundsRefused(said.text)) throw new ProblemError(refusal(change, value, way, said));
  };

  const follow = async (change: DeviceChange, trial: Trial, way: PrivilegeWay): Promise<void> => {
    const end = await trial.ended;
    trials.delete(change.id);
    log.info('a trial of a device setting ended', { id: change.id, how: end.how });
    // Whoever owed the way back was killed: it is gone here.
    if (end.how === 'unknown' && end.wasApplied) return setBack(change);
    if (end.how === 'kept') await update(change.id, { state: 'confirmed', revertsAtMs: null });
    else if (end.how === 'reverted') await update(change.id, { state: 'reverted', revertsAtMs: null });
    else await update(change.id, { state: 'failed', revertsAtMs: null, problem: refusal(change, end.how === 'refused' ? change.to : change.from, way, end) });
    readAnew(change.uuid);
  };

  /** The earlier engine's process has put back by itself, or was killed too: then it is done here. */
  const recover = async (change: DeviceChange): Promise<void> => {
    const device = findDevice(change.uuid);
    const how = await privilege();
    const current = readSettings(device, how).find((one) => one.id === change.setting)?.value ?? null;
    if (current !== null && current === change.from) return void await update(change.id, { state: 'reverted', revertsAtMs: null });
    await setBack(change);
  };
  const setBack = async (change: DeviceChange): Promise<void> => {
    const how = await privilege();
    try {
      if (how.way === null) throw problemError('device.refused', { command: plainCommand(change.uuid, change.setting, change.from), detail: how.whyNot, remedy: 'Run it yourself as administrator: the change was never confirmed.' });
      await setNow(change, change.from, how.way);
      log.warn('a device setting that nobody confirmed was put back', { uuid: change.uuid, setting: change.setting });
      await update(change.id, { state: 'reverted', revertsAtMs: null });
    } catch (error) {
      await update(change.id, { state: 'failed', revertsAtMs: null, problem: problemOf(error) ?? makeProblem('engine.internal', { detail: String(error) }) });
    }
    readAnew(change.uuid);
  };
  const recoverThoseHere = async (): Promise<void> => {
    const here = forgotten.filter((change) => gpus.list().devices.some((one) => one.uuid === change.uuid));
    forgotten = forgotten.filter((change) => !here.includes(change));
    if (forgotten.length === 0) stopListening();
    for (const change of here) await recover(change);
  };

  const refuseDuringTrial = (uuid: string, setting: DeviceChange['setting'], value: number | null): void => {
    if (!changes.some((one) => one.state === 'trial' && one.uuid === uuid && one.setting === setting)) return;
    throw problemError('device.refused', { command: plainCommand(uuid, setting, value), detail: 'another value of the same setting is on trial.', remedy: 'Confirm it or put it back first.' });
  };

  return {
    async settings(uuid) {
      await fresh.get(uuid);
      return readSettings(findDevice(uuid), await privilege());
    },
    async plan({ uuid, setting, value }) {
      await fresh.get(uuid);
      const device = findDevice(uuid);
      refuseDuringTrial(uuid, setting, value);
      const unreal = decideUnreal(gpus.list().source, simulatedSmi !== null);
      if (unreal !== null) throw problemError('device.not_real', { source: unreal });
      const how = await privilege();
      const found = readSettings(device, how).find((one) => one.id === setting);
      if (found === undefined || how.way === null || !found.canChange || !UUID.test(uuid)) throw problemError('device.not_supported', { setting: wordSetting(setting), gpu: device.name, detail: found?.whyNot ?? 'It has no such setting.' });
      const { min, max } = found;
      if (!Number.isFinite(value) || (min !== null && value < min) || (max !== null && value > max) || (setting !== 'power_limit' && !Number.isInteger(value))) {
        throw problemError('device.out_of_range', { value, unit: found.unit, min: min ?? 0, max: max ?? 'any' });
      }
      const back = found.value ?? found.defaultValue;
      const command = makeTrialCommand({ way: how.way, program: programOf(), uuid, apply: makeSmiOption(setting, value), back: makeSmiOption(setting, back), seconds });
      const plan: DevicePlan = {
        planId: randomUUID(), uuid, setting, from: back, to: value, command: [...command], revertSeconds: seconds,
        notes: [
          `${settingTitles[setting]}: ${wordValue(setting, value)} instead of ${wordValue(setting, back)}.`,
          `Sets: ${plainCommand(uuid, setting, value)}`,
          `Unless you confirm within ${String(seconds)} s, or if Warpdeck ends: ${plainCommand(uuid, setting, back)}`,
          ...(how.note === null ? [] : [how.note]),
          ...(setting === 'sm_clock_lock' ? ['Drivers do not say whether clocks are locked; putting back means no lock. The driver takes the nearest clock that it has.'] : []),
          ...(setting === 'power_limit' || setting === 'sm_clock_lock' ? ['It lasts until the machine is started again or the driver is loaded anew.'] : []),
        ],
      };
      for (const [id, held] of plans) if (held.untilMs < now() || plans.size >= MAX_PLANS) plans.delete(id);
      plans.set(plan.planId, { plan, way: how.way, untilMs: now() + PLAN_LIVES_MS });
      return plan;
    },
    async apply(planId) {
      const held = plans.get(planId);
      plans.delete(planId);
      if (held === undefined || held.untilMs < now()) throw problemError('device.not_found', { what: 'This plan' });
      const { plan, way } = held;
      refuseDuringTrial(plan.uuid, plan.setting, plan.to);
      await fresh.get(plan.uuid);
      const found = readSettings(findDevice(plan.uuid), await privilege()).find((one) => one.id === plan.setting);
      // It goes back to what is set now: a plan that was made before somebody else's change does not know it.
      if (found === undefined || (found.value ?? found.defaultValue) !== plan.from) throw problemError('device.not_found', { what: 'This plan' });
      refuseDuringTrial(plan.uuid, plan.setting, plan.to);
      const change: DeviceChange = { id: randomUUID(), uuid: plan.uuid, setting: plan.setting, from: plan.from, to: plan.to, atMs: now(), state: 'trial', revertsAtMs: now() + seconds * 1000, problem: null };
      const before = changes;
      changes = [change, ...changes].slice(0, 200);
      // Noted first: without a note nothing is changed.
      await journal.write(changes).catch((error: unknown) => {
        changes = before;
        throw error;
      });
      tell();
      const trial = runTrial(supervisor, plan.command, (line) => { log.info(line, { id: change.id }); });
      const over = follow(change, trial, way);
      trials.set(change.id, { trial, over });
      if (await trial.applied) {
        const set = await update(change.id, { revertsAtMs: now() + seconds * 1000 });
        readAnew(change.uuid);
        return set;
      }
      await over;
      const end = findChange(change.id);
      throw end.problem === null ? problemError('device.not_found', { what: 'This plan' }) : new ProblemError(end.problem);
    },
    async confirm(id) {
      const change = findChange(id);
      const held = trials.get(id);
      if (change.state !== 'trial' || held === undefined) throw problemError('device.not_found', { what: `A change on trial with the id ${id}` });
      held.trial.keep();
      await held.over;
      return findChange(id);
    },
    async revert(id) {
      const change = findChange(id);
      const held = trials.get(id);
      if (held !== undefined) {
        held.trial.putBack();
        await held.over;
        return findChange(id);
      }
      if (change.state === 'reverted') return change;
      refuseDuringTrial(change.uuid, change.setting, change.from);
      const how = await privilege();
      if (how.way === null) throw problemError('device.not_supported', { setting: wordSetting(change.setting), gpu: findDevice(change.uuid).name, detail: how.whyNot });
      await setNow(change, change.from, how.way);
      const reverted = await update(id, { state: 'reverted', revertsAtMs: null, problem: null });
      readAnew(change.uuid);
      return reverted;
    },
    changes: () => changes,
    async load() {
      changes = await journal.read();
      forgotten = changes.filter((one) => one.state === 'trial');
      if (forgotten.length === 0) return;
      // Its guard first: what still owes the way back goes it now.
      await supervisor.recovered();
      const forget = gpus.onInventory(() => void recoverThoseHere());
      stopListening = () => { forget(); };
      await recoverThoseHere();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      stopListening();
      const all = [...trials.values()];
      for (const { trial } of all) trial.putBack();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, STOP_MS); });
      await Promise.race([Promise.all(all.map(({ over }) => over)), late]);
      clearTimeout(timer);
      await Promise.all([...trials.values()].map(({ trial }) => trial.abandon()));
    },
  };
}

function wordSetting(setting: SettingId): string {
  return ({ persistence_mode: 'The persistence mode', power_limit: 'The power limit', sm_clock_lock: 'A lock of the SM clock' } as const)[setting];
}
