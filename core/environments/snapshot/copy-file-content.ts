import { hash as hashOnce } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, open, readFile } from 'node:fs/promises';
import type { FileStamp } from './walk-tree.ts';

const CHUNK = 1 << 20;
const ZEROS = Buffer.alloc(CHUNK);
/** Read whole, hashed on the way. */
const SMALL = 1 << 20;

/**
 * A copy that is on the disk when this returns: content, permission bits, time of change; holes stay holes. Small
 * files answer their SHA-256, larger ones null.
 */
export async function copyFileContent(from: Buffer, to: Buffer, stamp: Pick<FileStamp, 'size' | 'mode' | 'mtimeUs' | 'diskBytes'>, signal?: AbortSignal): Promise<string | null> {
  let sum: string | null = null;
  const isSparse = stamp.size > SMALL && stamp.diskBytes < stamp.size * 0.9;
  // The kernel copies large files itself (copy_file_range).
  if (stamp.size > SMALL && !isSparse) await copyFile(from, to, constants.COPYFILE_EXCL);
  const content = stamp.size <= SMALL ? await readFile(from) : null;
  const handle = await open(to, content === null && !isSparse ? 'r+' : 'wx', 0o600);
  try {
    if (content !== null) {
      sum = hashOnce('sha256', content, 'hex');
      await handle.writeFile(content);
    } else if (isSparse) {
      await copyHoles(from, handle, stamp.size, signal);
    }
    await handle.chmod(stamp.mode);
    await handle.utimes(stamp.mtimeUs / 1e6, stamp.mtimeUs / 1e6);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return sum;
}

async function copyHoles(from: Buffer, target: Awaited<ReturnType<typeof open>>, size: number, signal?: AbortSignal): Promise<void> {
  const source = await open(from, 'r');
  try {
    const piece = Buffer.allocUnsafe(CHUNK);
    for (let at = 0; ;) {
      signal?.throwIfAborted();
      const { bytesRead } = await source.read(piece, 0, CHUNK, at);
      if (bytesRead === 0) break;
      const part = piece.subarray(0, bytesRead);
      if (!part.equals(ZEROS.subarray(0, bytesRead))) await writeAll(target, part, at);
      at += bytesRead;
    }
    await target.truncate(size);
  } finally {
    await source.close();
  }
}

/** A disk with some room writes short; the next write then says why. */
async function writeAll(target: Awaited<ReturnType<typeof open>>, part: Buffer, at: number): Promise<void> {
  for (let done = 0; done < part.length;) done += (await target.write(part, done, part.length - done, at + done)).bytesWritten;
}
