import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Of what we write or edit; more is none of ours. */
export const MAX_FILE_BYTES = 1 << 20;

export type FoundFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'file'; readonly text: string; readonly sha256: string; readonly mode: number }
  /** A link, a folder, a pipe, too large, no UTF-8, or not readable. */
  | { readonly kind: 'other'; readonly why: string };

export const sha256Of = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** What stands at a path; links are not followed. */
export async function readFound(path: string): Promise<FoundFile> {
  try {
    // Not waited for, should it be a pipe.
    const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const info = await handle.stat();
      if (!info.isFile()) return { kind: 'other', why: 'it is no file' };
      if (info.size > MAX_FILE_BYTES) return { kind: 'other', why: 'it is too large' };
      const bytes = await handle.readFile();
      const text = bytes.toString('utf8');
      if (!Buffer.from(text, 'utf8').equals(bytes)) return { kind: 'other', why: 'it is no UTF-8 text' };
      return { kind: 'file', text, sha256: sha256Of(text), mode: info.mode & 0o777 };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    return { kind: 'other', why: code === 'ELOOP' ? 'it is a link' : error instanceof Error ? error.message : String(error) };
  }
}
