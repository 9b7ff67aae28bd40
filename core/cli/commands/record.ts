import { access, copyFile, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { ProblemError } from '../../../contract/problem.ts';
import { JSON_SCHEMA_VERSION, type CommandContext } from '../command.ts';
import { followJob, isOver } from '../follow-job.ts';
import { formatDuration, formatPercent } from '../format-values.ts';
import { numberFlag, usageError } from '../parse-command-line.ts';
import { exitCodes } from '../problem-text.ts';
import { fileProblem } from '../result-file.ts';

/** How long the engine may take to close the file after a cancel. */
const CANCEL_LIMIT_MS = 5000;

async function copyWhole(from: string, to: string): Promise<void> {
  const beside = `${to}.${String(process.pid)}.part`;
  try {
    await copyFile(from, beside);
    await rename(beside, to);
  } catch (error) {
    await rm(beside, { force: true });
    throw fileProblem(to, error);
  }
}

const exists = (path: string): Promise<boolean> => access(path).then(() => true, () => false);

export async function runRecord(context: CommandContext): Promise<number> {
  const { out, signal } = context;
  const seconds = numberFlag(context.flags, 'seconds', { min: 1, max: 86_400, unit: 's' });
  if (seconds === null) throw usageError('"record" needs --seconds N.');
  const target = resolve(context.positionals[0] ?? '');
  if (!context.flags.on('force') && (await exists(target))) throw problemError('file.not_writable', { path: target, detail: 'it is there already; --force replaces it' });
  const engine = await context.attach();
  const { client } = engine;
  try {
    const started = await client.recordings.start({ seconds, note: context.flags.text('note') }, { signal });
    let job = await followJob(client, started, signal, (now) => {
      out.progress(`Recording: ${formatPercent(now.progress === null ? null : now.progress * 100)}${now.secondsLeft === null ? '' : `, ${formatDuration(now.secondsLeft)} left`}. Ctrl+C ends it and keeps what is there.`);
    });
    const cancelled = !isOver(job);
    if (cancelled) {
      job = await client.jobs.cancel({ id: job.id });
      job = await followJob(client, job, AbortSignal.timeout(CANCEL_LIMIT_MS), () => undefined);
    }
    out.endProgress();
    if (job.problem) throw new ProblemError(job.problem);
    const path = job.result?.['path'];
    if (typeof path !== 'string') throw problemError('engine.internal', { detail: `The recording ended as ${job.state} and names no file.` });
    await copyWhole(path, target);
    if (context.json) await out.json({ schemaVersion: JSON_SCHEMA_VERSION, path: target, cancelled, job });
    else await out.line(`${cancelled ? 'Ended early; what was recorded is in' : 'Recorded to'} ${target}. Play it with --gpus replay:${target}.`);
    return exitCodes.fine;
  } finally {
    engine.close();
  }
}
