import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeFileSafely } from './write-file-safely.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'warpdeck-write-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

test('replaces the file, readable by its owner only, and leaves nothing beside it', async () => {
  const path = join(dir, 'a.json');
  writeFileSync(path, 'old');
  await writeFileSafely(path, Buffer.from('new'));
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(['a.json']);
});

test('what cannot be written leaves the old things as they were', async () => {
  const path = join(dir, 'taken');
  mkdirSync(path);
  writeFileSync(join(path, 'x'), 'kept');
  await expect(writeFileSafely(path, Buffer.from('new'))).rejects.toThrow();
  expect(readdirSync(dir)).toEqual(['taken']);
  expect(readFileSync(join(path, 'x'), 'utf8')).toBe('kept');
});
