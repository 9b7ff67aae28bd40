import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What of a folder differs after somebody installed there: itself, its entries' list, and torch's version file. */
export async function readFolderMark(path: string): Promise<string> {
  const marks = await Promise.all([path, join(path, 'version.py')].map(async (one) => {
    try {
      const facts = await stat(one, { bigint: true });
      return `${facts.dev}:${facts.ino}:${facts.mtimeNs}:${facts.size}`;
    } catch {
      return '-';
    }
  }));
  return marks.join(' ');
}
