import { rm } from 'node:fs/promises';
import type { Download, DownloadWish, OfferedModel } from '../../../contract/models.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Settings } from '../../../contract/settings.ts';
import { createGauge } from '../../engine/gauge.ts';
import type { DownloadServices } from '../../engine/inference-services.ts';
import type { JobContext, JobResult, Jobs } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import { DEFAULT_HUB_URL, type Hub } from '../hub/create-hub.ts';
import type { FetchWheel } from '../packages/fetch-wheels.ts';
import { hashPatiently, type HashFile } from './check-file.ts';
import { asRoomProblem } from './disk-room.ts';
import { areThere, isActive, isOfUse, newEntry, stateOf, viewEntry, workOf, type Entry } from './download-entry.ts';
import { withoutBytes, writeRecord, type DownloadRecord } from './download-record.ts';
import { FETCH_LIMITS, type FetchLimits } from './fetching.ts';
import { findLeft } from './find-left.ts';
import { createFinishedListeners, type FinishedListener } from './finished-listeners.ts';
import { giveBack, readForeignHold, takeEntry } from './hold-entry.ts';
import { GRAIN_BYTES } from './part-file.ts';
import { planDownload } from './plan-download.ts';
import { doneOf, journalPath, totalOf } from './run-download.ts';
import { runEntry } from './run-entry.ts';

export interface Downloads extends DownloadServices {
  /** Called when a download has become a file, before it is told as done; answers the id of the model. */
  onDone(listener: FinishedListener): () => void;
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
  readonly jobs: Pick<Jobs, 'start' | 'cancel'>;
  /** null: nothing comes out of packages. */
  readonly fetchWheel: FetchWheel | null;
  readonly hash: HashFile;
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
  const hash = hashPatiently(options.hash);
  const entries = new Map<string, Entry>();
  const starting = new Map<string, Promise<Download>>();
  const finished = createFinishedListeners(log);
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

  /** Puts it into the queue. `fresh`: begun anew with this plan, whatever is there. */
  const enqueue = async (entry: Entry, fresh: DownloadRecord | null = null): Promise<void> => {
    await entry.ended;
    // Somebody else has done so while it was waited for.
    if (entry.state === 'waiting' || entry.state === 'running' || entry.state === 'checking') return;
    const before = entry.state;
    const problem = entry.problem ?? entry.record.problem;
    entry.state = 'waiting';
    try {
      await takeEntry(entry);
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

  const run = (entry: Entry, context: JobContext): Promise<JobResult | null> => runEntry(entry, context, {
    hub, fetchWheel: options.fetchWheel, hash, connections: options.settings().connections, limits, grainBytes: options.grainBytes ?? GRAIN_BYTES, stopping: stopping.signal, announce: finished.announce, tell, tellSoon, log,
    callOff: (jobId) => { void jobs.cancel(jobId); },
  });

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
    const moved = newEntry({ ...withoutBytes(entry.record), state: 'paused', problem: null }, root, 'paused', null);
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
        const held = await readForeignHold(entry);
        if (held !== null) throw problemError('download.held', held.facts);
      }
      entry.state = 'cancelled';
      entry.abort.abort();
      if (entry.jobId !== null) void jobs.cancel(entry.jobId).catch(() => undefined);
      entry.ended = entry.ended.then(async () => {
        await giveBack(entry);
        await rm(work, { recursive: true, force: true }).catch((error: unknown) => { log.warn('What was downloaded cannot be removed', { id, detail: String(error) }); });
        entry.record = withoutBytes(entry.record);
        entry.doneBytes = 0;
        tell();
      });
      tell();
      return viewEntry(entry);
    },
    onDone: finished.add,
    async load() {
      if (options.ephemeral) return;
      for (const entry of await findLeft(options.modelsFolder(), MAX_LISTED, (id) => entries.has(id))) {
        const { record } = entry;
        // The engine ended between the last byte and the list of models.
        if (record.state === 'done' && record.modelId === null) entry.record = { ...record, modelId: await finished.announce(entry) };
        entries.set(record.id, entry);
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
}
