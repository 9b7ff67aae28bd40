import type { Job } from '../../contract/jobs.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { EngineClient } from '../engine/connect.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from './command.ts';
import { cleanText } from './display-width.ts';
import { followJob, isOver } from './follow-job.ts';
import { formatDuration, formatPercent } from './format-values.ts';
import { exitCodes } from './problem-text.ts';

/** A job that was told to end has so long for it, ms. */
const END_WITHIN_MS = 15_000;

/** Shows a job while it goes on; cancels it with Ctrl+C. @throws ProblemError its Problem */
export async function finishJob(client: EngineClient, started: Job, context: CommandContext): Promise<Job> {
  const { out, signal } = context;
  let job = await followJob(client, started, signal, (now) => { out.progress(`${cleanText(now.doing ?? now.title)}: ${formatPercent(now.progress === null ? null : now.progress * 100)}${now.secondsLeft === null ? '' : `, ${formatDuration(now.secondsLeft)} left`}`); });
  out.endProgress();
  if (signal.aborted && !isOver(job)) {
    await client.jobs.cancel({ id: job.id });
    job = await followJob(client, job, AbortSignal.timeout(END_WITHIN_MS), () => undefined);
  }
  if (job.problem !== null) throw new ProblemError(job.problem);
  return job;
}

/** What is said of a job that ended, cancelled by whomever, with nothing to show. */
export async function endWithoutResult(job: Job, { out, json }: CommandContext): Promise<number> {
  if (json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, job });
  else if (job.state === 'cancelled') out.note(`Cancelled: ${cleanText(job.title)}.`);
  else out.note(isOver(job) ? `It ended without a result: ${cleanText(job.title)}.` : `It is still ending. "warpdeck jobs show ${job.id}" says when it has.`);
  return exitCodes.findings;
}
