import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultDataDir, socketPath } from './data-dir.ts';

test.each([
  ['given by variable', { WARPDECK_DATA_DIR: '/data/x' }, 'linux', '/data/x'],
  ['XDG', { XDG_DATA_HOME: '/home/a/data', HOME: '/home/a' }, 'linux', '/home/a/data/warpdeck'],
  ['home', { HOME: '/home/a' }, 'linux', '/home/a/.local/share/warpdeck'],
] as const)('data folder: %s', (_, env, platform, expected) => {
  expect(defaultDataDir(env, platform)).toBe(expected);
});

test('a socket path that a socket cannot have moves to the runtime folder', () => {
  expect(socketPath('/home/a/.local/share/warpdeck', {}, 'linux')).toBe('/home/a/.local/share/warpdeck/engine.sock');
  expect(socketPath(`/${'d'.repeat(120)}`, { XDG_RUNTIME_DIR: '/run/user/1' }, 'linux')).toMatch(/^\/run\/user\/1\/warpdeck-[0-9a-f]{16}\/engine\.sock$/);
  expect(socketPath('C:\\data', {}, 'win32')).toMatch(/^\\\\\.\\pipe\\warpdeck-[0-9a-f]{16}$/);
});

test('says the same as the engine: the two functions are the same text', () => {
  const functionsOf = (file: string): string[] =>
    [...readFileSync(join(import.meta.dirname, file), 'utf8').matchAll(/export function (defaultDataDir|socketPath)[\s\S]*?\n}\n/g)].map((m) => m[0]);
  const ours = functionsOf('data-dir.ts');
  expect(ours).toHaveLength(2);
  expect(functionsOf('../core/system/data-folder.ts')).toEqual(ours);
});
