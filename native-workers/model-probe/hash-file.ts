import { createHash } from 'node:crypto';
import { openForReading } from './open-for-reading.ts';

const CHUNK = 4 * 1_048_576;

/** SHA-256 of a whole file, hexadecimal; null when it was called off. `onProgress` hears the bytes done after each 4 MiB. @throws ProblemError */
export async function hashFile(path: string, calledOff: AbortSignal, onProgress: (doneBytes: number) => void): Promise<string | null> {
  const { handle } = await openForReading(path);
  let reading: Promise<{ readonly bytesRead: number }> | null = null;
  try {
    const hash = createHash('sha256');
    let [next, other] = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)];
    reading = handle.read(next, 0, CHUNK, 0);
    for (let done = 0; ;) {
      const { bytesRead } = await reading;
      if (calledOff.aborted) return null;
      if (bytesRead === 0) return hash.digest('hex');
      done += bytesRead;
      const here = next;
      // The next piece is read while this one is hashed.
      [next, other] = [other, here];
      reading = handle.read(next, 0, CHUNK, done);
      // An error of it is met in the next turn, or of no interest any more.
      reading.catch(() => undefined);
      hash.update(here.subarray(0, bytesRead));
      onProgress(done);
    }
  } finally {
    // Not closed under a read.
    await reading?.catch(() => undefined);
    await handle.close();
  }
}
