import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { tuneResult, type TuneResult } from '../../../contract/optimize.ts';
import type { Logger } from '../../logging/logger.ts';
import { writeFileAtomic } from '../../storage/write-file-atomic.ts';

const FILE = 'tune-results.json';
export const MAX_RESULTS = 100;
const MAX_BYTES = 16_777_216;
const fileForm = z.object({ schemaVersion: z.literal(1), results: z.array(z.unknown()) });

/** Newest first. */
export interface TuneStore {
  read(): Promise<TuneResult[]>;
  /** @throws ProblemError `file.disk_full`, `file.not_writable` */
  write(results: readonly TuneResult[]): Promise<void>;
}

/** @param folder null: kept in memory only */
export function createTuneStore(folder: string | null, log: Logger): TuneStore {
  return {
    async read() {
      if (folder === null) return [];
      const path = join(folder, FILE);
      try {
        if ((await stat(path)).size > MAX_BYTES) throw new Error('it is too large');
        return fileForm.parse(JSON.parse(await readFile(path, 'utf8'))).results.slice(0, MAX_RESULTS).flatMap((one) => {
          const parsed = tuneResult.safeParse(one);
          return parsed.success ? [parsed.data] : [];
        });
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) log.warn('Searches for settings cannot be read', { path, detail: String(error) });
        return [];
      }
    },
    async write(results) {
      if (folder === null) return;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(join(folder, FILE), `${JSON.stringify({ schemaVersion: 1, results: results.slice(0, MAX_RESULTS) })}\n`);
    },
  };
}
