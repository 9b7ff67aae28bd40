import { stat } from 'node:fs/promises';

/** What tells one state of a file from another without reading it. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
  readonly bytes: number;
  readonly changedAtMs: number;
}

/** null: it is not there any more, or cannot be looked at. */
export async function readFileIdentity(path: string): Promise<FileIdentity | null> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(path);
    return { device: dev, inode: ino, bytes: size, changedAtMs: mtimeMs };
  } catch {
    return null;
  }
}

/** A file that is gone can still be read by whoever has it open; one that was replaced or written to is another. */
export function isOther(loaded: FileIdentity | null, now: FileIdentity | null): boolean {
  if (loaded === null || now === null) return false;
  return loaded.device !== now.device || loaded.inode !== now.inode || loaded.bytes !== now.bytes || loaded.changedAtMs !== now.changedAtMs;
}
