import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import fastifyStatic from '@fastify/static';
import { OpenAPIHandler } from '@orpc/openapi/fastify';
import { SmartCoercionPlugin } from '@orpc/json-schema';
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4';
import type { Router } from '@orpc/server';
import { WebSocketServer, type WebSocket } from 'ws';
import { makeContentSecurityPolicy } from '../../contract/content-security-policy.ts';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import { ProblemError } from '../../contract/problem.ts';
import type { WebStatus } from '../../contract/system.ts';
import { answerWithProblems, describeProblem } from '../engine/api-errors.ts';
import type { FaceContext } from '../engine/face-context.ts';
import type { Logger } from '../logging/logger.ts';
import { createFailureLimit } from './failure-limit.ts';
import { describeRefusal } from './openai/openai-error.ts';
import { registerOpenAi, type OpenAiParts } from './openai/register-openai.ts';
import { makeOpenApiDocument } from './openapi-document.ts';
import { decideRequest, parseBearer, tokensEqual, type GateRequest, type GateSettings } from './request-gate.ts';
import { CLOSE_ENGINE_ENDS, MAX_FRAME_BYTES } from './rpc-connection.ts';
import { createTickets } from './tickets.ts';

export const DEFAULT_PORT = 7757;
/** How many ports after the default one are tried when it is taken. */
const PORTS_TRIED = 50;

export interface WebFaceOptions {
  readonly host: string;
  /** null: 7757, or the next free one. 0: any. A number: that one or `web.port_taken`. */
  readonly port: number | null;
  readonly insecure: boolean;
  readonly cert: string | null;
  readonly key: string | null;
  readonly token: string | null;
}

export interface WebFaceParts {
  readonly router: Router<Record<never, never>, FaceContext>;
  readonly rendererFolder: string | null;
  readonly onConnection: (ws: WebSocket) => void;
  readonly metricsText: () => string;
  readonly metricsOn: () => boolean;
  readonly openai: OpenAiParts;
  readonly log: Logger;
}

export interface WebFace {
  readonly status: WebStatus;
  readonly token: string;
  readonly metricsToken: string;
  close(): Promise<void>;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Names under which this listener may be addressed, the one that is shown first: what Host may say. */
function hostNames(host: string): string[] {
  if (host === '127.0.0.1' || host === '::1') return [isIP(host) === 6 ? `[${host}]` : host, 'localhost'];
  if (host === 'localhost') return ['localhost', '127.0.0.1', '[::1]'];
  if (host !== '0.0.0.0' && host !== '::') return [isIP(host) === 6 ? `[${host}]` : host];
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []).map((a) => (a.family === 'IPv6' ? `[${a.address}]` : a.address));
  return ['127.0.0.1', 'localhost', ...own];
}

