import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { problemError } from '../../contract/problem-catalogue.ts';
import { isProcessAlive, readProcessStartTicks } from '../supervisor/process-identity.ts';
import { folderProblem, type DataFolder } from '../system/data-folder.ts';

/** What stands in the lock file: who holds the data folder, told apart from a reused pid by its start time. */
export const lockContent = z.object({
  pid: z.int(),
  startTicks: z.string().nullable(),
  socket: z.string(),
  version: z.string(),
  sourceSpec: z.string(),
  startedAtMs: z.number(),
});
export type LockContent = z.infer<typeof lockContent>;

/** The lock as it stands, or null when there is none or it cannot be read. */
export function readLock(path: string): LockContent | null {
  try {
    const parsed = lockContent.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

/** True when the process that wrote the lock is still that process. */
export function isLockHeld(lock: LockContent): boolean {
  if (!isProcessAlive(lock.pid)) return false;
  const ticks = readProcessStartTicks(lock.pid);
  return ticks === null || lock.startTicks === null || ticks === lock.startTicks;
}

/** Between two tries, while another starter removes a stale lock: so short that nobody needs to be told of it. */
const PAUSE_MS = 5;
const TRIES = 200;
/** A removal takes microseconds; what has stood longer and cannot be read is what a power cut left. */
const REMOVAL_LIMIT_MS = 5000;

/**
 * Takes the data folder for this process. A stale lock (its process has gone, or the pid is somebody else's) is
 * removed first. Of starters that come at once only one wins: a lock appears whole or not at all (a hard link), and
 * a stale one is only removed by who holds the right to (a second lock), after another look.
 * @throws ProblemError `engine.locked`, `engine.data_dir`, `file.disk_full`
 */
export function takeLock(folder: DataFolder, content: Omit<LockContent, 'pid' | 'startTicks'>): () => void {
  const own = JSON.stringify({ pid: process.pid, startTicks: readProcessStartTicks(process.pid), ...content } satisfies LockContent);
  try {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      if (createWhole(folder.lock, own)) {
        return () => {
          if (readLock(folder.lock)?.pid === process.pid) rmSync(folder.lock, { force: true });
        };
      }
      const other = readLock(folder.lock);
      if (other && isLockHeld(other)) throw problemError('engine.locked', { pid: other.pid, dataDir: folder.root });
      if (!removeStale(folder.lock, own)) pause();
    }
  } catch (error) {
    throw folderProblem(folder.root, error);
  }
  throw problemError('engine.locked', { pid: readLock(folder.lock)?.pid ?? null, dataDir: folder.root });
}

/** Makes a file with this content in one step; false where there is one already. */
function createWhole(path: string, text: string): boolean {
  const beside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(beside, text, { mode: 0o600, flag: 'wx' });
    linkSync(beside, path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') return false;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS') return createInPlace(path, text);
    throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}

/** For file systems without hard links (FAT): for an instant the file is there and empty. */
function createInPlace(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock that nobody holds; false while another process is at it. */
function removeStale(lock: string, own: string): boolean {
  const right = `${lock}.removal`;
  if (!createWhole(right, own)) {
    if (isAbandoned(right)) rmSync(right, { force: true });
    return false;
  }
  try {
    // Looked at again: before the right was had, another may have removed the stale one and taken the folder.
    const now = readLock(lock);
    if (now === null || !isLockHeld(now)) rmSync(lock, { force: true });
    return true;
  } finally {
    rmSync(right, { force: true });
  }
}

/** Left behind by a starter that was killed within the removal, or emptied by a power cut. */
function isAbandoned(right: string): boolean {
  const holder = readLock(right);
  if (holder !== null) return !isLockHeld(holder);
  const { mtimeMs } = statSync(right, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity };
  return Date.now() - mtimeMs > REMOVAL_LIMIT_MS;
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null);
