import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Logger } from '../logging/logger.ts';
import { fileProblem, writeFileAtomic } from '../storage/write-file-atomic.ts';

/** Things of one kind in one JSON file, newest first. */
export interface ListFile<T> {
  /** What cannot be read is left out, and said in the log. */
  read(): Promise<T[]>;
  /** @throws ProblemError `file.disk_full`, `file.not_writable` */
  write(items: readonly T[]): Promise<void>;
}

export interface ListFileKind<T> {
  readonly file: string;
  /** The field of the file that holds them. */
  readonly field: string;
  readonly schema: z.ZodType<T>;
  /** As the log names them, at the beginning of a sentence. */
  readonly what: string;
  /** More are not kept. */
  readonly most: number;
  /** A larger file is not ours, and not read. */
  readonly maxBytes: number;
}

/** @param folder null: nothing is kept */
export function createListFile<T>(folder: string | null, { file, field, schema, what, most, maxBytes }: ListFileKind<T>, log: Logger): ListFile<T> {
  let last: Promise<unknown> = Promise.resolve();
  return {
    async read() {
      if (folder === null) return [];
      const path = join(folder, file);
      try {
        if ((await stat(path)).size > maxBytes) throw new Error('it is too large');
        return listIn(JSON.parse(await readFile(path, 'utf8')), field).slice(0, most).flatMap((one) => {
          const parsed = schema.safeParse(one);
          return parsed.success ? [parsed.data] : [];
        });
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) log.warn(`${what} cannot be read`, { path, detail: String(error) });
        return [];
      }
    },
    write(items) {
      if (folder === null) return Promise.resolve();
      const text = `${JSON.stringify({ schemaVersion: 1, [field]: items.slice(0, most) })}\n`;
      // One after the other: an older state must not overwrite a newer one.
      const mine = last.catch(() => undefined).then(async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: unknown) => { throw fileProblem(folder, error); });
        await writeFileAtomic(join(folder, file), text);
      });
      last = mine;
      return mine;
    },
  };
}

function listIn(content: unknown, field: string): readonly unknown[] {
  if (typeof content !== 'object' || content === null) throw new Error('it holds no object');
  const { schemaVersion, [field]: list } = content as Record<string, unknown>;
  if (schemaVersion !== 1 || !Array.isArray(list)) throw new Error('it is of another version');
  return list;
}
