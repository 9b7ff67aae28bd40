import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { backendKind } from '../../../contract/inference.ts';
import { model, type Model } from '../../../contract/models.ts';
import type { Logger } from '../../logging/logger.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';

export const loadRecord = z.object({
  modelId: z.string(), place: z.string(), backend: backendKind,
  /** What was estimated then, and of it what was taken for the backend itself and for compute buffers (with pages that the system may take back); bytes. */
  estimatedBytes: z.number(), overheadBytes: z.number(), workBytes: z.number(), truthBytes: z.number(), atMs: z.number(),
});
export type LoadRecord = z.infer<typeof loadRecord>;

export const speedRecord = z.object({
  modelId: z.string(), place: z.string(), backend: backendKind,
  bytesPerToken: z.number(), depth: z.number(), tokensPerSecond: z.number(), tokens: z.number(), synthetic: z.boolean(), atMs: z.number(),
});
export type SpeedRecord = z.infer<typeof speedRecord>;

const origin = model.shape.origin.unwrap();
const file = z.object({
  schemaVersion: z.literal(1),
  origins: z.record(z.string(), origin),
  lastUsed: z.record(z.string(), z.number()),
  loads: z.array(loadRecord),
  speeds: z.array(speedRecord),
});

/** What is known of models beyond their files. */
export interface KnownModels {
  origin(path: string): Model['origin'];
  setOrigin(path: string, value: NonNullable<Model['origin']> | null): void;
  lastUsedAtMs(path: string): number | null;
  setLastUsed(path: string, atMs: number): void;
  loads(): readonly LoadRecord[];
  addLoad(record: LoadRecord): void;
  speeds(): readonly SpeedRecord[];
  addSpeed(record: SpeedRecord): void;
  /** Reads what is stored; once, before anything else. */
  load(): Promise<void>;
  /** Settles when all is on the disk. */
  saved(): Promise<void>;
}

const KEPT = 500;
const MAX_FILE = 8 * 1_048_576;

/** Kept in one JSON file; null: in memory only. A file that does not parse is begun anew: it holds nothing that cannot be learned again. */
export function createKnownModels(path: string | null, log: Logger): KnownModels {
  let data: z.infer<typeof file> = { schemaVersion: 1, origins: {}, lastUsed: {}, loads: [], speeds: [] };
  let dirty = false;
  let saving: Promise<void> = Promise.resolve();
  const save = (): void => {
    if (path === null || dirty) return;
    dirty = true;
    saving = saving.then(async () => {
      dirty = false;
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFileAtomic(path, `${JSON.stringify(data)}\n`);
    }).catch((error: unknown) => { log.warn('what is known of models cannot be stored', { path, detail: String(error) }); });
  };
  const change = (to: Partial<typeof data>): void => {
    data = { ...data, ...to };
    save();
  };
  return {
    origin: (of) => (Object.hasOwn(data.origins, of) ? (data.origins[of] ?? null) : null),
    setOrigin(of, value) {
      change({ origins: Object.fromEntries([...Object.entries(data.origins).filter(([key]) => key !== of), ...(value === null ? [] : [[of, value] as const])]) });
    },
    lastUsedAtMs: (of) => (Object.hasOwn(data.lastUsed, of) ? (data.lastUsed[of] ?? null) : null),
    setLastUsed(of, atMs) {
      const newest = Object.entries({ ...data.lastUsed, [of]: atMs }).sort(([, a], [, b]) => b - a).slice(0, KEPT);
      change({ lastUsed: Object.fromEntries(newest) });
    },
    loads: () => data.loads,
    addLoad: (record) => { change({ loads: [...data.loads, loadRecord.parse(record)].slice(-KEPT) }); },
    speeds: () => data.speeds,
    addSpeed: (record) => { change({ speeds: [...data.speeds, speedRecord.parse(record)].slice(-KEPT) }); },
    async load() {
      if (path === null) return;
      const text = await readFile(path, 'utf8').catch(() => null);
      if (text === null) return;
      try {
        if (text.length > MAX_FILE) throw new Error('it is too long');
        data = file.parse(JSON.parse(text));
      } catch (error) {
        log.warn('what was known of models cannot be read', { path, detail: String(error).slice(0, 300) });
      }
    },
    saved: () => saving,
  };
}
