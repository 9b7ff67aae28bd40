/**
 * What a simulated driver is told and holds, in two files of one folder: the simulation writes which devices there are,
 * the simulated nvidia-smi writes what was set. So settings outlive the engine, as in a real driver. Free of zod: the
 * program that sets is as small as the guard.
 */
export const simulatedFiles = { devices: 'devices.json', settings: 'settings.json' } as const;

/** Null: as it is by default. */
export interface SimulatedSettings {
  readonly powerLimitWatts: number | null;
  readonly persistenceMode: boolean | null;
  readonly smClockLockMhz: number | null;
}
export const defaultSettings: SimulatedSettings = { powerLimitWatts: null, persistenceMode: null, smClockLockMhz: null };

export interface SimulatedBoard {
  readonly uuid: string;
  /** Null: this chip takes no limit. */
  readonly minWatts: number | null;
  readonly maxWatts: number | null;
  readonly defaultWatts: number | null;
  readonly lost: boolean;
}

const MAX_DEVICES = 64;

function parseRecords(text: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list)) return [];
    return list.slice(0, MAX_DEVICES).flatMap((one: unknown) => (typeof one === 'object' && one !== null ? [{ ...one }] : []));
  } catch {
    return [];
  }
}
const numberOrNull = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** Text of `devices.json`; what does not fit is left out. */
export function parseSimulatedBoards(text: string): readonly SimulatedBoard[] {
  return parseRecords(text).flatMap((v) => (typeof v['uuid'] === 'string' ? [{ uuid: v['uuid'], minWatts: numberOrNull(v['minWatts']), maxWatts: numberOrNull(v['maxWatts']), defaultWatts: numberOrNull(v['defaultWatts']), lost: v['lost'] === true }] : []));
}

/** Text of `settings.json` by UUID; what does not fit is left out. */
export function parseSimulatedSettings(text: string): ReadonlyMap<string, SimulatedSettings> {
  return new Map(parseRecords(text).flatMap((v) => (typeof v['uuid'] === 'string'
    ? [[v['uuid'], { powerLimitWatts: numberOrNull(v['powerLimitWatts']), persistenceMode: typeof v['persistenceMode'] === 'boolean' ? v['persistenceMode'] : null, smClockLockMhz: numberOrNull(v['smClockLockMhz']) }] as const]
    : [])));
}

export interface SimulatedAnswer {
  /** Null: nothing is changed. */
  readonly settings: SimulatedSettings | null;
  readonly exitCode: number;
  readonly text: string;
}

/** What nvidia-smi's setting options do and say (driver 580): `-i UUID -pl W | -pm 0|1 | -lgc MIN,MAX | -rgc`. */
export function decideSimulatedAnswer(args: readonly string[], boards: readonly SimulatedBoard[], held: ReadonlyMap<string, SimulatedSettings>): SimulatedAnswer {
  const [dashI, uuid = '', option, value = ''] = args;
  const refuse = (exitCode: number, text: string): SimulatedAnswer => ({ settings: null, exitCode, text });
  const board = boards.find((one) => one.uuid === uuid);
  if (dashI !== '-i' || board === undefined) return refuse(6, 'No devices were found');
  if (board.lost) return refuse(15, `Unable to determine the device handle for ${uuid}: GPU is lost.  Reboot the system to recover this GPU`);
  const now = held.get(uuid) ?? defaultSettings;
  if (option === '-pl') {
    const { minWatts: min, maxWatts: max } = board;
    if (min === null || max === null) return refuse(3, `Changing power management limit is not supported for GPU: ${uuid}.\nTreating as warning and moving on.\nAll done.`);
    const watts = Number(value);
    if (!Number.isFinite(watts) || watts < min || watts > max) return refuse(2, `Provided power limit ${value} W is not a valid power limit which should be between ${min.toFixed(2)} W and ${max.toFixed(2)} W for GPU ${uuid}\nTerminating early due to previous errors.`);
    return { settings: { ...now, powerLimitWatts: watts }, exitCode: 0, text: `Power limit for GPU ${uuid} was set to ${watts.toFixed(2)} W from ${(now.powerLimitWatts ?? board.defaultWatts ?? max).toFixed(2)} W.\nAll done.` };
  }
  if (option === '-pm' && (value === '0' || value === '1')) return { settings: { ...now, persistenceMode: value === '1' }, exitCode: 0, text: `${value === '1' ? 'Enabled' : 'Disabled'} persistence mode for GPU ${uuid}.\nAll done.` };
  if (option === '-rgc') return { settings: { ...now, smClockLockMhz: null }, exitCode: 0, text: `All done.` };
  const lock = option === '-lgc' ? /^(\d{1,5}),(\d{1,5})$/.exec(value) : null;
  if (lock === null) return refuse(2, `Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.`);
  return { settings: { ...now, smClockLockMhz: Number(lock[2]) }, exitCode: 0, text: `GPU clocks set to "(gpuClkMin ${lock[1] ?? ''}, gpuClkMax ${lock[2] ?? ''})" for GPU ${uuid}\nAll done.` };
}
