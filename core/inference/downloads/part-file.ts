import { open, type FileHandle } from 'node:fs/promises';
import { addRange, countBytes, type ByteRanges } from './byte-ranges.ts';

/** A file that is being filled in any order, with a journal of what is on the disk for sure. */
export interface PartFile {
  /** Writes all of it, or throws. Waits while too much is not in the journal yet. */
  write(position: number, chunks: readonly Uint8Array[], byteCount: number): Promise<void>;
  /** All that was written, also what the journal does not know yet. */
  ranges(): ByteRanges;
  doneBytes(): number;
  /** Throws away what is there. */
  reset(): Promise<void>;
  /** Brings the journal to what was written. */
  settle(): Promise<void>;
  close(): Promise<void>;
}
export interface PartOptions {
  readonly path: string;
  readonly done: ByteRanges;
  /** Stores what is on the disk for sure. */
  readonly save: (done: ByteRanges) => Promise<void>;
  /** So much is fetched again at most after a kill, bytes. */
  readonly grainBytes?: number;
}

/** What a killed process has to fetch again: at 1 GB/s the journal is written fifteen times a second at most. */
export const GRAIN_BYTES = 64 * 1024 * 1024;
const SAVE_EVERY_MS = 1000;

/** Opens or makes the file. What the journal claims beyond the file's end is not believed. */
export async function openPart({ path, done, save, grainBytes = GRAIN_BYTES }: PartOptions): Promise<PartFile> {
  const handle = await open(path, 'r+').catch(() => open(path, 'wx+', 0o600));
  const { size } = await handle.stat();
  let ranges: ByteRanges = (done.at(-1)?.[1] ?? 0) > size ? [] : done;
  let unsaved = 0;
  let savedAtMs = performance.now();
  let saving: Promise<void> | null = null;
  /** A save that failed in the background, told by the next write. */
  let failure: Error | null = null;

  const saveNow = async (): Promise<void> => {
    const snapshot = ranges;
    const counted = unsaved;
    // First the bytes, then the claim that they are there.
    await handle.datasync();
    await save(snapshot);
    unsaved -= counted;
    savedAtMs = performance.now();
  };
  const begin = (): Promise<void> => (saving ??= saveNow().catch((error: unknown) => { failure = error instanceof Error ? error : new Error('The journal cannot be written', { cause: error }); }).finally(() => { saving = null; }));
  const check = (): void => {
    if (failure === null) return;
    const error = failure;
    failure = null;
    throw error;
  };
  const settle = async (): Promise<void> => {
    await saving;
    await begin();
    check();
  };

  return {
    async write(position, chunks, byteCount) {
      check();
      while (unsaved + byteCount > grainBytes && unsaved > 0) {
        await begin();
        check();
      }
      await writeAll(handle, position, chunks);
      ranges = addRange(ranges, [position, position + byteCount]);
      unsaved += byteCount;
      if (unsaved >= grainBytes / 4 || performance.now() - savedAtMs >= SAVE_EVERY_MS) void begin();
    },
    ranges: () => ranges,
    doneBytes: () => countBytes(ranges),
    async reset() {
      await saving;
      ranges = [];
      await handle.truncate(0);
      await settle();
    },
    settle,
    async close() {
      await saving;
      await handle.close();
    },
  };
}

/** Until all is written: on a disk with *some* room one call writes less than it was given. */
async function writeAll(handle: FileHandle, position: number, chunks: readonly Uint8Array[]): Promise<void> {
  let left = chunks.filter((chunk) => chunk.byteLength > 0);
  let at = position;
  while (left.length > 0) {
    const { bytesWritten } = await handle.writev(left, at);
    if (bytesWritten === 0) throw Object.assign(new Error('Nothing could be written'), { code: 'ENOSPC' });
    at += bytesWritten;
    let skip = bytesWritten;
    const rest: Uint8Array[] = [];
    for (const chunk of left) {
      if (skip >= chunk.byteLength) skip -= chunk.byteLength;
      else {
        rest.push(skip === 0 ? chunk : chunk.subarray(skip));
        skip = 0;
      }
    }
    left = rest;
  }
}
