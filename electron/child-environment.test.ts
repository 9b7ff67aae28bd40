import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { makeEngineEnvironment } from './child-environment.ts';

test('a child does not see what would make it load something else', () => {
  const dirty = { PATH: process.env['PATH'], HOME: '/home/a', NODE_OPTIONS: '--require /tmp/x.cjs', ELECTRON_RUN_AS_NODE: '1', LD_PRELOAD: '/tmp/x.so', PYTHONPATH: '/tmp', DYLD_INSERT_LIBRARIES: 'x' };
  const seen = JSON.parse(execFileSync(process.execPath, ['-p', 'JSON.stringify(process.env)'], { env: makeEngineEnvironment(dirty, { WARPDECK_RESOURCES: '/r' }), encoding: 'utf8' })) as Record<string, string>;
  expect(Object.keys(seen).filter((name) => name !== 'PATH').sort()).toEqual(['HOME', 'WARPDECK_RESOURCES']);
});

test("an AppImage's own folders are taken out of the path lists", () => {
  const env = makeEngineEnvironment({ APPDIR: '/tmp/.mount_x', PATH: '/tmp/.mount_x/usr/bin:/usr/bin', LD_LIBRARY_PATH: '/tmp/.mount_x/usr/lib:', APPIMAGE: '/home/a/w.AppImage' });
  expect(env).toEqual({ PATH: '/usr/bin', APPIMAGE: '/home/a/w.AppImage' });
});
