import { chmod, lstat, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { compareTree, type Difference } from './compare-tree.ts';
import { decideRestore, type RestorePlan } from './decide-restore.ts';
import { errorCode, errorText, isMissing, isNoRoom } from './file-trouble.ts';
import { forEachLimited } from './for-each-limited.ts';
import { readManifest, TREE_FOLDER, type Manifest, type ManifestEntry } from './manifest.ts';
import { placeEntry, readKeptState, restoreAttributes } from './place-entry.ts';
import { removeTree } from './remove-tree.ts';
import { flushFolder } from './take-snapshot.ts';
import { fullPath, parentOf, showPath, type TreePath } from './tree-path.ts';

export interface RestoreOptions {
  /** The environment's root, no link; made anew where it is gone. */
  readonly prefix: string;
  /** The folder of the snapshot. It stays whole. */
  readonly snapshot: string;
  /** What somebody else put there meanwhile: neither removed nor put back. */
  readonly isForeign?: (path: TreePath) => boolean;
  /** Files whose old content is lost because they were written in place: refuse before anything is touched, or do the rest. */
  readonly lost: 'refuse' | 'leave';
  readonly onProgress?: (done: number, total: number) => void;
  /** Heeded between two operations; what is half done is then finished by doing it again. */
  readonly signal?: AbortSignal;
}

export interface Restored {
  /** Files and links put back. */
  readonly placed: number;
  /** Folders swapped as a whole. */
  readonly folders: number;
  readonly removed: number;
  /** Their old content is lost: they were written in place while shared with the snapshot. */
  readonly lost: readonly TreePath[];
  readonly tookMs: number;
}

/** In the prefix, because only there renames are sure to work. No other walk sees it. */
export const WORK_FOLDER = '.warpdeck-work';
const AT_ONCE = 8;

/**
 * Makes an environment equal to its snapshot, with as few operations as needed. All that comes back is first built in
 * a work folder (the environment is untouched until that is done), then renamed into place, folder by folder where
 * nothing in a folder stayed. May be ended at any point and done again: it compares and does what is left. On a full
 * disk it first removes what is new, then goes file by file, and at last moves files out of the snapshot.
 *
 * @throws ProblemError `upgrade.rollback_failed` with the snapshot kept; the signal's reason.
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<Restored> {
  try {
    return await restore(options);
  } catch (error) {
    if (options.signal?.aborted === true) {
      await removeTree(Buffer.from(join(options.prefix, WORK_FOLDER))).catch(() => undefined);
      throw error;
    }
    throw rollbackFailed(errorText(error), options.snapshot, error);
  }
}

export function rollbackFailed(detail: string, snapshot: string, cause?: unknown): Error {
  return problemError('upgrade.rollback_failed', { detail, snapshot }, { cause });
}

async function restore(options: RestoreOptions): Promise<Restored> {
  const startedAt = performance.now();
  const { prefix, snapshot, isForeign, signal } = options;
  const manifest = await readManifest(snapshot);
  await mkdir(prefix, { recursive: true });
  const work = join(prefix, WORK_FOLDER);
  await removeTree(Buffer.from(work));
  const compare = (readContents: boolean): Promise<readonly Difference[]> => compareTree({ prefix, snapshot, manifest, readContents, ...(isForeign ? { isForeign } : {}), ...(signal ? { signal } : {}) });
  const differences = await compare(false);
  const plan = decideRestore(manifest, differences, staysOf(manifest, differences, isForeign));
  const run = createRun(options, manifest, work);
  for (const entry of plan.written) run.lost.add(entry.p);
  if (options.lost === 'refuse') refuseLost(run.lost);

  const hasWork = plan.wholeFolders.length + plan.single.length + plan.remove.length > 0;
  if (hasWork) {
    await inFolder(prefix, '', () => mkdir(work, { mode: 0o700 }));
    try {
      await restoreBeside(plan, run);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      await restoreOneByOne(plan, run);
    }
  }
  for (const entry of plan.attributes) await restoreAttributes(fullPath(prefix, entry.p), entry);
  await restoreFolders(manifest, run);
  await removeTree(Buffer.from(work));
  await flushFolder(prefix);

  const rest = (await compare(true)).flatMap((one) => {
    if (one.what === 'foreign') return [];
    if (one.what === 'added') return [one.path];
    // Times are put back as far as the file system keeps them.
    return run.lost.has(one.entry.p) || (one.what === 'attributes' && !one.isMode) ? [] : [one.entry.p];
  });
  const [first] = rest;
  if (first !== undefined) throw new Error(`${rest.length} files are still not as they were, among them ${showPath(first)}`);
  return { placed: run.placed, folders: plan.wholeFolders.length, removed: plan.remove.length, lost: [...run.lost], tookMs: performance.now() - startedAt };
}

/** FIFOs, other environments and what is somebody else's must not go with a folder that is swapped. */
function staysOf(manifest: Manifest, differences: readonly Difference[], isForeign?: (path: TreePath) => boolean): TreePath[] {
  const gone = isForeign === undefined ? [] : manifest.entries.filter((entry) => isForeign(entry.p)).map((entry) => entry.p);
  const there = differences.flatMap((one) => (one.what === 'foreign' ? [one.path] : []));
  return [...manifest.left, ...manifest.skipped, ...gone, ...there];
}

function refuseLost(lost: ReadonlySet<TreePath>): void {
  const [first] = lost;
  if (first !== undefined) throw new Error(`${lost.size} files were written in place since, so their old content is lost, among them ${showPath(first)}. Reinstall their packages, or agree to put back the rest`);
}

interface Run {
  readonly options: RestoreOptions;
  readonly manifest: Manifest;
  readonly work: string;
  readonly lost: Set<TreePath>;
  /** Folders of the environment in which something was done: their bits and times are set at the end. */
  readonly touched: Set<TreePath>;
  placed: number;
  /** Names in the work folder. */
  next: () => TreePath;
  tell: (total: number) => void;
}

function createRun(options: RestoreOptions, manifest: Manifest, work: string): Run {
  let n = 0;
  const run: Run = {
    options, manifest, work, lost: new Set(), touched: new Set(), placed: 0,
    next: () => { n += 1; return `${WORK_FOLDER}/${n}`; },
    tell: (total) => { if (run.placed % 256 === 0) options.onProgress?.(run.placed, total); },
  };
  return run;
}

async function place(run: Run, entry: ManifestEntry, to: TreePath): Promise<boolean> {
  const result = await placeEntry(run.options.snapshot, run.manifest, entry, fullPath(run.options.prefix, to), run.options.signal);
  if (result !== 'placed') run.lost.add(entry.p);
  if (entry.t !== 'd' && result !== 'absent') run.placed += 1;
  return result !== 'absent';
}

/** All beside first, then renames only: they need no room. */
async function restoreBeside(plan: RestorePlan, run: Run): Promise<void> {
  const { signal } = run.options;
  const ready: { entry: ManifestEntry; at: TreePath }[] = [];
  const files: { entry: ManifestEntry; at: TreePath; isSingle: boolean }[] = plan.single.map((entry) => ({ entry, at: run.next(), isSingle: true }));
  for (const { folder, below } of plan.wholeFolders) {
    const top = run.next();
    ready.push({ entry: folder, at: top });
    // Folders come before what is in them.
    for (const entry of [folder, ...below]) {
      signal?.throwIfAborted();
      const at = `${top}${entry.p.slice(folder.p.length)}`;
      if (entry.t !== 'd') files.push({ entry, at, isSingle: false });
      else {
        await place(run, entry, at);
        run.touched.add(entry.p);
      }
    }
  }
  await forEachLimited(files, AT_ONCE, async ({ entry, at, isSingle }) => {
    if ((await place(run, entry, at)) && isSingle) ready.push({ entry, at });
    run.tell(files.length);
  }, signal);
  if (run.options.lost === 'refuse') refuseLost(run.lost);
  for (const { entry, at } of ready) {
    signal?.throwIfAborted();
    await putInPlace(run, entry, at);
  }
  for (const path of plan.remove) {
    signal?.throwIfAborted();
    await moveAside(run, path);
  }
}

/** The disk is full: what is new goes first, then each file by itself; its own room comes back with the one it replaces. */
async function restoreOneByOne(plan: RestorePlan, run: Run): Promise<void> {
  const { prefix, snapshot } = run.options;
  const clear = async (): Promise<void> => {
    await removeTree(Buffer.from(run.work));
    await inFolder(prefix, '', () => mkdir(run.work, { mode: 0o700 }));
  };
  await clear();
  for (const path of plan.remove) {
    await moveAside(run, path);
    await clear();
  }
  for (const { folder } of plan.wholeFolders) {
    await moveAside(run, folder.p);
    await clear();
  }
  for (const entry of [...plan.wholeFolders.flatMap((one) => [one.folder, ...one.below]), ...plan.single]) {
    if (entry.t === 'd') {
      await inFolder(prefix, parentOf(entry.p), () => mkdir(fullPath(prefix, entry.p), { mode: 0o700 }));
      run.touched.add(entry.p);
      continue;
    }
    const at = run.next();
    try {
      if (await place(run, entry, at)) await putInPlace(run, entry, at);
    } catch (error) {
      if (!isNoRoom(error) || entry.t !== 'f') throw error;
      await clear();
      await moveAside(run, entry.p);
      await clear();
      // From one folder to the other in a single step: it is always in one of them.
      await inFolder(prefix, parentOf(entry.p), () => rename(fullPath(join(snapshot, TREE_FOLDER), entry.p), fullPath(prefix, entry.p))).catch(() => { throw error; });
      await restoreAttributes(fullPath(prefix, entry.p), entry);
      run.placed += 1;
    }
    run.touched.add(parentOf(entry.p));
    await clear();
  }
}

/** A file over a file is one step. Where a folder is in the way, or is to come, the old one moves aside first. */
async function putInPlace(run: Run, entry: ManifestEntry, at: TreePath): Promise<void> {
  const { prefix } = run.options;
  const target = fullPath(prefix, entry.p);
  const there = await lstat(target).catch((error: unknown) => {
    if (isMissing(error) || errorCode(error) === 'ENOTDIR') return null;
    throw error;
  });
  if (there !== null && (entry.t === 'd' || there.isDirectory())) await moveAside(run, entry.p);
  await inFolder(prefix, parentOf(entry.p), () => rename(fullPath(prefix, at), target));
  run.touched.add(parentOf(entry.p));
}

async function moveAside(run: Run, path: TreePath): Promise<void> {
  const { prefix } = run.options;
  const from = fullPath(prefix, path);
  const move = (): Promise<void> => rename(from, fullPath(prefix, run.next()));
  await inFolder(prefix, parentOf(path), move).catch(async (error: unknown) => {
    if (isMissing(error)) return;
    if (errorCode(error) !== 'EACCES') throw error;
    // To change its "..", a folder must be writable itself.
    await chmod(from, 0o700);
    await move();
  });
  run.touched.add(parentOf(path));
}

/** A folder of ours without write permission gets it for the operation; its bits are set again at the end. */
async function inFolder<T>(prefix: string, folder: TreePath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error;
    await chmod(fullPath(prefix, folder), 0o700).catch(() => { throw error; });
    return work();
  }
}

/** Innermost first: what is done inside a folder moves its time. */
async function restoreFolders(manifest: Manifest, run: Run): Promise<void> {
  for (const entry of manifest.entries.toReversed()) {
    if (entry.t === 'd' && run.touched.has(entry.p)) await restoreAttributes(fullPath(run.options.prefix, entry.p), entry);
  }
}

/** Files shared with the snapshot that were written into: it cannot bring their old content back. Nothing is changed. */
export async function readAltered(prefix: string, snapshot: string, signal?: AbortSignal): Promise<readonly TreePath[]> {
  const manifest = await readManifest(snapshot);
  const differences = await compareTree({ prefix, snapshot, manifest, readContents: false, ...(signal ? { signal } : {}) });
  const altered: TreePath[] = [];
  for (const one of differences) {
    if (one.what === 'written') altered.push(one.entry.p);
    // Replaced in the environment, but perhaps written into before that.
    if ((one.what === 'missing' || one.what === 'changed') && one.entry.t === 'f' && one.entry.l === 1) {
      signal?.throwIfAborted();
      if ((await readKeptState(snapshot, one.entry)) !== 'kept') altered.push(one.entry.p);
    }
  }
  return altered;
}
