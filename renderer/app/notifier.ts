import type { Alert } from '../../contract/alerts.ts';
import type { Settings } from '../../contract/settings.ts';
import { valueOf } from '../connection/remote.ts';
import { formatDeviceName, formatFigures } from '../ui/format.ts';
import type { LatestReading } from '../stores/gpu-store.ts';
import type { Device } from '../../contract/gpu.ts';
import type { App } from './context.tsx';

/** Minutes since midnight of `HH:MM`. */
function minutesOf(text: string): number {
  const [h = '0', m = '0'] = text.split(':');
  return Number(h) * 60 + Number(m);
}

/** Whether quiet hours are on; they may pass midnight. Pure. */
export function isQuietTime(notifications: Settings['notifications'], now: Date): boolean {
  const { quietFrom, quietTo } = notifications;
  if (quietFrom === null || quietTo === null) return false;
  const from = minutesOf(quietFrom);
  const to = minutesOf(quietTo);
  const at = now.getHours() * 60 + now.getMinutes();
  return from <= to ? at >= from && at < to : at >= from || at < to;
}

/**
 * Which alerts to notify: those that were not open before. `known` null is the page's first look: what is open then
 * has been told. A lost GPU comes through quiet hours. Pure.
 */
export function decideNotifications(known: ReadonlySet<string> | null, open: readonly Alert[], settings: Settings, now: Date): readonly Alert[] {
  if (known === null || !settings.notifications.on) return [];
  return open.filter((a) => {
    if (known.has(a.id)) return false;
    if (a.quietUntilMs !== null && a.quietUntilMs > now.getTime()) return false;
    if (settings.notifications.which === 'problems' && a.severity !== 'problem') return false;
    return a.kind === 'lost' || !isQuietTime(settings.notifications, now);
  });
}

/** The tray's tip: the highest temperature, and memory in use over all devices. Pure. */
export function decideTrayTip(devices: readonly Device[], latest: Readonly<Record<string, LatestReading>>, openAlerts: number): string {
  if (devices.length === 0) return 'Warpdeck: no GPU answers';
  const lines = devices.slice(0, 4).map((d) => {
    const r = latest[d.uuid];
    const name = `${d.index} ${formatDeviceName(d.name)}`;
    if (!r || r.state !== 'ok') return `${name}: ${r ? 'lost' : 'no reading yet'}`;
    const temp = r.medium?.tempCelsius ?? null;
    const used = r.medium?.memUsedBytes ?? null;
    const parts = [temp === null ? null : `${Math.round(temp)} °C`, used === null || d.memTotalBytes === null ? null : `${formatFigures(used / 2 ** 30)} of ${formatFigures(d.memTotalBytes / 2 ** 30)} GiB`];
    return `${name}: ${parts.filter((p) => p !== null).join(', ') || '—'}`;
  });
  if (devices.length > 4) lines.push(`and ${devices.length - 4} more`);
  if (openAlerts > 0) lines.push(`${openAlerts} open ${openAlerts === 1 ? 'alert' : 'alerts'}`);
  return lines.join('\n');
}

/** Notifies new alerts by the settings and keeps the tray's tip. */
export function startNotifier(app: Pick<App, 'alerts' | 'settings' | 'shell' | 'gpus' | 'clock'>): void {
  let known: ReadonlySet<string> | null = null;
  app.alerts.subscribe((state) => {
    if (state.alerts.state !== 'ready') return;
    const { open } = state.alerts.value;
    for (const a of decideNotifications(known, open, app.settings.getState().current, new Date())) {
      void app.shell.notify({ title: a.title.slice(0, 200), body: a.text.slice(0, 1000), alertId: a.id });
    }
    known = new Set(open.map((a) => a.id));
  });
  if (app.shell.kind !== 'desktop') return;
  let last = '';
  app.clock.onTick(() => {
    const open = valueOf(app.alerts.getState().alerts)?.open ?? [];
    const tip = decideTrayTip(valueOf(app.gpus.getState().inventory)?.devices ?? [], app.gpus.getState().latest, open.length).slice(0, 300);
    if (tip === last) return;
    last = tip;
    app.shell.setTray({ tip, attention: open.length > 0 });
  });
}
