import type { ReactNode } from 'react';
import type { Alert } from '../../../contract/alerts.ts';
import { useApp, useGpuStore } from '../../app/context.tsx';
import { goTo } from '../../app/routes.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { DeviceMark } from '../../ui/device-mark.tsx';
import { formatClock, formatDuration, formatWhen } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';

const HOUR_MS = 3_600_000;

/** One alert: icon, what, why and what to do, value and time, one or two buttons. */
export function AlertRow({ alert, nowMs }: { readonly alert: Alert; readonly nowMs: number }): ReactNode {
  const { gpus, alerts } = useApp();
  const device = useGpuStore((s) => valueOf(s.inventory)?.devices.find((d) => d.uuid === alert.uuid) ?? null);
  const over = alert.endedMs !== null;
  const quiet = !over && alert.quietUntilMs !== null && alert.quietUntilMs > nowMs;
  const seconds = ((alert.endedMs ?? nowMs) - alert.sinceMs) / 1000;
  const show = (): void => {
    if (alert.uuid !== null && !gpus.getState().selection.includes(alert.uuid)) gpus.getState().select(alert.uuid, false);
    goTo('monitor');
  };
  return (
    <li className={over ? 'over' : alert.severity}>
      <Icon name={over ? 'ok' : alert.severity === 'problem' ? 'bad' : 'warn'} label={over ? 'over' : alert.severity} />
      <div>
        <h3>
          {device && <DeviceMark index={device.index} />}
          {alert.title}
        </h3>
        <p>{alert.text}</p>
      </div>
      <span className="when">
        {alert.value !== null && (
          <>
            {alert.value}
            <br />
          </>
        )}
        <span className="q" title={`Since ${formatWhen(alert.sinceMs, nowMs)}`}>
          {over ? `${formatWhen(alert.sinceMs, nowMs)}, ${formatDuration(seconds)}` : formatDuration(seconds)}
        </span>
      </span>
      <span className="acts">
        {device && (
          <Button small onClick={show} aria-label={`Show ${alert.title} on the monitor`}>
            Show
          </Button>
        )}
        {!over && (
          <Button small onClick={() => void alerts.getState().quiet(alert.id, quiet ? nowMs : nowMs + HOUR_MS)} title={quiet ? `Quiet until ${formatClock(alert.quietUntilMs ?? 0)}` : 'It is listed, and not notified, for 1 h'}>
            {quiet ? 'Notify again' : 'Quiet for 1 h'}
          </Button>
        )}
      </span>
    </li>
  );
}
