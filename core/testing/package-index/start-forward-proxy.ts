import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface ForwardProxy {
  readonly url: string;
  /** What went through it: `GET http://…`, `CONNECT host:443`. */
  readonly requests: readonly string[];
  /** Requests for this host go to that address. */
  lead(host: string, to: string): void;
  stop(): Promise<void>;
}

/** A plain HTTP proxy on the loopback, with CONNECT. */
export async function startForwardProxy(): Promise<ForwardProxy> {
  const requests: string[] = [];
  const leads = new Map<string, string>();
  const sockets = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    const url = new URL(incoming.url ?? '/', 'http://nowhere.invalid');
    const to = leads.get(url.hostname);
    const at = to === undefined ? url : new URL(`${url.pathname}${url.search}`, to);
    const through = request(at, { method: incoming.method, headers: { ...incoming.headers, host: at.host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    through.on('error', () => { outgoing.writeHead(502).end(); });
    incoming.pipe(through);
  });
  server.on('connect', (incoming, socket: Socket) => {
    requests.push(`CONNECT ${incoming.url ?? ''}`);
    const [host = '', port = '443'] = (incoming.url ?? '').split(':');
    const to = leads.get(host);
    const place = to === undefined ? { host, port: Number(port) } : { host: new URL(to).hostname, port: Number(new URL(to).port) };
    const through = connect(place, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(through).pipe(socket);
    });
    for (const one of [socket, through]) {
      sockets.add(one);
      one.on('error', () => { socket.destroy(); });
      one.on('close', () => sockets.delete(one));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => { resolve(); }));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    requests,
    lead(host, to) { leads.set(host, to); },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => { resolve(); }));
    },
  };
}
