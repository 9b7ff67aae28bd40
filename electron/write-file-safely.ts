import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes beside, checks, syncs, renames: a full disk or a crash leaves the old file as it was. Popular packages
 * ignore a short write and rename the cut file over the good one.
 */
export async function writeFileSafely(path: string, bytes: Uint8Array): Promise<void> {
  const beside = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    const written = (await stat(beside)).size;
    if (written !== bytes.byteLength) throw new Error(`only ${String(written)} of ${String(bytes.byteLength)} bytes were written`);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  if (process.platform !== 'win32') {
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  }
}
