import type { IncomingHttpHeaders } from 'node:http';
import { parseContentRange } from '../hub/parse-content-range.ts';
import type { Validator } from './download-record.ts';

/** What is known of the file on the server before this answer. */
export interface KnownFile {
  readonly totalBytes: number | null;
  readonly validator: Validator | null;
  readonly announcedBytes: number | null;
  readonly sha256: string | null;
  /** Bytes of it are here, or on their way. */
  readonly begun: boolean;
}
export interface AnswerHead {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly linkedEtag: string | null;
}
export type Judgement =
  /** The body begins at `start`. */
  | { readonly is: 'bytes'; readonly start: number; readonly end: number | null; readonly total: number | null; readonly validator: Validator; readonly ranges: boolean }
  | { readonly is: 'changed' }
  | { readonly is: 'not_model'; readonly what: string }
  | { readonly is: 'busy'; readonly waitMs: number | null }
  | { readonly is: 'refused' }
  /** Another part than was asked for. */
  | { readonly is: 'wrong_part' };

const MAX_WAIT_MS = 60_000;

const header = (value: string | string[] | undefined, most: number): string | null => (typeof value === 'string' && value.length <= most ? value : null);
const bare = (etag: string): string => etag.replace(/^W\//, '');

export function validatorOf(head: AnswerHead): Validator {
  return { etag: header(head.headers.etag, 1000), lastModified: header(head.headers['last-modified'], 200), linked: head.linkedEtag };
}

/** null: they have nothing in common that could be compared. Pure. */
export function isSameFile(a: Validator, b: Validator): boolean | null {
  if (a.linked !== null && b.linked !== null) return a.linked === b.linked;
  if (a.etag !== null && b.etag !== null) return bare(a.etag) === bare(b.etag);
  if (a.lastModified !== null && b.lastModified !== null) return a.lastModified === b.lastModified;
  return null;
}

/** Something by which parts of one file can be told from parts of another. Pure. */
export const canTellApart = (validator: Validator | null, sha256: string | null): boolean => sha256 !== null || (validator !== null && (validator.linked !== null || validator.etag !== null || validator.lastModified !== null));

/** The value for If-Range: only a strong mark may be used (RFC 9110, 13.1.5); the hub's own is compared by us. Pure. */
export function ifRangeOf(validator: Validator | null): string | null {
  if (validator === null || validator.linked !== null) return null;
  if (validator.etag !== null) return validator.etag.startsWith('W/') ? null : validator.etag;
  return validator.lastModified;
}

/** What to make of an answer. `at`: the first byte asked for; null: the whole file was. Pure. */
export function judgeAnswer(head: AnswerHead, at: number | null, known: KnownFile): Judgement {
  const { status, headers } = head;
  if (status === 429 || status === 408 || status >= 500) return { is: 'busy', waitMs: parseRetryAfter(headers['retry-after']) };
  const validator = validatorOf(head);
  const same = known.validator === null ? null : isSameFile(known.validator, validator);
  if (status === 416) {
    const there = /^bytes \*\/(\d{1,15})$/.exec(headers['content-range'] ?? '')?.[1];
    if (!known.begun && (there === undefined || there === '0')) return { is: 'not_model', what: 'an empty file' };
    if (there !== undefined && known.totalBytes !== null && Number(there) === known.totalBytes) return { is: 'wrong_part' };
    return same === true ? { is: 'not_model', what: `${there ?? 'fewer'} bytes, having promised ${known.totalBytes ?? 'more'}` } : { is: 'changed' };
  }
  if (status !== 200 && status !== 206) return { is: 'refused' };
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') return { is: 'not_model', what: `a file packed as ${encoding.slice(0, 20)}, which was not asked for` };
  // A sign-in page in the middle of a download is not a changed file.
  if (status === 200 && (headers['content-type'] ?? '').startsWith('text/html') && at !== null && at > 0) return { is: 'not_model', what: 'a web page' };
  const range = status === 206 ? parseContentRange(headers['content-range']) : null;
  if (status === 206 && (range === null || at === null || range.start !== at)) return { is: 'wrong_part' };
  const length = /^\d{1,15}$/.test(headers['content-length'] ?? '') ? Number(headers['content-length']) : null;
  const total = status === 206 ? (range?.total ?? null) : length;
  if (known.begun) {
    if (same === false || (total !== null && known.totalBytes !== null && total !== known.totalBytes)) return { is: 'changed' };
    // The mark that was there is not there any more, and no checksum would find it out.
    if (same === null && known.validator !== null && canTellApart(known.validator, null) && known.sha256 === null) return { is: 'changed' };
  }
  if (total !== null && known.announcedBytes !== null && total !== known.announcedBytes) return { is: 'not_model', what: `a file of ${total} bytes; ${known.announcedBytes} were announced` };
  return { is: 'bytes', start: range?.start ?? 0, end: range?.end ?? total, total, validator, ranges: status === 206 };
}

/** Seconds or a date; bounded. Pure but for the clock. */
export function parseRetryAfter(text: string | undefined, nowMs: number = Date.now()): number | null {
  if (text === undefined) return null;
  const ms = /^\d{1,6}$/.test(text) ? Number(text) * 1000 : /^[A-Z][a-z]{2}, /.test(text) ? Date.parse(text) - nowMs : NaN;
  return Number.isFinite(ms) ? Math.min(MAX_WAIT_MS, Math.max(0, ms)) : null;
}
