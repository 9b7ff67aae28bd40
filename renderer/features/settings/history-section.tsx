import { useEffect, useState, type ReactNode } from 'react';
import type { HistoryStatus } from '../../../contract/history.ts';
import { useApp, useEngine, useSettings } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatClock, formatDate, formatMib, formatWhole } from '../../ui/format.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Select } from '../../ui/select.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Switch } from '../../ui/switch.tsx';
import { Row } from './row.tsx';

const spans = { hour: 3_600_000, day: 86_400_000, week: 604_800_000 } as const;
type Span = keyof typeof spans;

/** `74 of 512 MiB used, oldest 3 September 2026`. Pure. */
export function describeHistory(status: HistoryStatus): string {
  if (status.state === 'off') return 'Nothing is written';
  const used = formatMib(status.sizeBytes);
  const cap = formatMib(status.sizeCapBytes);
  const oldest = status.oldestMs === null ? 'nothing kept yet' : `oldest ${formatDate(status.oldestMs)}`;
  return `${used.text} ${used.unit} of ${cap.text} ${cap.unit} used, ${oldest}`;
}

const states = { on: ['fine', 'is written'], off: ['unknown', 'not kept'], read_only: ['attention', 'only read'], failed: ['problem', 'not written'] } as const;

export function HistorySection(): ReactNode {
  const { settings, engine, shell, ui } = useApp();
  const history = useSettings((s) => s.history);
  const status = useEngine((s) => valueOf(s.history));
  const busy = useEngine((s) => s.busy);
  const [span, setSpan] = useState<Span>('day');
  useEffect(() => {
    void engine.getState().loadHistory();
  }, [engine, history]);
  const update = (patch: Partial<typeof history>): void => void settings.getState().update({ history: patch });
  const save = async (format: 'csv' | 'jsonl'): Promise<void> => {
    const toMs = Date.now();
    const text = await engine.getState().exportHistory(toMs - spans[span], toMs, format);
    if (text === null) return;
    const path = await shell.saveFile({ suggestedName: `warpdeck-history-${new Date(toMs).toISOString().slice(0, 10)}.${format}`, bytes: new TextEncoder().encode(text) });
    if (path !== null) ui.getState().say(`Saved as ${path}, ${formatWhole(text.split('\n').length - 1)} lines.`);
  };
  const [kind, word] = states[status?.state ?? 'off'];
  return (
    <Panel title="History" id="history" side={<><StateMark kind={kind}>{word}</StateMark><Switch label="Keep history" on={history.on} onChange={(on) => update({ on })} /></>}>
      <ul className="set">
        <Row name="On disk" sub={status ? `${describeHistory(status)}${status.reason === null ? '' : `. ${status.reason}`}` : 'Asking the engine'}>
          <span className="v">{status ? `${formatWhole(status.rows.raw + status.rows.second + status.rows.minute)} rows` : ''}</span>
        </Row>
        <Row name="Largest size" sub="The oldest goes first. Every reading is kept for 10 min, seconds for a day">
          <span className="inp-w">
            <NumberField label="Largest size" value={history.sizeCapMiB} unit="MiB" min={16} max={65_536} step={64} disabled={!history.on} onChange={(v) => v !== null && update({ sizeCapMiB: v })} />
          </span>
        </Row>
        <Row name="Keep minutes for" sub="Means, and the highest temperature, of each minute">
          <NumberField label="Keep minutes for" value={history.minuteDays} unit="d" min={1} max={3650} disabled={!history.on} onChange={(v) => v !== null && update({ minuteDays: Math.round(v) })} />
        </Row>
        <Row name="Export" sub={`What was kept up to now, ${formatClock(Date.now()).slice(0, 5)}`}>
          <Select<Span> label="How much" value={span} options={[{ value: 'hour', text: 'last hour' }, { value: 'day', text: 'last 24 h' }, { value: 'week', text: 'last 7 days' }]} onChange={setSpan} />
          <Button small disabled={busy} onClick={() => void save('csv')}>
            CSV…
          </Button>
          <Button small disabled={busy} onClick={() => void save('jsonl')}>
            JSON lines…
          </Button>
        </Row>
      </ul>
    </Panel>
  );
}
