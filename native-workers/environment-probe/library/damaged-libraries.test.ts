import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../../../core/testing/test-folder.ts';
import { libraryCensus } from '../../../contract/environments.ts';
import { readArchFlags } from './read-arch-flags.ts';
import { readLibraryCensus } from './read-library-census.ts';

const fixtures = join(import.meta.dirname, '../fixtures/torch');
const path = join(makeTestFolder('damaged'), 'libtorch_python.so');
const sources = ['synthetic', '2.11.0/torch/lib', '1.13.1/torch/lib']
  .flatMap((folder) => readdirSync(join(fixtures, folder)).map((name) => join(fixtures, folder, name)))
  .filter((file) => !file.endsWith('.json'))
  .map((file) => readFileSync(file));

/** Where a change has consequences: headers, the section table at the end, anywhere. */
const place = fc.record({ near: fc.constantFrom('start', 'end', 'any'), distance: fc.nat({ max: 1_000_000 }) });
const change = fc.record({ place, bytes: fc.uint8Array({ minLength: 1, maxLength: 9 }) });
const damage = fc.record({ source: fc.nat({ max: sources.length - 1 }), keep: fc.option(fc.double({ min: 0, max: 1, noNaN: true })), changes: fc.array(change, { maxLength: 12 }), append: fc.option(fc.uint8Array({ maxLength: 200 })) });

describe('libraries with random damage', () => {
  it('always have a census, in short time, from bytes that they have', async () => {
    await fc.assert(
      fc.asyncProperty(damage, async ({ source, keep, changes, append }) => {
        let bytes = Buffer.from(sources[source] ?? '');
        for (const { place: { near, distance }, bytes: written } of changes) {
          const within = distance % Math.max(1, Math.min(near === 'any' ? Infinity : 512, bytes.length));
          Buffer.from(written).copy(bytes, near === 'end' ? bytes.length - 1 - within : within);
        }
        if (keep !== null) bytes = bytes.subarray(0, Math.floor(bytes.length * keep));
        if (append !== null) bytes = Buffer.concat([bytes, append]);
        writeFileSync(path, bytes);
        const started = performance.now();
        const census = await readLibraryCensus(path, 'x.so');
        const flags = await readArchFlags(path);
        expect(performance.now() - started).toBeLessThan(3000);
        libraryCensus.parse(census);
        expect(census.sizeBytes).toBe(bytes.length);
        expect(census.bytesRead).toBeLessThanOrEqual(8 * 1024 * 1024);
        expect(census.code.every((code) => code.containers <= census.containers && code.containers <= code.entries && code.entries * 64 <= bytes.length)).toBe(true);
        expect(flags.flags === null || flags.flags.length <= 64).toBe(true);
      }),
      { seed: 20_261_121, numRuns: 3000 },
    );
  });
});
