import { join } from 'node:path';
import type { SearchContext } from '../search-context.ts';

/** Python's library folders in a prefix. */
export interface LibraryFolder {
  /** As `3.12`, `3.13t`; `3.10` of `pypy3.10`. */
  readonly minor: string;
  readonly implementation: 'cpython' | 'pypy';
  /** `PREFIX/lib/python3.12` */
  readonly path: string;
  /** The standard library is there: an installation, not a virtual environment. */
  readonly standard: boolean;
}

const NAME = /^(python|pypy)(\d\.\d+t?)$/;

/** Folders `lib/pythonX.Y` (and `lib64`, where it is no link to `lib`), newest version first. */
export async function readLibraries(context: SearchContext, prefix: string): Promise<readonly LibraryFolder[]> {
  const found: LibraryFolder[] = [];
  for (const lib of ['lib', 'lib64']) {
    const folder = join(prefix, lib);
    if (lib === 'lib64' && (await context.lstat(folder))?.isDirectory() !== true) continue;
    // A conda environment or /usr/lib holds thousands of libraries beside it.
    for (const entry of (await context.list(folder, 20_000))?.entries ?? []) {
      const match = NAME.exec(entry.name);
      if (match === null || entry.isFile()) continue;
      const path = join(folder, entry.name);
      found.push({ minor: match[2] ?? '', implementation: match[1] === 'pypy' ? 'pypy' : 'cpython', path, standard: await context.exists(join(path, 'os.py')) });
    }
  }
  return found.sort((a, b) => compareMinor(b.minor, a.minor) || Number(b.standard) - Number(a.standard));
}

export function compareMinor(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.replace('t', '').split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.replace('t', '').split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}
