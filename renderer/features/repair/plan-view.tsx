import { useState, type ReactNode } from 'react';
import type { UpgradePlan } from '../../../contract/upgrades.ts';
import { formatBytes, formatDuration, formatFigures } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { CopyLine } from '../../ui/copy-line.tsx';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { NotReported, Value } from '../../ui/value.tsx';
import { countChanges, decideChangeWhy, orderChanges } from './repair-steps.ts';

/** What changes, what it costs, who else uses it, what stands against it. */
export function PlanView({ plan, say }: { readonly plan: UpgradePlan; say(text: string): string }): ReactNode {
  return (
    <div className="rep">
      <div className="side">
        {plan.problems.length > 0 && <div className="against">{plan.problems.map((p, i) => <ProblemNote key={`${p.code} ${String(i)}`} problem={p} />)}</div>}
        <Changes plan={plan} />
      </div>
      <div className="side">
        <Costs plan={plan} />
        {(plan.usedBy.length > 0 || plan.breaks.length > 0) && (
          <Panel title="What else uses it">
            <ul className="list pad uses">
              {plan.usedBy.map((u) => <li key={u.pid}><span className="trunc" title={plainText(u.command)}>{plainText(u.command)}</span><span className="q">({u.pid}){u.user === null ? '' : `, ${plainText(u.user)}`}{u.sinceMs === null ? '' : `, ${formatDuration((Date.now() - u.sinceMs) / 1000)}`}</span></li>)}
              {plan.breaks.map((b) => <li key={b}><span className="wraps"><Icon name="warn" small className="attention" /> {plainText(b)}</span></li>)}
            </ul>
          </Panel>
        )}
        {plan.wrong.length > 0 && (
          <Panel title="Advice that does not work here" sub={String(plan.wrong.length)}>
            <WrongAdvice list={plan.wrong.slice(0, WRONG)} say={say} className="adv pad" />
            {plan.wrong.length > WRONG && (
              <details className="morewrong">
                <summary>{plan.wrong.length - WRONG} more</summary>
                <WrongAdvice list={plan.wrong.slice(WRONG)} say={say} className="adv" />
              </details>
            )}
          </Panel>
        )}
      </div>
    </div>
  );
}

/** So much wrong advice is shown before the rest is asked for. */
const WRONG = 4;

function WrongAdvice({ list, say, className }: { readonly list: UpgradePlan['wrong']; say(text: string): string; readonly className: string }): ReactNode {
  return (
    <dl className={className}>
      {list.map((w) => (
        <div key={w.command}><dt><Icon name="x" small /><code>{w.command}</code></dt><dd>{say(w.why)}{w.instead !== null && <> <span className="q">Instead: {say(w.instead)}</span></>}</dd></div>
      ))}
    </dl>
  );
}

/** Rows that are shown before the rest is asked for: a window full. */
const ROWS = 16;

function Changes({ plan }: { readonly plan: UpgradePlan }): ReactNode {
  const [all, setAll] = useState(false);
  const changes = orderChanges(plan.changes);
  const shown = all || changes.length <= ROWS + 3 ? changes : changes.slice(0, ROWS);
  const download = plan.kind === 'upgrade';
  return (
    <Panel title="What changes" sub={countChanges(plan)} side={<span className="sub hide-s">{download ? `resolved with ${plan.resolvedWith}, dry run` : plan.resolvedWith}, {formatFigures(plan.resolveMs / 1000)} s</span>}>
      <div className="scrollx">
        <table className="tbl diff">
          <colgroup><col className="c-pkg" /><col className="c-ver" /><col className="c-arrow" /><col className="c-ver" /><col className="c-why" />{download && <col className="c-size" />}</colgroup>
          <thead>
            <tr><th scope="col">Package</th><th scope="col" className="num">Out</th><th scope="col"><span className="sr">becomes</span></th><th scope="col">In</th><th scope="col" className="c-why">Why</th>{download && <th scope="col" className="num">Download</th>}</tr>
          </thead>
          <tbody>
            {shown.map((c) => {
              const why = decideChangeWhy(c, plan);
              return (
                <tr key={c.name}>
                  <th scope="row" className="trunc" title={plainText(c.name)}>{plainText(c.name)}</th>
                  <td className="num m" title={c.from ?? undefined}>{c.from ?? <span className="q">new</span>}</td>
                  <td className="q arrow" aria-hidden="true">→</td>
                  <td title={c.to ?? undefined}>{c.to === null ? <span className="q">removed</span> : <b>{c.to}</b>}</td>
                  <td className="c-why m trunc" title={c.why === null ? undefined : plainText(c.why)}>{plainText(why)}</td>
                  {download && <td className="num">{c.downloadBytes === null ? (c.to === null ? '' : <NotReported reason="The index does not tell the size." />) : <Value of={formatBytes(c.downloadBytes)} />}</td>}
                </tr>
              );
            })}
            <tr className="others">
              <td className="q">{shown.length < changes.length ? <button type="button" className="linklike" onClick={() => setAll(true)}>Show {changes.length - shown.length} more</button> : `${String(plan.unchanged)} others`}</td>
              <td />
              <td className="q arrow" aria-hidden="true">=</td>
              <td className="q">{shown.length < changes.length ? '' : 'unchanged'}</td>
              <td className="c-why" />
              {download && <td />}
            </tr>
          </tbody>
        </table>
      </div>
      {plan.commands.length > 0 && (
        <details className="commands">
          <summary>{plan.commands.length === 1 ? 'The command that will run' : `The ${String(plan.commands.length)} commands that will run`}</summary>
          {plan.commands.map((c) => <CopyLine key={c} command={c} />)}
        </details>
      )}
    </Panel>
  );
}

function Costs({ plan }: { readonly plan: UpgradePlan }): ReactNode {
  const signed = (bytes: number): ReactNode => <>{bytes >= 0 ? '+' : '−'}<Value of={formatBytes(Math.abs(bytes))} /></>;
  return (
    <Panel title="Cost">
      <div className="costs">
        <div><span className="lab">Download</span><b>{plan.downloadBytes === null ? <NotReported reason="The index does not tell the sizes." /> : plan.downloadBytes === 0 ? 'none' : <Value of={formatBytes(plan.downloadBytes)} />}</b></div>
        <div><span className="lab">Time</span><b>{plan.secondsExpected === null ? <NotReported reason="No earlier installation on this machine to tell from." /> : <span className="est">{formatDuration(plan.secondsExpected)}</span>}</b></div>
        <div><span className="lab">Disk, during</span><b>{plan.diskDuringBytes === null ? <NotReported reason="The sizes are not known." /> : signed(plan.diskDuringBytes)}</b></div>
        <div><span className="lab">Disk, after</span><b>{plan.diskAfterBytes === null ? <NotReported reason="The sizes are not known." /> : signed(plan.diskAfterBytes)}</b></div>
      </div>
      <p className="note pad"><Value of={formatBytes(plan.diskFreeBytes)} /> free. {snapshotWords[plan.snapshotMethod]} Undo works offline.</p>
    </Panel>
  );
}

const snapshotWords: Readonly<Record<UpgradePlan['snapshotMethod'], string>> = {
  reflink: 'The snapshot shares its blocks with the files: seconds, hardly any disk.',
  hardlink: 'The snapshot is made of hard links: seconds, hardly any disk.',
  copy: 'The snapshot is a full copy: this file system can do nothing cheaper.',
};
