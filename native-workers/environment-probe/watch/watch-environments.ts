import { watch, type FSWatcher } from 'node:fs';
import type { ChangedEvent, WatchRequest } from '../../../contract/environment-probe.ts';
import { decideWatches, type WatchedFolder } from './decide-watches.ts';
import { readFolderMark } from './read-folder-mark.ts';

export interface WatchOptions {
  readonly onChanged: (event: ChangedEvent) => void;
  /** How a folder is watched; `fs.watch` if not given. Throws where the system allows no more (ENOSPC, EMFILE). */
  readonly watchFolder?: (path: string, onEvent: () => void, onError: () => void) => { close(): void };
  /** An install writes for seconds: told once it has been quiet so long. */
  readonly quietMs?: number;
  /** … but no later than this after its first change. */
  readonly latestMs?: number;
  readonly pollMs?: number;
  /** Watches of ours; the rest is polled. Linux allows 8192 a user in old settings, shared with editors. */
  readonly maxWatches?: number;
  readonly now?: () => number;
}

export interface WatchState {
  readonly watched: number;
  /** Looked at every `pollMs` instead: not there yet, or past what the system allows. */
  readonly polled: number;
  /** Why some are polled although they are there; null where none is. */
  readonly note: string | null;
}

export interface EnvironmentWatch {
  /** Replaces all targets. Changes between this and its answer are told as well. */
  setTargets(targets: WatchRequest['targets']): Promise<WatchState>;
  state(): WatchState;
  stop(): void;
}

interface Entry {
  folder: WatchedFolder;
  watcher: { close(): void } | null;
  mark: string;
}

/** Tells which environments somebody changed. Events only say where to look: what counts is that a folder differs. */
export function watchEnvironments(options: WatchOptions): EnvironmentWatch {
  const { quietMs = 700, latestMs = 5000, pollMs = 15_000, maxWatches = 1024, now = Date.now } = options;
  const watchFolder = options.watchFolder ?? watchWithSystem;
  const entries = new Map<string, Entry>();
  const pending = new Set<string>();
  let refused: string | null = null;
  let timer: NodeJS.Timeout | null = null;
  let firstAtMs = 0;
  let polling = false;
  let stopped = false;
  const poll = setInterval(() => void pollFolders(), pollMs);
  poll.unref();

  const touch = (ids: readonly string[]): void => {
    if (stopped) return;
    if (pending.size === 0) firstAtMs = now();
    for (const id of ids) pending.add(id);
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(flush, Math.max(0, Math.min(quietMs, firstAtMs + latestMs - now())));
  };

  const flush = (): void => {
    timer = null;
    const ids = [...pending];
    pending.clear();
    // Folders that came (torch installed) or were replaced get their watch before anybody is told: whoever reads on
    // being told has read all that no watch saw.
    void lookAgain(ids).then(() => {
      if (!stopped) options.onChanged({ ids, atMs: now() });
    });
  };

  const lookAgain = async (ids: readonly string[]): Promise<void> => {
    for (const entry of [...entries.values()]) {
      if (!entry.folder.ids.some((id) => ids.includes(id))) continue;
      const mark = await readFolderMark(entry.folder.path);
      if (stopped || entries.get(entry.folder.path) !== entry) continue;
      const replaced = identityOf(mark) !== identityOf(entry.mark);
      entry.mark = mark;
      if (replaced) await attachAndLook(entry);
    }
  };

  /** What changed between the last look and the watch shows in a second look. */
  const attachAndLook = async (entry: Entry): Promise<void> => {
    attach(entry);
    const mark = await readFolderMark(entry.folder.path);
    if (stopped || mark === entry.mark) return;
    entry.mark = mark;
    touch(entry.folder.ids);
  };

  const attach = (entry: Entry): void => {
    entry.watcher?.close();
    entry.watcher = null;
    // What is not there can only be polled for; its parent is watched and tells earlier.
    if (entry.mark.startsWith('-') || watchedCount() >= maxWatches) return;
    try {
      entry.watcher = watchFolder(entry.folder.path, () => { touch(entry.folder.ids); }, () => {
        entry.watcher?.close();
        entry.watcher = null;
        touch(entry.folder.ids);
      });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') refused = code;
    }
  };

  /** Also of those that are watched: network folders and some containers never send an event. */
  const pollFolders = async (): Promise<void> => {
    if (polling || stopped) return;
    polling = true;
    try {
      for (const entry of [...entries.values()]) {
        const mark = await readFolderMark(entry.folder.path);
        if (stopped) return;
        if (entries.get(entry.folder.path) !== entry) continue;
        const before = entry.mark;
        entry.mark = mark;
        if (mark !== before) touch(entry.folder.ids);
        if (identityOf(mark) !== identityOf(before) || (entry.watcher === null && !mark.startsWith('-'))) await attachAndLook(entry);
      }
    } finally {
      polling = false;
    }
  };

  const watchedCount = (): number => [...entries.values()].filter((entry) => entry.watcher !== null).length;
  const state = (): WatchState => {
    const all = [...entries.values()];
    const watched = watchedCount();
    const unwatched = all.filter((entry) => entry.watcher === null && !entry.mark.startsWith('-')).length;
    const why = refused === null ? `more than ${maxWatches} folders` : `the system allows no more watches (${refused})`;
    return { watched, polled: all.length - watched, note: unwatched === 0 ? null : `${unwatched} folders are looked at every ${Math.round(pollMs / 1000)} s instead of being watched: ${why}.` };
  };

  return {
    async setTargets(targets) {
      const wanted = decideWatches(targets);
      const paths = new Set(wanted.map((folder) => folder.path));
      for (const [path, entry] of entries) {
        if (paths.has(path)) continue;
        entry.watcher?.close();
        entries.delete(path);
      }
      refused = null;
      for (const folder of wanted) {
        const known = entries.get(folder.path);
        if (known !== undefined) {
          known.folder = folder;
          if (known.watcher === null) await attachAndLook(known);
          continue;
        }
        const entry: Entry = { folder, watcher: null, mark: '' };
        entries.set(folder.path, entry);
        entry.mark = await readFolderMark(folder.path);
        if (entries.get(folder.path) === entry && !stopped) await attachAndLook(entry);
      }
      return state();
    },
    state,
    stop() {
      stopped = true;
      clearInterval(poll);
      if (timer !== null) clearTimeout(timer);
      for (const entry of entries.values()) entry.watcher?.close();
      entries.clear();
    },
  };
}

/** Device and inode of a mark: another one means another folder in the same place. */
function identityOf(mark: string): string {
  return mark.split(' ')[0]?.split(':').slice(0, 2).join(':') ?? '-';
}

function watchWithSystem(path: string, onEvent: () => void, onError: () => void): FSWatcher {
  const watcher = watch(path, { persistent: false }, onEvent);
  watcher.on('error', onError);
  return watcher;
}
