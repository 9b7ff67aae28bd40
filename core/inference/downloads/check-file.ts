import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Large enough that the disk is the limit, small enough that the engine's loop is held up for a millisecond or two. */
const BLOCK = 1024 * 1024;

/** SHA-256 of a file, hexadecimal. @throws the signal's reason, errors of the file system */
export async function hashFile(path: string, signal: AbortSignal, onBytes: (count: number) => void): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    const blocks = [Buffer.allocUnsafe(BLOCK), Buffer.allocUnsafe(BLOCK)] as const;
    let position = 0;
    let reading = handle.read(blocks[0], 0, BLOCK, position);
    for (let turn = 0; ; turn += 1) {
      const { bytesRead } = await reading;
      signal.throwIfAborted();
      if (bytesRead === 0) return hash.digest('hex');
      position += bytesRead;
      // The next block is read while this one is hashed.
      reading = handle.read(turn % 2 === 0 ? blocks[1] : blocks[0], 0, BLOCK, position);
      reading.catch(() => undefined);
      hash.update((turn % 2 === 0 ? blocks[0] : blocks[1]).subarray(0, bytesRead));
      onBytes(bytesRead);
    }
  } finally {
    await handle.close();
  }
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
