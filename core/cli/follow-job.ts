import type { Job } from '../../contract/jobs.ts';
import type { EngineClient } from '../engine/connect.ts';

/** Nothing more will happen to it. */
export const isOver = (job: Job): boolean => job.endedAtMs !== null || ['done', 'failed', 'cancelled', 'interrupted'].includes(job.state);

/** The job's state whenever it changes, until it is over; ends early with the last one when `signal` aborts. */
export async function followJob(client: EngineClient, first: Job, signal: AbortSignal, onJob: (job: Job) => void): Promise<Job> {
  let last = first;
  onJob(last);
  if (isOver(last)) return last;
  try {
    for await (const jobs of await client.jobs.watch({}, { signal })) {
      const job = jobs.find((j) => j.id === first.id);
      if (!job) continue;
      last = job;
      onJob(job);
      if (isOver(job)) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return last;
}
