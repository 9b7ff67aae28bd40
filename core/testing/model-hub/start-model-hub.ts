import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { HubContent } from './make-gguf.ts';

/** How a file is served when it is not served well. */
export type HubMisbehaviour =
  /** Each answer sends so many bytes, then nothing, for ever. `times`: only the first so many answers. */
  | { readonly kind: 'stall'; readonly afterBytes: number; readonly times?: number }
  /** Each answer drops the connection after so many bytes. */
  | { readonly kind: 'cut'; readonly afterBytes: number; readonly times?: number }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly times?: number }
  /** A web page with status 200. `fromRequest`: only from that request on, the first being 1. */
  | { readonly kind: 'html'; readonly fromRequest?: number }
  /** Says that it has so many bytes; sends what there is. */
  | { readonly kind: 'claims'; readonly bytes: number }
  /** From that request on the file is another one. `quietly`: with the same marks. */
  | { readonly kind: 'changes'; readonly fromRequest: number; readonly to: HubContent; readonly quietly?: boolean }
  /** The range begins elsewhere. */
  | { readonly kind: 'wrong_range' }
  | { readonly kind: 'redirect'; readonly to: string }
  /** So many bytes every hundredth of a second. */
  | { readonly kind: 'slow'; readonly bytes: number }
  /** More than so many connections at a time get 429. */
  | { readonly kind: 'few_connections'; readonly most: number }
  | { readonly kind: 'flipped_byte'; readonly at: number };

export interface ServedFile {
  readonly content: HubContent;
  readonly misbehave?: HubMisbehaviour;
  /** Default true. */
  readonly ranges?: boolean;
  /** Marks that are sent. Default `strong`. */
  readonly marks?: 'strong' | 'weak' | 'date' | 'none';
  /** Without Content-Length. */
  readonly chunked?: boolean;
}
export interface ServedRepository {
  readonly files: Readonly<Record<string, ServedFile>>;
  /** A token that is asked for. */
  readonly gated?: string;
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Sizes only in the tree, so many files a page. */
  readonly treePage?: number;
}
export interface HubRequest {
  readonly path: string;
  readonly range: string | null;
  readonly authorization: string | null;
  readonly userAgent: string | null;
}
export interface ModelHub {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly HubRequest[];
  /** Body bytes of files that were given out. */
  sentBytes(): number;
  /** Changes how a file is served from now on. */
  serve(repository: string, file: string, how: ServedFile): void;
  /** Connections that are open now. */
  openConnections(): number;
  stop(): Promise<void>;
}

