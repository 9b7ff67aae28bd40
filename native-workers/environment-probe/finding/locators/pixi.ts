import { join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { eachIn } from './virtual-env-folders.ts';

/** Environments of `pixi global`, and those that pixi keeps outside the projects; the others are found in the projects. */
export const pixiLocator: Locator = {
  name: 'pixi',
  async find(context) {
    const { places } = context;
    const found: Candidate[] = await eachIn(context, join(places.variableOr('PIXI_HOME', join(places.home, '.pixi')), 'envs'), 'pixi global', { kind: 'pixi' });
    // `detached-environments = true`: CACHE/envs/PROJECT-HASH/envs/NAME.
    const detached = join(places.variableOr('PIXI_CACHE_DIR', join(places.cacheHome, 'rattler', 'cache')), 'envs');
    for (const project of await eachIn(context, detached, '')) found.push(...(await eachIn(context, join(project.prefix, 'envs'), 'pixi detached environments', { kind: 'pixi' })));
    return found;
  },
};
