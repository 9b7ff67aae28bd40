import { askIndex } from './index-http.ts';
import type { IndexAccess } from './install-tool.ts';

export interface WheelSizes {
  readonly downloadBytes: number | null;
  /** Sum of the files in it, as its directory says. */
  readonly unpackedBytes: number | null;
}

const AT_ONCE = 8;
const TAIL = 64 * 1024;
/** The directory of a real torch wheel has about 1.5 MB. */
const MAX_DIRECTORY = 16 * 1024 * 1024;
const TIMEOUT_MS = 8000;
const UNKNOWN: WheelSizes = { downloadBytes: null, unpackedBytes: null };

/** Sizes of wheels by reading their last bytes over HTTP; what does not answer is unknown, never an error. */
export async function readWheelSizes(urls: readonly string[], access: IndexAccess, signal: AbortSignal): Promise<ReadonlyMap<string, WheelSizes>> {
  const sizes = new Map<string, WheelSizes>();
  const waiting = urls.filter((url) => /^https?:/.test(url));
  const work = async (): Promise<void> => {
    for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
      const at = url;
      sizes.set(at, await readOne(at, access, signal).catch(() => UNKNOWN));
      signal.throwIfAborted();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return sizes;
}

async function readOne(url: string, access: IndexAccess, signal: AbortSignal): Promise<WheelSizes> {
  const ask = (range: string, maxBytes: number): ReturnType<typeof askIndex> => askIndex({ url: url.split('#')[0] ?? url, headers: { range }, maxBytes, timeoutMs: TIMEOUT_MS, signal }, access);
  const tail = await ask(`bytes=-${TAIL}`, TAIL);
  const size = Number(/\/(\d+)$/.exec(String(tail.headers['content-range'] ?? ''))?.[1] ?? (tail.status === 200 ? (tail.headers['content-length'] ?? Number.NaN) : Number.NaN));
  if (!Number.isSafeInteger(size) || size <= 0) return UNKNOWN;
  // The whole file came although only its end was asked for: the server knows no ranges.
  if (tail.status !== 206) return { downloadBytes: size, unpackedBytes: tail.cut ? null : sumDirectory(tail.body, 0) };
  const end = findEnd(tail.body);
  if (end === null) return { downloadBytes: size, unpackedBytes: null };
  const start = size - tail.body.length;
  if (end.offset >= start) return { downloadBytes: size, unpackedBytes: sumDirectory(tail.body, start) };
  if (end.length > MAX_DIRECTORY) return { downloadBytes: size, unpackedBytes: null };
  const directory = await ask(`bytes=${end.offset}-${size - 1}`, MAX_DIRECTORY + TAIL);
  return { downloadBytes: size, unpackedBytes: directory.status === 206 ? sumDirectory(directory.body, end.offset) : null };
}

/** The end-of-directory record (APPNOTE 4.3.16); null when it is not there or points to zip64. */
function findEnd(bytes: Buffer): { readonly offset: number; readonly length: number } | null {
  for (let at = bytes.length - 22; at >= 0; at -= 1) {
    if (bytes.readUInt32LE(at) !== 0x06054b50) continue;
    const length = bytes.readUInt32LE(at + 12);
    const offset = bytes.readUInt32LE(at + 16);
    return offset === 0xffffffff ? null : { offset, length };
  }
  return null;
}

/** Unpacked sizes of all entries; `start`: where in the file these bytes begin. Null when it does not fit the format. */
function sumDirectory(bytes: Buffer, start: number): number | null {
  const end = findEnd(bytes);
  if (end === null || end.offset < start) return null;
  let sum = 0;
  let at = end.offset - start;
  const last = at + end.length;
  if (last > bytes.length) return null;
  while (at + 46 <= last) {
    if (bytes.readUInt32LE(at) !== 0x02014b50) return null;
    const size = bytes.readUInt32LE(at + 24);
    // Larger than 4 GB: its real size stands in an extra field, and no wheel has such a file.
    if (size === 0xffffffff) return null;
    sum += size;
    at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
  return at === last ? sum : null;
}
