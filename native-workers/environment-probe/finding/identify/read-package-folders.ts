import { join } from 'node:path';
import { isWithin } from '../is-within.ts';
import type { SearchContext } from '../search-context.ts';
import type { DecidedVersion } from './decide-version.ts';
import { decideSiteFolders, decideUserSite, keepFolders, parsePortablePath, type Layout } from './package-folders.ts';
import type { BaseFacts } from './read-base.ts';
import { readLibraries, type LibraryFolder } from './read-libraries.ts';

export interface FolderSources {
  readonly prefix: string;
  readonly version: DecidedVersion;
  readonly windows: boolean;
  readonly libraries: readonly LibraryFolder[];
  readonly base: BaseFacts | null;
  readonly virtual: boolean;
  /** A virtualenv without pyvenv.cfg keeps a copy of the standard library. */
  readonly oldVirtual: boolean;
  readonly names: ReadonlySet<string>;
  readonly includesSystem: boolean;
  /** Known from elsewhere: the Store keeps packages apart. */
  readonly given: readonly string[];
}

/** `own`: of the prefix itself. `all`: also the user's and those of the base, in the order of sys.path. */
export async function readPackageFolders(context: SearchContext, s: FolderSources): Promise<{ readonly own: readonly string[]; readonly all: readonly string[] }> {
  const { prefix, version } = s;
  const own = await keepFolders(context, [...s.given, ...(await ownFolders(context, s))]);
  const user = version.libraryName === null ? [] : [decideUserSite(context.places, version.libraryName)];
  const portable = [...s.names].some((name) => /^python\d+\._pth$/.test(name));
  // A ._pth file shuts the user's packages out, as a virtual environment does.
  if (portable || (s.virtual && !s.includesSystem)) return { own, all: own };
  if (!s.virtual) return { own, all: await keepFolders(context, [...user, ...own]) };
  const base = s.base?.prefix ?? null;
  const shared = base === null ? [] : decideSiteFolders({ ...(await layoutOf(context, s, base, await readLibraries(context, base))), installation: true });
  return { own, all: await keepFolders(context, [...own, ...user, ...shared.filter((folder) => !isWithin(folder, prefix))]) };
}

async function ownFolders(context: SearchContext, s: FolderSources): Promise<readonly string[]> {
  const pth = [...s.names].find((name) => /^python\d+\._pth$/.test(name));
  if (pth !== undefined) {
    const { site, folders } = parsePortablePath((await context.readText(join(s.prefix, pth), 16 * 1024)) ?? '');
    // Without `import site` only what is named counts; the embedded Python's own folder holds its modules, no packages.
    return [...folders.filter((folder) => folder !== '.' && folder !== 'DLLs' && folder.toLowerCase() !== 'lib').map((folder) => join(s.prefix, folder)), ...(site ? [join(s.prefix, 'Lib', 'site-packages')] : [])];
  }
  return decideSiteFolders({ ...(await layoutOf(context, s, s.prefix, s.libraries)), installation: !s.virtual });
}

async function layoutOf(context: SearchContext, s: FolderSources, prefix: string, libraries: readonly LibraryFolder[]): Promise<Layout> {
  return {
    prefix, platform: context.places.platform, implementation: s.version.implementation, libraryName: s.version.libraryName, windows: s.windows, installation: true,
    debian: await context.exists(join(prefix, 'lib', 'python3', 'dist-packages')),
    lib64First: libraries.some((library) => library.standard && library.path.startsWith(join(prefix, 'lib64'))),
  };
}
