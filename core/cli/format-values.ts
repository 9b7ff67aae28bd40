/** Numbers for people: three significant figures, units beside them, an em dash for what is not reported. */
export const NOT_REPORTED = '—';

const GIB = 1024 ** 3;

/** 27.4, 6.02, 0.61, 118 */
export function formatThree(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

/** 2745 → 2,745 */
export function formatWhole(value: number): string {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ',');
}

export const formatPercent = (value: number | null): string => (value === null ? NOT_REPORTED : `${String(Math.round(value))} %`);
export const formatCelsius = (value: number | null): string => (value === null ? NOT_REPORTED : `${String(Math.round(value))} °C`);
export const formatMhz = (value: number | null): string => (value === null ? NOT_REPORTED : `${formatWhole(value)} MHz`);
export const formatGib = (bytes: number | null): string => (bytes === null ? NOT_REPORTED : `${formatThree(bytes / GIB)} GiB`);
export const formatWatts = (value: number | null): string => (value === null ? NOT_REPORTED : `${String(Math.round(value))} W`);

/** "27.4 / 31.8 GiB" */
export function formatMemory(used: number | null, total: number | null): string {
  if (used === null) return total === null ? NOT_REPORTED : `${NOT_REPORTED} / ${formatGib(total)}`;
  return total === null ? formatGib(used) : `${formatThree(used / GIB)} / ${formatGib(total)}`;
}

/** "553 / 575 W" */
export function formatPower(watts: number | null, limit: number | null): string {
  if (watts === null) return limit === null ? NOT_REPORTED : `${NOT_REPORTED} / ${formatWatts(limit)}`;
  return limit === null ? formatWatts(watts) : `${String(Math.round(watts))} / ${formatWatts(limit)}`;
}

/** "5.0×16": the link as it is now, not as it could be. */
export function formatPcie(gen: number | null, width: number | null): string {
  if (gen === null && width === null) return NOT_REPORTED;
  return `${gen === null ? NOT_REPORTED : `${String(gen)}.0`}×${width === null ? NOT_REPORTED : String(width)}`;
}

/** "2 h 14 m", "41 m", "88 s", "9 d 04 h" */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (s < 100) return `${String(s)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${String(minutes)} m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${String(hours)} h ${two(minutes % 60)} m`;
  return `${String(Math.floor(hours / 24))} d ${two(hours % 24)} h`;
}

/** Local time of day, 14:32:40. */
export function formatClock(atMs: number, withSeconds = true): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}${withSeconds ? `:${two(at.getSeconds())}` : ''}`;
}

/** Local date and time, 2026-03-01 14:32. */
export function formatDateTime(atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${String(at.getFullYear())}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${formatClock(atMs, false)}`;
}

/** 1.2 MB: sizes of files, in the units that file managers show. */
export function formatFileSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return unit === 0 ? `${String(bytes)} B` : `${formatThree(value)} ${units[unit] ?? ''}`;
}

/** A device's name as a table has room for: the maker is known. */
export function shortDeviceName(name: string): string {
  return name.replace(/^NVIDIA\s+/i, '').replace(/^GeForce\s+/i, '').replace(/\s+Generation$/i, ' Gen').trim() || name;
}
