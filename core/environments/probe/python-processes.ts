import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { decidePythonPrefix, isPythonProgram, parseMappedPrefixes, type PrefixEvidence } from './decide-python-prefix.ts';
import type { PythonProcess } from './python-process.ts';

const COMMAND_LIMIT = 4096;
/** USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Maps of a process with torch: some 3000 lines. */
const MAPS_LIMIT = 8 * 1024 * 1024;
const WIDTH = 8;

/** Running Pythons that this user can see, in the order of their pids. Linux; elsewhere none. Nothing here throws. */
export async function readPythonProcesses(options: { readonly proc?: string; readonly passwd?: string } = {}): Promise<readonly PythonProcess[]> {
  const proc = options.proc ?? '/proc';
  const pids = (await orNull(readdir(proc)) ?? []).filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b);
  const bootSeconds = Number(/^btime (\d+)$/m.exec((await readText(join(proc, 'stat'))) ?? '')?.[1] ?? Number.NaN);
  const users = parseUsers((await readText(options.passwd ?? '/etc/passwd')) ?? '');
  const ownMounts = await orNull(readlink(join(proc, 'self', 'ns', 'mnt')));
  const found: (PythonProcess | null)[] = [];
  for (let i = 0; i < pids.length; i += WIDTH) found.push(...(await Promise.all(pids.slice(i, i + WIDTH).map((pid) => readOne(proc, pid, bootSeconds, users, ownMounts)))));
  return found.filter((one) => one !== null);
}

async function readOne(proc: string, pid: number, bootSeconds: number, users: ReadonlyMap<number, string>, ownMounts: string | null): Promise<PythonProcess | null> {
  const at = (name: string): string => join(proc, String(pid), name);
  const [link, cmdline] = await Promise.all([orNull(readlink(at('exe'))), readText(at('cmdline'))]);
  const args = (cmdline ?? '').replace(/\0+$/, '').split('\0');
  const argv0 = args[0] ?? '';
  // An upgrade of the interpreter under a running process leaves this mark.
  const executable = link?.replace(/ \(deleted\)$/, '') ?? null;
  if (cmdline === null || cmdline === '' || !(isPythonProgram(executable ?? '') || (executable === null && isPythonProgram(argv0)))) return null;
  const [statText, status, maps, environ, cwd, mounts] = await Promise.all([readText(at('stat')), readText(at('status')), readText(at('maps'), MAPS_LIMIT), readText(at('environ')), orNull(readlink(at('cwd'))), orNull(readlink(at('ns/mnt')))]);
  const uid = Number(/^Uid:\s+(\d+)/m.exec(status ?? '')?.[1] ?? Number.NaN);
  const ticks = Number(statText?.slice(statText.lastIndexOf(')') + 2).split(' ')[19] ?? Number.NaN);
  const openFilesUnder = parseMappedPrefixes(maps ?? '');
  // Paths of a container mean other files here.
  const elsewhere = mounts !== null && ownMounts !== null && mounts !== ownMounts;
  const prefixGuess = elsewhere ? null : await guessPrefix({ executable, argv0, cwd, environ: parseEnviron(environ ?? ''), mapped: openFilesUnder });
  const startedAt = (bootSeconds + ticks / TICKS_PER_SECOND) * 1000;
  return {
    pid, executable, prefixGuess,
    prefixReal: prefixGuess === null ? null : await orNull(realpath(prefixGuess)),
    command: args.join(' ').slice(0, COMMAND_LIMIT),
    user: Number.isNaN(uid) ? null : (users.get(uid) ?? String(uid)),
    startedAtMs: Number.isNaN(startedAt) ? null : Math.round(startedAt),
    openFilesUnder: elsewhere ? [] : openFilesUnder,
  };
}

/** Python takes the environment of the path by which it was called, before links: that path is found as the kernel did. */
async function guessPrefix(facts: Omit<PrefixEvidence, 'calledAs' | 'calledInVirtual'> & { readonly argv0: string; readonly cwd: string | null }): Promise<string | null> {
  const { argv0, cwd, environ } = facts;
  const paths = isAbsolute(argv0) ? [argv0]
    : argv0.includes('/') ? (cwd === null ? [] : [resolve(cwd, argv0)])
    : (environ.get('PATH') ?? '').split(':').filter((folder) => isAbsolute(folder)).slice(0, 100).map((folder) => join(folder, argv0));
  let calledAs: string | null = null;
  for (const path of paths) {
    // A name that leads to another program is not how this one was called.
    const real = await orNull(realpath(path));
    if (real !== null && (facts.executable === null || real === facts.executable)) {
      calledAs = path;
      break;
    }
  }
  const calledInVirtual = calledAs !== null && ((await orNull(stat(join(dirname(dirname(calledAs)), 'pyvenv.cfg')))) !== null || (await orNull(stat(join(dirname(dirname(calledAs)), 'conda-meta')))) !== null);
  return decidePythonPrefix({ ...facts, calledAs, calledInVirtual });
}

function parseEnviron(text: string): ReadonlyMap<string, string> {
  return new Map(text.split('\0').map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)]));
}

function parseUsers(passwd: string): ReadonlyMap<number, string> {
  const users = new Map<number, string>();
  for (const line of passwd.split('\n')) {
    const [name, , uid] = line.split(':');
    if (name !== undefined && uid !== undefined && /^\d+$/.test(uid) && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}

async function readText(path: string, limit = 256 * 1024): Promise<string | null> {
  return (await orNull(readFile(path, 'utf8')))?.slice(0, limit) ?? null;
}

/** A process may end or be another user's at any step. */
async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch {
    return null;
  }
}
