import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { deviceChange, type DeviceChange } from '../../../contract/optimize.ts';
import type { Logger } from '../../logging/logger.ts';
import { fileProblem, writeFileAtomic } from '../../storage/write-file-atomic.ts';

const FILE = 'device-changes.json';
const MAX_KEPT = 200;
const MAX_BYTES = 1_048_576;
const fileForm = z.object({ schemaVersion: z.literal(1), changes: z.array(z.unknown()) });

/** Newest first. Written before a change is made: what an engine that is killed leaves behind is found here. */
export interface ChangeJournal {
  read(): Promise<DeviceChange[]>;
  /** @throws ProblemError `file.disk_full`, `file.not_writable` */
  write(changes: readonly DeviceChange[]): Promise<void>;
}

/** @param folder null: kept in memory only */
export function createChangeJournal(folder: string | null, log: Logger): ChangeJournal {
  let last: Promise<unknown> = Promise.resolve();
  return {
    async read() {
      if (folder === null) return [];
      const path = join(folder, FILE);
      try {
        if ((await stat(path)).size > MAX_BYTES) throw new Error('it is too large');
        const file = fileForm.parse(JSON.parse(await readFile(path, 'utf8')));
        return file.changes.slice(0, MAX_KEPT).flatMap((one) => {
          const parsed = deviceChange.safeParse(one);
          return parsed.success ? [parsed.data] : [];
        });
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) log.warn('The journal of device changes cannot be read', { path, detail: String(error) });
        return [];
      }
    },
    write(changes) {
      if (folder === null) return Promise.resolve();
      const text = `${JSON.stringify({ schemaVersion: 1, changes: changes.slice(0, MAX_KEPT) })}\n`;
      // One after the other: an older state must not overwrite a newer one.
      const mine = last.catch(() => undefined).then(async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => { throw fileProblem(folder, error); });
        await writeFileAtomic(join(folder, FILE), text);
      });
      last = mine;
      return mine;
    },
  };
}
