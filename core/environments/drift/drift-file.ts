import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { drift as driftSchema, verdictWord, type Drift } from '../../../contract/verdict.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';

const stored = z.object({ torch: z.string().nullable(), worst: verdictWord, packagesHash: z.string(), atMs: z.number() });
/** The last known state of an environment, and when it was looked at. */
export type StoredState = z.infer<typeof stored>;
export interface DriftFile {
  readonly states: ReadonlyMap<string, StoredState>;
  /** Newest first. */
  readonly drifts: readonly Drift[];
}

const MAX_BYTES = 8 * 1024 * 1024;
/** So many are kept; the longest unseen state and the oldest drift go first. */
export const KEPT_STATES = 1000;
export const KEPT_DRIFTS = 200;

/** What is stored. A file that is not there is empty; null when it cannot be read. Entries that do not fit are left out. */
export async function readDriftFile(path: string): Promise<DriftFile | null> {
  try {
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const info = await handle.stat();
      if (!info.isFile() || info.size > MAX_BYTES) return null;
      const file: unknown = JSON.parse(await handle.readFile('utf8'));
      if (typeof file !== 'object' || file === null) return null;
      const states = 'states' in file && typeof file.states === 'object' && file.states !== null ? Object.entries(file.states) : [];
      const drifts: readonly unknown[] = 'drifts' in file && Array.isArray(file.drifts) ? file.drifts : [];
      return {
        states: new Map(states.slice(0, KEPT_STATES).flatMap(([id, value]): [string, StoredState][] => {
          const state = stored.safeParse(value).data;
          return state === undefined ? [] : [[id, state]];
        })),
        drifts: drifts.slice(0, KEPT_DRIFTS).flatMap((value) => driftSchema.safeParse(value).data ?? []),
      };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? { states: new Map(), drifts: [] } : null;
  }
}

/** @throws ProblemError `file.disk_full`, `file.not_writable` */
export async function writeDriftFile(path: string, file: DriftFile): Promise<void> {
  const states = [...file.states].sort(([, a], [, b]) => b.atMs - a.atMs).slice(0, KEPT_STATES);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, `${JSON.stringify({ schemaVersion: 1, states: Object.fromEntries(states), drifts: file.drifts.slice(0, KEPT_DRIFTS) })}\n`, { keepPrevious: true });
}