function readTls(options: WebFaceOptions): { cert: Buffer; key: Buffer } | null {
  if (options.cert === null && options.key === null) return null;
  try {
    return { cert: readFileSync(options.cert ?? ''), key: readFileSync(options.key ?? '') };
  } catch (error) {
    throw problemError('web.bad_certificate', { detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

const toGateRequest = (request: IncomingMessage, upgrade: boolean): GateRequest => ({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, rawHeaders: request.rawHeaders, upgrade });

const BASE_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** Tries the wanted port, or the default and those after it. */
async function listen(app: FastifyInstance, options: WebFaceOptions): Promise<number> {
  const wanted = options.port ?? DEFAULT_PORT;
  const last = options.port === null ? wanted + PORTS_TRIED : wanted;
  for (let port = wanted; port <= last; port += 1) {
    try {
      await app.listen({ host: options.host, port });
      const address = app.server.address();
      return typeof address === 'object' && address !== null ? address.port : port;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null;
      if (code !== 'EADDRINUSE' && code !== 'EACCES') throw problemError('web.bad_host', { host: options.host, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
      if (options.port !== null) throw problemError('web.port_taken', { host: options.host, port }, { cause: error });
    }
  }
  throw problemError('web.no_port', { host: options.host, from: wanted, to: last });
}

/**
 * Opens the TCP face: the interface at `/`, `/rpc` (WebSocket), `/api/…`, `/openapi.json`, `/health`, `/metrics`.
 * One gate stands before all routing. @throws ProblemError `web.*`
 */
export async function openWebFace(options: WebFaceOptions, parts: WebFaceParts): Promise<WebFace> {
  const tls = readTls(options);
  if (!isLoopback(options.host) && !tls && !options.insecure) throw problemError('web.needs_tls', { host: options.host });
  const token = options.token ?? randomBytes(32).toString('base64url');
  const metricsToken = randomBytes(24).toString('base64url');
  const { log } = parts;
  let gate: GateSettings = { hosts: new Set(), origins: new Set(), token, metricsToken };
  const tickets = createTickets();
  const failures = createFailureLimit();
  let policy = makeContentSecurityPolicy({ connect: [] });

  const app = Fastify({
    logger: false,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    // An address that cannot be decoded is answered before any hook: without a word of the framework's own.
    frameworkErrors: (_error: unknown, _request: unknown, reply: FastifyReply) => void reply.code(400).headers(BASE_HEADERS).send(),
    ...(tls ? { https: tls } : {}),
  } as { logger: false });

  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...BASE_HEADERS, 'Content-Security-Policy': policy });
    const from = request.ip;
    if (failures.isBlocked(from)) return reply.code(429).header('Retry-After', '60').send();
    const answer = decideRequest(toGateRequest(request.raw, false), gate);
    if (!answer.allow) {
      if (answer.status === 401) failures.fail(from);
      reply.code(answer.status).header('Cache-Control', 'no-store');
      // Clients of OpenAI's API show the message of the body.
      return (request.url.startsWith('/v1/') ? reply.send(describeRefusal(answer.status)) : reply.send());
    }
    return undefined;
  });

  // oRPC reads bodies itself; nothing else takes one.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', (_request, _payload, done) => { done(null, undefined); });
  app.setErrorHandler(async (error, _request, reply) => {
    const status = typeof error === 'object' && error !== null && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : 500;
    if (status >= 500) log.error('request failed', { error: error instanceof Error ? error.message : String(error) });
    return reply.code(status).send();
  });
  app.setNotFoundHandler(async (_request, reply) => reply.code(404).send());

  app.get('/health', async (_request, reply) => reply.code(204).send());
  app.get('/metrics', async (_request, reply) => {
    if (!parts.metricsOn()) return reply.code(404).send();
    return reply.header('Cache-Control', 'no-store').type('text/plain; version=0.0.4; charset=utf-8').send(parts.metricsText());
  });
  app.post('/api/ticket', async (_request, reply) => reply.header('Cache-Control', 'no-store').send({ ticket: tickets.issue() }));
  let document: Promise<unknown> | null = null;
  app.get('/openapi.json', async (_request, reply) => reply.header('Cache-Control', 'no-store').send(await (document ??= makeOpenApiDocument())));

  const openApi = new OpenAPIHandler<FaceContext>(parts.router, {
    plugins: [new SmartCoercionPlugin({ schemaConverters: [new ZodToJsonSchemaConverter()] })],
    clientInterceptors: [answerWithProblems(log)],
    rootInterceptors: [
      async ({ next }) => {
        const result = await next();
        // All that operations answer has its own status; 400 is a body that could not be read.
        return result.matched && result.response.status === 400 ? { ...result, response: { ...result.response, status: 422, body: describeProblem(makeProblem('input.invalid', { detail: 'The body is not JSON.' })).toJSON() } } : result;
      },
    ],
  });
  app.all('/api/*', async (request, reply) => {
    reply.header('Cache-Control', 'no-store');
    const { matched } = await openApi.handle(request, reply, { prefix: '/api', context: { face: 'web' } });
    if (!matched) return reply.code(404).send(describeProblem(makeProblem('input.unknown_operation', { operation: `${request.method} ${request.url.split('?', 1)[0] ?? ''}` })).toJSON());
    return reply;
  });

  await registerOpenAi(app, parts.openai);

  if (parts.rendererFolder !== null) {
    await app.register(fastifyStatic, {
      root: parts.rendererFolder,
      // Only what the build wrote is served; a dotfile or a path outside is not looked for.
      dotfiles: 'ignore',
      cacheControl: false,
      setHeaders(response, path) {
        response.header('Cache-Control', path.endsWith('.html') ? 'no-store' : 'public, max-age=31536000, immutable');
      },
    });
  } else {
    app.get('/', async (_request, reply) => reply.code(503).type('text/plain').send('The interface has not been built.'));
  }

  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false, handleProtocols: () => 'warpdeck' });
  const refuse = (socket: Duplex, status: number): void => {
    socket.end(`HTTP/1.1 ${String(status)} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  await app.ready();
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const from = request.socket.remoteAddress ?? '';
    if (failures.isBlocked(from)) { refuse(socket, 429); return; }
    const answer = decideRequest(toGateRequest(request, true), gate);
    if (!answer.allow) { refuse(socket, answer.status); return; }
    const [protocol, ticket] = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
    // Programs that can set headers may show the token itself; a page shows a ticket.
    const bearer = parseBearer(request.headers.authorization);
    const admitted = bearer !== null ? tokensEqual(bearer, token) : protocol === 'warpdeck' && ticket !== undefined && tickets.redeem(ticket);
    if (!admitted) {
      failures.fail(from);
      refuse(socket, 401);
      return;
    }
    sockets.handleUpgrade(request, socket, head, parts.onConnection);
  });

  let port: number;
  try {
    port = await listen(app, options);
  } catch (error) {
    await app.close();
    throw error instanceof ProblemError ? error : problemError('web.bad_host', { host: options.host, detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
  const scheme = tls ? 'https' : 'http';
  const names = hostNames(options.host);
  const hosts = names.map((n) => `${n}:${String(port)}`);
  gate = { ...gate, hosts: new Set(hosts), origins: new Set(hosts.map((h) => `${scheme}://${h}`)) };
  policy = makeContentSecurityPolicy({ connect: hosts.map((h) => `${tls ? 'wss' : 'ws'}://${h}`) });
  const status: WebStatus = { on: true, url: `${scheme}://${names[0] ?? options.host}:${String(port)}/`, host: options.host, port, secure: tls !== null };
  log.info('web face open', { host: options.host, port, secure: tls !== null });
  return {
    status,
    token,
    metricsToken,
    async close() {
      for (const ws of sockets.clients) ws.close(CLOSE_ENGINE_ENDS, 'web face closed');
      const force = setTimeout(() => { for (const ws of sockets.clients) ws.terminate(); }, 300);
      for (const ws of sockets.clients) ws.terminate();
      clearTimeout(force);
      await app.close();
      log.info('web face closed', { port });
    },
  };
}
