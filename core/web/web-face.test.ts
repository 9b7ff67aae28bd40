import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { problemError } from '../../contract/problem-catalogue.ts';
import { createRouter } from '../engine/router.ts';
import type { EngineClient } from '../engine/connect.ts';
import { makeTestServices } from '../testing/make-test-services.ts';
import { silentLogger } from '../testing/silent-logger.ts';
import { createRpcHandler, serveConnection } from './rpc-connection.ts';
import { openWebFace, type WebFace, type WebFaceOptions } from './web-face.ts';

const defaults: WebFaceOptions = { host: '127.0.0.1', port: 0, insecure: false, cert: null, key: null, token: null };
let face: WebFace;
let services: ReturnType<typeof makeTestServices>;
let base = '';

async function open(options: Partial<WebFaceOptions> = {}): Promise<WebFace> {
  const router = createRouter(services);
  const handler = createRpcHandler(router, silentLogger);
  return openWebFace({ ...defaults, ...options }, {
    router,
    rendererFolder: null,
    onConnection: (ws) => { serveConnection(ws, handler, { face: 'web' }, silentLogger); },
    metricsText: () => 'warpdeck_source_up 1\n',
    metricsOn: () => true,
    openai: { models: () => Promise.resolve([]), answer: (model) => Promise.reject(problemError('model.not_found', { what: model ?? '' })), embed: () => Promise.reject(problemError('model.none')), log: silentLogger },
    log: silentLogger,
  });
}

beforeEach(async () => {
  services = makeTestServices();
  face = await open();
  base = `http://127.0.0.1:${String(face.status.port)}`;
});
afterEach(async () => { await face.close(); });

const bearer = (token = face.token): { authorization: string } => ({ authorization: `Bearer ${token}` });

/** A request written by hand: fetch would not send a foreign Host. */
async function raw(lines: readonly string[], body = ''): Promise<string> {
  const socket = connect(face.status.port ?? 0, '127.0.0.1');
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`);
  let text = '';
  socket.setEncoding('utf8').on('data', (d: string) => { text += d; });
  await once(socket, 'close');
  return text.split('\r\n', 1)[0] ?? '';
}

async function ticket(): Promise<string> {
  const response = await fetch(`${base}/api/ticket`, { method: 'POST', headers: bearer() });
  return ((await response.json()) as { ticket: string }).ticket;
}

/** The status of a refused upgrade, or 101. */
async function upgrade(options: { headers?: Record<string, string>; protocols?: string[]; path?: string } = {}): Promise<number> {
  const ws = new WebSocket(`ws://127.0.0.1:${String(face.status.port)}${options.path ?? '/rpc'}`, options.protocols ?? [], { headers: options.headers ?? {} });
  return new Promise((resolve) => {
    ws.on('error', () => undefined);
    ws.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      ws.terminate();
    });
    ws.on('open', () => {
      resolve(101);
      ws.close();
    });
  });
}

