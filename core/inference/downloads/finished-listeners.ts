import type { Model } from '../../../contract/models.ts';
import type { Logger } from '../../logging/logger.ts';
import { pathsOf, type Entry } from './download-entry.ts';

/** What has come: its files, and where from. */
export interface FinishedDownload {
  readonly id: string;
  readonly name: string;
  readonly quantisation: string | null;
  /** First part first. */
  readonly paths: readonly string[];
  readonly origin: NonNullable<Model['origin']>;
}
/** Takes it over; answers the id of the model. */
export type FinishedListener = (finished: FinishedDownload) => Promise<string | null>;

export interface FinishedListeners {
  add(listener: FinishedListener): () => void;
  /** The id of the first who has one. Never rejects. */
  announce(entry: Pick<Entry, 'record' | 'root'>): Promise<string | null>;
}

export function createFinishedListeners(log: Logger): FinishedListeners {
  const listeners = new Set<FinishedListener>();
  return {
    add(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async announce(entry) {
      const { record } = entry;
      const [only] = record.files;
      const finished: FinishedDownload = { id: record.id, name: record.name, quantisation: record.quantisation, paths: pathsOf(entry), origin: { ...record.origin, sha256: record.files.length === 1 ? (only?.sha256 ?? null) : null, verified: record.files.every((file) => file.sha256 !== null) } };
      let modelId: string | null = null;
      for (const listener of [...listeners]) {
        modelId ??= await listener(finished).catch((error: unknown) => {
          log.warn('A finished download could not be taken over', { id: record.id, error });
          return null;
        });
      }
      return modelId;
    },
  };
}
