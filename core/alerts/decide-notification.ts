import type { Alert } from '../../contract/alerts.ts';
import type { Settings } from '../../contract/settings.ts';

/** Minutes since midnight of "HH:MM". */
const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));

/** Is `minute` (of the day) within the quiet hours, which may go over midnight? */
export function isQuietHour(from: string | null, to: string | null, minute: number): boolean {
  if (from === null || to === null || from === to) return false;
  const a = minutes(from), b = minutes(to);
  return a < b ? minute >= a && minute < b : minute >= a || minute < b;
}

/** Should the desktop be told of a new alert? A lost GPU breaks the quiet hours, but not a request for quiet. */
export function decideNotification(alert: Alert, settings: Settings['notifications'], nowMs: number, minuteOfDay: number): boolean {
  if (!settings.on || (settings.which === 'problems' && alert.severity !== 'problem')) return false;
  if (alert.quietUntilMs !== null && alert.quietUntilMs > nowMs) return false;
  return alert.kind === 'lost' || !isQuietHour(settings.quietFrom, settings.quietTo, minuteOfDay);
}
