import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnderWay, job as jobSchema, type Job, type JobLogLine } from '../../contract/jobs.ts';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import { problemOf } from '../../contract/problem.ts';
import type { Logger } from '../logging/logger.ts';
import { writeFileAtomic } from '../storage/write-file-atomic.ts';
import { secondsLeft, updatePace, type Pace } from './estimate-time-left.ts';
import { openJobLog, type JobLog } from './job-log.ts';

export type JobResult = NonNullable<Job['result']>;

/** What a running job is given. */
export interface JobContext {
  /** Aborted when it is cancelled: it ends as soon as it can and leaves nothing half done. */
  readonly signal: AbortSignal;
  /** `fraction` 0 to 1, or null while it cannot be known. The time left is made from it. */
  progress(p: { readonly fraction: number | null; readonly doing?: string }): void;
  log(text: string): void;
}

export interface Jobs {
  /** Begins at once. A ProblemError that `run` throws is the job's problem. */
  start(spec: Pick<Job, 'kind' | 'title'>, run: (context: JobContext) => Promise<JobResult | null>): Job;
  /** Newest first. */
  list(): Job[];
  /** @throws ProblemError `job.not_found` */
  get(id: string): Job;
  /** Answers at once with `cancelling`, however long the end takes; a job that has ended is answered as it is. */
  cancel(id: string): Promise<Job>;
  /** The log from its beginning until the job ends. @throws ProblemError `job.not_found` */
  attach(id: string, signal?: AbortSignal): AsyncIterable<JobLogLine>;
  onChange(listener: () => void): () => void;
  runningCount(): number;
  /** Cancels all and waits for their ends, ten seconds at most. */
  stopAll(): Promise<void>;
  /** Reads the jobs of earlier engines; those that were running are `interrupted`. Once, before `start`. */
  load(): Promise<void>;
}

export interface JobsOptions {
  /** Where the jobs' files lie; null: memory only. */
  readonly folder: string | null;
  readonly log: Logger;
  readonly now?: () => number;
}

interface Held {
  job: Job;
  readonly log: JobLog;
  readonly abort: AbortController;
  pace: Pace | null;
  done: Promise<void>;
  saving: Promise<void>;
}

const MAX_KEPT = 200;
const STOP_WITHIN_MS = 10_000;
/** Listeners hear of progress so often at most, ms; of a state at once. */
const TELL_EVERY_MS = 200;
const MAX_LINE = 16_384;

