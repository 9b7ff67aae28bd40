import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from './file-trouble.ts';
import { forEachLimited } from './for-each-limited.ts';
import { hashFile } from './hash-tree.ts';
import { TREE_FOLDER, type Manifest, type ManifestEntry, type ManifestFile } from './manifest.ts';
import { fullPath, parentOf, type TreePath } from './tree-path.ts';
import { walkTree, type FileStamp, type TreeEntry } from './walk-tree.ts';

export type Difference =
  /** The topmost of what is new. */
  | { readonly what: 'added'; readonly path: TreePath; readonly type: TreeEntry['type'] }
  | { readonly what: 'missing' | 'changed'; readonly entry: ManifestEntry }
  /** Content as it was; permission bits or time of change are not. */
  | { readonly what: 'attributes'; readonly entry: ManifestEntry; readonly isMode: boolean }
  /** Somebody else's, as the caller says: not compared. */
  | { readonly what: 'foreign'; readonly path: TreePath }
  /** A file shared with the snapshot was written into: the old content is nowhere. */
  | { readonly what: 'written'; readonly entry: ManifestFile };

export interface CompareOptions {
  readonly prefix: string;
  /** The folder of the snapshot. */
  readonly snapshot: string;
  readonly manifest: Manifest;
  /** These are somebody else's and are not looked at. */
  readonly isForeign?: (path: TreePath) => boolean;
  /** Read contents where only that can tell. Without it another file in the place of a shared one is a change. */
  readonly readContents: boolean;
  readonly signal?: AbortSignal;
}

/** utimes takes seconds as a floating number: at today's dates its last digit is 0.24 µs. */
const SAME_TIME_US = 2;
const AT_ONCE = 8;
const CHUNK = 1 << 20;

type FileVerdict = 'same' | 'mode' | 'time' | 'changed' | 'written' | 'read';

/** Pure: what size, times and inode say of a file; `read` where only its content can. */
export function judgeFile(entry: ManifestFile, stamp: FileStamp, readContents: boolean): FileVerdict {
  const isSameFile = stamp.inode === entry.i;
  const isSameTime = Math.abs(stamp.mtimeUs - entry.mt) <= SAME_TIME_US;
  const isUntouched = isSameFile && stamp.ctimeUs === entry.ct && isSameTime;
  const isShared = entry.l === 1 && isSameFile;
  if (stamp.size !== entry.s) return isShared ? 'written' : 'changed';
  if (isUntouched) return stamp.mode === entry.m ? 'same' : 'mode';
  if (isShared) {
    if (entry.h !== undefined) return 'read';
    // Too large to be hashed: its time is what tells. The time of status moves with every link made or removed.
    return isSameTime ? (stamp.mode === entry.m ? 'same' : 'mode') : 'written';
  }
  return entry.l === 1 && !readContents ? 'changed' : 'read';
}

/**
 * What differs between an environment and its snapshot. Files that are still the very same (inode, size, times) are not
 * read. Throws what the file system throws, and the signal's reason.
 */
export async function compareTree(options: CompareOptions): Promise<readonly Difference[]> {
  const { prefix, manifest, signal, isForeign = () => false } = options;
  const walk = await walkTree(prefix, signal).catch((error: unknown) => {
    if (isMissing(error)) return { entries: [], left: [] };
    throw error;
  });
  const present = new Map(walk.entries.map((entry) => [entry.path, entry]));
  const left = [...manifest.left, ...walk.left.map((one) => one.path)];
  const isLeft = (path: TreePath): boolean => left.some((folder) => path === folder || path.startsWith(`${folder}/`));
  const known = new Map(manifest.entries.map((entry) => [entry.p, entry.t]));
  const skipped = new Set(manifest.skipped);
  const differences: Difference[] = [];

  // A new folder with something of somebody else's in it stays, and what is ours in it is told one by one.
  const foreignFolders = new Set<TreePath>();
  for (const { path } of options.isForeign === undefined ? [] : walk.entries) {
    if (!isForeign(path)) continue;
    differences.push({ what: 'foreign', path });
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) foreignFolders.add(at);
  }
  const added = new Set<TreePath>();
  for (const { path, type } of walk.entries) {
    if (known.has(path) || isLeft(path)) continue;
    if (type === 'other' && skipped.has(path)) continue;
    if (isForeign(path) || foreignFolders.has(path)) continue;
    // In a folder that stands where a file was: it goes with that folder.
    const isInIntruder = path !== '' && (known.get(parentOf(path)) ?? 'd') !== 'd';
    if (!added.has(parentOf(path)) && !isInIntruder) differences.push({ what: 'added', path, type });
    added.add(path);
  }
  await forEachLimited(manifest.entries, AT_ONCE, async (entry) => {
    if (isForeign(entry.p)) return;
    const found = present.get(entry.p);
    const difference = found === undefined ? ({ what: 'missing', entry } as const) : await compareEntry(entry, found, options);
    if (difference !== null) differences.push(difference);
  }, signal);
  return differences;
}

async function compareEntry(entry: ManifestEntry, found: TreeEntry, options: CompareOptions): Promise<Difference | null> {
  if (entry.t === 'l') return found.type === 'link' && found.target === entry.to ? null : { what: 'changed', entry };
  if (entry.t === 'd') {
    if (found.type !== 'folder') return { what: 'changed', entry };
    return found.stamp.mode === entry.m ? null : { what: 'attributes', entry, isMode: true };
  }
  if (found.type !== 'file') return { what: 'changed', entry };
  const verdict = judgeFile(entry, found.stamp, options.readContents);
  if (verdict === 'same') return null;
  if (verdict === 'written') return { what: 'written', entry };
  if (verdict === 'changed') return { what: 'changed', entry };
  if (verdict === 'read' && !(await hasOldContent(entry, found, options))) return entry.l === 1 && found.stamp.inode === entry.i ? { what: 'written', entry } : { what: 'changed', entry };
  const isMode = found.stamp.mode !== entry.m;
  return isMode || Math.abs(found.stamp.mtimeUs - entry.mt) > SAME_TIME_US ? { what: 'attributes', entry, isMode } : null;
}

async function hasOldContent(entry: ManifestFile, found: TreeEntry, { prefix, snapshot, signal }: CompareOptions): Promise<boolean> {
  const path = fullPath(prefix, entry.p);
  if (entry.h !== undefined) return (await hashFile(path, entry.s, signal)) === entry.h;
  try {
    return await haveSameContent(path, fullPath(join(snapshot, TREE_FOLDER), entry.p), signal);
  } catch (error) {
    // Moved from the snapshot to its place, on a full disk: then it bears the time that it had.
    if (isMissing(error)) return Math.abs(found.stamp.mtimeUs - entry.mt) <= SAME_TIME_US;
    throw error;
  }
}

/** Two files of the same size, read side by side. */
async function haveSameContent(a: Buffer, b: Buffer, signal?: AbortSignal): Promise<boolean> {
  const left = await open(a, 'r');
  try {
    const right = await open(b, 'r');
    try {
      const one = Buffer.allocUnsafe(CHUNK);
      const two = Buffer.allocUnsafe(CHUNK);
      for (;;) {
        signal?.throwIfAborted();
        const [x, y] = await Promise.all([left.read(one, 0, CHUNK, null), right.read(two, 0, CHUNK, null)]);
        if (x.bytesRead !== y.bytesRead || !one.subarray(0, x.bytesRead).equals(two.subarray(0, y.bytesRead))) return false;
        if (x.bytesRead === 0) return true;
      }
    } finally {
      await right.close();
    }
  } finally {
    await left.close();
  }
}
