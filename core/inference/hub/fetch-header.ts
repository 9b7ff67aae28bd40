import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { describeBody } from './describe-body.ts';
import { measureHeader } from './measure-header.ts';
import { readBody, type Answer, type Http } from './open-answer.ts';
import { parseContentRange } from './parse-content-range.ts';
import { showUrl } from './decide-address.ts';

/** The first part of a file on a server, in a temporary file of ours. */
export interface FetchedHeader {
  readonly path: string;
  /** Of the whole file on the server. */
  readonly totalBytes: number;
  remove(): Promise<void>;
}
export interface HeaderQuestion {
  readonly http: Http;
  readonly url: string;
  readonly token: string | null;
  /** First guess; it grows until the header is whole. */
  readonly bytes: number;
  readonly signal: AbortSignal;
  readonly idleMs: number;
  readonly refuse: (answer: Answer) => Promise<never>;
}

/** A vocabulary of 256 k tokens with its merges takes about 16 MB. */
const MAX_HEADER = 96 * 1024 * 1024;
const LEAST = 64 * 1024;

/** Fetches the header of a GGUF file by ranges. @throws ProblemError `download.not_model`, `download.refused`, …, Trouble */
export async function fetchHeader({ http, url, token, bytes, signal, idleMs, refuse }: HeaderQuestion): Promise<FetchedHeader> {
  let have: Buffer = Buffer.alloc(0);
  let want = Math.min(MAX_HEADER, Math.max(LEAST, bytes));
  let totalBytes: number | null = null;
  for (;;) {
    const answer = await http.open({ url, token, signal, idleMs, headers: { range: `bytes=${have.length}-${want - 1}` } });
    if (answer.status !== 206 && answer.status !== 200) await refuse(answer);
    const range = answer.status === 206 ? parseContentRange(answer.headers['content-range']) : null;
    if (answer.status === 206 && range?.start !== have.length) {
      answer.body.destroy();
      throw problemError('download.not_model', { url: showUrl(url), what: 'another part of the file than was asked for' });
    }
    const declared = answer.headers['content-length'];
    const total: number | null = range?.total ?? (answer.status === 200 && declared !== undefined ? Number(declared) : null);
    if (answer.status === 200) have = Buffer.alloc(0);
    const body = await readBody(answer, want - have.length, idleMs);
    have = Buffer.concat([have, body.bytes]);
    totalBytes = total ?? totalBytes ?? have.length;
    const length = measureHeader(have);
    if (length.state === 'not_gguf') throw problemError('download.not_model', { url: showUrl(url), what: describeBody(have, answer.headers['content-type']) });
    if (length.state === 'damaged') throw problemError('model.damaged', { path: showUrl(url), detail: length.detail });
    if (length.state === 'whole') break;
    // What is there is cut: the file itself is said to be so by who reads it.
    if (have.length >= totalBytes || body.bytes.length === 0) break;
    if (length.atLeast > MAX_HEADER || want >= MAX_HEADER) throw problemError('model.damaged', { path: showUrl(url), detail: `Its header is longer than ${MAX_HEADER / 1_048_576} MiB.` });
    want = Math.min(MAX_HEADER, totalBytes, Math.max(want * 2, length.atLeast));
  }
  const folder = await mkdtemp(join(tmpdir(), 'warpdeck-header-'));
  const path = join(folder, 'header.gguf');
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const handle = await open(path, 'wx', 0o600);
    try {
      await handle.writeFile(have);
    } finally {
      await handle.close();
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, totalBytes, remove };
}
