import { constants } from 'node:fs';
import { chmod, copyFile, lchown, link, lstat, mkdir, rm, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { copyFileContent } from './copy-file-content.ts';
import { errorCode, isMissing } from './file-trouble.ts';
import { hashFile } from './hash-tree.ts';
import { TREE_FOLDER, type Manifest, type ManifestEntry, type ManifestFile } from './manifest.ts';
import { fullPath } from './tree-path.ts';
import { stampOf } from './walk-tree.ts';

const NO_LINK = new Set(['EMLINK', 'EPERM', 'EXDEV', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'EOPNOTSUPP']);
const SAME_TIME_US = 2;

export type Placed = 'placed' | /** Put there, but the snapshot's file was written into since. */ 'altered' | /** The snapshot has it no more. */ 'absent';

/** Whether the snapshot still has the content that it took. */
export async function readKeptState(snapshot: string, entry: ManifestFile): Promise<'kept' | 'altered' | 'absent'> {
  const path = fullPath(join(snapshot, TREE_FOLDER), entry.p);
  try {
    const stamp = stampOf(await lstat(path, { bigint: true }));
    if (stamp.size !== entry.s) return 'altered';
    if (entry.l === undefined) return 'kept';
    if (entry.h !== undefined) return (await hashFile(path, entry.s)) === entry.h ? 'kept' : 'altered';
    return Math.abs(stamp.mtimeUs - entry.mt) <= SAME_TIME_US ? 'kept' : 'altered';
  } catch (error) {
    if (isMissing(error)) return 'absent';
    throw error;
  }
}

/** Makes one entry of the snapshot at `to`, which must not be there. Folders get their permission bits later. */
export async function placeEntry(snapshot: string, manifest: Manifest, entry: ManifestEntry, to: Buffer, signal?: AbortSignal): Promise<Placed> {
  let placed: Placed = 'placed';
  if (entry.t === 'd') await mkdir(to, { mode: 0o700 });
  else if (entry.t === 'l') await symlink(Buffer.from(entry.to, 'latin1'), to);
  else {
    const state = await readKeptState(snapshot, entry);
    if (state === 'absent') return 'absent';
    if (state === 'altered') placed = 'altered';
    await placeFile(fullPath(join(snapshot, TREE_FOLDER), entry.p), manifest, entry, to, signal);
  }
  const [uid, gid] = entry.o ?? manifest.owner;
  // Only root can give a file away; everybody else restores what was theirs.
  if (process.getuid?.() === 0 && (uid !== 0 || gid !== 0)) await lchown(to, uid, gid);
  return placed;
}

async function placeFile(from: Buffer, manifest: Manifest, entry: ManifestFile, to: Buffer, signal?: AbortSignal): Promise<void> {
  const unlessRefused = (error: unknown): false => {
    if (NO_LINK.has(errorCode(error))) return false;
    throw error;
  };
  if (entry.l === 1 && (await link(from, to).then(() => true, unlessRefused))) {
    if (stampOf(await lstat(to, { bigint: true })).mode !== entry.m) await chmod(to, entry.m);
    return;
  }
  if (manifest.method === 'reflink') {
    if (await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL).then(() => true, unlessRefused)) {
      await restoreAttributes(to, entry);
      return;
    }
    await rm(to, { force: true });
  }
  const { diskBytes, size } = stampOf(await lstat(from, { bigint: true }));
  await copyFileContent(from, to, { size, diskBytes, mode: entry.m, mtimeUs: entry.mt }, signal);
}

/** Permission bits, and the time of change as far as the file system keeps it. */
export async function restoreAttributes(path: Buffer, entry: ManifestEntry): Promise<void> {
  if (entry.t === 'l') return;
  await chmod(path, entry.m);
  await utimes(path, entry.mt / 1e6, entry.mt / 1e6).catch(() => undefined);
}
