import { closeSync, constants, fstatSync, opendirSync, openSync, readSync, statSync, type Dirent } from 'node:fs';

export type BoundedRead =
  | { readonly state: 'read'; readonly bytes: Buffer; /** The file goes on. */ readonly cut: boolean }
  | { readonly state: 'absent' }
  | { readonly state: 'unreadable'; readonly detail: string };

export type FolderList =
  | { readonly state: 'read'; readonly entries: readonly Dirent[]; readonly cut: boolean }
  | { readonly state: 'absent' }
  | { readonly state: 'unreadable'; readonly detail: string };

/** Reads files of an environment, which is to say of strangers: never more than asked for, never a pipe or device. */
export interface BoundedReader {
  /** The first `maxBytes` of a regular file. */
  read(path: string, maxBytes: number): BoundedRead;
  /** The same as text: UTF-8, or Latin-1 where it is none. Null where there is no such file or it cannot be read. */
  readText(path: string, maxBytes: number): string | null;
  list(path: string, maxEntries: number): FolderList;
  bytesRead(): number;
}

/** In one environment. Real ones with everything compared need up to 100 MB (conda's records), most below 5. */
const MAX_TOTAL_BYTES = 512 * 1024 * 1024;

export function createBoundedReader(maxTotalBytes = MAX_TOTAL_BYTES): BoundedReader {
  let total = 0;
  const read = (path: string, maxBytes: number): BoundedRead => {
    if (total >= maxTotalBytes) return { state: 'unreadable', detail: 'was not read, because the environment describes itself in far too many bytes' };
    const result = readHead(path, maxBytes);
    if (result.state === 'read') total += result.bytes.length;
    return result;
  };
  return {
    read,
    readText(path, maxBytes) {
      const result = read(path, maxBytes);
      return result.state === 'read' ? decodeText(result.bytes) : null;
    },
    list: listFolder,
    bytesRead: () => total,
  };
}

/** METADATA in Latin-1 exists (old sdists); a name in it is ASCII all the same. */
export function decodeText(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes('�') ? bytes.toString('latin1') : text;
}

function readHead(path: string, maxBytes: number): BoundedRead {
  let file: number | null = null;
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return { state: 'absent' };
    if (!stat.isFile()) return { state: 'unreadable', detail: 'is no regular file' };
    // Not blocking: what became a pipe since is opened without waiting for a writer, and refused below.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const opened = fstatSync(file);
    if (!opened.isFile()) return { state: 'unreadable', detail: 'is no regular file' };
    const bytes = Buffer.allocUnsafe(Math.min(opened.size, maxBytes));
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, length);
      if (count === 0) break;
      length += count;
    }
    return { state: 'read', bytes: bytes.subarray(0, length), cut: opened.size > maxBytes };
  } catch (error) {
    return describeFailure(error);
  } finally {
    if (file !== null) closeSync(file);
  }
}

function listFolder(path: string, maxEntries: number): FolderList {
  try {
    // Entry by entry, so that a folder with millions of them costs no more than is asked for.
    const folder = opendirSync(path, { bufferSize: 512 });
    try {
      const entries: Dirent[] = [];
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (entries.length >= maxEntries) return { state: 'read', entries, cut: true };
        entries.push(entry);
      }
      return { state: 'read', entries, cut: false };
    } finally {
      folder.closeSync();
    }
  } catch (error) {
    return describeFailure(error);
  }
}

function describeFailure(error: unknown): { state: 'absent' } | { state: 'unreadable'; detail: string } {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return { state: 'absent' };
  return { state: 'unreadable', detail: describeCode(code) };
}

function describeCode(code: string | undefined): string {
  if (code === 'ELOOP') return 'is a link that leads to itself';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by you';
  if (code === 'ENAMETOOLONG') return 'has a name that is too long';
  return `cannot be read (${code ?? 'unknown error'})`;
}
