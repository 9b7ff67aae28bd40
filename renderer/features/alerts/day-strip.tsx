import { Fragment, type ReactNode } from 'react';
import type { Alert } from '../../../contract/alerts.ts';
import type { Device } from '../../../contract/gpu.ts';
import { DeviceMark } from '../../ui/device-mark.tsx';
import { formatDeviceName } from '../../ui/format.ts';
import { decideAxis, decideSpans } from './alert-spans.ts';

/** The last 24 hours, a row for each device. */
export function DayStrip({ devices, alerts, nowMs }: { readonly devices: readonly Device[]; readonly alerts: readonly Alert[]; readonly nowMs: number }): ReactNode {
  const rows = devices.map((d) => ({ key: d.uuid, spans: decideSpans(alerts, d.uuid, nowMs), label: <><DeviceMark index={d.index} />&ensp;{formatDeviceName(d.name)}</> }));
  const known = new Set(devices.map((d) => d.uuid));
  const others = [...new Set(alerts.map((a) => a.uuid).filter((u): u is string => u !== null && !known.has(u)))];
  for (const uuid of others) {
    const spans = decideSpans(alerts, uuid, nowMs);
    if (spans.length > 0) rows.push({ key: uuid, spans, label: <span className="q">{formatDeviceName(alerts.find((a) => a.uuid === uuid)?.deviceName ?? 'a GPU that is gone')}</span> });
  }
  const driver = decideSpans(alerts, null, nowMs);
  if (driver.length > 0) rows.push({ key: 'driver', spans: driver, label: <span className="q">Driver</span> });
  return (
    <section className="panel day-panel" aria-label="Last 24 hours">
      <div className="day">
        {rows.map((row) => (
          <Fragment key={row.key}>
            <span className="trunc">{row.label}</span>
            <span className="ln" role="img" aria-label={row.spans.length === 0 ? 'no alert' : row.spans.map((s) => s.title).join(', ')}>
              {row.spans.map((s) => (
                <i key={s.id} className={s.shape} style={{ right: `${s.right}%`, width: `${s.width}%` }} title={s.title} />
              ))}
            </span>
          </Fragment>
        ))}
        <span className="q">
          last 24<span className="u">h</span>
        </span>
        <span className="ax" aria-hidden="true">
          {decideAxis(nowMs).map((l) => (
            <span key={l.left} style={{ left: `${l.left}%` }}>
              {l.text}
            </span>
          ))}
        </span>
      </div>
    </section>
  );
}
