import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEngineHost, readEngineLock, type EngineHost, type EngineState } from './engine-host.ts';

/** A program that keeps the engine's side of the promise: lock, socket, first words. Its behaviour is its first argument's file. */
const ENGINE = `
import { createServer } from 'node:http';
import { appendFileSync, writeFileSync, existsSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
const dir = process.argv[process.argv.indexOf('--data-dir') + 1];
appendFileSync(dir + '/starts', process.pid + '\\n');
const plan = existsSync(dir + '/plan') ? readFileSync(dir + '/plan', 'utf8') : 'good';
const say = (o) => writeFileSync(3, JSON.stringify(o) + '\\n');
if (plan === 'dies') { console.error('no such GPU library'); process.exit(7); }
if (plan === 'says') { say({ problem: { code: 'engine.data_dir', severity: 'problem', title: 't', cause: 'c', remedy: 'r' } }); process.exit(3); }
const http = createServer();
http.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
});
http.listen(dir + '/engine.sock', () => {
  writeFileSync(dir + '/engine.lock', JSON.stringify({ pid: process.pid, socket: dir + '/engine.sock', version: 'x' }));
  say({ ready: true, socket: dir + '/engine.sock', pid: process.pid });
});
`;

let dir: string;
let states: EngineState['kind'][];
let host: EngineHost;
let waited: number[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'warpdeck-host-'));
  writeFileSync(join(dir, 'engine.mjs'), ENGINE);
  states = [];
  waited = [];
  host = createEngineHost({
    places: { node: process.execPath, engineEntry: join(dir, 'engine.mjs'), resources: null },
    dataDir: dir, gpus: 'simulate', env: process.env, log: () => undefined,
    wait: (ms) => { waited.push(ms); return Promise.resolve(); },
    onState: (state) => { states.push(state.kind); },
  });
});
const starts = (): number[] => readFileSync(join(dir, 'starts'), 'utf8').trim().split('\n').map(Number);
afterEach(() => {
  host.close();
  try {
    for (const pid of starts()) { try { process.kill(pid, 'SIGKILL'); } catch { /* it has ended */ } }
  } catch { /* none was started */ }
  rmSync(dir, { recursive: true, force: true });
});

test('starts one engine for all who ask at the same moment, and attaches to it later', async () => {
  const [a, b] = await Promise.all([host.connect(), host.connect()]);
  const c = await host.connect();
  expect(starts()).toHaveLength(1);
  expect(readEngineLock(dir)?.pid).toBe(starts()[0]);
  for (const ws of [a, b, c]) ws.terminate();
  expect(states).toContain('ready');
});

test('an engine that was killed leaves lock and socket behind: a new one is started', async () => {
  const first = await host.connect();
  const gone = new Promise((resolve) => first.once('close', resolve));
  process.kill(starts()[0] ?? 0, 'SIGKILL');
  await gone;
  rmSync(join(dir, 'engine.sock'));
  const second = await host.connect();
  expect(starts()).toHaveLength(2);
  second.terminate();
});

test('a lock that is garbage counts as none', async () => {
  writeFileSync(join(dir, 'engine.lock'), '{"pid":');
  (await host.connect()).terminate();
  expect(starts()).toHaveLength(1);
});

test('an engine that dies is tried within the budget, then its last words are the Problem; forgiving tries again', async () => {
  writeFileSync(join(dir, 'plan'), 'dies');
  await expect(host.connect()).rejects.toMatchObject({ problem: { code: 'engine.did_not_start', facts: { detail: 'It ended with 7. no such GPU library' } } });
  expect(waited).toEqual([500, 1000, 2000, 4000, 8000]);
  expect(starts()).toHaveLength(6);
  expect(host.state().kind).toBe('failed');
  host.forgive();
  writeFileSync(join(dir, 'plan'), 'good');
  (await host.connect()).terminate();
  expect(host.state().kind).toBe('ready');
});
