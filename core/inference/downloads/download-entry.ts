import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Download } from '../../../contract/models.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { DownloadRecord } from './download-record.ts';
import { doneOf, totalOf } from './run-download.ts';
import { createSpeedMeter, type SpeedMeter } from './speed-meter.ts';

/** A download as the engine holds it: the journal's record, and what only lives in memory. */
export interface Entry {
  record: DownloadRecord;
  state: Download['state'];
  problem: Problem | null;
  jobId: string | null;
  doneBytes: number;
  /** The journal could not be brought up to date (a full disk): what is known here counts. */
  unsaved: boolean;
  connections: number;
  readonly meter: SpeedMeter;
  abort: AbortController;
  /** Where it lies; stays although the setting changes. */
  readonly root: string;
  release: (() => Promise<void>) | null;
  /** Settles when nothing of it runs any more. */
  ended: Promise<void>;
}

/** Journals and parts, below the folder of models. */
export const WORK_FOLDER = '.downloads';
export const workOf = (root: string, id: string): string => join(root, WORK_FOLDER, id);

export const newEntry = (record: DownloadRecord, root: string, state: Entry['state'], problem: Problem | null): Entry =>
  ({ record, root, state, problem, jobId: null, doneBytes: doneOf(record), unsaved: false, connections: 0, meter: createSpeedMeter(), abort: new AbortController(), release: null, ended: Promise.resolve() });

/** Where its files are, or will be. */
export const pathsOf = (entry: Pick<Entry, 'record' | 'root'>): string[] => entry.record.files.map((file) => join(entry.root, entry.record.placedIn ?? entry.record.folder, file.target));

/** All files of one that is done are where they were put, of the size they had. */
export async function areThere(entry: Pick<Entry, 'record' | 'root'>): Promise<boolean> {
  if (entry.record.placedIn === null) return false;
  const sizes = await Promise.all(pathsOf(entry).map((path) => stat(path).then((file) => file.size, () => null)));
  return sizes.every((size, i) => size !== null && size === entry.record.files[i]?.done.at(-1)?.[1]);
}

/** What a face sees of it. Pure but for the clock of the speed. */
export function viewEntry({ record, state, problem, jobId, doneBytes, connections, meter }: Entry): Download {
  const totalBytes = totalOf(record);
  const rate = state === 'running' ? meter.rate() : null;
  return {
    id: record.id, jobId, name: record.name, quantisation: record.quantisation, from: record.from, state, totalBytes, doneBytes,
    bytesPerSecond: rate, secondsLeft: rate === null || rate <= 0 || totalBytes === null ? null : Math.ceil(Math.max(0, totalBytes - doneBytes) / rate),
    connections, startedAtMs: record.startedAtMs, modelId: record.modelId, problem,
  };
}

/** What is there of it belongs to what is wished now. */
export const isOfUse = (entry: Pick<Entry, 'record' | 'state' | 'problem'>, planned: DownloadRecord): boolean =>
  entry.state !== 'cancelled' && entry.problem?.code !== 'download.changed' && entry.record.files.length === planned.files.length &&
  entry.record.files.every((file, i) => file.sha256 === (planned.files[i]?.sha256 ?? null) && (file.announcedBytes ?? null) === (planned.files[i]?.announcedBytes ?? null));

/** It may have changed while something was waited for, which the compiler does not see. */
export const stateOf = (entry: Pick<Entry, 'state'>): Download['state'] => entry.state;
/** It is under way, or about to be. */
export const isActive = (entry: Pick<Entry, 'state'>): boolean => entry.state === 'waiting' || entry.state === 'running' || entry.state === 'checking';
