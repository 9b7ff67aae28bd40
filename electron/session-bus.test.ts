import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeBusMessage, encodeBusCall, isNameOwned, parseBusAddress, TRAY_HOST } from './session-bus.ts';

test.each([
  ['unix:path=/run/user/1000/bus', '/run/user/1000/bus'],
  ['unix:path=/run/user/1000/bus,guid=0a', '/run/user/1000/bus'],
  ['tcp:host=localhost,port=1;unix:guid=1,path=/tmp/a%20b', '/tmp/a b'],
  ['unix:abstract=/tmp/dbus-x,guid=1', '\u0000/tmp/dbus-x'],
  ['autolaunch:', null],
  ['', null],
])('bus address %j', (address, expected) => {
  expect(parseBusAddress(address)).toBe(expected);
});

test('a call can be read back, and not before it is whole', () => {
  const call = encodeBusCall(7, 'NameHasOwner', TRAY_HOST);
  for (let n = 0; n < call.length; n += 1) expect(decodeBusMessage(call.subarray(0, n))).toBeNull();
  expect(decodeBusMessage(call)).toMatchObject({ type: 1, replySerial: null, size: call.length });
});

test('no bus, a bus that is gone, a bus that never answers: no tray, soon', async () => {
  expect(await isNameOwned(undefined, TRAY_HOST, 0)).toBe(false);
  const dir = mkdtempSync(join(tmpdir(), 'warpdeck-bus-'));
  const path = join(dir, 'bus');
  expect(await isNameOwned(`unix:path=${path}`, TRAY_HOST, 0)).toBe(false);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  expect(await isNameOwned(`unix:path=${path}`, TRAY_HOST, 0, 50)).toBe(false);
  server.close();
  rmSync(dir, { recursive: true, force: true });
});

const hasBus = spawnSync('dbus-daemon', ['--version']).status === 0;
test.runIf(hasBus)('a real bus: a name that is owned and one that is not', async () => {
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [line] = (await once(bus.stdout, 'data')) as [Buffer];
    const address = line.toString().trim();
    const user = process.getuid?.() ?? 0;
    expect(await isNameOwned(address, 'org.freedesktop.DBus', user)).toBe(true);
    expect(await isNameOwned(address, TRAY_HOST, user)).toBe(false);
  } finally {
    bus.kill();
    await once(bus, 'exit');
  }
});
