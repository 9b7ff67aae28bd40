import { z } from 'zod';
import { problem } from './problem.ts';

export const jobState = z.enum(['queued', 'running', 'cancelling', 'done', 'failed', 'cancelled', 'interrupted']);
export type JobState = z.infer<typeof jobState>;

/** Anything that takes long, whoever started it. */
export const job = z.object({
  id: z.string(),
  kind: z.enum(['record', 'scan', 'prove', 'upgrade', 'rollback', 'download', 'benchmark', 'tune', 'training', 'build', 'export', 'measure', 'compare', 'verify']),
  title: z.string(),
  state: jobState,
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  /** 0 to 1, or null while it cannot be known. */
  progress: z.number().min(0).max(1).nullable(),
  /** What it is doing now, in a few words with units. */
  doing: z.string().nullable(),
  secondsLeft: z.number().nullable(),
  result: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).nullable(),
  problem: problem.nullable(),
});
export type Job = z.infer<typeof job>;

const underWay: ReadonlySet<JobState> = new Set(['queued', 'running', 'cancelling']);

/** It has not ended. */
export const isUnderWay = (one: Pick<Job, 'state'>): boolean => underWay.has(one.state);

/** Ending it now would lose work that somebody asked for. A search for environments is begun anew by itself. */
export const isWorthAsking = (one: Pick<Job, 'state' | 'kind'>): boolean => isUnderWay(one) && one.kind !== 'scan';

export const jobLogLine = z.object({ atMs: z.number(), text: z.string() });
export type JobLogLine = z.infer<typeof jobLogLine>;
