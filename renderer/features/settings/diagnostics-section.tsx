import { useState, type ReactNode } from 'react';
import { useApp, useConnection, useEngine, useIntents, useSettings, useSettingsStore } from '../../app/context.tsx';
import { PAGE_VERSION } from '../../app/version.ts';
import { valueOf } from '../../connection/remote.ts';
import { settingsStatusOf } from '../../stores/settings-store.ts';
import { Button } from '../../ui/button.tsx';
import { formatDuration, formatMib } from '../../ui/format.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Select } from '../../ui/select.tsx';
import { Row } from './row.tsx';

const levels = [{ value: 'error', text: 'errors only' }, { value: 'warn', text: 'warnings' }, { value: 'info', text: 'normal' }, { value: 'debug', text: 'everything' }] as const;

export function DiagnosticsSection(): ReactNode {
  const { settings, shell, engine } = useApp();
  const intents = useIntents();
  const logs = useSettings((s) => s.logs);
  const path = useSettingsStore((s) => settingsStatusOf(s)?.path ?? null);
  const info = useConnection((s) => (s.state === 'ready' ? s.info : null));
  const rss = useEngine((s) => valueOf(s.status)?.rssBytes ?? null);
  const faces = useEngine((s) => valueOf(s.status)?.faces ?? null);
  const busy = useEngine((s) => s.busy);
  const [inside, setInside] = useState<string | null>(null);
  const look = async (): Promise<void> => {
    if (inside !== null) return setInside(null);
    setInside((await engine.getState().report())?.text ?? null);
  };
  const memory = rss === null ? null : formatMib(rss);
  return (
    <Panel title="Logs and report" id="diagnostics" sub={`Warpdeck ${PAGE_VERSION}`}>
      <ul className="set">
        <Row name="Report" sub="Versions, driver answers, the last log lines. Names, paths and tokens are replaced">
          <Button small disabled={busy} aria-expanded={inside !== null} onClick={() => void look()}>
            {inside === null ? 'Look inside' : 'Close it'}
          </Button>
          <Button small disabled={busy} onClick={() => void intents.run('report.save')}>
            Save report…
          </Button>
        </Row>
        {inside !== null && (
          <li>
            <pre className="log stack-c" tabIndex={0} aria-label="Report" style={{ maxHeight: 320 }}>
              {inside}
            </pre>
          </li>
        )}
        <Row name="Log" sub="How much is written; the engine and its workers">
          <Select label="How much is logged" value={logs.level} options={levels} onChange={(level) => void settings.getState().update({ logs: { level } })} />
          {shell.openLogs && (
            <Button small onClick={() => void intents.run('logs.open')}>
              Open folder
            </Button>
          )}
        </Row>
        <Row name="Largest size of the logs" sub="The oldest goes first">
          <NumberField label="Largest size of the logs" value={logs.keepMiB} unit="MiB" min={1} max={1024} onChange={(v) => v !== null && void settings.getState().update({ logs: { keepMiB: v } })} />
        </Row>
        {info && (
          <Row name="Engine" sub={<span className="path">{info.dataDir}</span>}>
            <span className="v">
              {info.version}, process {info.pid}, {info.node} on {info.platform}
              {memory && `, ${memory.text} ${memory.unit}`}
              {faces !== null && `, ${faces} ${faces === 1 ? 'face' : 'faces'}`}, up {formatDuration((Date.now() - info.startedAtMs) / 1000)}
            </span>
          </Row>
        )}
        {path !== null && (
          <Row name="Settings file" sub={<span className="path">{path}</span>}>
            <span className="v">one JSON file</span>
          </Row>
        )}
        <Row name="Usage statistics" sub="Warpdeck has none">
          <span className="v">nothing is sent</span>
        </Row>
      </ul>
    </Panel>
  );
}
