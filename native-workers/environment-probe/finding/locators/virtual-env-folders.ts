import { join } from 'node:path';
import { folderNames, type SearchContext } from '../search-context.ts';
import type { Candidate, Locator } from '../candidate.ts';

/** Folders in which each folder is a virtual environment, by convention of virtualenvwrapper, pipenv, direnv and others. */
export const virtualEnvFolders: Locator = {
  name: 'virtualenv folders',
  async find(context) {
    const { home, dataHome } = context.places;
    const folders = [
      ...['.virtualenvs', '.venvs', 'venvs', 'envs', 'Envs', '.envs', '.direnv', join('.local', 'share', 'virtualenvs')].map((name) => join(home, name)),
      join(dataHome, 'virtualenvs'),
      ...['/venv', '/venvs', '/opt/venv', '/opt/venvs', '/virtualenvs'].map((path) => context.places.at(path)),
    ];
    const workon = context.places.variable('WORKON_HOME');
    if (workon !== null) folders.push(workon);
    const found: Candidate[] = [];
    for (const folder of new Set(folders)) found.push(...(await eachIn(context, folder, 'virtualenv folders')), { prefix: folder, foundBy: 'virtualenv folders' });
    const active = context.places.variable('VIRTUAL_ENV');
    if (active !== null) found.push({ prefix: active, foundBy: 'VIRTUAL_ENV' });
    return found;
  },
};

/** Every folder in a folder as a candidate. */
export async function eachIn(context: SearchContext, folder: string, foundBy: string, more: Partial<Candidate> = {}): Promise<Candidate[]> {
  return folderNames(await context.list(folder)).map((name) => ({ prefix: join(folder, name), foundBy, ...more }));
}
