import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, ProblemError, type Problem } from '../../../contract/problem.ts';

/** Errors of the file system that mean "no room": full disk, inodes or quota used up, file-size limit. */
const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const notAllowed = new Set(['EROFS', 'EACCES', 'EPERM']);

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

export const isMissing = (error: unknown): boolean => errorCode(error) === 'ENOENT';
export const isNoRoom = (error: unknown): boolean => noRoom.has(errorCode(error)) || problemOf(error)?.code === 'file.disk_full';

export function errorText(error: unknown): string {
  const known = problemOf(error);
  if (known !== null) return `${known.title}. ${known.cause}`;
  return error instanceof Error ? error.message : String(error);
}

/** What a failed file operation is to the user: `file.disk_full`, `upgrade.read_only` or `env.unreadable`. A Problem stays one. */
export function fileTrouble(error: unknown, path: string): ProblemError {
  if (error instanceof ProblemError) return error;
  const code = errorCode(error);
  const facts = { path, detail: errorText(error) };
  if (noRoom.has(code)) return problemError('file.disk_full', facts, { cause: error });
  return problemError(notAllowed.has(code) ? 'upgrade.read_only' : 'env.unreadable', facts, { cause: error });
}

/** The same as data. */
export function fileProblemOf(error: unknown, path: string): Problem {
  return fileTrouble(error, path).problem;
}
