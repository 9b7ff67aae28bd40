import type { ReactNode } from 'react';
import type { Job } from '../../../contract/jobs.ts';
import { useApp } from '../../app/context.tsx';
import { Button } from '../../ui/button.tsx';
import { formatDuration, formatShare } from '../../ui/format.ts';
import { plainText } from '../../ui/plain-text.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { Value } from '../../ui/value.tsx';

/** The benchmark that runs now: how far, what it does, how long still, and its end at once. */
export function RunningLine({ job }: { readonly job: Job }): ReactNode {
  const { jobs } = useApp();
  const words = [job.state === 'cancelling' ? 'is being cancelled' : job.state === 'queued' ? 'waits' : job.doing === null ? null : plainText(job.doing), job.secondsLeft === null ? null : `${formatDuration(job.secondsLeft)} left`].filter((w) => w !== null).join(' · ');
  return (
    <section className="panel brunning" aria-label="Running benchmark">
      <span role="status"><StateMark kind="pending">{plainText(job.title)}</StateMark></span>
      {job.progress !== null && (
        <>
          <span className="bar accent" role="progressbar" aria-label={plainText(job.title)} aria-valuenow={Math.round(job.progress * 100)} aria-valuemin={0} aria-valuemax={100}><i style={{ width: `${job.progress * 100}%` }} /></span>
          <span><Value of={formatShare(job.progress)} /></span>
        </>
      )}
      <span className="sub trunc">{words}</span>
      <span className="sp" />
      <Button look="bare" small onClick={() => jobs.getState().open(job.id)}>Log</Button>
      <Button small icon="stop" disabled={job.state === 'cancelling'} onClick={() => void jobs.getState().cancel(job.id)}>Cancel</Button>
    </section>
  );
}
