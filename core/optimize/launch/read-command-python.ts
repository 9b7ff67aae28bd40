import { constants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';

const MAX_SHEBANG_BYTES = 512;
const isPython = (path: string): boolean => /^(?:python|pypy)(?:\d(?:\.\d+)?t?)?(?:\.exe)?$/.test(basename(path));

/** The interpreter that a command starts, by its name or by the first line of its script; null: it cannot be told. Links are not followed: the path makes it a venv. */
export async function readCommandPython(command: readonly string[], env: Readonly<Record<string, string | undefined>>, folder: string): Promise<string | null> {
  const path = await findProgram(command[0] ?? '', env, folder);
  if (path === null || isPython(path)) return path;
  const [interpreter, argument] = parseShebang(await readStart(path));
  if (interpreter === undefined) return null;
  if (isPython(interpreter)) return interpreter;
  return basename(interpreter) === 'env' && argument !== undefined && isPython(argument) ? findProgram(argument, env, folder) : null;
}

/** `#!/usr/bin/env python3` → its words; empty: there is none. */
export function parseShebang(text: string): readonly string[] {
  const line = /^#!([^\r\n]*)/.exec(text)?.[1] ?? '';
  return line.trim().split(/\s+/).filter((one) => one !== '');
}

async function findProgram(name: string, env: Readonly<Record<string, string | undefined>>, folder: string): Promise<string | null> {
  if (name === '') return null;
  const candidates = isAbsolute(name) ? [name] : /[/\\]/.test(name) ? [resolve(folder, name)] : (env['PATH'] ?? env['Path'] ?? '').split(delimiter).filter((one) => one !== '').map((one) => join(resolve(folder, one), name));
  for (const one of candidates) {
    for (const path of process.platform === 'win32' ? [one, `${one}.exe`] : [one]) {
      if (await access(path, constants.X_OK).then(() => true, () => false)) return path;
    }
  }
  return null;
}

async function readStart(path: string): Promise<string> {
  try {
    const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      if (!(await handle.stat()).isFile()) return '';
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_SHEBANG_BYTES), 0, MAX_SHEBANG_BYTES, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch {
    return '';
  }
}
