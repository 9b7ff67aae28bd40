import { join } from 'node:path';
import type { Locator } from '../candidate.ts';
import { eachIn } from './virtual-env-folders.ts';

/** Programs that pipx installed, in its present and its older places. */
export const pipxLocator: Locator = {
  name: 'pipx',
  async find(context) {
    const { places } = context;
    const homes = [
      join(places.dataHome, 'pipx'), join(places.home, '.local', 'share', 'pipx'), join(places.home, '.local', 'pipx'), places.at('/opt/pipx'),
      ...(places.platform === 'win32' ? [join(places.home, 'pipx'), join(places.localAppData, 'pipx'), join(places.localAppData, 'pipx', 'pipx')] : []),
      ...[places.variable('PIPX_HOME'), places.variable('PIPX_GLOBAL_HOME')].filter((path) => path !== null),
    ];
    return (await Promise.all([...new Set(homes)].map((home) => eachIn(context, join(home, 'venvs'), 'pipx list', { kind: 'pipx' })))).flat();
  },
};
