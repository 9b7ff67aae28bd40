import { implement } from '@orpc/server';
import { RPCHandler } from '@orpc/server/message-port';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { api } from '../../contract/api.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { connect, decideBackoff, decideVersionNotice, type Connection, type Transport } from './connect.ts';
import { consumeStream } from './consume-stream.ts';
import { ACK_EVERY, openPort } from './port-transport.ts';

const info = { version: '1.2.3', pid: 1, startedAtMs: 0, dataDir: '/d', sourceSpec: 'simulate', stays: true, ephemeral: false, node: 'v24', platform: 'linux-x64', hostName: 'wren', inContainer: false, wsl: false };

/** A real oRPC server behind a real message channel: what the desktop's relay is to the page. */
function startServer(count: number): { open(): Transport; end(reason: string): void; acks: number[] } {
  const o = implement(api);
  const handler = new RPCHandler({
    engine: { info: o.engine.info.handler(() => info) },
    jobs: {
      attach: o.jobs.attach.handler(async function* () {
        for (let i = 0; i < count; i++) yield { atMs: i, text: `line ${i}` };
        await new Promise(() => undefined);
      }),
    },
  } as never);
  const ends: ((reason: string) => void)[] = [];
  const acks: number[] = [];
  return {
    acks,
    open: () => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener('message', (event: MessageEvent<unknown>) => {
        const { data } = event;
        if (typeof data === 'object' && data !== null && 'ack' in data && typeof data.ack === 'number') acks.push(data.ack);
      });
      handler.upgrade({ addEventListener: (type: string, listener: (event: MessageEvent) => void) => port1.addEventListener(type as 'message', (event: MessageEvent) => typeof event.data === 'string' && listener(event)), postMessage: (data: unknown) => port1.postMessage(data) } as never);
      port1.start();
      ends.push((reason) => port1.postMessage({ closed: reason }));
      return openPort(port2);
    },
    end: (reason) => ends.splice(0).forEach((end) => end(reason)),
  };
}

let connection: Connection | null = null;
afterEach(() => {
  connection?.dispose();
  connection = null;
});

it.each([[1, 300], [2, 600], [5, 4800], [6, 5000], [60, 5000]])('attempt %d waits %d ms', (n, ms) => {
  expect(decideBackoff(n, 300, 5000)).toBe(ms);
});

it('says when page and engine are of different versions', () => {
  expect(decideVersionNotice('1.0.0', '1.0.0')).toBeNull();
  expect(decideVersionNotice('1.0.1', '1.0.0')?.code).toBe('engine.version_differs');
});

describe('connect', () => {
  it('answers through the client, with the notice of another version', async () => {
    const server = startServer(0);
    connection = connect({ open: async () => server.open(), version: '1.2.4' });
    expect((await connection.client.engine.info({})).hostName).toBe('wren');
    const state = connection.store.getState();
    expect(state.state === 'ready' && state.notice?.code).toBe('engine.version_differs');
  });

  it('is lost with the reason, comes back by itself, and the streams go on', async () => {
    const server = startServer(3);
    const own = connect({ open: async () => server.open(), version: '1.2.3', firstDelayMs: 10, lastDelayMs: 20 });
    connection = own;
    const lines: string[] = [];
    const problems: string[] = [];
    const states: string[] = [];
    own.store.subscribe((s) => states.push(s.state === 'lost' ? `lost: ${s.problem.cause}` : s.state));
    const stop = consumeStream(own, (signal) => own.client.jobs.attach({ id: 'j' }, { signal }), (l) => lines.push(l.text), (p) => problems.push(p.code));
    await vi.waitFor(() => expect(lines).toHaveLength(3));
    server.end('the engine was ended');
    await vi.waitFor(() => expect(lines).toHaveLength(6), { timeout: 5000 });
    stop();
    expect(states).toEqual(['ready', 'lost: Nothing listens on the socket of this engine: the engine was ended', 'ready']);
    expect(problems).toEqual(['engine.unreachable']);
  });

  it('answers calls with the Problem while it is lost', async () => {
    connection = connect({ open: () => Promise.reject(problemError('engine.unreachable', { dataDir: 'x', detail: 'nothing listens there' })), version: '1', firstDelayMs: 60_000 });
    const own = connection;
    await vi.waitFor(() => expect(own.store.getState().state).toBe('lost'));
    await expect(own.client.engine.info({})).rejects.toMatchObject({ problem: { code: 'engine.unreachable' } });
  });

  it('says the reason of whoever closed it before the first answer', async () => {
    const { port1, port2 } = new MessageChannel();
    port1.start();
    port1.postMessage({ closed: 'the engine could not be started' });
    connection = connect({ open: async () => openPort(port2), version: '1', firstDelayMs: 60_000 });
    const own = connection;
    await vi.waitFor(() => expect(own.store.getState()).toMatchObject({ state: 'lost', problem: { facts: { detail: 'the engine could not be started' } } }));
  });

  it('does not try again without another token', async () => {
    const server = startServer(0);
    let attempts = 0;
    let token = 'old';
    connection = connect({
      open: async () => {
        attempts += 1;
        if (token === 'old') throw problemError('web.unauthorised');
        return server.open();
      },
      version: '1.2.3',
      firstDelayMs: 1,
    });
    const own = connection;
    await vi.waitFor(() => expect(own.store.getState().state).toBe('unauthorised'));
    expect(attempts).toBe(1);
    token = 'new';
    own.retryNow();
    await vi.waitFor(() => expect(own.store.getState().state).toBe('ready'));
    expect(attempts).toBe(2);
  });
});

it('acknowledges what it has read, every 32 frames', async () => {
  const server = startServer(ACK_EVERY * 3);
  const own = connect({ open: async () => server.open(), version: '1.2.3' });
  connection = own;
  let seen = 0;
  const stop = consumeStream(own, (signal) => own.client.jobs.attach({ id: 'j' }, { signal }), () => (seen += 1), () => undefined);
  await vi.waitFor(() => expect(seen).toBe(ACK_EVERY * 3));
  await vi.waitFor(() => expect(server.acks).toEqual([ACK_EVERY, ACK_EVERY, ACK_EVERY]));
  stop();
});
