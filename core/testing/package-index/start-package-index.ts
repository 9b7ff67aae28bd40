import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { BuiltWheel } from './build-wheel.ts';

/** How a file is served when it is not served well. */
export type Misbehaviour =
  /** Sends so many bytes, then nothing, for ever. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Sends so many bytes, then drops the connection. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The page tells another hash than the file has. */
  | { readonly kind: 'wrong_hash' }
  /** One byte in the middle is another. */
  | { readonly kind: 'flipped_byte' }
  | { readonly kind: 'status'; readonly status: number }
  /** So many bytes a tenth of a second. */
  | { readonly kind: 'slow'; readonly bytes: number };

export interface PackageIndexOptions {
  /** Sub-index (`whl/cu130`, `simple`) → its wheels. */
  readonly indexes: Readonly<Record<string, readonly BuiltWheel[]>>;
  /** File name → how it is served. */
  readonly misbehave?: Readonly<Record<string, Misbehaviour>>;
  /** Every page and file: `status`, or a web page where an index should be (a captive portal). */
  readonly everything?: { readonly kind: 'status'; readonly status: number } | { readonly kind: 'portal' };
  /** Basic authentication for all. */
  readonly credentials?: { readonly user: string; readonly password: string };
  /** Answer PEP 691 JSON where it is asked for. Default true; the PyTorch index does not. */
  readonly json?: boolean;
  /** PEP 658 `.metadata` files. Default true. */
  readonly metadata?: boolean;
  /** Default true. */
  readonly ranges?: boolean;
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface PackageIndex {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  readonly url: string;
  /** The same with credentials in it, where there are some. */
  readonly urlWithCredentials: string;
  /** What was asked for: `GET /simple/torch/`. */
  readonly requests: readonly string[];
  /** Changes how a file is served from now on; null: well. */
  misbehave(filename: string, how: Misbehaviour | null): void;
  /** Resolves when a file of this name has been asked for, from now on. */
  asked(filename: string): Promise<void>;
  stop(): Promise<void>;
}

const normalise = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, '-');
const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';

