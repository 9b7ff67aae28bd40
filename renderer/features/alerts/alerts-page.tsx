import './alerts.css';
import { useEffect, type ReactNode } from 'react';
import { useAlerts, useApp, useGpuStore, useIntents } from '../../app/context.tsx';
import { useNow } from '../../app/use-now.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { Panel } from '../../ui/panel.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Segmented } from '../../ui/segmented.tsx';
import { AlertRow } from './alert-row.tsx';
import { DayStrip } from './day-strip.tsx';
import { Thresholds } from './thresholds.tsx';

/** Text on this page changes by the second. */
const BEAT_MS = 1000;

/** What is wrong, what was, and from when on it counts as wrong. */
export function AlertsPage(): ReactNode {
  const { alerts: store } = useApp();
  const intents = useIntents();
  const alerts = useAlerts((s) => s.alerts);
  const span = useAlerts((s) => s.span);
  const overRemote = useAlerts((s) => s.over);
  const problem = useAlerts((s) => s.problem);
  const inventory = useGpuStore((s) => valueOf(s.inventory));
  const selection = useGpuStore((s) => s.selection);
  const nowMs = useNow(BEAT_MS);
  useEffect(() => {
    void store.getState().loadOver();
    void store.getState().loadPreview();
  }, [store]);
  const mine = (uuid: string | null): boolean => selection.length === 0 || uuid === null || selection.includes(uuid);
  const open = (valueOf(alerts)?.open ?? []).filter((a) => mine(a.uuid));
  const over = (valueOf(overRemote) ?? valueOf(alerts)?.over ?? []).filter((a) => mine(a.uuid));
  const sorted = [...open].sort((a, b) => Number(b.severity === 'problem') - Number(a.severity === 'problem') || b.sinceMs - a.sinceMs);
  const devices = (inventory?.devices ?? []).filter((d) => mine(d.uuid));
  return (
    <div className="split">
      <div className="page">
        <div className="head">
          <h1>Alerts</h1>
          <span className="sub">
            {open.length} open, {over.length} over {span === 'all' ? 'in all' : 'in 7 days'}
            {selection.length > 0 && `, of ${selection.length} selected GPUs`}
          </span>
          <span className="sp" />
          <Segmented label="Show" value={span} options={[{ value: 'open', text: 'Open' }, { value: 'week', text: '7 days' }, { value: 'all', text: 'All' }]} onChange={store.getState().setSpan} />
          <Button className="hide-s" title="Alerts are listed, and none is notified, for 1 h" onClick={() => void intents.run('alerts.quiet')}>
            Quiet for 1 h
          </Button>
        </div>
        {alerts.state === 'failed' && <ProblemNote problem={alerts.problem} />}
        {problem && <ProblemNote problem={problem} />}
        {inventory?.simulated && <p className="callout below"><b>These GPUs are {inventory.source === 'replay' ? 'a recording' : 'simulated'}.</b> What is listed about them is no trouble of this machine.</p>}
        <DayStrip devices={devices} alerts={[...over, ...open]} nowMs={nowMs} />
        <Panel title="Open" sub={open.length} side={<Legend />}>
          {sorted.length > 0 ? (
            <ul className="al">
              {sorted.map((a) => (
                <AlertRow key={a.id} alert={a} nowMs={nowMs} />
              ))}
            </ul>
          ) : (
            <p className="empty-list">{alerts.state === 'loading' ? 'Asking the engine.' : 'Nothing is open.'}</p>
          )}
        </Panel>
        {span !== 'open' && (
          <Panel title="Over" className="over-panel" sub={`${over.length} ${span === 'all' ? 'in all' : 'in 7 days'}`}>
            {over.length > 0 ? (
              <ul className="al">
                {over.map((a) => (
                  <AlertRow key={a.id} alert={a} nowMs={nowMs} />
                ))}
              </ul>
            ) : (
              <p className="empty-list">None {span === 'all' ? 'is kept' : 'in the last 7 days'}.</p>
            )}
          </Panel>
        )}
      </div>
      <Thresholds />
    </div>
  );
}

function Legend(): ReactNode {
  return (
    <div className="legend hide-s">
      <span><i className="key ht" />heat</span>
      <span><i className="key hw" />hardware slowdown</span>
      <span><i className="key lo" />lost</span>
      <span><i className="key me" />memory nearly full</span>
      <span className="hide-m"><i className="key dr" />error</span>
    </div>
  );
}
