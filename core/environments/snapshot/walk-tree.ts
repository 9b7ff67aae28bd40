import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { errorText, isMissing } from './file-trouble.ts';
import { fullPath, joinTree, showPath, type TreePath } from './tree-path.ts';

/** What a stat tells that matters here. Times in microseconds: they fit a number, and are finer than any clock that stamps files. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeUs: number;
  readonly ctimeUs: number;
  /** As text: inode numbers of some file systems (overlay, ZFS) do not fit a number. */
  readonly inode: string;
  /** Permission bits, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Really on disk, bytes: less than the size in a sparse file. */
  readonly diskBytes: number;
}

export type TreeEntry =
  | { readonly type: 'file' | 'folder' | 'other'; readonly path: TreePath; readonly stamp: FileStamp }
  | { readonly type: 'link'; readonly path: TreePath; readonly stamp: FileStamp; /** Bytes as a TreePath's. */ readonly target: string };

export interface TreeWalk {
  /** Folders before what is in them; the tree itself (`''`) first. */
  readonly entries: readonly TreeEntry[];
  /** Folders not entered: another environment in this one, conda's package cache, another file system. */
  readonly left: readonly { readonly path: TreePath; readonly why: string }[];
}

/** Names at the top of a prefix that are ours and no part of the environment. */
export const OWN_NAMES: ReadonlySet<string> = new Set(['.warpdeck-lock', '.warpdeck-work']);
const isOwn = (path: TreePath): boolean => OWN_NAMES.has(path) || path.startsWith('.warpdeck-lock.') || path.startsWith('.warpdeck-probe-');

/** A conda base with everything has 400 000 files; what is larger is no environment. */
const MAX_ENTRIES = 3_000_000;
const MAX_DEPTH = 128;
const FOLDERS_AT_ONCE = 6;

export function stampOf(stat: BigIntStats): FileStamp {
  return {
    size: Number(stat.size),
    mtimeUs: Number(stat.mtimeNs / 1000n),
    ctimeUs: Number(stat.ctimeNs / 1000n),
    inode: String(stat.ino),
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    diskBytes: Number(stat.blocks) * 512,
  };
}

/**
 * Everything below a prefix, read without following a link. Left out: Warpdeck's own files, other environments that
 * lie inside (conda base's `envs`, pyenv's), conda's package cache, and what is mounted inside.
 *
 * @throws ProblemError `env.unreadable` where a folder cannot be listed or the tree is beyond all measure.
 */
export async function walkTree(root: string, signal?: AbortSignal): Promise<TreeWalk> {
  const entries: TreeEntry[] = [];
  const left: { path: TreePath; why: string }[] = [];
  const top = await lstat(fullPath(root, ''), { bigint: true });
  entries.push({ type: 'folder', path: '', stamp: stampOf(top) });
  let waiting: { path: TreePath; depth: number }[] = [{ path: '', depth: 0 }];

  const readFolder = async ({ path, depth }: { path: TreePath; depth: number }, found: { path: TreePath; depth: number }[]): Promise<void> => {
    const names = (await readdir(fullPath(root, path), { encoding: 'buffer' })).map((name) => name.toString('latin1'));
    const why = path === '' ? null : whyNotEntered(path, depth, new Set(names));
    if (why !== null) {
      left.push({ path, why });
      return;
    }
    if (entries.length + names.length > MAX_ENTRIES || depth > MAX_DEPTH) throw Object.assign(new Error('more files or deeper folders than an environment can have'), { code: 'E2BIG' });
    const read = await Promise.all(names.map((name) => readEntry(root, joinTree(path, name))));
    for (const one of read) {
      if (one === null || isOwn(one.entry.path)) continue;
      if (one.entry.type === 'folder' && one.device !== top.dev) {
        left.push({ path: one.entry.path, why: 'another file system is mounted there' });
        continue;
      }
      entries.push(one.entry);
      if (one.entry.type === 'folder') found.push({ path: one.entry.path, depth: depth + 1 });
    }
  };

  while (waiting.length > 0) {
    const level = waiting;
    const found: { path: TreePath; depth: number }[] = [];
    let next = 0;
    const runner = async (): Promise<void> => {
      while (next < level.length) {
        signal?.throwIfAborted();
        const folder = level[next] as { path: TreePath; depth: number };
        next += 1;
        try {
          await readFolder(folder, found);
        } catch (error) {
          // It went away while the tree was read; who compares will see it.
          if (isMissing(error) && folder.path !== '') continue;
          throw problemError('env.unreadable', { path: `${root}/${showPath(folder.path)}`, detail: errorText(error) }, { cause: error });
        }
      }
    };
    await Promise.all(Array.from({ length: FOLDERS_AT_ONCE }, runner));
    waiting = found;
  }
  const leftPaths = new Set(left.map((one) => one.path));
  return { entries: entries.filter((entry) => !leftPaths.has(entry.path)), left };
}

/** Pure: whether a folder inside an environment is none of its own, by its place and the names in it. */
function whyNotEntered(path: TreePath, depth: number, names: ReadonlySet<string>): string | null {
  if (path.includes('site-packages')) return null;
  if (names.has('pyvenv.cfg') && (names.has('bin') || names.has('Scripts'))) return 'it is an environment of its own';
  if (names.has('conda-meta') && depth <= 4) return 'it is an environment of its own';
  if (path === 'pkgs' && names.has('urls.txt')) return 'it is the package cache of conda';
  return null;
}

async function readEntry(root: string, path: TreePath): Promise<{ entry: TreeEntry; device: bigint } | null> {
  const full = fullPath(root, path);
  try {
    const stat = await lstat(full, { bigint: true });
    const stamp = stampOf(stat);
    if (stat.isSymbolicLink()) return { entry: { type: 'link', path, stamp, target: (await readlink(full, { encoding: 'buffer' })).toString('latin1') }, device: stat.dev };
    return { entry: { type: stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : 'other', path, stamp }, device: stat.dev };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
