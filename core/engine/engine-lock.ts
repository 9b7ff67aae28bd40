import { closeSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { DataFolder } from '../system/data-folder.ts';
import { isProcessAlive, readProcessStartTicks } from '../supervisor/process-identity.ts';

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

/**
 * Takes the data folder for this process. A stale lock (its process has gone, or the pid is somebody else's) is
 * moved away first; of two starters that find the same stale lock only one wins the exclusive create.
 * @throws ProblemError `engine.locked`
 */
export function takeLock(folder: DataFolder, content: Omit<LockContent, 'pid' | 'startTicks'>): () => void {
  const own: LockContent = { pid: process.pid, startTicks: readProcessStartTicks(process.pid), ...content };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      const fd = openSync(folder.lock, 'wx', 0o600);
      writeSync(fd, JSON.stringify(own));
      closeSync(fd);
      return () => {
        if (readLock(folder.lock)?.pid === process.pid) rmSync(folder.lock, { force: true });
      };
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EEXIST') {
        throw problemError('engine.data_dir', { dataDir: folder.root, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
      }
    }
    const other = readLock(folder.lock);
    if (other && isLockHeld(other)) throw problemError('engine.locked', { pid: other.pid, dataDir: folder.root });
    const aside = `${folder.lock}.stale-${process.pid}`;
    try {
      renameSync(folder.lock, aside);
      // Between the look and the move another starter may have put its own lock there: give it back.
      const moved = readLock(aside);
      if (moved && isLockHeld(moved)) {
        renameSync(aside, folder.lock);
        throw problemError('engine.locked', { pid: moved.pid, dataDir: folder.root });
      }
      rmSync(aside, { force: true });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') continue;
      throw error;
    }
  }
  throw problemError('engine.locked', { pid: readLock(folder.lock)?.pid ?? 0, dataDir: folder.root });
}
