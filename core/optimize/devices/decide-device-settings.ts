import type { Device, SourceKind } from '../../../contract/gpu.ts';
import type { DeviceSetting } from '../../../contract/optimize.ts';
import { settingTitles, settingUnits, type SettingId } from './device-commands.ts';
import type { PrivilegeDecision } from './decide-privilege.ts';

export interface SettingsQuestion {
  readonly device: Device;
  readonly source: SourceKind;
  /** As last read, W: the record may be older. */
  readonly powerLimitWatts: number | null;
  readonly privilege: PrivilegeDecision;
  /** A simulation that keeps what it is told. */
  readonly canTellSimulation: boolean;
}

/** Null: they are real enough to be set. */
export function decideUnreal(source: SourceKind, canTellSimulation: boolean): string | null {
  if (source === 'replay') return 'recorded';
  if (source === 'simulate' && !canTellSimulation) return 'simulated';
  return source === 'none' ? 'not there' : null;
}

/** Locked clocks exist since Volta (nvmlDeviceSetGpuLockedClocks in nvml.h). */
const LOCKABLE_SINCE = 7;

/** The settings of one GPU, with what speaks against changing each. Pure. */
export function decideDeviceSettings({ device, source, powerLimitWatts, privilege, canTellSimulation }: SettingsQuestion): DeviceSetting[] {
  const unreal = decideUnreal(source, canTellSimulation);
  const general = unreal !== null ? `These GPUs are ${unreal}. Nothing can be set on them.` : device.kind === 'mig' ? 'A MIG instance has no setting of its own; the whole GPU has.' : privilege.way === null ? privilege.whyNot : null;
  const reason = (field: string): string => device.notReported[field]?.text ?? 'The driver does not report it.';
  const make = (id: SettingId, part: Pick<DeviceSetting, 'value' | 'min' | 'max' | 'defaultValue'>, missing: string | null): DeviceSetting => {
    const whyNot = general ?? missing;
    return { id, title: settingTitles[id], unit: settingUnits[id], ...part, canChange: whyNot === null, whyNot };
  };
  const { powerMinLimitWatts: min, powerMaxLimitWatts: max, clockMaxSmMhz, persistenceMode } = device;
  const powerMissing = min === null ? reason('powerMinLimitWatts') : max === null ? reason('powerMaxLimitWatts') : min === max ? 'This board takes one power limit only.' : null;
  const capability = device.computeCapability === null ? null : Number.parseFloat(device.computeCapability);
  const clockMissing = clockMaxSmMhz === null ? reason('clockMaxSmMhz') : capability !== null && capability < LOCKABLE_SINCE ? 'Clocks can be locked since the Volta generation.' : null;
  return [
    make('persistence_mode', { value: persistenceMode === null ? null : Number(persistenceMode), min: 0, max: 1, defaultValue: 0 }, persistenceMode === null ? reason('persistenceMode') : null),
    make('power_limit', { value: powerLimitWatts ?? device.powerLimitWatts, min, max, defaultValue: device.powerDefaultLimitWatts }, powerMissing),
    // No driver call tells a lock that is in force; 0 is none.
    make('sm_clock_lock', { value: null, min: 0, max: clockMaxSmMhz, defaultValue: 0 }, clockMissing),
  ];
}
