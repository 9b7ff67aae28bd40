import { join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { eachIn } from './virtual-env-folders.ts';

/** Environments in poetry's cache, named NAME-HASH-pyX.Y. Those inside projects are found there. */
export const poetryLocator: Locator = {
  name: 'poetry',
  async find(context) {
    const { places } = context;
    const cache = places.variable('POETRY_CACHE_DIR');
    const folders = [
      join(places.cacheHome, 'pypoetry', ...(places.platform === 'win32' ? ['Cache'] : []), 'virtualenvs'),
      ...(cache === null ? [] : [join(cache, 'virtualenvs')]),
      ...[places.variable('POETRY_VIRTUALENVS_PATH')].filter((path) => path !== null),
    ];
    const found: Candidate[] = [];
    for (const folder of new Set(folders)) {
      // A folder that the user chose may hold others' environments as well.
      for (const one of await eachIn(context, folder, 'poetry')) found.push(/-[A-Za-z0-9_-]{8}-py\d\.\d+$/.test(one.prefix) ? { ...one, kind: 'poetry' } : one);
    }
    return found;
  },
};
