/** What a file system's error means to somebody who has not read errno.h. */
const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not read it.',
  EPERM: 'this user may not read it.',
  ELOOP: 'its links lead in a circle.',
  EIO: 'the disk reports an error (EIO).',
  ESTALE: 'the network folder is stale (ESTALE); mount it again.',
  ETIMEDOUT: 'it does not answer. It may be a network folder whose server is gone.',
  ENAMETOOLONG: 'its path is too long.',
  EMFILE: 'too many files are open (EMFILE).',
  ENFILE: 'too many files are open on this machine (ENFILE).',
  ENOENT: 'it is not there.',
  ENOTDIR: 'it is not a folder.',
  ENOTCONN: 'its mount has lost its connection.',
  EHOSTDOWN: 'the server of this network folder is down.',
};

export function describeFileError(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (code !== null) return WORDS[code] ?? `it cannot be read (${code}).`;
  return error instanceof Error ? error.message : String(error);
}
