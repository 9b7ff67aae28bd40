import type { HistoryEvent, HistoryStatus } from '../../../contract/history.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { BenchmarkCalls } from '../benchmarks/benchmark-calls.ts';
import type { ChatCalls } from '../chat/chat-calls.ts';
import type { EffectsCalls } from '../effects/effects-calls.ts';

/** Between the engine and its storage thread: both are made from the same sources, so nothing is parsed here. */
export interface ThreadOptions {
  /** null: nothing is kept on disk. */
  readonly databasePath: string | null;
  /** Batches that the thread has taken, so that the engine knows how far it lags behind. */
  readonly taken: SharedArrayBuffer;
}

/** How the history is kept; the thread gets it after its start. */
export interface StorageOptions {
  readonly databasePath: string;
  /** Samples are written this often; so much is lost at most when the machine loses power. */
  readonly flushMs: number;
  /** Opening is tried again after this when the disk was full, the file locked or not allowed. */
  readonly retryMs: number;
  readonly limits: StorageLimits;
  readonly nowMs: number;
}

export interface StorageLimits {
  readonly sizeCapBytes: number;
  readonly minuteDays: number;
}

/** One second of all devices: METRIC_COUNT values each, in the order of `uuids`. */
export interface SecondsBatch {
  readonly t: 'seconds';
  readonly atMs: number;
  readonly nowMs: number;
  readonly uuids: readonly string[];
  readonly values: Float64Array<ArrayBuffer>;
}

/** Raw readings that the thread does not have: rows of the asked metrics. */
export interface RawChunk {
  readonly uuid: string;
  /** From here on no reading is missing. */
  readonly wholeFromMs: number;
  readonly times: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
}

export interface SeriesRequest {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly maxPoints: number;
  /** null: every device that has anything in this span. */
  readonly uuids: readonly string[] | null;
  readonly metricNumbers: readonly number[];
  readonly raw: readonly RawChunk[];
}

/** NaN is null; `columns[k]` belongs to metric k of the asked ones. */
export interface SeriesAnswer {
  readonly uuid: string;
  readonly stepMs: number;
  readonly finestMs: number;
  readonly times: Float64Array<ArrayBuffer>;
  readonly columns: readonly Float64Array<ArrayBuffer>[];
}

export interface ExportRequest {
  readonly fromMs: number;
  readonly toMs: number;
  readonly format: 'csv' | 'jsonl';
}
/** One piece of text and where the next one begins; null at the end. */
export interface ExportPiece {
  readonly text: string;
  readonly nextMs: number | null;
}

export interface StoreFacts {
  readonly sizeBytes: number;
  readonly oldestMs: number | null;
  readonly second: number;
  readonly minute: number;
}

export interface StorageCalls extends ChatCalls, BenchmarkCalls, EffectsCalls {
  readonly query: { readonly input: SeriesRequest; readonly output: SeriesAnswer[] };
  readonly events: { readonly input: { readonly fromMs: number; readonly toMs: number }; readonly output: HistoryEvent[] };
  readonly export: { readonly input: ExportRequest; readonly output: ExportPiece };
  readonly facts: { readonly input: null; readonly output: StoreFacts };
  /** Writes what is in memory. */
  readonly flush: { readonly input: null; readonly output: null };
  /** Writes what is in memory and closes the database. */
  readonly close: { readonly input: null; readonly output: null };
}
export type StorageOp = keyof StorageCalls;

export type ToStorage =
  | { readonly t: 'history'; readonly options: StorageOptions }
  | SecondsBatch
  | { readonly t: 'devices'; readonly devices: readonly { readonly uuid: string; readonly name: string }[] }
  | { readonly t: 'event'; readonly event: Omit<HistoryEvent, 'id'> }
  | { readonly t: 'limits'; readonly limits: StorageLimits }
  | { readonly t: 'call'; readonly id: number; readonly op: StorageOp; readonly input: unknown };

export interface StoreState {
  readonly state: HistoryStatus['state'];
  readonly reason: string | null;
  readonly problem: Problem | null;
}

export type FromStorage =
  | { readonly t: 'reply'; readonly id: number; readonly value?: unknown; readonly error?: string; readonly problem?: Problem }
  | ({ readonly t: 'state' } & StoreState)
  | { readonly t: 'log'; readonly level: 'info' | 'warn'; readonly message: string; readonly fields: Readonly<Record<string, unknown>> };
