import { constants, type Dirent } from 'node:fs';
import { lstat, open, opendir, readlink, realpath, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { describeFileError } from './describe-file-error.ts';
import { isWithin } from './is-within.ts';
import type { Places } from './places.ts';

/** One folder's entries. `cut`: there were more than the limit. */
export interface Listing {
  readonly entries: readonly Dirent[];
  readonly cut: boolean;
}

/**
 * All reading of a search goes through here: bounded in size, count and time, and what cannot be read is noted once
 * and passed over. Nothing here throws but `checkStopped`.
 */
export interface SearchContext {
  readonly places: Places;
  readonly skippedMounts: ReadonlyMap<string, 'network' | 'system'>;
  /** Entries of a folder; null when it is not there, no folder, or cannot be read (which is told). */
  list(path: string, limit?: number): Promise<Listing | null>;
  /** Contents of a regular file (never of a FIFO, socket or device) up to a size; null when there is none. */
  readBytes(path: string, maxBytes?: number): Promise<Buffer | null>;
  readText(path: string, maxBytes?: number): Promise<string | null>;
  /** Links followed. Null when there is nothing, or what cannot be told. */
  stat(path: string): Promise<Stats | null>;
  /** Links not followed. */
  lstat(path: string): Promise<Stats | null>;
  isFolder(path: string): Promise<boolean>;
  exists(path: string): Promise<boolean>;
  readlink(path: string): Promise<string | null>;
  /** The path without links, or null where it leads nowhere. */
  realpath(path: string): Promise<string | null>;
  tell(problem: Problem): void;
  /** @throws ProblemError-free abort reason when the search was cancelled */
  checkStopped(): void;
  /** Real paths of folders that a walk has listed. */
  readonly visited: Set<string>;
  readonly problems: readonly Problem[];
  foldersSeen(): number;
}

const MAX_ENTRIES = 4096;
const MAX_TEXT = 64 * 1024;
const MAX_PROBLEMS = 100;
/** A disk that spins up takes some seconds; what takes longer is taken for a mount whose server has gone. */
const PATIENCE_MS = 8000;

class NoAnswer extends Error {
  readonly code = 'ETIMEDOUT';
}

export interface ContextOptions {
  readonly places: Places;
  readonly skippedMounts: ReadonlyMap<string, 'network' | 'system'>;
  /** Called with every step: the counter that tells work from a hang. */
  readonly onStep?: () => void;
  readonly signal?: AbortSignal;
  readonly patienceMs?: number;
  /** Folders that the user named. */
  readonly named?: readonly string[];
}

export function createSearchContext(options: ContextOptions): SearchContext {
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  const problems: Problem[] = [];
  const told = new Set<string>();
  /** Places that did not answer: each further try would hold one of the few threads that read. */
  const dead: string[] = [];
  let foldersSeen = 0;

  const tell = (problem: Problem): void => {
    const key = `${problem.code} ${problem.cause}`;
    if (told.has(key) || problems.length >= MAX_PROBLEMS) return;
    told.add(key);
    problems.push(problem);
  };

  const unreadable = (path: string, error: unknown): void => {
    tell(makeProblem('env.unreadable', { path, detail: describeFileError(error) }));
  };

  /** Answers of a file system that may never answer. */
  const ask = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    options.signal?.throwIfAborted();
    options.onStep?.();
    if (dead.some((place) => isWithin(path, place))) throw new NoAnswer('It does not answer.');
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        dead.push(path);
        reject(new NoAnswer('It does not answer.'));
      }, patienceMs);
    });
    try {
      return await Promise.race([work(), limit]);
    } finally {
      clearTimeout(timer);
    }
  };

  const quiet = async <T>(path: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await ask(path, work);
    } catch (error) {
      if (error instanceof NoAnswer) unreadable(path, error);
      options.signal?.throwIfAborted();
      return null;
    }
  };

  const list = async (path: string, limit = MAX_ENTRIES): Promise<Listing | null> => {
    try {
      return await ask(path, async () => {
        const folder = await opendir(path, { bufferSize: 256 });
        const entries: Dirent[] = [];
        let cut = false;
        // Leaving the loop closes the folder.
        for await (const entry of folder) {
          if (entries.length >= limit) {
            cut = true;
            break;
          }
          entries.push(entry);
        }
        foldersSeen += 1;
        return { entries, cut };
      });
    } catch (error) {
      options.signal?.throwIfAborted();
      const code = codeOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && !(code === 'EACCES' && (await isPrivateOfOthers(path)))) unreadable(path, error);
      return null;
    }
  };

  /** The closed folder of another user, outside of what is ours or was named: as it should be, and no finding. */
  const isPrivateOfOthers = async (path: string): Promise<boolean> => {
    if ([options.places.home, ...(options.named ?? [])].some((place) => isWithin(path, place))) return false;
    const owner = (await statOf(path))?.uid;
    return owner === undefined || owner !== process.getuid?.();
  };

  const readBytes = (path: string, maxBytes = MAX_TEXT): Promise<Buffer | null> =>
    quiet(path, async () => {
      // Without O_NONBLOCK the open of a FIFO would wait for a writer for ever.
      const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
      try {
        const facts = await file.stat();
        if (!facts.isFile()) return null;
        // Files of /proc say that they are empty; they are read to their end all the same.
        const buffer = Buffer.alloc(facts.size === 0 ? maxBytes : Math.min(facts.size, maxBytes));
        let length = 0;
        while (length < buffer.length) {
          const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
          if (bytesRead === 0) break;
          length += bytesRead;
        }
        return buffer.subarray(0, length);
      } finally {
        await file.close();
      }
    });

  const statOf = (path: string): Promise<Stats | null> => quiet(path, () => stat(path));
  const lstatOf = (path: string): Promise<Stats | null> => quiet(path, () => lstat(path));
  return {
    places: options.places,
    skippedMounts: options.skippedMounts,
    list,
    readBytes,
    readText: async (path, maxBytes) => (await readBytes(path, maxBytes))?.toString('utf8') ?? null,
    stat: statOf,
    lstat: lstatOf,
    isFolder: async (path) => (await statOf(path))?.isDirectory() ?? false,
    exists: async (path) => (await lstatOf(path)) !== null,
    readlink: (path) => quiet(path, () => readlink(path)),
    realpath: (path) => quiet(path, () => realpath(path)),
    tell,
    checkStopped: () => options.signal?.throwIfAborted(),
    visited: new Set(),
    problems,
    foldersSeen: () => foldersSeen,
  };
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Names of the folders (also of links that may lead to one) in a listing. */
export function folderNames(listing: Listing | null): readonly string[] {
  return (listing?.entries ?? []).filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => entry.name);
}
