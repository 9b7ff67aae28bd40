import { useEffect, useState, type ReactNode } from 'react';
import type { DeviceChange, DevicePlan, DeviceSetting } from '../../../contract/optimize.ts';
import type { Problem } from '../../../contract/problem.ts';
import { useApp, useMachine } from '../../app/context.tsx';
import { useNow } from '../../app/use-now.ts';
import { problemFrom } from '../../connection/problem-from.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { formatFigures, formatWhole } from '../../ui/format.ts';
import { NumberField } from '../../ui/number-field.tsx';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { Switch } from '../../ui/switch.tsx';
import { NotReported } from '../../ui/value.tsx';
import { quoteForShell } from './apply-dialog.tsx';
import { TroubleNote } from './trouble-note.tsx';

/** A value of a setting in words. Pure. */
export function describeSetting(id: DeviceSetting['id'], value: number | null, unit: string): string {
  if (value === null) return id === 'sm_clock_lock' ? 'not locked' : '—';
  if (id === 'persistence_mode') return value === 0 ? 'off' : 'on';
  return `${Number.isInteger(value) ? formatWhole(value) : formatFigures(value)} ${unit}`;
}

/** Seconds until a trial is put back; null: it is not on trial. Pure. */
export function secondsToRevert(change: Pick<DeviceChange, 'state' | 'revertsAtMs'>, nowMs: number): number | null {
  return change.state === 'trial' && change.revertsAtMs !== null ? Math.max(0, Math.ceil((change.revertsAtMs - nowMs) / 1000)) : null;
}

/** Persistence, power limit and clocks of the GPU, each set on trial first. */
export function DevicePanel({ uuid, name }: { readonly uuid: string; readonly name: string }): ReactNode {
  const { machine } = useApp();
  const settings = useMachine((s) => s.settings);
  const changes = useMachine((s) => valueOf(s.changes)) ?? [];
  const problem = useMachine((s) => s.problem);
  const [plan, setPlan] = useState<DevicePlan | null>(null);
  const [refused, setRefused] = useState<Problem | null>(null);
  const list = valueOf(settings);
  const propose = async (setting: DeviceSetting, value: number): Promise<void> => {
    try {
      setPlan(await machine.getState().planDevice(uuid, setting.id, value));
      setRefused(null);
    } catch (error) {
      setRefused(problemFrom(error));
    }
  };
  const trials = changes.filter((c) => c.uuid === uuid && c.state === 'trial');
  const failed = changes.find((c) => c.uuid === uuid);
  return (
    <Panel title="GPU settings" id="optimise-device" sub={name} className="optpanel">
      {trials.map((c) => <Trial key={c.id} change={c} setting={list?.find((s) => s.id === c.setting) ?? null} />)}
      {refused !== null && <TroubleNote problem={refused} onDismiss={() => setRefused(null)} />}
      {problem !== null && <TroubleNote problem={problem} onDismiss={() => machine.getState().dismiss()} />}
      {failed?.state === 'failed' && failed.problem !== null && <TroubleNote problem={failed.problem} />}
      {settings.state === 'failed' && <TroubleNote problem={settings.problem} />}
      {settings.state === 'loading' && <p className="pad note" role="status">Reading.</p>}
      {list?.length === 0 && <p className="pad note">The driver offers none for this GPU.</p>}
      {list !== null && list.length > 0 && (
        <ul className="devset">
          {list.map((s) => {
            const trial = trials.some((c) => c.setting === s.id);
            return (
              <li key={s.id}>
                <div>
                  <b>{s.title}</b>
                  <p className="note">{[s.min !== null && s.max !== null && s.id !== 'persistence_mode' ? `${formatWhole(s.min)} to ${formatWhole(s.max)} ${s.unit}` : null, s.defaultValue === null ? null : `default ${describeSetting(s.id, s.defaultValue, s.unit)}`, s.canChange ? null : plainText(s.whyNot ?? 'It cannot be changed here.')].filter((t) => t !== null).join('; ')}</p>
                </div>
                <span className="now">{s.value === null && s.id !== 'sm_clock_lock' ? <NotReported reason={s.whyNot ?? 'The driver does not report it.'} /> : describeSetting(s.id, s.value, s.unit)}</span>
                {s.id === 'persistence_mode'
                  ? <Switch label={s.title} on={s.value === 1} disabled={!s.canChange || trial || s.value === null} onChange={(on) => void propose(s, on ? 1 : 0)} />
                  : <ValueForm key={String(s.value)} setting={s} disabled={!s.canChange || trial} onPropose={(value) => void propose(s, value)} />}
              </li>
            );
          })}
        </ul>
      )}
      {plan !== null && <PlanDialog plan={plan} setting={list?.find((s) => s.id === plan.setting) ?? null} name={name} onClose={() => setPlan(null)} />}
    </Panel>
  );
}

