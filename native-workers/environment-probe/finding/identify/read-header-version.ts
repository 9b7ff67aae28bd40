import { join } from 'node:path';
import type { SearchContext } from '../search-context.ts';
import { parsePatchlevel } from './decide-version.ts';

/** The exact version of an installation, from its header file. Debian and Fedora bring it only with their -dev package. */
export async function readHeaderVersion(context: SearchContext, prefix: string, libraryName: string, pypy: boolean): Promise<{ readonly version: string | null; readonly pypyVersion: string | null }> {
  const bare = libraryName.replace('t', '');
  const folders = [...(pypy ? [`include/pypy${bare}`] : [`include/python${libraryName}`, `include/python${bare}`, `include/python${bare}m`]), ...(pypy ? ['include'] : ['include', 'Include'])];
  for (const folder of folders) {
    const text = await context.readText(join(prefix, folder, 'patchlevel.h'), 16 * 1024);
    if (text !== null) return parsePatchlevel(text);
  }
  return { version: null, pypyVersion: null };
}
