import { createHash, hash as hashOnce } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { forEachLimited } from './for-each-limited.ts';
import { fullPath } from './tree-path.ts';
import { walkTree } from './walk-tree.ts';

const CHUNK = 1 << 20;

/** SHA-256 of a file's content, hex. Large files are read in pieces of 1 MB. */
export async function hashFile(path: Buffer, size: number, signal?: AbortSignal): Promise<string> {
  if (size <= CHUNK) return hashOnce('sha256', await readFile(path), 'hex');
  const sum = createHash('sha256');
  const handle = await open(path, 'r');
  try {
    const piece = Buffer.allocUnsafe(CHUNK);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(piece, 0, CHUNK, null);
      if (bytesRead === 0) break;
      sum.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
  return sum.digest('hex');
}

/**
 * One SHA-256 over all paths, types, permission bits, link targets and contents below a prefix, in byte order.
 * Times, owners and inodes do not count; Warpdeck's own lock and work folder and environments inside do not either.
 */
export async function hashTree(prefix: string, signal?: AbortSignal): Promise<string> {
  const { entries } = await walkTree(prefix, signal);
  const lines: string[] = [];
  await forEachLimited(entries, 8, async (entry) => {
    const what = entry.type === 'file' ? await hashFile(fullPath(prefix, entry.path), entry.stamp.size, signal) : entry.type === 'link' ? entry.target : '';
    // The permission bits of a link mean nothing, and differ between systems.
    lines.push(`${entry.path}\0${entry.type}\0${entry.type === 'link' ? '' : entry.stamp.mode.toString(8)}\0${what}`);
  }, signal);
  return hashOnce('sha256', Buffer.from(lines.sort().join('\0\0'), 'latin1'), 'hex');
}
