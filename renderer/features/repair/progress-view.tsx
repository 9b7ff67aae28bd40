import { useEffect, useRef, type ReactNode } from 'react';
import type { Job } from '../../../contract/jobs.ts';
import type { Upgrade } from '../../../contract/upgrades.ts';
import { useApp, useJobs } from '../../app/context.tsx';
import { formatBytes, formatClock, formatDuration, formatShare } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { Panel } from '../../ui/panel.tsx';
import { plainText } from '../../ui/plain-text.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Value } from '../../ui/value.tsx';

const marks: Readonly<Record<Upgrade['checks'][number]['state'], { readonly kind: string; readonly icon: 'ok' | 'bad' | 'run' | 'ring' | 'none'; readonly word: string }>> = {
  waiting: { kind: 'unknown', icon: 'ring', word: 'waits' }, running: { kind: 'pending', icon: 'run', word: 'runs' }, passed: { kind: 'fine', icon: 'ok', word: 'passed' }, failed: { kind: 'problem', icon: 'bad', word: 'failed' }, skipped: { kind: 'none', icon: 'none', word: 'left out' },
};

/** What happens now, and the checklist that fills. */
export function ProgressView({ upgrade, job }: { readonly upgrade: Upgrade | null; readonly job: Job | null }): ReactNode {
  const running = upgrade === null ? job !== null && job.endedAtMs === null : upgrade.state === 'running';
  const checks = upgrade?.checks ?? [];
  const problem = upgrade?.problem ?? job?.problem ?? null;
  return (
    <div className="rep">
      <div className="side">
        {running && <Now job={job} />}
        {problem !== null && <ProblemNote problem={problem} />}
        {/* Undoing puts files back that are compared one by one: it has no checks of its own. */}
        {(checks.length > 0 || running) && (
          <Panel title="Checks" sub={checks.length === 0 ? undefined : `${String(checks.filter((c) => c.state === 'passed').length)} of ${String(checks.length)} passed`}>
            <ul className="checks" aria-live="polite">
              {checks.map((c, i) => {
                const mark = marks[c.state];
                return (
                  <li key={`${c.name} ${String(i)}`} className={c.state}>
                    <span className={`st ${mark.kind}`}><Icon name={mark.icon} label={mark.word} /></span>
                    <span>{c.title}</span>
                    <span className="q">{plainText(c.text ?? '')}</span>
                  </li>
                );
              })}
            </ul>
            {checks.length === 0 && <p className="empty-list">{upgrade?.kind === undefined || upgrade.kind === 'upgrade' ? 'They are listed when the installation begins.' : 'Every file is compared with the snapshot.'}</p>}
          </Panel>
        )}
        {upgrade !== null && upgrade.snapshotBytes !== null && (
          <Panel title="Snapshot" sub={formatClock(upgrade.startedAtMs)}>
            <dl className="kv pad">
              <dt>Where</dt><dd className="wraps">{plainText(upgrade.snapshotPath ?? '—')}</dd>
              <dt>Costs</dt><dd><Value of={formatBytes(upgrade.snapshotBytes)} /> of disk</dd>
              <dt>Way back</dt><dd>{upgrade.state === 'running' ? 'put back at once when a check fails' : upgrade.canUndo ? 'Undo, offline' : plainText(upgrade.whyNot ?? '—')}</dd>
            </dl>
          </Panel>
        )}
      </div>
      <Panel title="Log" className="logpanel"><JobLog job={job} /></Panel>
    </div>
  );
}

function Now({ job }: { readonly job: Job | null }): ReactNode {
  const share = job?.progress ?? null;
  const title = job?.state === 'cancelling' ? 'Putting the old state back' : plainText(job?.doing ?? 'Beginning');
  const left = [share === null ? null : `${formatShare(share).text} %`, job?.secondsLeft == null ? null : `${formatDuration(job.secondsLeft)} left`].filter((t) => t !== null).join(' · ');
  return (
    <Panel title="Now" sub={<span role="status">{title}</span>} side={<span className="sub">{left}</span>}>
      <div className="pad now">
        <span className="bar accent wide-bar" role="progressbar" aria-label="Progress" aria-valuemin={0} aria-valuemax={100} {...(share === null ? {} : { 'aria-valuenow': Math.round(share * 100) })}>
          <i style={{ width: `${(share ?? 0) * 100}%` }} />
        </span>
      </div>
    </Panel>
  );
}

function JobLog({ job }: { readonly job: Job | null }): ReactNode {
  const { jobs: store } = useApp();
  const id = job?.id ?? null;
  const open = useJobs((s) => s.openId);
  const lines = useJobs((s) => s.log);
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  useEffect(() => {
    if (id === null) return;
    // The log of the page and that of the drawer are one: the drawer stays closed.
    if (store.getState().openId !== id) {
      store.getState().open(id);
      store.setState({ drawer: false });
    }
  }, [id, store]);
  useEffect(() => {
    if (box.current && following.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <div
      ref={box}
      className="log replog"
      tabIndex={0}
      role="log"
      aria-label="Log of the change"
      onScroll={(e) => {
        const { scrollTop, clientHeight, scrollHeight } = e.currentTarget;
        following.current = scrollTop + clientHeight >= scrollHeight - 8;
      }}
    >
      {open === id && lines.map((l, i) => <div key={i}><span className="q">{formatClock(l.atMs)}</span> {plainText(l.text)}</div>)}
      {id === null && <span className="q">The log of this change is not kept any more.</span>}
    </div>
  );
}
