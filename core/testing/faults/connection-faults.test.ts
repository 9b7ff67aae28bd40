// Faces that misbehave on the local socket, and an engine that goes while faces are there.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { makeTestFolder } from '../test-folder.ts';
import { endEngines, follow, startEngine, until, type EngineUnderTest } from './engine-under-test.ts';

const MIB = 1024 * 1024;
let engine: EngineUnderTest;
beforeAll(async () => { engine = await startEngine({ dir: makeTestFolder('fault'), gpus: 'simulate:2' }); });
afterAll(endEngines);

async function openRaw(): Promise<WebSocket> {
  const ws = new WebSocket(`ws+unix://${engine.socket}:/rpc`, { perMessageDeflate: false });
  ws.on('error', () => undefined);
  await once(ws, 'open');
  return ws;
}
const answers = async (): Promise<void> => {
  const face = await engine.face();
  expect((await face.client.engine.info({})).pid).toBe(engine.pid);
  face.close();
};
/** One request as oRPC's client writes it. */
const request = (id: number, operation: string): string => JSON.stringify({ i: String(id), p: { u: `/${operation}`, b: { json: {} } } });

describe('the local socket', () => {
  it('closes a frame of 10 MB with 1009 and goes on for others', async () => {
    const ws = await openRaw();
    const closed = once(ws, 'close');
    ws.send('x'.repeat(10 * MIB));
    expect((await closed)[0]).toBe(1009);
    await answers();
  });

  it('is not disturbed by what is no request', async () => {
    const wrong: (string | Buffer)[] = ['{', 'null', '[]', '7', '{"i":"1"}', '{"i":1,"t":99,"p":{}}', '{"i":"1","p":{"u":"http://[bad"}}', Buffer.from([0, 1, 2, 255]), '['.repeat(100_000), '{"i":"1","p":{"u":"/__proto__/constructor"}}'];
    for (const message of wrong) {
      const ws = await openRaw();
      ws.send(message);
      // What comes after it on the same connection is answered, or the connection is closed.
      const over = Promise.race([once(ws, 'close'), new Promise((resolve) => { ws.on('message', (data: Buffer) => { if (data.toString().includes('"i":"ok"')) resolve(null); }); })]);
      ws.send(JSON.stringify({ i: 'ok', p: { u: '/engine/info', b: { json: {} } } }));
      await over;
      ws.terminate();
    }
    await answers();
    expect(engine.complaints().every((line) => line.includes('a library said'))).toBe(true);
  });

  it('is not disturbed by what is no HTTP, and holds no descriptor of it', async () => {
    const before = engine.descriptors();
    const send = async (text: string | Buffer): Promise<void> => {
      const socket = connect(engine.socket);
      // `once` would take a reset for a failure of the test.
      const closed = new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve).resume());
      socket.end(text);
      await closed;
    };
    for (const text of ['', '\u0016\u0003\u0001garbage', 'GET / HTTP/1.1\r\n\r\n', 'GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`, Buffer.alloc(MIB)]) await send(text);
    const idle: Socket[] = Array.from({ length: 100 }, () => connect(engine.socket).on('error', () => undefined));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    await answers();
    for (const socket of idle) socket.destroy();
    await until('all descriptors are given back', () => engine.descriptors() <= before + 1);
  });

  it('leaves nothing behind of faces that come, subscribe and vanish', async () => {
    const watching = await engine.face();
    const before = engine.descriptors();
    for (let i = 0; i < 100; i += 1) {
      const ws = await openRaw();
      ws.send(JSON.stringify({ i: '1', p: { u: '/gpus/watch', b: { json: { rateHz: 10 } } } }));
      ws.terminate();
    }
    await until('all descriptors are given back', () => engine.descriptors() <= before);
    // Nobody watches any more: the source is read once a second again.
    await until('the slow rate', async () => (await watching.client.gpus.list({})).rateHz === 1);
    watching.close();
  });

  it('closes a face that asks and never reads (connection.slow_reader), while another loses nothing', async () => {
    const good = await engine.face();
    const seen = follow(good.client);
    await until('readings', () => seen.items.length > 0);
    const ws = await openRaw();
    ws.pause();
    const closed = once(ws, 'close') as Promise<[number, Buffer]>;
    for (let i = 0; i < 2500; i += 1) ws.send(request(i + 1, 'engine/problems'));
    const noticed = await until('it is noticed', () => engine.complaints().find((line) => line.includes('does not read')));
    // What may wait, and the answer that was one too many.
    expect((JSON.parse(noticed) as { bufferedBytes: number }).bufferedBytes).toBeLessThan(17 * MIB);
    ws.resume();
    const [code, reason] = await closed;
    expect({ code, reason: reason.toString() }).toEqual({ code: 4008, reason: 'connection.slow_reader' });
    const frames = seen.items.flatMap((i) => (i.type === 'frame' && i.frame.seq > 0 ? [i.frame.seq] : []));
    expect(frames.every((seq, n) => n === 0 || seq > (frames[n - 1] ?? 0))).toBe(true);
    expect(seen.items.some((i) => i.type === 'gap')).toBe(false);
    await until('readings go on', () => seen.items.length > frames.length + 3);
    good.close();
    await good.closed;
  });

  it('ends one that never reads again as well', async () => {
    const before = engine.descriptors();
    const ws = await openRaw();
    ws.pause();
    for (let i = 0; i < 2500; i += 1) ws.send(request(i + 1, 'engine/problems'));
    await until('it is gone', () => engine.descriptors() <= before);
    ws.terminate();
  });

  it('answers a Problem also in the middle of a stream', async () => {
    const { client, close } = await engine.face();
    const attach = async (): Promise<void> => {
      for await (const line of await client.jobs.attach({ id: 'nothing' })) expect(line).toBeUndefined();
    };
    await expect(attach()).rejects.toMatchObject({ code: 'PROBLEM', data: { code: 'job.not_found', facts: { id: 'nothing' } } });
    close();
  });
});

describe('an engine that goes', () => {
  it('killed: every waiting call and stream of a face ends at once, and the next engine takes the folder', async () => {
    const dir = makeTestFolder('fault');
    const first = await startEngine({ dir, gpus: 'simulate:1' });
    const face = await first.face();
    const seen = follow(face.client);
    await until('readings', () => seen.items.length > 0);
    const waiting = face.client.gpus.refresh({}).then(() => 'answered', () => 'rejected');
    process.kill(first.pid, 'SIGKILL');
    expect(await face.closed).toMatchObject({ code: 1006 });
    await seen.ended;
    expect(await waiting).toMatch(/answered|rejected/);
    await expect(face.client.engine.info({})).rejects.toThrow();
    const second = await startEngine({ dir, gpus: 'simulate:1' });
    const again = await second.face();
    expect((await again.client.engine.info({})).pid).toBe(second.pid);
  });

  it('told to stop: its faces are told that it ends', async () => {
    const ending = await startEngine({ dir: makeTestFolder('fault'), gpus: 'simulate:1' });
    const face = await ending.face();
    const seen = follow(face.client);
    await until('readings', () => seen.items.length > 0);
    process.kill(ending.pid, 'SIGTERM');
    expect(await face.closed).toEqual({ code: 4001, reason: 'engine ends' });
    expect(await ending.exited).toEqual([0, null]);
  });
});
