import { open } from 'node:fs/promises';
import { problemError } from '../../contract/problem-catalogue.ts';

/** What the engine takes, in characters; a file of more bytes is not read to its end. */
const MOST = 8_000_000;

/** The text of a file, or of a pipe, that is to be taken over. Bounded. @throws ProblemError `bench.import` */
export async function readImport(path: string): Promise<string> {
  const refuse = (detail: string, cause?: unknown): Error => problemError('bench.import', { detail: `${path} ${detail}` }, { cause });
  const handle = await open(path, 'r').catch((error: unknown) => { throw refuse(`cannot be read: ${detailOf(error)}.`, error); });
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > MOST) throw refuse(`is larger than ${String(MOST / 1_000_000)} MB.`);
      chunks.push(chunk);
    }
    if (size < 2) throw refuse('is empty.');
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw refuse(`cannot be read: ${detailOf(error)}.`, error);
    throw error;
  } finally {
    await handle.close();
  }
}

const detailOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
