import { join } from 'node:path';
import type { Places } from '../places.ts';
import type { SearchContext } from '../search-context.ts';

export interface Layout {
  readonly prefix: string;
  readonly platform: NodeJS.Platform;
  readonly implementation: 'cpython' | 'pypy' | null;
  /** `3.12`, `3.13t`. */
  readonly libraryName: string | null;
  /** The files are laid out as on Windows, whatever this machine runs. */
  readonly windows: boolean;
  /** It has its own standard library: Debian's folders apply. */
  readonly installation: boolean;
  /** It has `lib/python3/dist-packages`: Debian's Python, which does not look into site-packages. */
  readonly debian: boolean;
  /** Its standard library lies in lib64 (Fedora, openSUSE). */
  readonly lib64First: boolean;
}

/** Where site.py of this Python looks for packages below a prefix, in its order, whether there or not. */
export function decideSiteFolders(layout: Layout): readonly string[] {
  const { prefix, libraryName } = layout;
  if (layout.windows) return [join(prefix, 'Lib', 'site-packages')];
  if (libraryName === null) return [];
  if (layout.implementation === 'pypy') return [join(prefix, 'lib', `pypy${libraryName}`, 'site-packages'), join(prefix, 'site-packages')];
  const libs = layout.lib64First ? ['lib64', 'lib'] : ['lib', 'lib64'];
  const site = libs.map((lib) => join(prefix, lib, `python${libraryName}`, 'site-packages'));
  if (!layout.installation) return site;
  const usr = /(^|\/)usr$/.test(prefix);
  // Packages of pip under /usr/local, those of apt under /usr/lib/python3.
  if (layout.debian) {
    const names = [`lib/python${libraryName.split('.')[0] ?? ''}`, `lib/python${libraryName}`];
    return [...(usr ? [`local/lib/python${libraryName}`] : []), ...names].map((name) => join(prefix, name, 'dist-packages'));
  }
  // Fedora likewise keeps what pip installs as root apart.
  return [...(usr ? libs.map((lib) => join(prefix, 'local', lib, `python${libraryName}`, 'site-packages')) : []), ...site];
}

/** Packages of `pip install --user`. */
export function decideUserSite(places: Places, libraryName: string): string {
  if (places.platform === 'win32') return join(places.appData, 'Python', `Python${libraryName.replace('.', '')}`, 'site-packages');
  const base = places.variable('PYTHONUSERBASE');
  if (base === null && places.platform === 'darwin') return join(places.home, 'Library', 'Python', libraryName, 'lib', 'python', 'site-packages');
  return join(base ?? join(places.home, '.local'), 'lib', `python${libraryName}`, 'site-packages');
}

/** Those that are there, each once however many links lead to it, in the given order. */
export async function keepFolders(context: SearchContext, folders: readonly string[]): Promise<readonly string[]> {
  const seen = new Set<string>();
  const kept: string[] = [];
  for (const folder of folders) {
    if (!(await context.isFolder(folder))) continue;
    const real = (await context.realpath(folder)) ?? folder;
    if (seen.has(real)) continue;
    seen.add(real);
    kept.push(folder);
  }
  return kept;
}

/** Of a `python311._pth`: whether `site` is imported, and the folders inside the prefix that it names. */
export function parsePortablePath(text: string): { readonly site: boolean; readonly folders: readonly string[] } {
  const lines = text.split(/\r?\n/).slice(0, 200).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  return {
    site: lines.some((line) => /^import\s+site$/.test(line)),
    folders: lines.filter((line) => !line.startsWith('import ') && !line.endsWith('.zip')).map((line) => line.replaceAll('\\', '/')).filter((line) => !line.startsWith('/') && !/^[A-Za-z]:/.test(line) && !line.split('/').includes('..')),
  };
}