const PAGE = '<!DOCTYPE html><html><head><title>Sign in to the guest network</title></head><body><form></form></body></html>';
export const HUB_COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** A server on the loopback that behaves as the model hub does, and badly where it is told to. */
export async function startModelHub(repositories: Readonly<Record<string, ServedRepository>>, { port: wished = 0 }: { /** One that was used before. */ readonly port?: number } = {}): Promise<ModelHub> {
  const served = new Map(Object.entries(repositories).map(([name, one]) => [name, { ...one, files: new Map(Object.entries(one.files)) }]));
  const requests: HubRequest[] = [];
  const counts = new Map<string, number>();
  const active = new Map<string, number>();
  const timers = new Set<NodeJS.Timeout>();
  let sent = 0;
  let base = '';

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://hub');
    const path = decodeURIComponent(url.pathname);
    requests.push({ path: `${path}${url.search}`, range: request.headers.range ?? null, authorization: request.headers.authorization ?? null, userAgent: request.headers['user-agent'] ?? null });
    response.on('error', () => undefined);
    const api = /^\/api\/models\/([^/]+\/[^/]+)(?:\/(tree|revision)\/([^/]+))?$/.exec(path);
    // `/files/…`: the same file at an address that is not of the hub's form.
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? /^\/files\/([^/]+\/[^/]+)(\/)(.+)$/.exec(path);
    const name = api?.[1] ?? resolve?.[1] ?? '';
    const repository = served.get(name);
    if (repository === undefined) {
      response.writeHead(401, { 'x-error-code': 'RepoNotFound' }).end('Invalid username or password.');
      return;
    }
    if (repository.gated !== undefined && resolve !== null && request.headers.authorization !== `Bearer ${repository.gated}`) {
      response.writeHead(request.headers.authorization === undefined ? 401 : 403, { 'x-error-code': 'GatedRepo' }).end('Access to model is restricted.');
      return;
    }
    if (resolve !== null) {
      const file = repository.files.get(resolve[3] ?? '');
      if (file === undefined) response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end('Entry not found');
      else serveFile(`${name}/${resolve[3] ?? ''}`, file, request, response);
      return;
    }
    const all = [...repository.files].map(([rfilename, { content }]) => ({ rfilename, size: content.size, lfs: { sha256: content.sha256, size: content.size, pointerSize: 135 } }));
    if (api?.[2] === 'tree') {
      const page = Number(url.searchParams.get('cursor') ?? '0');
      const size = repository.treePage ?? 1000;
      const more = (page + 1) * size < all.length;
      response.writeHead(200, { 'content-type': 'application/json', ...(more ? { link: `<${base}${url.pathname}?recursive=true&cursor=${page + 1}>; rel="next"` } : {}) });
      response.end(JSON.stringify(all.slice(page * size, (page + 1) * size).map((one) => ({ type: 'file', path: one.rfilename, size: one.size, lfs: { oid: one.lfs.sha256, size: one.size } }))));
      return;
    }
    const siblings = repository.treePage === undefined ? all : all.map(({ rfilename }) => ({ rfilename }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: name, sha: HUB_COMMIT, gated: repository.gated === undefined ? false : 'manual', tags: ['gguf', 'license:apache-2.0'], cardData: { license: 'apache-2.0' }, siblings, ...repository.extra }));
  };

  const serveFile = (key: string, file: ServedFile, request: IncomingMessage, response: ServerResponse): void => {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    const given = file.misbehave;
    const how = given !== undefined && 'times' in given && given.times !== undefined && count > given.times ? undefined : given;
    if (how?.kind === 'status') {
      response.writeHead(how.status, how.headers).end('no');
      return;
    }
    if (how?.kind === 'html' && count >= (how.fromRequest ?? 1)) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
      return;
    }
    if (how?.kind === 'redirect') {
      response.writeHead(302, { location: how.to, 'x-linked-etag': `"${file.content.sha256}"`, 'x-linked-size': String(file.content.size) }).end();
      return;
    }
    if (how?.kind === 'few_connections') {
      if ((active.get(key) ?? 0) >= how.most) {
        response.writeHead(429).end('too many');
        return;
      }
      active.set(key, (active.get(key) ?? 0) + 1);
      response.on('close', () => active.set(key, (active.get(key) ?? 1) - 1));
    }
    const other = how?.kind === 'changes' && count >= how.fromRequest ? how : null;
    const content = other?.to ?? file.content;
    const mark = other?.quietly === true ? file.content.sha256 : content.sha256;
    const claimed = how?.kind === 'claims' ? how.bytes : content.size;
    const marks = file.marks ?? 'strong';
    const etag = marks === 'weak' ? `W/"${mark.slice(0, 16)}"` : `"${mark.slice(0, 16)}"`;
    const date = new Date(1_780_000_000_000 + (Number.parseInt(mark.slice(0, 6), 16) * 1000)).toUTCString();
    const asked = file.ranges === false ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const ifRange = request.headers['if-range'];
    const range = asked !== null && (ifRange === undefined || ifRange === etag || ifRange === date) ? { from: Number(asked[1]), to: asked[2] === '' ? claimed : Math.min(claimed, Number(asked[2]) + 1) } : null;
    if (range !== null && range.from >= content.size) {
      response.writeHead(416, { 'content-range': `bytes */${content.size}`, ...(marks === 'none' ? {} : { etag }) }).end();
      return;
    }
    const [from, to] = range === null ? [0, claimed] : [range.from, range.to];
    const said = how?.kind === 'wrong_range' ? from + 1 : from;
    response.writeHead(range === null ? 200 : 206, {
      'content-type': 'application/octet-stream', ...(file.chunked === true ? {} : { 'content-length': to - from }),
      ...(marks === 'none' ? {} : marks === 'date' ? { 'last-modified': date } : { etag }),
      ...(range === null ? {} : { 'content-range': `bytes ${said}-${to - 1}/${claimed}` }),
    });
    send(response, content, from, Math.min(to, content.size), how, to > content.size);
  };

  /** Piece by piece as the other side reads. */
  const send = (response: ServerResponse, content: HubContent, from: number, to: number, how: HubMisbehaviour | undefined, cutAtEnd: boolean): void => {
    const limit = how?.kind === 'stall' || how?.kind === 'cut' ? from + how.afterBytes : Infinity;
    const flip = how?.kind === 'flipped_byte' ? how.at : -1;
    let at = from;
    const step = (): void => {
      while (!response.destroyed) {
        const end = Math.min(to, limit, at + (how?.kind === 'slow' ? how.bytes : 256 * 1024));
        if (end > at) {
          let piece = content.read(at, end);
          if (flip >= at && flip < end) {
            piece = Buffer.from(piece);
            piece[flip - at] = (piece[flip - at] ?? 0) ^ 0xff;
          }
          at = end;
          sent += piece.length;
          const room = response.write(piece);
          if (at < to && at < limit) {
            if (how?.kind === 'slow') {
              const timer = setTimeout(() => { timers.delete(timer); step(); }, 10);
              timers.add(timer);
              return;
            }
            if (!room) {
              response.once('drain', step);
              return;
            }
            continue;
          }
        }
        if (at >= to && !cutAtEnd) response.end();
        else if (at >= limit && how?.kind === 'stall') return;
        // What was written goes out before the connection does.
        else response.write('', () => response.socket?.destroySoon());
        return;
      }
    };
    step();
  };

  const server = createServer(answer);
  server.keepAliveTimeout = 60_000;
  server.on('clientError', (_, socket) => { socket.destroy(); });
  await new Promise<void>((resolve) => server.listen(wished, '127.0.0.1', () => { resolve(); }));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  base = `http://127.0.0.1:${port}`;
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => { open -= 1; });
  });
  return {
    url: base,
    port,
    requests,
    sentBytes: () => sent,
    openConnections: () => open,
    serve(repository, file, how) {
      const one = served.get(repository) ?? { files: new Map<string, ServedFile>() };
      one.files.set(file, how);
      served.set(repository, one);
    },
    async stop() {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => { resolve(); }));
    },
  };
}
