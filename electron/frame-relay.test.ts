import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { openEngineSocket } from './engine-socket.ts';
import { createFrameRelay, type FramePort } from './frame-relay.ts';

const framePort = (port: MessagePort): FramePort => ({
  post: (value) => { port.postMessage(value); },
  onMessage: (listener) => { port.on('message', listener); },
  onClose: (listener) => { port.on('close', listener); },
  close: () => { port.close(); },
});

let dir: string;
let socketPath: string;
let server: WebSocketServer;
let http: ReturnType<typeof createServer>;
const closers: (() => void)[] = [];

beforeEach(async () => {
  // A space and a colon: both are lawful in the path of a data folder.
  dir = mkdtempSync(join(tmpdir(), 'warpdeck relay: '));
  socketPath = join(dir, 'engine.sock');
  http = createServer();
  server = new WebSocketServer({ server: http, path: '/rpc', perMessageDeflate: false });
  await new Promise<void>((resolve) => http.listen(socketPath, resolve));
});
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  for (const client of server.clients) client.terminate();
  server.close();
  await new Promise((resolve) => http.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

async function connected(onEnd: (reason: string) => void = () => undefined): Promise<{ page: MessagePort; engine: WebSocket; got: unknown[] }> {
  const { port1, port2 } = new MessageChannel();
  closers.push(() => { port1.close(); });
  const got: unknown[] = [];
  port2.on('message', (value) => { got.push(value); });
  const relay = createFrameRelay(framePort(port1), onEnd);
  port2.postMessage('early');
  const arrives = once(server, 'connection') as Promise<[WebSocket]>;
  const ws = await openEngineSocket(socketPath, dir);
  const [engine] = await arrives;
  const first = once(engine, 'message');
  relay.join(ws);
  const [frame] = (await first) as [Buffer];
  expect(frame.toString()).toBe('early');
  return { page: port2, engine, got };
}

test('carries frames both ways, in order, also those sent before the engine was there', async () => {
  const { page, engine, got } = await connected();
  for (let i = 0; i < 100; i += 1) engine.send(`frame ${String(i)}`);
  await vi.waitFor(() => { expect(got).toHaveLength(100); });
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => `frame ${String(i)}`));
  const back = once(engine, 'message') as Promise<[Buffer]>;
  page.postMessage('question');
  expect((await back)[0].toString()).toBe('question');
});

test('a page that does not acknowledge stops the flow, and starts it again by acknowledging', async () => {
  const { page, engine, got } = await connected();
  const large = 'x'.repeat(64 * 1024);
  for (let i = 0; i < 400; i += 1) engine.send(large);
  // More than a socket's buffers hold stays with the engine, which can see it there.
  await vi.waitFor(() => { expect(got.length).toBeGreaterThan(128); });
  await vi.waitFor(() => { expect(engine.bufferedAmount).toBeGreaterThan(0); });
  const held = got.length;
  expect(held).toBeLessThan(200);
  let acked = 0;
  await vi.waitFor(() => {
    const taken = got.length - acked;
    acked = got.length;
    page.postMessage({ ack: taken });
    expect(got).toHaveLength(400);
  }, { timeout: 10_000 });
});

test('the engine ends: the page hears why, its port closes, and the host is told once', async () => {
  const ends: string[] = [];
  const { page, engine, got } = await connected((reason) => ends.push(reason));
  const closed = once(page, 'close');
  engine.terminate();
  await closed;
  expect(got).toEqual([{ closed: 'the engine ended without a word' }]);
  expect(ends).toEqual(['the engine ended without a word']);
});

test('the page goes: the socket is closed and nobody restarts anything', async () => {
  const ends: string[] = [];
  const { page, engine } = await connected((reason) => ends.push(reason));
  const closed = once(engine, 'close');
  page.close();
  await closed;
  expect(ends).toEqual([]);
});

test('no engine: a Problem, not a hang', async () => {
  await expect(openEngineSocket(join(dir, 'nobody.sock'), dir)).rejects.toMatchObject({ problem: { code: 'engine.unreachable' } });
});
