import { join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { eachIn } from './virtual-env-folders.ts';

/** pyenv's versions, and the environments that pyenv-virtualenv keeps inside them (linked beside them as well). */
export const pyenvLocator: Locator = {
  name: 'pyenv',
  async find(context) {
    const { places } = context;
    const usual = places.platform === 'win32' ? join(places.home, '.pyenv', 'pyenv-win') : join(places.home, '.pyenv');
    const found: Candidate[] = [];
    for (const root of new Set([usual, places.variable('PYENV_ROOT') ?? usual])) {
      for (const version of await eachIn(context, join(root, 'versions'), 'pyenv versions', { kind: 'pyenv' })) {
        found.push(version, ...(await eachIn(context, join(version.prefix, 'envs'), 'pyenv virtualenvs')));
      }
    }
    return found;
  },
};
