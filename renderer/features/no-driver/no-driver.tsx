import './no-driver.css';
import { Fragment, type ReactNode } from 'react';
import type { Inventory } from '../../../contract/gpu.ts';
import type { Problem } from '../../../contract/problem.ts';
import { useApp, useEngine, useGpuStore } from '../../app/context.tsx';
import { WHAT_TO_DO_ID } from '../../app/follow-place.ts';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { DeviceMark } from '../../ui/device-mark.tsx';
import { formatCelsius, formatCount, formatDeviceName, formatGibPair, formatPercent, formatWattsWhole, formatWhen, type Quantity } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { StateMark, stateIcon } from '../../ui/state-mark.tsx';
import { NotReported, Value } from '../../ui/value.tsx';
import { decideFutile, decideSteps, decideVersions, decideWorks } from './no-driver-facts.ts';

/** Why no GPU answers, how that was found and what to do. No card, no zero, no old chart posing as live. */
export function NoDriver({ inventory, onShowHistory }: { readonly inventory: Inventory; onShowHistory?(): void }): ReactNode {
  const { gpus } = useApp();
  const refreshing = useGpuStore((s) => s.refreshing);
  const history = useEngine((s) => valueOf(s.status)?.history ?? 'off');
  const { problem } = inventory;
  if (!problem) return null;
  const futile = decideFutile(problem.code);
  return (
    <>
      <div className="head">
        <h1>Monitor</h1>
        <span className="sub">looked at {formatWhen(inventory.atMs, Date.now())}</span>
        <span className="sp" />
        {problem.retry !== 'no' && <span className="sub hide-s">it is tried again by itself</span>}
        <Button look="primary" disabled={refreshing} onClick={() => void gpus.getState().refresh()}>
          {refreshing ? 'Looking…' : 'Try again'}
        </Button>
      </div>
      <div className="noans">
        <div>
          <Verdict problem={problem} />
          <Steps problem={problem} />
          <LastReadings inventory={inventory} {...(onShowHistory ? { onShowHistory } : {})} />
        </div>
        <div>
          <Panel title="What still works">
            <dl className="works">
              {decideWorks(problem.code, history === 'on' || history === 'read_only').map((w) => (
                <Fragment key={w.name}>
                  <dt>{w.name}</dt>
                  <dd className="w">
                    <StateMark kind={w.kind}>{w.word}</StateMark>
                  </dd>
                  <dd className="note">{w.text}</dd>
                </Fragment>
              ))}
            </dl>
          </Panel>
        </div>
        <div className="third">
          <Findings inventory={inventory} />
          {futile.length > 0 && (
            <Panel title="What does not help">
              <dl className="pad adv">
                {futile.map(([name, why]) => (
                  <Fragment key={name}>
                    <dt>
                      <Icon name="x" small />
                      {name}
                    </dt>
                    <dd>{why}</dd>
                  </Fragment>
                ))}
              </dl>
            </Panel>
          )}
        </div>
      </div>
    </>
  );
}

function Verdict({ problem }: { readonly problem: Problem }): ReactNode {
  const kind = problem.severity === 'problem' ? 'problem' : problem.severity === 'attention' ? 'attention' : 'unknown';
  const versions = decideVersions(problem);
  return (
    <section className="panel" aria-label="What is">
      <div className="truth" role="status" style={{ '--c': kind === 'unknown' ? 'var(--ink-2)' : `var(--${kind})` } as Record<string, string>}>
        <div className="t">
          <Icon name={stateIcon(kind)} />
          {problem.title}
        </div>
        <p>{problem.cause}</p>
        {problem.chain.length > 0 && <p className="sub">{problem.chain.join(' → ')}</p>}
      </div>
      {versions.length > 0 && (
        <div className="vers">
          {versions.map((v) => (
            <div key={v.label} className={v.bad ? 'bad' : undefined}>
              <span className="lab">{v.label}</span>
              <b>{v.value}</b>
              <span className="sub">{v.note}</span>
            </div>
          ))}
        </div>
      )}
    </section>
  );
}

function Steps({ problem }: { readonly problem: Problem }): ReactNode {
  const steps = decideSteps(problem);
  return (
    <Panel title="What to do" id={WHAT_TO_DO_ID} sub={<span className="q">{problem.code}</span>}>
      <ol className="todo">
        {steps.map((step, i) => (
          <li key={step.text}>
            <span className="n">{i + 1}</span>
            <div>
              {step.text}
              {step.command && <CopyLine command={step.command} />}
            </div>
          </li>
        ))}
      </ol>
    </Panel>
  );
}

function Findings({ inventory }: { readonly inventory: Inventory }): ReactNode {
  const { findings } = inventory;
  if (findings.length === 0) return null;
  return (
    <Panel title="How this was found" side={<span className="sub">{formatCount(findings.length, 'question')}</span>}>
      <ul className="list pad found">
        {findings.map((f) => (
          <li key={f.name}>
            <Icon name={f.ok ? 'ok' : 'bad'} small className={f.ok ? 'fine' : 'problem'} label={f.ok ? 'fine' : 'problem'} />
            <span>{f.name}</span>
            <span className="m trunc" title={f.value}>
              {f.value}
            </span>
            <span className="q">{f.place}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Greyed, with their age; nothing when there was never a reading. */
function LastReadings({ inventory, onShowHistory }: { readonly inventory: Inventory; onShowHistory?(): void }): ReactNode {
  const latest = useGpuStore((s) => s.latest);
  const known = inventory.devices.filter((d) => latest[d.uuid]?.fast);
  const newest = Math.max(0, ...known.map((d) => latest[d.uuid]?.atMs ?? 0));
  if (known.length === 0) return null;
  const cell = (value: Quantity | null): ReactNode => (value ? <Value of={value} /> : <NotReported reason="It was not reported with the last reading." />);
  return (
    <Panel title="Last readings" sub={`${formatWhen(newest, Date.now())}; not live`} side={onShowHistory && <Button look="bare" small onClick={onShowHistory}>Open history</Button>}>
      <table className="tbl q">
        <thead>
          <tr>
            <th>GPU</th>
            <th className="num">Utilisation</th>
            <th className="num">Memory</th>
            <th className="num">Power</th>
            <th className="num">Temperature</th>
          </tr>
        </thead>
        <tbody>
          {known.map((d) => {
            const r = latest[d.uuid];
            const used = r?.medium?.memUsedBytes ?? null;
            return (
              <tr key={d.uuid}>
                <td>
                  <DeviceMark index={d.index} /> {formatDeviceName(d.name)}
                </td>
                <td className="num">{cell(r?.fast?.utilGpuPercent == null ? null : formatPercent(r.fast.utilGpuPercent))}</td>
                <td className="num">{cell(used === null || d.memTotalBytes === null ? null : formatGibPair(used, d.memTotalBytes))}</td>
                <td className="num">{cell(r?.fast?.powerWatts == null ? null : formatWattsWhole(r.fast.powerWatts))}</td>
                <td className="num">{cell(r?.medium?.tempCelsius == null ? null : formatCelsius(r.medium.tempCelsius))}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Panel>
  );
}
