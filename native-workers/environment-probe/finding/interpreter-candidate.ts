import { basename, dirname, join, resolve } from 'node:path';
import type { Candidate } from './candidate.ts';
import type { SearchContext } from './search-context.ts';

/** Names of interpreters: `python`, `python3`, `python3.13t`, `pypy3.10`, with `.exe` on Windows. */
export const INTERPRETER_NAME = /^(?:python|pypy)(?:\d(?:\.\d+)?t?)?(?:\.exe)?$/;
const MAX_HOPS = 40;

/**
 * The environment that an interpreter belongs to. Python takes the folder in which it was *called*: a `pyvenv.cfg`
 * beside or above any hop of the link counts before where the link ends. Null when the path leads nowhere.
 */
export async function candidateOfInterpreter(context: SearchContext, path: string, foundBy: string): Promise<Candidate | null> {
  const windows = path.toLowerCase().endsWith('.exe');
  let hop = path;
  for (let hops = 0; hops < MAX_HOPS; hops += 1) {
    const folder = dirname(hop);
    for (const prefix of [dirname(folder), folder]) {
      if ((await context.exists(join(prefix, 'pyvenv.cfg'))) || (await context.isFolder(join(prefix, 'conda-meta')))) return { prefix, foundBy };
    }
    const target = await context.readlink(hop);
    if (target === null) break;
    hop = resolve(folder, target);
  }
  const real = await context.realpath(path);
  if (real === null) return null;
  const prefix = windows && basename(dirname(real)).toLowerCase() !== 'scripts' ? dirname(real) : dirname(dirname(real));
  const main = await defaultInterpreter(context, prefix);
  const mainReal = main === null ? null : await context.realpath(main);
  const minor = /(\d+\.\d+t?)(?:\.exe)?$/.exec(basename(real))?.[1];
  const mainMinor = mainReal === null ? undefined : /(\d+\.\d+t?)(?:\.exe)?$/.exec(basename(mainReal))?.[1];
  if (mainReal === null || mainReal === real || minor === undefined || minor === mainMinor) return { prefix, foundBy };
  return { prefix, foundBy, variant: minor, interpreter: real };
}

/** What `python3` means in a prefix; a link may dangle. Null where there is none. */
export async function defaultInterpreter(context: SearchContext, prefix: string): Promise<string | null> {
  const bin = join(prefix, 'bin');
  // Names that lead somewhere go before those that do not: of several, one may have been removed.
  const names = [...['python3', 'python', 'pypy3', 'pypy'].map((name) => join(bin, name)), join(prefix, 'Scripts', 'python.exe'), join(prefix, 'python.exe'), join(prefix, 'Scripts', 'pypy.exe'), join(prefix, 'pypy.exe')];
  let dangling: string | null = null;
  for (const path of names) {
    if (!(await context.exists(path))) continue;
    if ((await context.stat(path))?.isFile() === true) return path;
    dangling ??= path;
  }
  if (dangling !== null) return dangling;
  const versions = ((await context.list(bin))?.entries ?? []).map((entry) => entry.name).filter((name) => INTERPRETER_NAME.test(name));
  const newest = versions.sort((a, b) => minorOf(b) - minorOf(a))[0];
  return newest === undefined ? null : join(bin, newest);
}

function minorOf(name: string): number {
  const [major = '0', minor = '0'] = (/\d+(?:\.\d+)?/.exec(name)?.[0] ?? '0').split('.');
  return Number(major) * 1000 + Number(minor);
}
