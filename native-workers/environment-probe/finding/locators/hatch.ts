import { join } from 'node:path';
import type { Candidate, Locator } from '../candidate.ts';
import { eachIn } from './virtual-env-folders.ts';

/** hatch: DATA/env/virtual/PROJECT/HASH/NAME, and the Pythons that `hatch python install` brought. */
export const hatchLocator: Locator = {
  name: 'hatch',
  async find(context) {
    const { places } = context;
    const data = places.variableOr('HATCH_DATA_DIR', join(places.dataHome, 'hatch'));
    const found: Candidate[] = [];
    for (const project of await eachIn(context, join(data, 'env', 'virtual'), '')) {
      for (const hash of await eachIn(context, project.prefix, 'hatch', { kind: 'hatch' })) found.push(hash, ...(await eachIn(context, hash.prefix, 'hatch', { kind: 'hatch' })));
    }
    for (const one of await eachIn(context, join(data, 'pythons'), 'hatch python')) found.push({ ...one, kind: 'other' }, { ...one, prefix: join(one.prefix, 'python'), kind: 'other' });
    return found;
  },
};
