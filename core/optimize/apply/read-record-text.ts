import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Some kernel.json files of 1 MiB each, with their escapes. */
const MAX_BYTES = 32 << 20;

/** The text of a small file; null: there is none, it is none, or it is too large. */
export async function readRecordText(path: string, maxBytes = MAX_BYTES): Promise<string | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const info = await handle.stat();
      return info.isFile() && info.size <= maxBytes ? await handle.readFile('utf8') : null;
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}
