import { constants } from 'node:fs';
import { copyFile, link, lstat, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { copyFileContent } from './copy-file-content.ts';
import { errorCode, fileTrouble, isMissing } from './file-trouble.ts';
import { forEachLimited } from './for-each-limited.ts';
import { hashFile } from './hash-tree.ts';
import type { LinkMethod } from './link-method.ts';
import { TREE_FOLDER, writeManifest, type Manifest, type ManifestEntry, type ManifestFile } from './manifest.ts';
import { removeTree } from './remove-tree.ts';
import { fullPath, showPath, type TreePath } from './tree-path.ts';
import { stampOf, walkTree, type FileStamp, type TreeEntry } from './walk-tree.ts';
import { isWrittenInPlace } from './written-in-place.ts';

export interface SnapshotOptions {
  /** The environment's root, no link. */
  readonly prefix: string;
  /** A folder that is not there yet. */
  readonly into: string;
  /** As `probeLinkMethod` found it. What it does not work for (other owner, too many links) is copied. */
  readonly method: LinkMethod;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  readonly now?: () => number;
}

export interface Snapshot {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Disk that it takes by itself, bytes. */
  readonly extraBytes: number;
  /** Files that had to be copied although links were to be used, beside those that are always copied. */
  readonly fellBack: number;
  readonly tookMs: number;
}

const AT_ONCE = 16;
/** Small files are hashed, so that a write that hides its time is found: 0.5 s of 2.3 s for 18 000 files. */
const HASH_UP_TO = 64 << 10;
/** A folder takes a block. */
const BLOCK = 4096;
/** The file system or the owner of the file does not let it be linked or cloned. */
const NO_LINK = new Set(['EMLINK', 'EPERM', 'EXDEV', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'EOPNOTSUPP']);

/**
 * A second life for everything in an environment, with a manifest that tells exactly what it was. On failure or
 * cancellation nothing of it is left.
 *
 * @throws ProblemError `file.disk_full`, `upgrade.read_only`, `env.unreadable`, or `upgrade.changed_meanwhile` where the
 * environment changed while it was read; the signal's reason on cancellation.
 */
export async function takeSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  try {
    return await take(options);
  } catch (error) {
    await removeTree(Buffer.from(options.into)).catch(() => undefined);
    if (options.signal?.aborted === true) throw error;
    throw fileTrouble(error, options.into);
  }
}

async function take({ prefix, into, method, signal, onProgress, now = Date.now }: SnapshotOptions): Promise<Snapshot> {
  const startedAt = performance.now();
  const tree = join(into, TREE_FOLDER);
  await mkdir(tree, { recursive: true, mode: 0o700 });
  const { entries, left } = await walkTree(prefix, signal);
  const owner: [number, number] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const skipped: TreePath[] = [];
  const kept: (ManifestEntry | null)[] = entries.map(() => null);
  let extraBytes = 0;
  let fellBack = 0;
  let done = 0;

  // Folders first, in order, so that every file has its place.
  for (const [index, entry] of entries.entries()) {
    if (entry.type === 'other') skipped.push(entry.path);
    if (entry.type === 'link') kept[index] = { t: 'l', p: entry.path, to: entry.target, ...ownerOf(entry.stamp, owner) };
    if (entry.type !== 'folder') continue;
    signal?.throwIfAborted();
    kept[index] = { t: 'd', p: entry.path, m: entry.stamp.mode, mt: entry.stamp.mtimeUs, ...ownerOf(entry.stamp, owner) };
    extraBytes += BLOCK;
    if (entry.path !== '') await mkdir(fullPath(tree, entry.path), { mode: 0o700 });
  }
  await forEachLimited(entries, AT_ONCE, async (entry, index) => {
    if (entry.type !== 'file') return;
    const copied = await keepFile({ prefix, tree, method, entry }, signal);
    done += 1;
    if (done % 512 === 0) onProgress?.(done, entries.length);
    if (copied === null) return;
    const { l, h } = copied;
    if (l === undefined) extraBytes += method === 'reflink' ? 0 : Math.ceil(entry.stamp.diskBytes / BLOCK) * BLOCK;
    if (l === undefined && method === 'hardlink' && !isWrittenInPlace(entry.path, entry.stamp.size)) fellBack += 1;
    kept[index] = { ...copied, ...(h === undefined ? {} : { h }), ...ownerOf(entry.stamp, owner) };
  }, signal);

  const manifest: Manifest = { schemaVersion: 1, prefix, method, takenAtMs: now(), owner, left: left.map((one) => one.path), skipped, entries: kept.filter((entry) => entry !== null) };
  signal?.throwIfAborted();
  extraBytes += await writeManifest(into, manifest);
  await flushFolder(into);
  onProgress?.(entries.length, entries.length);
  return { folder: into, manifest, extraBytes, fellBack, tookMs: performance.now() - startedAt };
}

function ownerOf(stamp: FileStamp, owner: readonly [number, number]): { o?: [number, number] } {
  return stamp.uid === owner[0] && stamp.gid === owner[1] ? {} : { o: [stamp.uid, stamp.gid] };
}

/** Null: it went away meanwhile and was of the kind that does (Python's temporary byte code). */
async function keepFile(where: { prefix: string; tree: string; method: LinkMethod; entry: TreeEntry }, signal?: AbortSignal): Promise<ManifestFile | null> {
  const { prefix, entry: { path, stamp } } = where;
  const from = fullPath(prefix, path);
  try {
    const { shared, sum } = await copyOrLink({ ...where, from, to: fullPath(where.tree, path) }, signal);
    // Linking moves the time of status: what counts is the time after it.
    const after = stampOf(await lstat(from, { bigint: true }));
    const isSame = after.size === stamp.size && after.mtimeUs === stamp.mtimeUs && (shared || after.inode === stamp.inode);
    if (!isSame) throw changedMeanwhile(prefix, path);
    const h = sum ?? (stamp.size <= HASH_UP_TO ? await hashFile(from, stamp.size, signal) : undefined);
    return { t: 'f', p: path, m: stamp.mode, s: stamp.size, mt: stamp.mtimeUs, ct: after.ctimeUs, i: after.inode, ...(shared ? { l: 1 as const } : {}), ...(h === undefined ? {} : { h }) };
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (/(^|\/)__pycache__\//.test(path)) return null;
    throw changedMeanwhile(prefix, path);
  }
}

async function copyOrLink(job: { method: LinkMethod; entry: TreeEntry; from: Buffer; to: Buffer }, signal?: AbortSignal): Promise<{ shared: boolean; sum: string | null }> {
  const { entry: { path, stamp }, method, from, to } = job;
  const unlessRefused = (error: unknown): false => {
    if (NO_LINK.has(errorCode(error))) return false;
    throw error;
  };
  if (method === 'hardlink' && !isWrittenInPlace(path, stamp.size) && (await link(from, to).then(() => true, unlessRefused))) return { shared: true, sum: null };
  if (method === 'reflink') {
    if (await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL).then(() => true, unlessRefused)) return { shared: false, sum: null };
    await rm(to, { force: true });
  }
  return { shared: false, sum: await copyFileContent(from, to, stamp, signal) };
}

function changedMeanwhile(prefix: string, path: TreePath): Error {
  return problemError('upgrade.changed_meanwhile', { prefix, between: 'the beginning and the end of the snapshot', example: showPath(path), remedy: 'Nothing was changed by Warpdeck. Try again when nothing else works in this environment.' });
}

/** On the disk are the names in a folder only when it was flushed. Windows cannot; some file systems refuse. */
export async function flushFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r').catch(() => null);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
