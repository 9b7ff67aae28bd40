import { problemOf } from '../../../contract/problem.ts';
import type { JobContext, JobResult } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import { asDownloadProblem, formatSize } from './disk-room.ts';
import { isActive, pathsOf, workOf, type Entry } from './download-entry.ts';
import { writeRecord } from './download-record.ts';
import { giveBack } from './hold-entry.ts';
import { doneOf, journalPath, runDownload, totalOf, type RunOptions } from './run-download.ts';

export interface EntryRunOptions extends Pick<RunOptions, 'hub' | 'fetchWheel' | 'hash' | 'connections' | 'limits' | 'grainBytes'> {
  /** The engine ends. */
  readonly stopping: AbortSignal;
  /** It has become a file; answers the id of the model. */
  readonly announce: (entry: Entry) => Promise<string | null>;
  readonly callOff: (jobId: string) => void;
  /** Its state is another; how far it is. */
  readonly tell: () => void;
  readonly tellSoon: () => void;
  readonly log: Logger;
}

const TELL_EVERY_MS = 200;

/**
 * One download as a job, to whatever end it comes: done, failed, paused or cancelled is then said in the entry and, but
 * for a cancelled one, in its journal. @throws ProblemError of what failed
 */
export async function runEntry(entry: Entry, context: JobContext, options: EntryRunOptions): Promise<JobResult | null> {
  const { tell, tellSoon, log } = options;
  const signal = AbortSignal.any([context.signal, entry.abort.signal, options.stopping]);
  const work = workOf(entry.root, entry.record.id);
  const total = (): number | null => totalOf(entry.record);
  let progressAtMs = 0;
  /** Thousands of chunks a second come by. */
  const seldom = (progress: () => void): void => {
    if (performance.now() - progressAtMs < TELL_EVERY_MS) return;
    progressAtMs = performance.now();
    progress();
  };
  const progress = (): void => {
    const all = total();
    const rate = entry.meter.rate();
    context.progress({ fraction: all === null || all === 0 ? null : Math.min(1, entry.doneBytes / all), doing: [all === null ? formatSize(entry.doneBytes) : `${formatSize(entry.doneBytes)} of ${formatSize(all)}`, ...(rate === null ? [] : [`${formatSize(rate)}/s`])].join(', ') });
    tellSoon();
  };
  try {
    signal.throwIfAborted();
    entry.record = await runDownload({
      record: entry.record, root: entry.root, work, signal,
      hub: options.hub, fetchWheel: options.fetchWheel, hash: options.hash, connections: options.connections, limits: options.limits, grainBytes: options.grainBytes,
      onRecord: (record) => { entry.record = record; },
      onDone: (doneBytes, arrived) => {
        entry.doneBytes = doneBytes;
        entry.meter.add(arrived);
        seldom(progress);
      },
      onConnections: (count) => { entry.connections = count; },
      onChecking: (fraction) => {
        if (entry.state === 'running') {
          entry.state = 'checking';
          entry.doneBytes = total() ?? entry.doneBytes;
          tell();
        }
        seldom(() => { context.progress({ fraction: null, doing: fraction === null ? 'Unpacking' : `Comparing with the checksum, ${Math.round(fraction * 100)} %` }); });
      },
      log: (text) => { context.log(text); },
    });
    const modelId = await options.announce(entry);
    entry.record = { ...entry.record, modelId };
    await writeRecord(journalPath(work), entry.record).catch(() => undefined);
    entry.doneBytes = doneOf(entry.record);
    entry.state = 'done';
    return { path: pathsOf(entry)[0] ?? null, bytes: entry.doneBytes, modelId };
  } catch (error) {
    if (signal.aborted) {
      // It may have been called off from the list of jobs, or with the engine: that is a pause.
      if (entry.state === 'running' || entry.state === 'checking') entry.state = 'paused';
      if (!context.signal.aborted && entry.jobId !== null) options.callOff(entry.jobId);
      return { state: entry.state, doneBytes: doneOf(entry.record) };
    }
    const problem = await asDownloadProblem(error, entry.root, (total() ?? 0) - doneOf(entry.record));
    entry.record = { ...entry.record, state: 'failed', problem: problemOf(problem) };
    entry.unsaved = await writeRecord(journalPath(work), entry.record).then(() => false, (failure: unknown) => {
      log.warn('How a download ended cannot be noted', { id: entry.record.id, detail: String(failure) });
      return true;
    });
    if (isActive(entry)) entry.state = 'failed';
    entry.problem = problemOf(problem);
    entry.doneBytes = doneOf(entry.record);
    throw problem;
  } finally {
    entry.connections = 0;
    entry.meter.reset();
    if (entry.state !== 'cancelled') entry.doneBytes = doneOf(entry.record);
    await giveBack(entry);
    tell();
  }
}
