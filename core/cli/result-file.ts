import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { ProblemError } from '../../contract/problem.ts';

/** A file that a command was told to write: it appears whole or not at all. */
export interface ResultFile {
  readonly path: string;
  write(text: string): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
}

/** What the system said about a file, as a Problem. */
export function fileProblem(path: string, error: unknown): ProblemError {
  const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
  return problemError(full ? 'file.disk_full' : 'file.not_writable', { path, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
}

/** Opens `path` for writing, under a name of its own until it is whole. @throws ProblemError `file.not_writable`, `file.disk_full` */
export async function openResultFile(path: string): Promise<ResultFile> {
  const target = resolve(path);
  const beside = `${target}.${String(process.pid)}.part`;
  let handle: FileHandle;
  try {
    handle = await open(beside, 'w');
  } catch (error) {
    throw fileProblem(target, error);
  }
  const attempt = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      await handle.close().catch(() => undefined);
      await rm(beside, { force: true });
      throw fileProblem(target, error);
    }
  };
  return {
    path: target,
    write: (text) => attempt(() => handle.appendFile(text)),
    finish: () => attempt(async () => {
      await handle.close();
      await rename(beside, target);
    }),
    async discard() {
      await handle.close().catch(() => undefined);
      await rm(beside, { force: true });
    },
  };
}
