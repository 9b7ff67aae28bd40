import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { problemError } from '../../contract/problem-catalogue.ts';

/** What a file that this system can run begins with, as bytes in hex. */
const MAGIC: Readonly<Record<'linux' | 'darwin' | 'win32', readonly string[]>> = {
  linux: ['7f454c46', '2321'],
  darwin: ['cffaedfe', 'cefaedfe', 'cafebabe', 'cafebabf', '2321'],
  win32: ['4d5a'],
};

/** Whether a file's first bytes are those of a program of this platform. */
export function decideIsProgram(head: Uint8Array, platform: NodeJS.Platform): boolean {
  const hex = Buffer.from(head).toString('hex');
  return (platform === 'win32' || platform === 'darwin' ? MAGIC[platform] : MAGIC.linux).some((magic) => hex.startsWith(magic));
}

/**
 * The full path of a program, found on `path` if its name has no separator and held against the magic bytes of
 * executables: a data file with the execute bit would be run by /bin/sh, line by line.
 * @throws ProblemError `program.not_found`, `program.not_executable`
 */
export async function readExecutable(program: string, path: string, cwd: string, platform: NodeJS.Platform = process.platform): Promise<string> {
  // Windows finds and checks programs by extension; only a full path to an .exe says where the bytes are.
  if (platform === 'win32' && !(isAbsolute(program) && /\.exe$/i.test(program))) return program;
  const found = /[/\\]/.test(program) ? resolve(cwd, program) : await findOnPath(program, path, cwd);
  if (found === null) throw problemError('program.not_found', { program, detail: 'it is not in any folder of PATH' });
  let head: Uint8Array;
  try {
    const info = await stat(found);
    if (!info.isFile()) throw problemError('program.not_executable', { program, detail: 'it is a folder or a device, not a file' });
    await access(found, constants.X_OK);
    head = await readHead(found);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP') throw problemError('program.not_found', { program, detail: `there is no file ${found}` }, { cause: error });
    // Execute without read permission is legal; then its bytes cannot be judged and the kernel does it.
    if (error.code === 'EACCES' && (await mayExecute(found))) return found;
    throw problemError('program.not_executable', { program, detail: error.code === 'EACCES' ? 'it may not be executed by this user' : error.message }, { cause: error });
  }
  if (!decideIsProgram(head, platform)) throw problemError('program.not_executable', { program, detail: head.length === 0 ? 'the file is empty' : 'its first bytes are not those of a program' });
  return found;
}

async function findOnPath(program: string, path: string, cwd: string): Promise<string | null> {
  for (const folder of path.split(delimiter)) {
    const candidate = resolve(cwd, join(folder === '' ? '.' : folder, program));
    if ((await mayExecute(candidate)) && (await stat(candidate)).isFile()) return candidate;
  }
  return null;
}

async function mayExecute(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(() => true, () => false);
}

async function readHead(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
