import type { ProblemError } from '../../../contract/problem.ts';
import type { Answer } from '../hub/open-answer.ts';
import type { Trouble } from '../hub/trouble.ts';
import type { FileRecord, Validator } from './download-record.ts';
import type { KnownFile } from './judge-answer.ts';
import type { PartFile } from './part-file.ts';

export interface FetchLimits {
  /** Without one byte for so long, a connection stands still, ms. */
  readonly stallMs: number;
  /** Tries in a row without progress. */
  readonly tries: number;
  /** Before the second try, ms; doubles with each. */
  readonly backoffMs: number;
  /** What one request asks for, bytes; null: by the size of the file. */
  readonly pieceBytes: number | null;
}
/** 30 s of silence and six tries: what people know from peers (reliability-security.md, 5). */
export const FETCH_LIMITS: FetchLimits = { stallMs: 30_000, tries: 6, backoffMs: 500, pieceBytes: null };

export interface FetchOptions {
  readonly file: Pick<FileRecord, 'announcedBytes' | 'sha256' | 'totalBytes' | 'validator'>;
  /** For people. */
  readonly url: string;
  readonly part: PartFile;
  readonly open: (headers: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Answer>;
  /** A server has answered since the download was begun or resumed: silence after that may pass. */
  readonly wasHeard: () => boolean;
  readonly refusalOf: (answer: Answer) => Promise<ProblemError>;
  /** Told once the server has said what it has, before anything is written. May throw (no room). */
  readonly learn: (facts: { readonly totalBytes: number | null; readonly validator: Validator | null }) => Promise<void>;
  readonly connections: number;
  readonly limits: FetchLimits;
  readonly signal: AbortSignal;
  readonly onBytes: (count: number) => void;
  readonly onConnections: (count: number) => void;
  readonly log: (text: string) => void;
}

/** An answer that gives bytes, and what it says of the file. */
export interface GoodAnswer {
  readonly answer: Answer;
  readonly total: number | null;
  readonly validator: Validator;
  readonly ranges: boolean;
}
/** What the connections of one file share. */
export interface Fetching extends FetchOptions {
  known(): KnownFile;
  /** Stores what the server said; from now on it may not change. */
  note(totalBytes: number | null, validator: Validator | null): Promise<void>;
  /** It is begun anew: whatever the server has now is taken. */
  forget(): void;
  notModel(what: string): ProblemError;
  /** One request. `at` null: the whole file. @throws ProblemError, Trouble */
  request(at: number | null, end: number, signal: AbortSignal): Promise<GoodAnswer>;
}

/** So often is asked where nobody has been heard yet and nobody is there: half a second, for a server that is just starting. */
const TRIES_ABSENT = 2;

/** After how many tries in a row it is given up. Who waits for a first byte hears soon that nobody is there. Pure. */
export const decideTries = (trouble: Pick<Trouble, 'absent'>, wasHeard: boolean, tries: number): number => (trouble.absent && !wasHeard ? Math.min(TRIES_ABSENT, tries) : tries);

/** How long to wait before try number `tries + 1`: as the server says, else twice as long each time. Pure. */
export const decidePause = (trouble: Pick<Trouble, 'waitMs'>, tries: number, backoffMs: number): number => trouble.waitMs ?? backoffMs * 2 ** (tries - 1);
