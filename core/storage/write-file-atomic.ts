import { randomBytes } from 'node:crypto';
import { copyFile, link, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../contract/problem.ts';

export interface WriteOptions {
  /** Permission bits of the new file. Default: readable by the owner only. */
  readonly mode?: number;
  /** Keep what was there as `PATH.previous`. */
  readonly keepPrevious?: boolean;
}

/** Errors of the file system that mean "no room": full disk, quota, file-size limit. */
const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The Problem for a failed write: `file.disk_full` or `file.not_writable`. */
export function fileProblem(path: string, error: unknown): ProblemError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const detail = error instanceof Error ? error.message : String(error);
  return problemError(noRoom.has(code) ? 'file.disk_full' : 'file.not_writable', { path, detail }, { cause: error });
}

/**
 * Replaces a file whole or not at all: written beside, flushed, renamed over, the folder flushed.
 *
 * Why our own: on a disk with *some* room the popular writers call `write` once, ignore the short count and rename
 * the cut file over the good one. `FileHandle.writeFile` goes on until all is written, and the size is checked.
 * A path that is a symbolic link keeps being one: its target is replaced.
 *
 * @throws ProblemError `file.disk_full`, `file.not_writable`; the old file is then untouched.
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  const target = await realpath(path).catch(() => path);
  const folder = dirname(target);
  const beside = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeWhole(beside, bytes, options.mode ?? 0o600);
    if (options.keepPrevious) await keepPrevious(target, beside);
    await rename(beside, target);
    await flushFolder(folder);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw fileProblem(path, error);
  }
}

async function writeWhole(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const handle = await open(path, 'wx', mode);
  try {
    await handle.writeFile(bytes);
    const { size } = await handle.stat();
    if (size !== bytes.byteLength) throw Object.assign(new Error(`${size} of ${bytes.byteLength} bytes were written`), { code: 'ENOSPC' });
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A second name for the old file, put in place by a rename, so that `.previous` is never half a file either. */
async function keepPrevious(target: string, beside: string): Promise<void> {
  const spare = `${beside}.previous`;
  try {
    // Some file systems (FAT, some network ones) have no hard links.
    await link(target, spare).catch((error: unknown) => (isMissing(error) ? Promise.reject(error as Error) : copyFile(target, spare)));
    await rename(spare, `${target}.previous`);
  } catch (error) {
    await rm(spare, { force: true }).catch(() => undefined);
    if (!isMissing(error)) throw error;
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** The rename itself is on the disk only when its folder is. Windows cannot open folders; some file systems refuse. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r').catch(() => null);
  if (handle === null) return;
  try {
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}
