import { createHash } from 'node:crypto';
import { openForReading } from './open-for-reading.ts';

const CHUNK = 4 * 1_048_576;

/** SHA-256 of a whole file, hexadecimal; null when it was called off. `onProgress` hears the bytes done after each 4 MiB. @throws ProblemError */
export async function hashFile(path: string, calledOff: AbortSignal, onProgress: (doneBytes: number) => void): Promise<string | null> {
  const { handle } = await openForReading(path);
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let done = 0; !calledOff.aborted;) {
      const { bytesRead } = await handle.read(buffer, 0, CHUNK, done);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
      done += bytesRead;
      onProgress(done);
    }
    return null;
  } finally {
    await handle.close();
  }
}
