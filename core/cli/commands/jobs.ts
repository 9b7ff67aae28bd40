import type { Job } from '../../../contract/jobs.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { cleanText } from '../display-width.ts';
import { formatClock, formatDateTime, formatDuration, formatPercent, NOT_REPORTED } from '../format-values.ts';
import { findNearMatch } from '../near-match.ts';
import { usageError } from '../parse-command-line.ts';
import { decideExitCode, exitCodes, formatProblem } from '../problem-text.ts';
import { renderTable, type TableColumn } from '../text-table.ts';

const verbs = ['ls', 'show', 'attach', 'cancel'] as const;
type JobVerb = (typeof verbs)[number];

const columns: readonly TableColumn[] = [
  { title: 'ID' }, { title: 'KIND', dropOrder: 3 }, { title: 'STATE' }, { title: 'DONE', align: 'right' }, { title: 'LEFT', align: 'right', dropOrder: 2 },
  { title: 'STARTED', dropOrder: 1 }, { title: 'TITLE', shrinkTo: 16 },
];

function jobRow(job: Job): readonly string[] {
  const isOver = job.endedAtMs !== null;
  return [
    job.id, job.kind, job.state, isOver ? '' : formatPercent(job.progress === null ? null : job.progress * 100),
    isOver || job.secondsLeft === null ? '' : formatDuration(job.secondsLeft), formatDateTime(job.startedAtMs), cleanText(job.title),
  ];
}

export function renderJobs(jobs: readonly Job[], room: number | null): readonly string[] {
  return jobs.length === 0 ? ['No jobs.'] : renderTable(columns, jobs.map(jobRow), room);
}

export function renderJob(job: Job): readonly string[] {
  const rows: readonly (readonly [string, string])[] = [
    ['Job', job.id], ['Kind', job.kind], ['Title', cleanText(job.title)], ['State', job.state], ['Started', formatDateTime(job.startedAtMs)],
    ...(job.endedAtMs === null ? [] : [['Ended', `${formatDateTime(job.endedAtMs)}, after ${formatDuration((job.endedAtMs - job.startedAtMs) / 1000)}`] as const]),
    ...(job.endedAtMs === null ? [['Done', formatPercent(job.progress === null ? null : job.progress * 100)] as const] : []),
    ...(job.endedAtMs === null && job.doing !== null ? [['Doing', cleanText(job.doing)] as const] : []),
    ...(job.endedAtMs === null && job.secondsLeft !== null ? [['Left', formatDuration(job.secondsLeft)] as const] : []),
    ...Object.entries(job.result ?? {}).map(([name, value]) => [name, value === null ? NOT_REPORTED : cleanText(String(value))] as const),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return [...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`), ...(job.problem ? formatProblem(job.problem) : [])];
}

/** A job that failed ends the command that waited for it with the Problem's code. */
const jobExitCode = (job: Job): number => (job.state === 'failed' && job.problem ? decideExitCode(job.problem) : exitCodes.fine);

export function parseJobWords(words: readonly string[]): { readonly verb: JobVerb; readonly id: string } {
  const [first = 'ls', id = ''] = words;
  const verb = verbs.find((v) => v === first);
  if (!verb) {
    const near = findNearMatch(first, verbs);
    throw usageError(`"jobs" knows ${verbs.join(', ')}, not "${first}".${near === null ? '' : ` Did you mean "${near}"?`}`);
  }
  if (verb === 'ls' && id !== '') throw usageError(`"jobs ls" takes no id. "jobs show ${id}" shows one.`);
  if (verb !== 'ls' && id === '') throw usageError(`"jobs ${verb}" needs the id of a job; "jobs" lists them.`);
  return { verb, id };
}

export async function runJobs(context: CommandContext): Promise<number> {
  const { out, signal, json } = context;
  const { verb, id } = parseJobWords(context.positionals);
  const engine = await context.attach({ anyGpus: true });
  const { client } = engine;
  try {
    if (verb === 'ls') {
      const jobs = await client.jobs.list({}, { signal });
      if (json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, jobs });
      else for (const line of renderJobs(jobs, out.columns)) await out.line(line);
      return exitCodes.fine;
    }
    if (verb === 'attach') {
      if (json) await out.jsonLine({ schemaVersion: JSON_SCHEMA_VERSION, job: await client.jobs.get({ id }, { signal }) });
      for await (const line of await client.jobs.attach({ id }, { signal })) await (json ? out.jsonLine(line) : out.line(`${formatClock(line.atMs)} ${cleanText(line.text)}`));
      const job = await client.jobs.get({ id }, { signal });
      await (json ? out.jsonLine({ job }) : out.line(`The job is ${job.state}.`));
      if (!json && job.problem) for (const line of formatProblem(job.problem)) out.error(line);
      return jobExitCode(job);
    }
    const job = verb === 'cancel' ? await client.jobs.cancel({ id }, { signal }) : await client.jobs.get({ id }, { signal });
    if (json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, job });
    else for (const line of renderJob(job)) await out.line(line);
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
