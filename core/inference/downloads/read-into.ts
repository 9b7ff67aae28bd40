import type { ProblemError } from '../../../contract/problem.ts';
import { describeBody } from '../hub/describe-body.ts';
import type { Answer } from '../hub/open-answer.ts';
import { isTrouble, makeTrouble } from '../hub/trouble.ts';
import type { Claim } from './claims.ts';
import type { PartFile } from './part-file.ts';

export interface ReadOptions {
  readonly answer: Answer;
  readonly claim: Claim;
  readonly part: PartFile;
  readonly stallMs: number;
  readonly onBytes: (count: number) => void;
  readonly notModel: (what: string) => ProblemError;
  /** The server did not say how long it is: its end is the end. */
  readonly endless?: boolean;
}

/** One write for so many bytes: a chunk off the network has 64 KB, and every write is a hop to another thread. */
const WRITE_BYTES = 1024 * 1024;

/**
 * Brings a body into the part file, up to the claim's end. What has come before a break is kept. The first bytes of a
 * file must be those of a model. @throws Trouble, ProblemError `download.not_model`, errors of the file system
 */
export async function readInto({ answer, claim, part, stallMs, onBytes, notModel, endless = false }: ReadOptions): Promise<void> {
  const { body } = answer;
  const host = answer.url.host;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let writing = false;
  let checked = claim.at > 0;

  const timer = setTimeout(() => {
    // A slow disk is not a silent server.
    if (writing) timer.refresh();
    else body.destroy(makeTrouble('stalled', host, 'It stopped sending.'));
  }, stallMs);
  const flush = async (): Promise<void> => {
    if (pendingBytes === 0 || !checked) return;
    const chunks = pending;
    const count = pendingBytes;
    pending = [];
    pendingBytes = 0;
    writing = true;
    await part.write(claim.at - count, chunks, count);
    writing = false;
    timer.refresh();
  };
  const checkMagic = (): void => {
    if (checked || pendingBytes < 4) return;
    const start = Buffer.concat(pending);
    if (start.toString('latin1', 0, 4) !== 'GGUF') throw notModel(describeBody(start, answer.headers['content-type']));
    checked = true;
  };

  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      timer.refresh();
      const room = claim.end - claim.at;
      const usable = chunk.length > room ? chunk.subarray(0, Math.max(0, room)) : chunk;
      if (usable.length > 0) {
        pending.push(usable);
        pendingBytes += usable.length;
        claim.at += usable.length;
        onBytes(usable.length);
        checkMagic();
      }
      if (pendingBytes >= WRITE_BYTES || claim.at >= claim.end) await flush();
      // More than was asked for, or the rest was taken over by another connection.
      if (chunk.length > room) break;
    }
    if (!checked) throw notModel(describeBody(Buffer.concat(pending), answer.headers['content-type']));
    await flush();
  } catch (error) {
    await flush();
    if (!(error instanceof Error) || isTrouble(error) || !isOfConnection(error)) throw error;
    throw makeTrouble('connection', host, `The connection broke (${error.message}).`, { cause: error });
  } finally {
    clearTimeout(timer);
    body.on('error', () => undefined).destroy();
  }
  if (claim.at < claim.end && !endless) throw makeTrouble('connection', host, `It closed the connection ${claim.end - claim.at} bytes early.`);
}

/** `aborted`, ECONNRESET and their kin come from the body; all else from the disk or from us. */
const isOfConnection = (error: Error): boolean => 'code' in error && typeof error.code === 'string' && /^(?:ECONN|EPIPE|ETIMEDOUT|ENET|EHOST|ERR_STREAM|ERR_SSL|ERR_TLS|HPE_|ERR_HTTP|UND_)/.test(error.code);
