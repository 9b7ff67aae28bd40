import { statfs } from 'node:fs/promises';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type ProblemError } from '../../../contract/problem.ts';

/** Left free besides what is fetched, for the journal and for everybody else. */
const RESERVE_BYTES = 16 * 1024 * 1024;
const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** `98.4 MB`. Pure. */
export function formatSize(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** null: the system does not tell. */
async function readFreeBytes(folder: string): Promise<number | null> {
  const disk = await statfs(folder).catch(() => null);
  return disk === null ? null : disk.bavail * disk.bsize;
}

/** Before anything is written. @throws ProblemError `download.disk_full` */
export async function checkRoom(folder: string, neededBytes: number): Promise<void> {
  const free = await readFreeBytes(folder);
  if (free !== null && free < neededBytes + RESERVE_BYTES) throw problemError('download.disk_full', { path: folder, free: formatSize(free), need: formatSize(neededBytes + RESERVE_BYTES) });
}

/** An error that means "no room", from the disk or from the journal, in words that say how much; null for any other. */
export async function asRoomProblem(error: unknown, folder: string, neededBytes: number): Promise<ProblemError | null> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!noRoom.has(code) && problemOf(error)?.code !== 'file.disk_full') return null;
  const free = await readFreeBytes(folder);
  return problemError('download.disk_full', { path: folder, free: free === null ? 'nothing' : formatSize(free), need: formatSize(neededBytes + RESERVE_BYTES) }, { cause: error });
}

/** Whatever stops a download, in words: no room, a Problem as it is, else that the folder cannot be written to. */
export async function asDownloadProblem(error: unknown, folder: string, neededBytes: number): Promise<unknown> {
  const noRoomHere = await asRoomProblem(error, folder, neededBytes);
  if (noRoomHere !== null || problemOf(error) !== null) return noRoomHere ?? error;
  return problemError('file.not_writable', { path: folder, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
}