export function createJobs({ folder: dir, log, now = Date.now }: JobsOptions): Jobs {
  const jobs = new Map<string, Held>();
  const listeners = new Set<() => void>();
  let toldAtMs = -Infinity;
  let telling: NodeJS.Timeout | null = null;

  const tell = (): void => {
    if (telling !== null) clearTimeout(telling);
    telling = null;
    toldAtMs = performance.now();
    for (const listener of [...listeners]) listener();
  };
  const tellSoon = (): void => {
    const wait = TELL_EVERY_MS - (performance.now() - toldAtMs);
    if (wait <= 0) tell();
    else telling ??= setTimeout(tell, wait).unref();
  };

  const logPath = (id: string): string | null => (dir === null ? null : join(dir, `${id}.log`));
  const openLog = (id: string, ended: boolean): JobLog => openJobLog(logPath(id), ended, (error) => log.warn('The log of a job cannot be written', { id, detail: String(error) }));

  const save = (held: Held, record: Job = held.job): Promise<void> => {
    if (dir === null) return Promise.resolve();
    const path = join(dir, `${held.job.id}.json`);
    held.saving = held.saving
      .then(() => mkdir(dir, { recursive: true, mode: 0o700 }))
      .then(() => writeFileAtomic(path, `${JSON.stringify({ schemaVersion: 1, job: record })}\n`))
      .catch((error: unknown) => log.warn('A job cannot be stored', { id: held.job.id, detail: String(error) }));
    return held.saving;
  };
  const change = (held: Held, to: Partial<Job>): void => {
    held.job = { ...held.job, ...to };
    tell();
    void save(held);
  };
  const find = (id: string): Held => {
    const held = jobs.get(id);
    if (held === undefined) throw problemError('job.not_found', { id });
    return held;
  };

  const finish = async (held: Held, end: Partial<Job>): Promise<void> => {
    await held.log.end();
    const record: Job = { ...held.job, endedAtMs: now(), secondsLeft: null, doing: null, ...end };
    // Stored before it is told: who hears of the end may end the engine.
    await save(held, record);
    held.job = record;
    tell();
    log.info('A job ended', { id: held.job.id, state: held.job.state, ...(held.job.problem ? { problem: held.job.problem.code } : {}) });
    await forgetOldest();
  };

  const forgetOldest = async (): Promise<void> => {
    const ended = [...jobs.values()].filter((held) => !isUnderWay(held.job)).sort((a, b) => a.job.startedAtMs - b.job.startedAtMs);
    for (const held of ended.slice(0, Math.max(0, jobs.size - MAX_KEPT))) {
      jobs.delete(held.job.id);
      if (dir !== null) for (const end of ['json', 'log']) await rm(join(dir, `${held.job.id}.${end}`), { force: true }).catch(() => undefined);
    }
  };

  const contextOf = (held: Held): JobContext => ({
    signal: held.abort.signal,
    progress({ fraction, doing }) {
      if (!isUnderWay(held.job)) return;
      const known = fraction !== null && Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : null;
      held.pace = known === null ? null : updatePace(held.pace, now(), known);
      held.job = { ...held.job, progress: known, secondsLeft: secondsLeft(held.pace), ...(doing === undefined ? {} : { doing }) };
      tellSoon();
    },
    log(text) {
      const atMs = now();
      for (const line of text.replace(/\r?\n$/, '').split(/\r?\n/)) held.log.add({ atMs, text: line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)} …` : line });
    },
  });

  const execute = async (held: Held, run: (context: JobContext) => Promise<JobResult | null>): Promise<void> => {
    try {
      const result = await run(contextOf(held));
      const cancelled = held.abort.signal.aborted;
      await finish(held, cancelled ? { state: 'cancelled', result } : { state: 'done', result, progress: 1 });
    } catch (error) {
      if (held.abort.signal.aborted) return finish(held, { state: 'cancelled' });
      const problem = problemOf(error) ?? makeProblem('engine.internal', { detail: error instanceof Error ? error.message : String(error) });
      log.warn('A job failed', { id: held.job.id, code: problem.code, error });
      await finish(held, { state: 'failed', problem });
    }
  };

  return {
    start({ kind, title }, run) {
      const id = `${kind}-${now().toString(36)}-${randomBytes(3).toString('hex')}`;
      const job: Job = { id, kind, title, state: 'running', startedAtMs: now(), endedAtMs: null, progress: null, doing: null, secondsLeft: null, result: null, problem: null };
      const held: Held = { job, log: openLog(id, false), abort: new AbortController(), pace: null, done: Promise.resolve(), saving: Promise.resolve() };
      jobs.set(id, held);
      tell();
      // The record first: a job whose engine dies must be found as interrupted. The folder is there for the log then.
      held.done = save(held).then(() => execute(held, run));
      return held.job;
    },
    list: () => [...jobs.values()].map((held) => held.job).sort((a, b) => b.startedAtMs - a.startedAtMs),
    get: (id) => find(id).job,
    cancel(id) {
      return Promise.resolve().then(() => {
        const held = find(id);
        if (held.job.state === 'queued' || held.job.state === 'running') {
          change(held, { state: 'cancelling', secondsLeft: null });
          held.abort.abort();
        }
        return held.job;
      });
    },
    attach: (id, signal) => find(id).log.read(signal),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    runningCount: () => [...jobs.values()].filter((held) => isUnderWay(held.job)).length,
    async stopAll() {
      const running = [...jobs.values()].filter((held) => isUnderWay(held.job));
      for (const held of running) {
        if (held.job.state !== 'cancelling') change(held, { state: 'cancelling', secondsLeft: null });
        held.abort.abort();
      }
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => { timer = setTimeout(resolve, STOP_WITHIN_MS); });
      await Promise.race([Promise.all(running.map((held) => held.done)), timeout]);
      clearTimeout(timer);
      if (telling !== null) clearTimeout(telling);
    },
    async load() {
      if (dir === null) return;
      const names = await readdir(dir).catch(() => []);
      for (const name of names.filter((n) => n.endsWith('.json'))) {
        const job = await readJob(join(dir, name));
        if (job === null) {
          log.warn('The record of a job cannot be read', { name });
          continue;
        }
        const held: Held = { job, log: openLog(job.id, true), abort: new AbortController(), pace: null, done: Promise.resolve(), saving: Promise.resolve() };
        jobs.set(job.id, held);
        if (!isUnderWay(job)) continue;
        change(held, { state: 'interrupted', endedAtMs: now(), secondsLeft: null, doing: null, problem: makeProblem('job.interrupted') });
        await held.saving;
      }
      await forgetOldest();
      tell();
    },
  };
}

/** null when the file is not one of ours, or damaged. */
async function readJob(path: string): Promise<Job | null> {
  try {
    const file: unknown = JSON.parse(await readFile(path, 'utf8'));
    const parsed = jobSchema.safeParse(typeof file === 'object' && file !== null && 'job' in file ? file.job : null);
    return parsed.success && path.endsWith(`${parsed.data.id}.json`) ? parsed.data : null;
  } catch {
    return null;
  }
}
