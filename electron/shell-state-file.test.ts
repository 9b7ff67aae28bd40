import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openShellState } from './shell-state-file.ts';
import { firstShellState } from './window-bounds.ts';

let dir: string;
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'warpdeck-shell-')); });
afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

test('many changes, one file, the last state in it', async () => {
  const path = join(dir, 'desktop', 'window.json');
  const file = openShellState(path, () => undefined);
  for (let x = 0; x < 50; x += 1) file.update({ bounds: { x, y: 0, width: 800, height: 600 } });
  file.update({ theme: 'light' });
  expect(file.isSettled()).toBe(false);
  await file.settled();
  expect(file.isSettled()).toBe(true);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ ...firstShellState, bounds: { x: 49, y: 0, width: 800, height: 600 }, theme: 'light' });
  expect(openShellState(path, () => undefined).state().theme).toBe('light');
});

test('a folder that cannot be made is said, and the state counts all the same', async () => {
  writeFileSync(join(dir, 'file'), '');
  const said: string[] = [];
  const file = openShellState(join(dir, 'file', 'window.json'), (text) => { said.push(text); });
  file.update({ closeToTray: true });
  await file.settled();
  expect(said).toHaveLength(1);
  expect(file.state().closeToTray).toBe(true);
});