describe('the web face', () => {
  it('answers the API with the token, and the sign of life without', async () => {
    expect((await fetch(`${base}/health`)).status).toBe(204);
    const answer = await fetch(`${base}/api/engine`, { headers: bearer() });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ version: services.info().version });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect((await fetch(`${base}/api/engine`)).status).toBe(401);
    expect((await fetch(`${base}/api/engine`, { headers: bearer('wrong') })).status).toBe(401);
    expect((await fetch(`${base}/metrics`, { headers: bearer(face.metricsToken) })).status).toBe(200);
    expect((await fetch(`${base}/api/engine`, { headers: bearer(face.metricsToken) })).status).toBe(401);
    expect((await fetch(`${base}/nothing`, { headers: bearer() })).status).toBe(404);
  });

  it('refuses foreign hosts, origins, bodies and sizes', async () => {
    const port = String(face.status.port);
    const token = `Authorization: Bearer ${face.token}`;
    expect(await raw(['GET /api/engine HTTP/1.1', 'Host: evil.example', token, 'Connection: close'])).toContain('421');
    expect(await raw(['GET /api/engine HTTP/1.1', `Host: 127.0.0.1:${port}.evil`, token, 'Connection: close'])).toContain('421');
    expect(await raw(['GET /api/engine HTTP/1.1', token, 'Connection: close'])).toContain('400');
    expect(await raw(['GET http://evil/api/engine HTTP/1.1', `Host: 127.0.0.1:${port}`, token, 'Connection: close'])).toContain('400');
    expect(await raw(['GET /api/engine HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Origin: http://evil.example', token, 'Connection: close'])).toContain('403');
    const preflight = await fetch(`${base}/api/engine`, { method: 'OPTIONS', headers: { origin: 'http://evil.example' } });
    expect([...preflight.headers.keys()].filter((k) => k.startsWith('access-control'))).toEqual([]);
    const text = await fetch(`${base}/api/engine/stop`, { method: 'POST', headers: { ...bearer(), 'content-type': 'text/plain' }, body: '{}' });
    expect(text.status).toBe(415);
    const big = await fetch(`${base}/api/settings`, { method: 'PATCH', headers: { ...bearer(), 'content-type': 'application/json' }, body: JSON.stringify({ pad: 'x'.repeat(2 * 1024 * 1024) }) });
    expect(big.status).toBe(413);
  });

  it('answers bad input with a Problem and no stack', async () => {
    const answer = await fetch(`${base}/api/settings`, { method: 'PATCH', headers: { ...bearer(), 'content-type': 'application/json' }, body: JSON.stringify({ nonsense: 1 }) });
    expect(answer.status).toBe(422);
    const body = await answer.text();
    expect(JSON.parse(body)).toMatchObject({ code: 'PROBLEM', data: { code: 'input.invalid' } });
    expect(body).not.toMatch(/at .*\.ts|node_modules/);
    const query = await fetch(`${base}/api/history?fromMs=0&toMs=1000&maxPoints=10`, { headers: bearer() });
    expect(query.status).toBe(200);
    const cut = await fetch(`${base}/api/settings`, { method: 'PATCH', headers: { ...bearer(), 'content-type': 'application/json' }, body: '{"a":' });
    expect(cut.status).toBe(422);
    expect(await cut.json()).toMatchObject({ code: 'PROBLEM', data: { code: 'input.invalid', cause: 'The body is not JSON.' } });
    const nowhere = await fetch(`${base}/api/nowhere?token=x`, { headers: bearer() });
    expect(nowhere.status).toBe(404);
    expect(await nowhere.json()).toMatchObject({ data: { code: 'input.unknown_operation', facts: { operation: 'GET /api/nowhere' } } });
    expect(await (await fetch(`${base}/api/jobs/none/log`, { headers: bearer() })).text()).toContain('"job.not_found"');
    expect(await raw(['GET /% HTTP/1.1', 'Host: evil', 'Connection: close'])).toContain('400');
    const wrong = await fetch(`${base}/api/history?fromMs=abc&toMs=1000`, { headers: bearer() });
    expect(wrong.status).toBe(422);
  });

  it('opens a WebSocket for a ticket, once, and for the token itself', async () => {
    const t = await ticket();
    expect(await upgrade({ protocols: ['warpdeck', t] })).toBe(101);
    expect(await upgrade({ protocols: ['warpdeck', t] })).toBe(401);
    expect(await upgrade({ headers: bearer() })).toBe(101);
    expect(await upgrade()).toBe(401);
    expect(await upgrade({ headers: { ...bearer(), origin: 'http://evil.example' } })).toBe(403);
    expect(await upgrade({ headers: { ...bearer(), origin: 'null' } })).toBe(403);
    expect(await upgrade({ headers: bearer(), path: '/else' })).toBe(404);
    expect(await upgrade({ headers: { ...bearer(), host: 'evil' } })).toBe(421);
  });

  it('leaks no descriptor by refused upgrades, answers 429 to guessing, and closes at once', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const statuses: number[] = [];
    for (let i = 0; i < 120; i += 1) statuses.push(await upgrade({ headers: { authorization: 'Bearer wrong' } }));
    expect(statuses.slice(0, 20).every((s) => s === 401)).toBe(true);
    expect(statuses.at(-1)).toBe(429);
    await expect.poll(() => readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 3);
    const closing = performance.now();
    await face.close();
    expect(performance.now() - closing).toBeLessThan(5000);
    face = await open();
  });

  it('closes a frame of 10 MB with 1009 and goes on for others', async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${String(face.status.port)}/rpc`, { headers: bearer() });
    await once(ws, 'open');
    ws.on('error', () => undefined);
    const closed = once(ws, 'close') as Promise<[number]>;
    ws.send('x'.repeat(10 * 1024 * 1024));
    expect((await closed)[0]).toBe(1009);
    expect((await fetch(`${base}/api/engine`, { headers: bearer() })).status).toBe(200);
  });

  it('says which port is taken, and finds the next one when none was asked for', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(open({ port })).rejects.toMatchObject({ problem: { code: 'web.port_taken' } });
    const first = await open({ port: null });
    const second = await open({ port: null });
    expect(second.status.port).not.toBe(first.status.port);
    await first.close();
    await second.close();
    other.close();
  });

  it('says web.no_port when none is free, and is reached under the address that it names', async () => {
    // A loopback address of its own, so that no other test misses these ports.
    const host = '127.0.0.2';
    const blockers = await Promise.all(Array.from({ length: 51 }, async (_, i) => {
      const blocker = createServer();
      // A port that is taken already is as good.
      await new Promise((resolve) => blocker.once('error', resolve).listen(7757 + i, host, () => { resolve(null); }));
      return blocker;
    }));
    await expect(open({ host, port: null })).rejects.toMatchObject({ problem: { code: 'web.no_port', facts: { host, from: 7757, to: 7807 } } });
    for (const blocker of blockers) blocker.close();
    const other = await open({ host });
    expect(other.status.url).toContain(`http://${host}:`);
    expect((await fetch(`${other.status.url ?? ''}health`)).status).toBe(204);
    await other.close();
  });

  it('wants TLS off this machine, and a certificate that is one', async () => {
    await expect(open({ host: '0.0.0.0' })).rejects.toMatchObject({ problem: { code: 'web.needs_tls' } });
    await expect(open({ cert: '/nowhere.pem', key: '/nowhere.key' })).rejects.toMatchObject({ problem: { code: 'web.bad_certificate' } });
    await expect(open({ host: '203.0.113.7', insecure: true })).rejects.toMatchObject({ problem: { code: 'web.bad_host' } });
  });

  it('holds back a reader that stops, and loses nothing for another', async () => {
    const connectClient = async (): Promise<{ ws: WebSocket; client: EngineClient }> => {
      const ws = new WebSocket(`ws://127.0.0.1:${String(face.status.port)}/rpc`, { headers: bearer() });
      await once(ws, 'open');
      return { ws, client: createORPCClient<EngineClient>(new RPCLink({ websocket: ws as unknown as globalThis.WebSocket })) };
    };
    const stalled = await connectClient();
    const good = await connectClient();
    const stalledStream = await stalled.client.gpus.watch({ rateHz: 10 });
    const firstItem = stalledStream.next();
    await expect.poll(() => { services.publish(0); return services.listenerCount(); }).toBe(1);
    await firstItem;
    stalled.ws.pause();
    const goodStream = await good.client.gpus.watch({ rateHz: 10 });
    const seen: number[] = [];
    const reading = (async () => {
      for await (const item of goodStream) {
        if (item.type === 'frame') seen.push(item.frame.seq);
        if (seen.at(-1) === 3000) return;
      }
    })();
    await expect.poll(() => services.listenerCount()).toBe(2);
    const heapBefore = process.memoryUsage().heapUsed;
    for (let seq = 1; seq <= 3000; seq += 1) {
      services.publish(seq, 'x'.repeat(20_000));
      await new Promise((r) => { setImmediate(r); });
    }
    await reading;
    expect(seen.length).toBeGreaterThan(2500);
    expect(seen.every((s, i) => i === 0 || s > (seen[i - 1] ?? 0))).toBe(true);
    // 3000 × 20 kB = 60 MB were offered to the stalled one.
    expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(40 * 1024 * 1024);
    stalled.ws.terminate();
    good.ws.close();
  });
});
