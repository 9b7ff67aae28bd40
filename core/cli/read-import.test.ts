import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { problemOf } from '../../contract/problem.ts';
import { makeTestFolder } from '../testing/test-folder.ts';
import { readImport } from './read-import.ts';

const folder = makeTestFolder('import');
writeFileSync(join(folder, 'large.json'), ' '.repeat(8_000_001));
writeFileSync(join(folder, 'fits.json'), '[{"a":1}]');

it('reads a file', async () => expect(await readImport(join(folder, 'fits.json'))).toBe('[{"a":1}]'));

it.each([[join(folder, 'large.json'), 'larger than 8 MB'], ['/dev/zero', 'larger than 8 MB'], ['/dev/null', 'is empty'], [join(folder, 'none.json'), 'cannot be read'], [folder, 'cannot be read']])('%s is refused', async (path, why) => {
  const problem = await readImport(path).then(() => null, problemOf);
  expect(problem).toMatchObject({ code: 'bench.import', cause: expect.stringContaining(why) });
});
