import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { comparison as comparisonSchema, type Comparison } from '../../../contract/chat.ts';
import type { Logger } from '../../logging/logger.ts';
import { fileProblem, writeFileAtomic } from '../../storage/write-file-atomic.ts';
import { decideView, type KeptComparison } from './decide-view.ts';

const memory = z.object({ contender: z.int(), prompt: z.int(), repeat: z.int(), bytes: z.number() });
const keptFile = z.object({ schemaVersion: z.literal(1), comparison: comparisonSchema, memory: z.array(memory), places: z.array(z.array(z.int())) });
const summaryFile = z.object({ schemaVersion: z.literal(1), comparison: comparisonSchema });

/** Our own ids, and with them the names of files, look so; nothing else is looked up. */
const ID = /^compare-[0-9a-z]{1,12}-[0-9a-f]{8}$/;
/** Bounds of what is read back: far beyond what is ever written. */
const MAX_FILE_BYTES = 512 * 1024 * 1024;
const MAX_LISTED = 1000;

export interface ComparisonStore {
  /** Newest first, without their texts. */
  list(): Promise<Comparison[]>;
  /** null: it is not there, or damaged. */
  read(id: string): Promise<KeptComparison | null>;
  /** Replaces it whole. @throws ProblemError `file.*` */
  write(kept: KeptComparison): Promise<void>;
  /** Whether there was one. */
  remove(id: string): Promise<boolean>;
}

/** Comparisons as files: each one beside a small one without its texts, from which the list is made. `folder` null: in memory. */
export function createComparisonStore(folder: string | null, log: Logger): ComparisonStore {
  return folder === null ? createMemoryStore() : createFileStore(folder, log);
}

const newestFirst = (all: readonly Comparison[]): Comparison[] => [...all].sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1));

function createMemoryStore(): ComparisonStore {
  const all = new Map<string, KeptComparison>();
  return {
    list: async () => newestFirst([...all.values()].map((kept) => decideView(kept, 'list'))),
    read: async (id) => all.get(id) ?? null,
    write: async (kept) => void all.set(kept.comparison.id, structuredClone(kept)),
    remove: async (id) => all.delete(id),
  };
}

function createFileStore(folder: string, log: Logger): ComparisonStore {
  const pathOf = (id: string): string => join(folder, `${id}.json`);
  const summaryOf = (id: string): string => join(folder, `${id}.summary.json`);

  const readJson = async <T>(path: string, schema: z.ZodType<T>): Promise<T | null> => {
    try {
      if ((await stat(path)).size > MAX_FILE_BYTES) throw new RangeError('It is too large.');
      return schema.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) log.warn('A stored comparison cannot be read', { path, detail: error instanceof Error ? error.name : String(error) });
      return null;
    }
  };
  const read = async (id: string): Promise<KeptComparison | null> => {
    if (!ID.test(id)) return null;
    const file = await readJson(pathOf(id), keptFile);
    return file?.comparison.id === id ? file : null;
  };
  const writeSummary = (kept: KeptComparison): Promise<void> => writeFileAtomic(summaryOf(kept.comparison.id), `${JSON.stringify({ schemaVersion: 1, comparison: decideView(kept, 'list') })}\n`);
  const summarise = async (id: string): Promise<Comparison | null> => {
    const summary = await readJson(summaryOf(id), summaryFile);
    if (summary?.comparison.id === id) return summary.comparison;
    const kept = await read(id);
    return kept === null ? null : decideView(kept, 'list');
  };
  return {
    async list() {
      const names = await readdir(folder).catch(() => []);
      const ids = names.flatMap((name) => (name.endsWith('.json') && ID.test(name.slice(0, -5)) ? [name.slice(0, -5)] : []));
      const found: Comparison[] = [];
      // One after the other: a folder of a thousand is not opened at once. An id begins with its time.
      for (const id of ids.sort().reverse().slice(0, MAX_LISTED)) {
        const summary = await summarise(id);
        if (summary !== null) found.push(summary);
      }
      return newestFirst(found);
    },
    read,
    async write(kept) {
      await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => { throw fileProblem(folder, error); });
      await writeFileAtomic(pathOf(kept.comparison.id), `${JSON.stringify({ schemaVersion: 1, ...kept })}\n`);
      await writeSummary(kept);
    },
    async remove(id) {
      if (!ID.test(id)) return false;
      const was = await stat(pathOf(id)).then(() => true, () => false);
      await rm(summaryOf(id), { force: true });
      await rm(pathOf(id), { force: true });
      return was;
    },
  };
}
