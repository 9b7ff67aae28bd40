import { defaultSettings, type Settings, type SettingsPatch, type SettingsStatus } from '../../contract/settings.ts';
import type { Logger } from '../logging/logger.ts';
export function createSettings(options: { path: string; log: Logger }): { status(): SettingsStatus; get(): Settings; update(patch: SettingsPatch): Promise<SettingsStatus>; onChange(l: (s: SettingsStatus) => void): () => void } {
  let value = defaultSettings; const ls = new Set<(s: SettingsStatus) => void>();
  const status = (): SettingsStatus => ({ settings: value, path: options.path, state: 'ok', note: null });
  return { status, get: () => value, update: async (patch) => { const v = structuredClone(value) as Record<string, object>; for (const [k, p] of Object.entries(patch)) v[k] = { ...v[k], ...(p as object) }; value = v as unknown as Settings; for (const l of ls) l(status()); return status(); }, onChange: (l) => { ls.add(l); return () => ls.delete(l); } };
}
