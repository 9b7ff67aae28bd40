import { readFileSync, rmSync, statSync } from 'node:fs';
import { z } from 'zod';
import { problemError } from '../../contract/problem-catalogue.ts';
import { createWhole, removeLeftBehind } from '../supervisor/exclusive-file.ts';
import { isProcessRunning, readProcessStartTicks } from '../supervisor/process-identity.ts';
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
  const there = readText(path);
  return there && parseLock(there.text);
}

/** Between two tries, while another starter removes a stale lock: so short that nobody needs to be told of it. */
const PAUSE_MS = 5;
/** Together longer than WRITTEN_WITHIN_MS: what is no lock and young is waited for until it is old. */
const TRIES = 500;
/** Without hard links a lock is empty for an instant; one that has been so for longer is what a power cut left. */
const WRITTEN_WITHIN_MS = 2000;

/**
 * Takes the data folder for this process. A stale lock (its process has gone, or the pid is somebody else's) is
 * removed first. Of starters that come at once only one wins (exclusive-file.ts).
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
      const there = readText(folder.lock);
      if (there === null) continue;
      const other = parseLock(there.text);
      if (other && isProcessRunning(other)) throw problemError('engine.locked', { pid: other.pid, dataDir: folder.root });
      const isLeftBehind = other !== null || Date.now() - there.mtimeMs > WRITTEN_WITHIN_MS;
      if (!isLeftBehind || !removeLeftBehind(folder.lock, there.text)) pause();
    }
  } catch (error) {
    throw folderProblem(folder.root, error);
  }
  throw problemError('engine.locked', { pid: readLock(folder.lock)?.pid ?? null, dataDir: folder.root });
}

function readText(path: string): { readonly text: string; readonly mtimeMs: number } | null {
  try {
    return { text: readFileSync(path, 'utf8'), mtimeMs: statSync(path).mtimeMs };
  } catch {
    return null;
  }
}

function parseLock(text: string): LockContent | null {
  try {
    return lockContent.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
