import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../../contract/problem.ts';

/** Trouble on the way that may pass by itself: worth another try, unlike a Problem. */
export interface Trouble extends Error {
  /** `stalled`: silence; `connection`: none, or broken; `busy`: the server asks for patience. */
  readonly trouble: 'stalled' | 'connection' | 'busy';
  readonly host: string;
  /** So long the server wants to be left alone; null: it did not say. */
  readonly waitMs: number | null;
  readonly status: number | null;
  /** Nobody is there: refused, no such name, no way to it. Another try a moment later hears the same. */
  readonly absent: boolean;
}

/** Of connect(2) and of name servers: what is heard of a place where nobody is, or on a machine without a network. */
const ABSENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL']);

/** Whether an error of a connection means that nobody is there, at each of the addresses that were tried. Pure. */
export function isAbsence(error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isAbsence);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && ABSENT.has(error.code);
}

export function makeTrouble(trouble: Trouble['trouble'], host: string, message: string, more: { readonly cause?: unknown; readonly waitMs?: number | null; readonly status?: number; readonly absent?: boolean } = {}): Trouble {
  const error = new Error(message, more.cause === undefined ? {} : { cause: more.cause });
  return Object.assign(error, { trouble, host, waitMs: more.waitMs ?? null, status: more.status ?? null, absent: more.absent ?? false });
}

export const isTrouble = (error: unknown): error is Trouble => error instanceof Error && 'trouble' in error && 'host' in error;

/** What is said when no further try is made. Pure. */
export function problemOfTrouble(error: Trouble, tries: number, stallMs: number, url: string): ProblemError {
  if (error.trouble === 'stalled') return problemError('download.stalled', { host: error.host, seconds: Math.round(stallMs / 100) / 10, tries }, { cause: error });
  if (error.status === 429) return problemError('download.refused', { url, status: 429, detail: 'It has had too many requests from here.', remedy: `Resume in ${error.waitMs === null ? 'some minutes' : `${Math.ceil(error.waitMs / 1000)} s`}. With a token of your account (Settings, Secrets) the hub allows more.` }, { cause: error });
  return problemError('download.no_answer', { host: error.host, detail: error.message }, { cause: error });
}
