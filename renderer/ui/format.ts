/** A number as text with its unit, kept apart so that the unit can stand lighter. */
export interface Quantity {
  readonly text: string;
  readonly unit: string;
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/**
 * Three significant figures as an instrument shows them: 0.01, 6.41, 27.4, 553, 1,245. Below one, two decimals
 * stay, so that a small value does not gain digits that nobody measured.
 */
export function formatFigures(value: number): string {
  const size = Math.abs(value);
  if (Number(size.toFixed(2)) < 10) return value.toFixed(2);
  if (Number(size.toFixed(1)) < 100) return value.toFixed(1);
  return grouped.format(value);
}

/** A whole number with thousands apart: 1,245. */
export function formatWhole(value: number): string {
  return grouped.format(value);
}

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** Memory, always in GiB. */
export function formatGib(bytes: number): Quantity {
  return { text: formatFigures(bytes / GIB), unit: 'GiB' };
}

/** Used and total memory in one unit: `27.4 / 31.8`. */
export function formatGibPair(usedBytes: number, totalBytes: number): Quantity {
  return { text: `${formatFigures(usedBytes / GIB)} / ${formatFigures(totalBytes / GIB)}`, unit: 'GiB' };
}

/**
 * Sizes of files and downloads, decimal: kB, MB, GB. Hubs, package indexes, disks and the command line say them so; a file
 * of 98.4 MB has that size on its page, in the list, in the drawer and while it comes. Memory is in GiB, as drivers
 * count it: `formatGib`.
 */
export function formatBytes(bytes: number): Quantity {
  if (bytes < 999.5) return { text: formatWhole(bytes), unit: 'B' };
  if (bytes < 999.5e3) return { text: formatFigures(bytes / 1e3), unit: 'kB' };
  return bytes < 999.5e6 ? { text: formatFigures(bytes / 1e6), unit: 'MB' } : { text: formatFigures(bytes / 1e9), unit: 'GB' };
}

/** What is limited or measured in MiB: the history's store, a process. GiB from one on. */
export function formatMib(bytes: number): Quantity {
  return bytes < GIB ? { text: formatFigures(bytes / MIB), unit: 'MiB' } : formatGib(bytes);
}

/** NVML reports whole percent. */
export function formatPercent(percent: number): Quantity {
  return { text: formatWhole(Math.round(percent)), unit: '%' };
}

/** Share of something, 0 to 1. */
export function formatShare(share: number): Quantity {
  return formatPercent(share * 100);
}

/** Power as the big number of a card, whole from 10 W on: the meter's own noise is larger. */
export function formatWattsWhole(watts: number): Quantity {
  return { text: watts < 9.5 ? formatFigures(watts) : formatWhole(Math.round(watts)), unit: 'W' };
}

/** Drivers report whole degrees. */
export function formatCelsius(celsius: number): Quantity {
  return { text: formatWhole(Math.round(celsius)), unit: '°C' };
}

export function formatMhz(mhz: number): Quantity {
  return { text: formatWhole(Math.round(mhz)), unit: 'MHz' };
}

/** Bandwidth in decimal gigabytes, as links are sold. */
export function formatGbPerSecond(bytesPerSecond: number): Quantity {
  return { text: formatFigures(bytesPerSecond / 1e9), unit: 'GB/s' };
}

/** Energy: J below a thousandth of a kWh, else kWh. */
export function formatEnergy(joules: number): Quantity {
  return joules < 3600 ? { text: formatFigures(joules), unit: 'J' } : { text: formatFigures(joules / 3.6e6), unit: 'kWh' };
}

/** A length of time in its two largest units: `9 s`, `2 h 21 min`, `9 d 4 h`. */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return s % 60 === 0 || minutes >= 10 ? `${minutes} min` : `${minutes} min ${s % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `3 s ago`. */
export function formatAge(seconds: number): string {
  return `${formatDuration(seconds)} ago`;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** Local time of day: `14:29:06`. */
export function formatClock(atMs: number): string {
  const d = new Date(atMs);
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Local date: `21 November 2026`. */
export function formatDate(atMs: number): string {
  const d = new Date(atMs);
  return `${d.getDate()} ${months[d.getMonth()] ?? ''} ${d.getFullYear()}`;
}

/** When something was, seen from `nowMs`: today `14:29:06`, this week `Thu 09:12`, else `12 November, 09:12`. */
export function formatWhen(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const now = new Date(nowMs);
  const minute = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.toDateString() === now.toDateString()) return formatClock(atMs);
  if (Math.abs(nowMs - atMs) < 6 * 86_400_000) return `${days[at.getDay()] ?? ''} ${minute}`;
  return `${at.getDate()} ${months[at.getMonth()] ?? ''}, ${minute}`;
}

/** A device's name without the maker's words: `NVIDIA GeForce RTX 5090` is `RTX 5090`. */
export function formatDeviceName(name: string): string {
  return name.replace(/^NVIDIA\s+/i, '').replace(/^(GeForce|Tesla|Quadro(?= RTX))\s+/i, '') || name;
}

/** `1 alert`, `2 alerts`. */
export function formatCount(n: number, singular: string, plural: string = `${singular}s`): string {
  return `${formatWhole(n)} ${n === 1 ? singular : plural}`;
}
