import { expect, it } from 'vitest';
import { PAGE_VERSION } from './version.ts';

it('is the version of the package', () => {
  const found = import.meta.glob<{ version: string }>('../../package.json', { eager: true });
  expect(Object.values(found)[0]?.version).toBe(PAGE_VERSION);
});