function ValueForm({ setting, disabled, onPropose }: { readonly setting: DeviceSetting; readonly disabled: boolean; onPropose(value: number): void }): ReactNode {
  const [value, setValue] = useState<number | null>(setting.value);
  return (
    <span className="setform">
      <NumberField label={`New ${setting.title.toLowerCase()}`} value={value} unit={setting.unit} min={setting.min ?? 0} max={setting.max ?? 1e6} step={setting.unit === 'MHz' ? 15 : 5} disabled={disabled} optional onChange={setValue} />
      <Button small disabled={disabled || value === null || value === setting.value} aria-label={`Set ${setting.title.toLowerCase()}`} onClick={() => { if (value !== null) onPropose(value); }}>Set…</Button>
    </span>
  );
}

/** On trial: it goes back by itself unless it is kept. The count is read out every ten seconds and at the end. */
function Trial({ change, setting }: { readonly change: DeviceChange; readonly setting: DeviceSetting | null }): ReactNode {
  const { machine } = useApp();
  const nowMs = useNow(1000);
  const left = secondsToRevert(change, nowMs) ?? 0;
  const over = left === 0;
  useEffect(() => {
    if (over) void machine.getState().readChanges();
  }, [over, machine]);
  const unit = setting?.unit ?? '';
  const title = setting?.title ?? change.setting;
  return (
    <div className="callout trial row">
      <span><StateMark kind="attention">on trial</StateMark> <b>{title}: {describeSetting(change.setting, change.from, unit)} → {describeSetting(change.setting, change.to, unit)}.</b> {over ? 'It is being put back.' : <>Put back in <span className="count-down">{left} s</span> unless you keep it.</>}</span>
      <span className="sr" role="status">{over ? `${title} is being put back` : `${title} is put back in ${String(Math.ceil(left / 10) * 10)} s at most`}</span>
      <span className="sp" />
      <Button small look="primary" disabled={over} onClick={() => void machine.getState().confirmDevice(change.id)}>Keep</Button>
      <Button small onClick={() => void machine.getState().revertDevice(change.id)}>Put back now</Button>
    </div>
  );
}

function PlanDialog({ plan, setting, name, onClose }: { readonly plan: DevicePlan; readonly setting: DeviceSetting | null; readonly name: string; onClose(): void }): ReactNode {
  const { machine } = useApp();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const unit = setting?.unit ?? '';
  const title = `Set ${(setting?.title ?? plan.setting).toLowerCase()} of ${name}`;
  const apply = async (): Promise<void> => {
    setBusy(true);
    try {
      await machine.getState().applyDevice(plan.planId);
      onClose();
    } catch (error) {
      setProblem(problemFrom(error));
      setBusy(false);
    }
  };
  return (
    <Dialog label={title} className="ask applyask" onClose={onClose}>
      <h2>{title}</h2>
      <div className="body">
        <p className="note lead"><b>{describeSetting(plan.setting, plan.from, unit)} → {describeSetting(plan.setting, plan.to, unit)}.</b> It is put back after {plan.revertSeconds} s unless you keep it, also when Warpdeck ends meanwhile.</p>
        {plan.command.length > 0 && <CopyLine command={plan.command.map(quoteForShell).join(' ')} />}
        {plan.notes.map((note) => <p key={note} className="note">{plainText(note)}</p>)}
        {problem !== null && <TroubleNote problem={problem} />}
      </div>
      <footer>
        <Button autoFocus onClick={onClose}>Cancel</Button>
        <Button look="primary" disabled={busy || problem !== null} onClick={() => void apply()}>Set on trial</Button>
      </footer>
    </Dialog>
  );
}
