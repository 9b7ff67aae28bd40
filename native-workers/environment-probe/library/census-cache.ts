import { createHash } from 'node:crypto';
import { readBuildId } from './elf-sections.ts';
import type { LibraryFile } from './library-file.ts';

/** As many answers are kept; the longest unused goes first. A torch library and its flags are two of them. */
const MOST_KEPT = 512;
/** Hashed from each end of a file beside its build id: the ELF header and the section table lie there. */
const EDGE_BYTES = 4096;
/** Short reads spread over the file, for a copy that was left half written. */
const SAMPLES = 64;

export interface CensusCache {
  /**
   * What `read` answers for this file, asked once for identical files: the same inode (hard links), or a copy with
   * the same size, build id and the same first and last 4 KiB. Callers that ask at the same time share one reading.
   */
  once<T>(what: string, file: LibraryFile, read: () => Promise<T>): Promise<{ value: T; fresh: boolean }>;
  counts(): { read: number; shared: number };
}

/** Lives as long as the worker. A file that changed has another time or size and is read anew. */
export function createCensusCache(): CensusCache {
  const kept = new Map<string, Promise<unknown>>();
  let read = 0;
  let shared = 0;

  const find = (key: string): Promise<unknown> | undefined => {
    const found = kept.get(key);
    if (found === undefined) return undefined;
    kept.delete(key);
    kept.set(key, found);
    return found;
  };
  const keep = (key: string, answer: Promise<unknown>): void => {
    kept.set(key, answer);
    answer.catch(() => kept.delete(key));
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
  };

  return {
    async once<T>(what: string, file: LibraryFile, readIt: () => Promise<T>) {
      const inode = `${what} ${file.identity}`;
      const byInode = find(inode);
      const content = byInode === undefined ? contentKey(file) : null;
      const known = byInode ?? (content === null ? undefined : find(`${what} ${content}`));
      if (known !== undefined) {
        shared++;
        if (byInode === undefined) keep(inode, known);
        // Every key begins with what was asked, and each `what` has one type of answer.
        return { value: (await known) as T, fresh: false };
      }
      read++;
      const answer = readIt();
      keep(inode, answer);
      if (content !== null) keep(`${what} ${content}`, answer);
      const value = await answer;
      // Somebody wrote into it meanwhile: the answer is for nobody else.
      if (file.hasChanged()) for (const key of [inode, `${what} ${content}`]) kept.delete(key);
      return { value, fresh: true };
    },
    counts: () => ({ read, shared }),
  };
}

/** Null without a build id: then size and edges alone would not tell two builds apart. */
function contentKey(file: LibraryFile): string | null {
  const buildId = readBuildId(file);
  if (buildId === null) return null;
  const hash = createHash('sha256');
  hash.update(file.view(0, Math.min(EDGE_BYTES, file.sizeBytes)) ?? '');
  hash.update(file.view(Math.max(0, file.sizeBytes - EDGE_BYTES), Math.min(EDGE_BYTES, file.sizeBytes)) ?? '');
  for (let n = 1; n < SAMPLES; n++) hash.update(file.view(Math.floor((file.sizeBytes * n) / SAMPLES), 16) ?? '');
  return `${file.sizeBytes} ${buildId} ${hash.digest('hex')}`;
}
