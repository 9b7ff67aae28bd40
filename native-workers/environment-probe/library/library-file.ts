import { closeSync, constants, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** A read of no more than a header is this long: a container's header and its first entry's together. */
const SMALL_READ_BYTES = 80;
/** What lies without gaps is read in doubling steps up to this. */
const LONG_READ_BYTES = 64 * 1024;
/**
 * Two small reads so near each other look like the start of a sequential one to Linux, which then reads megabytes ahead:
 * a third of libtorch_cuda from disk instead of a hundredth, measured with a cold cache. A newly opened descriptor has
 * no such past (Node has no posix_fadvise).
 */
const NEAR_BYTES = 16 * 1024;
const SMALL_ENOUGH_BYTES = 4096;
/** After so long the event loop gets its turn: the worker answers and can be stopped during a slow read. */
const TURN_MS = 8;

export interface LibraryFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Device, inode, size and times: equal for hard links, different after any change. */
  readonly identity: string;
  /** Bytes at `offset`, valid until the next call; null when they lie outside, cannot be read or are beyond the limit. */
  view(offset: number, length: number): Buffer | null;
  bytesRead(): number;
  /** Why a view was refused that lies inside the file; null when none was. */
  refused(): string | null;
  /** The file has another size or time than when it was opened. */
  hasChanged(): boolean;
  /** To be awaited in loops: gives the event loop its turn when it is due. */
  breathe(): Promise<void>;
  close(): void;
}

/**
 * Opens a regular file for small reads by position, at most `mostBytes` in all. A FIFO, a device or a folder is not
 * opened (links are followed: conda and uv install torch's libraries as links). Reads are synchronous because a
 * census is thousands of reads of 64 bytes, where each trip through the thread pool costs twenty times the read.
 */
export function openLibraryFile(path: string, mostBytes: (sizeBytes: number) => number): { file: LibraryFile } | { trouble: string } {
  let fd: number | null = null;
  try {
    const before = statSync(path);
    if (!before.isFile()) return { trouble: before.isDirectory() ? 'This is a folder, not a library.' : 'This is not a regular file.' };
    // Between the two it may have been replaced by a FIFO, which would wait for a writer for ever.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const opened = fstatSync(fd, { bigint: true });
    if (opened.isFile()) return { file: makeFile(path, fd, opened, mostBytes(Number(opened.size))) };
    closeQuietly(fd);
    return { trouble: 'This is not a regular file.' };
  } catch (error) {
    if (fd !== null) closeQuietly(fd);
    return { trouble: `The file could not be opened (${errorCode(error)}).` };
  }
}

function makeFile(path: string, fd: number, opened: BigIntStats, mostBytes: number): LibraryFile {
  const sizeBytes = Number(opened.size);
  let buffer = Buffer.alloc(LONG_READ_BYTES);
  let from = 0;
  let until = 0;
  let ahead = SMALL_READ_BYTES;
  let total = 0;
  let refused: string | null = null;
  let turnEnds = performance.now() + TURN_MS;

  let reader = fd;
  const forgetPast = (): void => {
    const fresh = openAgain(fd);
    if (fresh === null) return;
    if (reader !== fd) closeQuietly(reader);
    reader = fresh;
  };
  const fill = (offset: number, length: number): boolean => {
    if (length <= SMALL_ENOUGH_BYTES && offset >= until && offset - until < NEAR_BYTES) forgetPast();
    if (buffer.length < length) buffer = Buffer.alloc(length);
    from = until = offset;
    while (until < offset + length) {
      const got = readSync(reader, buffer, until - offset, offset + length - until, until);
      if (got === 0) return false;
      until += got;
      total += got;
    }
    return true;
  };

  return {
    path,
    sizeBytes,
    identity: `${opened.dev}:${opened.ino}:${opened.size}:${opened.mtimeNs}:${opened.ctimeNs}`,
    view(offset, length) {
      if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > sizeBytes) return null;
      if (offset >= from && offset + length <= until) return buffer.subarray(offset - from, offset - from + length);
      const adjoins = offset >= from && offset <= until && until > 0;
      ahead = adjoins ? Math.min(ahead * 2, LONG_READ_BYTES) : SMALL_READ_BYTES;
      // A small file is read once as a whole.
      const small = sizeBytes <= LONG_READ_BYTES;
      const start = small ? 0 : offset;
      const wanted = small ? sizeBytes : Math.min(Math.max(length, ahead), sizeBytes - offset);
      if (total + wanted > mostBytes) {
        refused ??= `Reading ended after ${total} bytes: so much was not expected to be needed.`;
        return null;
      }
      try {
        if (fill(start, wanted) || until >= offset + length) return buffer.subarray(offset - start, offset - start + length);
        refused ??= `The file became shorter while it was read.`;
      } catch (error) {
        from = until = 0;
        refused ??= `The file could not be read at byte ${offset} (${errorCode(error)}).`;
      }
      return null;
    },
    bytesRead: () => total,
    refused: () => refused,
    hasChanged() {
      try {
        const now = fstatSync(fd, { bigint: true });
        return now.size !== opened.size || now.mtimeNs !== opened.mtimeNs;
      } catch {
        // A network file system that lost it.
        return true;
      }
    },
    async breathe() {
      if (performance.now() < turnEnds) return;
      await setImmediate();
      turnEnds = performance.now() + TURN_MS;
    },
    close() {
      if (reader !== fd) closeQuietly(reader);
      closeQuietly(fd);
    },
  };
}

/** The same file once more, also when its name means another one by now; null where that is not possible. */
function openAgain(fd: number): number | null {
  if (process.platform !== 'linux') return null;
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}

/** It was only read: a failure loses nothing. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Already gone with its file system.
  }
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}

/** Little-endian u64 as a number; Infinity where a double would not be exact: no real size is that large. */
export function readU64(bytes: Buffer, offset: number): number {
  const high = bytes.readUInt32LE(offset + 4);
  return high >= 0x20_0000 ? Infinity : high * 0x1_0000_0000 + bytes.readUInt32LE(offset);
}
