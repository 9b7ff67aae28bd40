import './jobs.css';
import { useEffect, useRef, type ReactNode } from 'react';
import { isUnderWay, type Job } from '../../../contract/jobs.ts';
import { useApp, useJobs } from '../../app/context.tsx';
import { valueOf } from '../../connection/remote.ts';
import { Button } from '../../ui/button.tsx';
import { formatClock, formatDuration, formatShare, formatWhen } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { stateIcon, type StateKind } from '../../ui/state-mark.tsx';

const words: Readonly<Record<Job['state'], { readonly word: string; readonly kind: StateKind }>> = {
  queued: { word: 'waits', kind: 'pending' },
  running: { word: 'runs', kind: 'pending' },
  cancelling: { word: 'is being cancelled', kind: 'pending' },
  done: { word: 'done', kind: 'fine' },
  failed: { word: 'failed', kind: 'problem' },
  cancelled: { word: 'cancelled', kind: 'unknown' },
  interrupted: { word: 'interrupted', kind: 'attention' },
};

/** One line about a job: state, progress, time. Pure. */
export function describeJob(job: Job, nowMs: number): string {
  const parts = [words[job.state].word];
  if (isUnderWay(job)) {
    if (job.progress !== null) parts.push(`${formatShare(job.progress).text} %`);
    if (job.doing !== null) parts.push(job.doing);
    if (job.secondsLeft !== null) parts.push(`${formatDuration(job.secondsLeft)} left`);
  } else if (job.endedAtMs !== null) {
    parts.push(`${formatWhen(job.endedAtMs, nowMs)}, took ${formatDuration((job.endedAtMs - job.startedAtMs) / 1000)}`);
  }
  return parts.join(' · ');
}

/** Jobs and the log of one, below the page: nothing long hides in a dialog. */
export function JobDrawer({ onClose }: { onClose(): void }): ReactNode {
  const { jobs: store } = useApp();
  const jobs = useJobs((s) => valueOf(s.jobs));
  const openId = useJobs((s) => s.openId);
  const problem = useJobs((s) => s.problem);
  const open = jobs?.find((j) => j.id === openId) ?? null;
  const now = Date.now();
  return (
    <section className="jobs" aria-label="Jobs">
      <header>
        <h2>Jobs</h2>
        <span className="sub">{open ? open.title : 'choose one to see its log'}</span>
        <span className="sp" />
        {open && isUnderWay(open) && (
          <Button small disabled={open.state === 'cancelling'} onClick={() => void store.getState().cancel(open.id)}>
            Cancel {open.kind}
          </Button>
        )}
        <Button look="bare" small icon="x" label="Close the jobs" onClick={onClose} />
      </header>
      <div className="cols">
        <div className="joblist">
          {(jobs ?? []).map((job) => (
            <button key={job.id} type="button" aria-current={job.id === openId ? 'true' : undefined} onClick={() => store.getState().open(job.id)}>
              <Icon name={stateIcon(words[job.state].kind)} small className={words[job.state].kind} />
              <span className="trunc">{job.title}</span>
              <span className="sub">{formatWhen(job.startedAtMs, now)}</span>
              <span className="sub trunc">{describeJob(job, now)}</span>
            </button>
          ))}
          {jobs?.length === 0 && <p className="empty">No job has run yet. Recordings, exports, upgrades and benchmarks are listed here.</p>}
        </div>
        <div>
          {problem && <ProblemNote problem={problem} />}
          {open?.problem && <ProblemNote problem={open.problem} />}
          {openId !== null && <Log />}
        </div>
      </div>
    </section>
  );
}

/** Follows its end, until the reader scrolls up. */
function Log(): ReactNode {
  const lines = useJobs((s) => s.log);
  const dropped = useJobs((s) => s.logDropped);
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  useEffect(() => {
    if (box.current && following.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <div
      ref={box}
      className="log"
      role="log"
      aria-label="Log of the job"
      tabIndex={0}
      style={{ height: '100%' }}
      onScroll={(e) => {
        const { scrollTop, clientHeight, scrollHeight } = e.currentTarget;
        following.current = scrollTop + clientHeight >= scrollHeight - 8;
      }}
    >
      {dropped > 0 && <div className="t">{dropped} earlier lines are in the engine's log</div>}
      {lines.map((line, i) => (
        <div key={dropped + i}>
          <span className="t">{formatClock(line.atMs)} </span>
          {line.text}
        </div>
      ))}
      {lines.length === 0 && <span className="t">No line yet.</span>}
    </div>
  );
}
