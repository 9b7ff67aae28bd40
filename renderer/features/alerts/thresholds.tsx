import { type ReactNode } from 'react';
import type { AlertKind, AlertPreview } from '../../../contract/alerts.ts';
import type { Device } from '../../../contract/gpu.ts';
import { defaultSettings, type AlertSettings } from '../../../contract/settings.ts';
import { useAlerts, useApp, useGpuStore, useSettings } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { NumberField } from '../../ui/number-field.tsx';
import { Select } from '../../ui/select.tsx';
import { Switch } from '../../ui/switch.tsx';
import { decideTimes } from './alert-spans.ts';
import { Exceptions } from './exceptions.tsx';

interface RowProps {
  readonly title: string;
  readonly kinds: readonly AlertKind[];
  readonly on: boolean;
  readonly fixed?: boolean;
  readonly sub: string;
  readonly preview: AlertPreview | null;
  readonly children?: ReactNode;
  onSwitch?(on: boolean): void;
}

function Row({ title, kinds, on, fixed = false, sub, preview, children, onSwitch }: RowProps): ReactNode {
  const count = preview === null ? undefined : kinds.reduce((sum, k) => sum + (preview.counts[k] ?? 0), 0);
  return (
    <li>
      <Switch label={title} on={on} disabled={fixed} onChange={(next) => onSwitch?.(next)} />
      <span className="k">{title}</span>
      <span className="ctl">{children}</span>
      <span className="sub">{[sub, decideTimes(count, on)].filter((t) => t !== null).join(' · ')}</span>
    </li>
  );
}

/** The sentence under the temperature: which limit counts by default. Pure. */
export function decideTemperatureWords(celsius: number | null, devices: readonly Pick<Device, 'tempSlowdownCelsius'>[]): string {
  if (celsius !== null) return 'The same for every GPU';
  const limits = [...new Set(devices.map((d) => d.tempSlowdownCelsius).filter((t): t is number => t !== null))].map((t) => t - 5).sort((a, b) => a - b);
  if (limits.length === 0) return '5 °C below slowdown by default';
  return `5 °C below slowdown: ${limits.length === 1 ? `${limits[0]} °C` : `${limits[0]} to ${limits.at(-1)} °C`}`;
}

/** When an alert fires, each with how often that would have been in the last week. */
export function Thresholds(): ReactNode {
  const { settings, alerts: alertsStore } = useApp();
  const alerts = useSettings((s) => s.alerts);
  const notifications = useSettings((s) => s.notifications);
  const preview = useAlerts((s) => valueOf(s.preview));
  const devices = useGpuStore((s) => valueOf(s.inventory)?.devices) ?? [];
  const update = (patch: Partial<AlertSettings>): void => {
    void settings.getState().update({ alerts: patch }).then((taken) => (taken ? alertsStore.getState().loadPreview() : undefined));
  };
  const { temperature, memory, throttle, xid, ecc } = alerts;
  const quiet = notifications.quietFrom !== null && notifications.quietTo !== null;
  return (
    <aside className="drawer" aria-label="Thresholds" tabIndex={0}>
      <header>
        <div className="thead">
          <h2>Thresholds</h2>
          <span className="sp" />
          <Button look="bare" small onClick={() => update(defaultSettings.alerts)}>
            Defaults
          </Button>
        </div>
        <p className="note">Changes count at once. The figure below each is how often it would have fired in the last 7 days.</p>
      </header>
      <section>
        <h3>GPU</h3>
        <ul className="th">
          <Row title="Temperature" kinds={['temperature']} on={temperature.on} sub={decideTemperatureWords(temperature.celsius, devices)} preview={preview} onSwitch={(on) => update({ temperature: { ...temperature, on } })}>
            <NumberField label="Temperature above" value={temperature.celsius} unit="°C" min={30} max={120} optional placeholder="auto" disabled={!temperature.on} onChange={(celsius) => update({ temperature: { ...temperature, celsius } })} />
            for
            <NumberField label="Temperature for seconds" value={temperature.forSeconds} unit="s" min={1} max={3600} disabled={!temperature.on} onChange={(v) => v !== null && update({ temperature: { ...temperature, forSeconds: v } })} />
          </Row>
          <Exceptions devices={devices} exceptions={alerts.exceptions} onChange={(exceptions) => update({ exceptions })} />
          <Row title="Memory nearly full" kinds={['memory']} on={memory.on} sub="Of what this GPU has" preview={preview} onSwitch={(on) => update({ memory: { ...memory, on } })}>
            <NumberField label="Memory above" value={memory.percent} unit="%" min={10} max={100} disabled={!memory.on} onChange={(v) => v !== null && update({ memory: { ...memory, percent: v } })} />
            for
            <NumberField label="Memory for seconds" value={memory.forSeconds} unit="s" min={1} max={3600} disabled={!memory.on} onChange={(v) => v !== null && update({ memory: { ...memory, forSeconds: v } })} />
          </Row>
          <Row title="Slowed by heat" kinds={['throttle_heat', 'throttle_hardware']} on={throttle.on} sub="Or by hardware; a power cap never alerts" preview={preview} onSwitch={(on) => update({ throttle: { ...throttle, on } })}>
            longer than
            <NumberField label="Slowed longer than" value={throttle.forSeconds} unit="s" min={1} max={3600} disabled={!throttle.on} onChange={(v) => v !== null && update({ throttle: { ...throttle, forSeconds: v } })} />
          </Row>
          <Row title="GPU lost" kinds={['lost', 'driver']} on fixed sub="Cannot be switched off" preview={preview}>
            at once
          </Row>
          <Row title="Xid errors" kinds={['xid']} on={xid.on} sub={xid.which === 'serious' ? '48, 63, 64, 74, 79, 94, 95, 119' : 'Every number, also those of a program’s own fault'} preview={preview} onSwitch={(on) => update({ xid: { ...xid, on } })}>
            <Select label="Which Xid numbers" value={xid.which} options={[{ value: 'serious', text: 'serious' }, { value: 'all', text: 'all' }]} disabled={!xid.on} onChange={(which) => update({ xid: { ...xid, which } })} />
          </Row>
          <Row title="Memory errors (ECC)" kinds={['ecc']} on={ecc.on} sub="Uncorrected ones, where the GPU counts them" preview={preview} onSwitch={(on) => update({ ecc: { ...ecc, on } })}>
            at once
          </Row>
        </ul>
      </section>
      <section>
        <h3>Tell me</h3>
        <ul className="th">
          <li>
            <Switch label="On the desktop" on={notifications.on} onChange={(on) => void settings.getState().update({ notifications: { on } })} />
            <span className="k">On the desktop</span>
            <span className="ctl">
              <Select label="Which alerts" value={notifications.which} options={[{ value: 'problems', text: 'problems only' }, { value: 'all', text: 'all alerts' }]} disabled={!notifications.on} onChange={(which) => void settings.getState().update({ notifications: { which } })} />
            </span>
            <span className="sub">
              {quiet ? `Quiet from ${notifications.quietFrom} to ${notifications.quietTo}, but not for a lost GPU` : 'At any time'} · <a href="#/settings/notifications">Quiet hours</a>
            </span>
          </li>
        </ul>
      </section>
    </aside>
  );
}
