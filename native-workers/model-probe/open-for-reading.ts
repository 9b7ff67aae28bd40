import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { problemError } from '../../contract/problem-catalogue.ts';

/**
 * Opens a plain file. Never waits for a writer of a pipe (O_NONBLOCK), and reads nothing that is no plain file.
 * @throws ProblemError `model.not_gguf`, `model.not_found`
 */
export async function openForReading(path: string): Promise<{ handle: FileHandle; bytes: number; changedAtMs: number }> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') throw problemError('model.not_found', { what: path });
    throw problemError('model.not_gguf', { path, what: `not readable (${code || String(error)})`, remedy: 'Make it readable for this user.' });
  }
  const stat = await handle.stat();
  if (stat.isFile()) return { handle, bytes: stat.size, changedAtMs: stat.mtimeMs };
  await handle.close();
  throw problemError('model.not_gguf', { path, what: stat.isDirectory() ? 'a folder' : 'a device or a pipe', remedy: 'Name the model file itself.' });
}