/** A package index on the loopback that serves real wheels, and badly where it is told to. */
export async function startPackageIndex(options: PackageIndexOptions): Promise<PackageIndex> {
  const requests: string[] = [];
  const waiting = new Map<string, (() => void)[]>();
  const behaviour = new Map(Object.entries(options.misbehave ?? {}));
  const timers = new Set<NodeJS.Timeout>();

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://index').pathname);
    requests.push(`${request.method ?? ''} ${path}`);
    response.on('error', () => undefined);
    if (options.credentials !== undefined && request.headers.authorization !== basic(options.credentials)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="index"' }).end('credentials wanted');
      return;
    }
    if (options.everything?.kind === 'status') {
      response.writeHead(options.everything.status).end('no');
      return;
    }
    if (options.everything?.kind === 'portal') {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body><h1>Welcome to the guest network</h1><form><input name="room"></form></body></html>');
      return;
    }
    for (const [index, wheels] of Object.entries(options.indexes)) {
      if (!path.startsWith(`/${index}/`)) continue;
      const rest = path.slice(index.length + 2);
      const file = /^files\/([^/]+)$/.exec(rest)?.[1];
      if (file !== undefined) {
        serveFile(request, response, wheels, file);
        return;
      }
      const project = /^([^/]*)\/?$/.exec(rest)?.[1];
      if (project !== undefined) {
        servePage(request, response, wheels, `/${index}`, normalise(project));
        return;
      }
    }
    response.writeHead(404).end('not here');
  };

  const servePage = (request: IncomingMessage, response: ServerResponse, wheels: readonly BuiltWheel[], base: string, project: string): void => {
    const found = wheels.filter((wheel) => normalise(wheel.name) === project);
    if (project !== '' && found.length === 0) {
      response.writeHead(404).end('no such project');
      return;
    }
    const wantsJson = options.json !== false && (request.headers.accept ?? '').includes(JSON_TYPE);
    const told = (wheel: BuiltWheel): string => (behaviour.get(wheel.filename)?.kind === 'wrong_hash' ? '0'.repeat(64) : wheel.sha256);
    const metadata = options.metadata !== false;
    if (wantsJson && project !== '') {
      const files = found.map((wheel) => ({
        filename: wheel.filename, url: `${base}/files/${encodeURIComponent(wheel.filename)}`, hashes: { sha256: told(wheel) }, size: wheel.bytes.length,
        ...(wheel.requiresPython === null ? {} : { 'requires-python': wheel.requiresPython }), ...(metadata ? { 'core-metadata': true } : {}),
      }));
      response.writeHead(200, { 'content-type': JSON_TYPE }).end(JSON.stringify({ meta: { 'api-version': '1.1' }, name: project, versions: [...new Set(found.map((w) => w.version))], files }));
      return;
    }
    const links = project === ''
      ? [...new Set(wheels.map((w) => normalise(w.name)))].map((name) => `<a href="${base}/${name}/">${name}</a>`)
      : found.map((wheel) => `<a href="${base}/files/${encodeURIComponent(wheel.filename)}#sha256=${told(wheel)}"${metadata ? ' data-core-metadata="true"' : ''}${wheel.requiresPython === null ? '' : ` data-requires-python="${wheel.requiresPython.replaceAll('>', '&gt;').replaceAll('<', '&lt;')}"`}>${wheel.filename}</a><br>`);
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
  };

  const serveFile = (request: IncomingMessage, response: ServerResponse, wheels: readonly BuiltWheel[], file: string): void => {
    const describes = file.endsWith('.metadata');
    const wheel = wheels.find((w) => w.filename === (describes ? file.slice(0, -'.metadata'.length) : file));
    if (wheel === undefined || (describes && options.metadata === false)) {
      response.writeHead(404).end('no such file');
      return;
    }
    if (!describes && request.method === 'GET') for (const resolve of waiting.get(file)?.splice(0) ?? []) resolve();
    const how = describes ? undefined : behaviour.get(file);
    if (how?.kind === 'status') {
      response.writeHead(how.status).end('no');
      return;
    }
    let bytes: Buffer = describes ? wheel.metadata : wheel.bytes;
    if (how?.kind === 'flipped_byte') {
      bytes = Buffer.from(bytes);
      const middle = bytes.length >> 1;
      bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
    }
    const range = options.ranges === false ? null : parseRange(request.headers.range, bytes.length);
    const part = range === null ? bytes : bytes.subarray(range.from, range.to + 1);
    response.writeHead(range === null ? 200 : 206, {
      'content-type': 'application/octet-stream', 'content-length': part.length, etag: `"${wheel.sha256}"`,
      ...(options.ranges === false ? {} : { 'accept-ranges': 'bytes' }), ...(range === null ? {} : { 'content-range': `bytes ${range.from}-${range.to}/${bytes.length}` }),
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    // A cut or slow file is so as a whole; who asks for the rest of it is answered well. A stall is one for everybody.
    if (how?.kind === 'stall') response.write(part.subarray(0, range === null ? how.afterBytes : 1));
    else if (range === null && how?.kind === 'cut') response.write(part.subarray(0, how.afterBytes), () => { response.destroy(); });
    else if (range === null && how?.kind === 'slow') trickle(response, part, how.bytes, timers);
    else response.end(part);
  };

  const server = options.tls === undefined ? createServer(answer) : createTlsServer({ ...options.tls }, answer);
  server.on('clientError', (_, socket) => { socket.destroy(); });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => { resolve(); }));
  const address = server.address();
  const place = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const scheme = options.tls === undefined ? 'http' : 'https';
  const who = options.credentials === undefined ? '' : `${options.credentials.user}:${options.credentials.password}@`;
  return {
    url: `${scheme}://${place}`,
    urlWithCredentials: `${scheme}://${who}${place}`,
    requests,
    misbehave(filename, how) {
      if (how === null) behaviour.delete(filename);
      else behaviour.set(filename, how);
    },
    asked: (filename) => new Promise((resolve) => { waiting.set(filename, [...(waiting.get(filename) ?? []), resolve]); }),
    async stop() {
      for (const timer of timers) clearInterval(timer);
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => { resolve(); }));
    },
  };
}

const basic = (c: { readonly user: string; readonly password: string }): string => `Basic ${Buffer.from(`${c.user}:${c.password}`).toString('base64')}`;

function parseRange(header: string | undefined, size: number): { readonly from: number; readonly to: number } | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null) return null;
  const [, first = '', last = ''] = match;
  if (first === '') return last === '' ? null : { from: Math.max(0, size - Number(last)), to: size - 1 };
  return { from: Number(first), to: last === '' ? size - 1 : Math.min(size - 1, Number(last)) };
}

function trickle(response: ServerResponse, bytes: Buffer, step: number, timers: Set<NodeJS.Timeout>): void {
  let at = 0;
  const timer = setInterval(() => {
    response.write(bytes.subarray(at, at + step));
    at += step;
    if (at >= bytes.length || response.destroyed) {
      clearInterval(timer);
      timers.delete(timer);
      response.end();
    }
  }, 100);
  timers.add(timer);
  response.on('close', () => { clearInterval(timer); });
}
