import { formatClock, formatDate } from '../../ui/format.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const steps = [SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY];

/** Distance between two marks of the time axis, ms: whole seconds, minutes or hours, at least `minPx` pixels apart. */
export function decideTickStep(spanMs: number, widthPx: number, minPx = 62): number {
  const least = (spanMs / Math.max(1, widthPx)) * minPx;
  return steps.find((s) => s >= least) ?? DAY * Math.ceil(least / DAY);
}

/** Times of the marks inside a window, on whole minutes or hours of the local clock. `offsetMs`: local time minus UTC. */
export function decideTicks(fromMs: number, toMs: number, stepMs: number, offsetMs: number): number[] {
  const ticks: number[] = [];
  for (let t = Math.ceil((fromMs + offsetMs) / stepMs) * stepMs - offsetMs; t <= toMs; t += stepMs) ticks.push(t);
  return ticks;
}

/** Local time minus UTC at a time, ms. */
export const readLocalOffset = (atMs: number): number => -new Date(atMs).getTimezoneOffset() * MINUTE;

const two = (n: number): string => String(n).padStart(2, '0');

/** `14:28` or, where seconds matter, `14:28:30`; a mark at midnight of a long window says the day. */
export function formatTick(atMs: number, stepMs: number): string {
  const d = new Date(atMs);
  if (stepMs >= DAY || (stepMs >= HOUR && d.getHours() === 0)) return formatDay(atMs);
  return stepMs >= MINUTE ? `${two(d.getHours())}:${two(d.getMinutes())}` : formatClock(atMs);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `21 Nov`. */
function formatDay(atMs: number): string {
  const d = new Date(atMs);
  return `${d.getDate()} ${months[d.getMonth()] ?? ''}`;
}

/** `14:27:40 to 14:32:40, 21 November 2026`; both days where they differ. */
export function formatWindow(fromMs: number, toMs: number): string {
  const a = new Date(fromMs);
  const b = new Date(toMs);
  if (a.toDateString() === b.toDateString()) return `${formatClock(fromMs)} to ${formatClock(toMs)}, ${formatDate(toMs)}`;
  return `${formatDay(fromMs)}, ${formatClock(fromMs)} to ${formatClock(toMs)}, ${formatDate(toMs)}`;
}
