import type { DeviceSetting } from '../../../contract/optimize.ts';

export type SettingId = DeviceSetting['id'];

/** An option of nvidia-smi with its value; an empty value: it has none. */
export interface SmiOption {
  readonly option: '-pm' | '-pl' | '-lgc' | '-rgc';
  readonly value: string;
}

export const settingTitles: Readonly<Record<SettingId, string>> = { persistence_mode: 'Persistence mode', power_limit: 'Power limit', sm_clock_lock: 'SM clock lock' };
export const settingUnits: Readonly<Record<SettingId, string>> = { persistence_mode: '', power_limit: 'W', sm_clock_lock: 'MHz' };

/** What nvidia-smi is told (`nvidia-smi --help`): -pm 0|1, -pl watts, -lgc min,max; -rgc unlocks. A lock of 0 MHz, or of nothing known, is none. */
export function makeSmiOption(setting: SettingId, value: number | null): SmiOption {
  if (setting === 'persistence_mode') return { option: '-pm', value: value === 0 ? '0' : '1' };
  if (setting === 'power_limit') return { option: '-pl', value: String(Math.round((value ?? 0) * 100) / 100) };
  const mhz = String(Math.round(value ?? 0));
  return mhz === '0' ? { option: '-rgc', value: '' } : { option: '-lgc', value: `${mhz},${mhz}` };
}

/** Arguments of nvidia-smi for one device. */
export const smiArguments = (uuid: string, { option, value }: SmiOption): readonly string[] => ['-i', uuid, option, ...(value === '' ? [] : [value])];

/** `250 W`, `on`, `no lock`. */
export function wordValue(setting: SettingId, value: number | null): string {
  if (setting === 'persistence_mode') return value === null ? 'unknown' : value === 0 ? 'off' : 'on';
  if (setting === 'sm_clock_lock') return value === null || value === 0 ? 'no lock' : `${String(value)} MHz`;
  return value === null ? 'unknown' : `${String(value)} W`;
}
