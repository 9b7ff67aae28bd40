import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];
// Registered for the test file that imports this.
afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder of its own that goes with the test file. */
export function makeTestFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `warpdeck-${name}-`));
  made.push(folder);
  return folder;
}
