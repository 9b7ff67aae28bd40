import { open } from 'node:fs/promises';
import { problemOf } from '../../../contract/problem.ts';

/**
 * SHA-256 of a file, hexadecimal, with the bytes done so far. Made by another process (the model probe's): a core is at
 * work for 20 to 100 s with 40 GB, and the engine's loop must stay free for samples meanwhile.
 */
export type HashFile = (path: string, signal: AbortSignal, onProgress: (doneBytes: number) => void) => Promise<string>;

/** That process reads files of others, too, and may die over one of them, which says nothing of this one. */
const TRIES = 3;

/** The same, begun anew where its process ended. @throws ProblemError of the last try; the signal's reason */
export function hashPatiently(hash: HashFile): HashFile {
  return async (path, signal, onProgress) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await hash(path, signal, onProgress);
      } catch (error) {
        signal.throwIfAborted();
        if (tries === TRIES || problemOf(error)?.code !== 'worker.gone') throw error;
      }
    }
  };
}

/** The first four bytes say that it is a model. */
export async function hasMagic(path: string): Promise<boolean> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.toString('latin1') === 'GGUF';
  } finally {
    await handle.close();
  }
}
