import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;
/** Two files at a time keep a disk busy; hashing itself is one core each. */
const AT_ONCE = 2;

/**
 * SHA-256 of files as RECORD writes it: `sha256=` and URL-safe base64 without padding. Null for what is no regular file
 * or cannot be read. Files of any size are read in pieces. An aborted signal ends it with the signal's reason.
 */
export async function hashFiles(paths: readonly string[], options: { readonly signal?: AbortSignal; readonly onBytes?: (bytes: number) => void } = {}): Promise<Map<string, string | null>> {
  const hashes = new Map<string, string | null>();
  const waiting = [...new Set(paths)].values();
  const work = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (const path of waiting) {
      options.signal?.throwIfAborted();
      hashes.set(path, await hashFile(path, buffer, options));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return hashes;
}

async function hashFile(path: string, buffer: Buffer, options: { readonly signal?: AbortSignal; readonly onBytes?: (bytes: number) => void }): Promise<string | null> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // Not blocking: a pipe in a file's place would wait for a writer for ever.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch {
    return null;
  }
  try {
    if (!(await file.stat()).isFile()) return null;
    const hash = createHash('sha256');
    for (;;) {
      options.signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      options.onBytes?.(bytesRead);
    }
    return `sha256=${hash.digest('base64url')}`;
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    return null;
  } finally {
    await file.close();
  }
}
