import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * What every TCP request passes before routing, in this order: method and length of the address → Host →
 * Origin and Sec-Fetch-Site → token → content type. Pure: the table test is the specification.
 */
export interface GateRequest {
  readonly method: string;
  /** As it stands in the request line: a path, or an absolute form. */
  readonly url: string;
  /** Raw headers: a doubled one must be seen as such. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly rawHeaders: readonly string[];
  readonly upgrade: boolean;
}

export interface GateSettings {
  /** Exactly what may stand in Host: `127.0.0.1:7757`, `localhost:7757`, or the address given by --host. */
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
  readonly token: string;
  readonly metricsToken: string;
}

export type GateAnswer = { readonly allow: true; readonly access: 'public' | 'full' | 'metrics' } | { readonly allow: false; readonly status: number };

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PATCH', 'PUT', 'DELETE']);
const MAX_URL = 8192;
const MAX_BODY = 1024 * 1024;
/** A conversation with its attachments. */
const MAX_OPENAI_BODY = 16 * MAX_BODY;

/** Constant time for any two strings: their hashes are compared. */
export function tokensEqual(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

function headerCount(raw: readonly string[], name: string): number {
  let n = 0;
  for (let i = 0; i < raw.length; i += 2) if (raw[i]?.toLowerCase() === name) n += 1;
  return n;
}

function single(request: GateRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The bearer token of an Authorization header, or null. */
export function parseBearer(header: string | undefined): string | null {
  const match = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/.exec(header ?? '');
  return match?.[1] ?? null;
}

/** What needs no token: the page itself (it holds nothing) and the sign of life. Everything else does. */
function isPublic(path: string, method: string): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  return path === '/' || path === '/health' || path === '/index.html' || path === '/favicon.ico' || path.startsWith('/assets/');
}

export function decideRequest(request: GateRequest, settings: GateSettings): GateAnswer {
  const deny = (status: number): GateAnswer => ({ allow: false, status });
  if (!METHODS.has(request.method)) return deny(405);
  if (request.url.length > MAX_URL) return deny(414);
  // An absolute form (GET http://evil/ HTTP/1.1) names another authority than Host does.
  if (!request.url.startsWith('/') || request.url.startsWith('//')) return deny(400);
  if (headerCount(request.rawHeaders, 'host') !== 1) return deny(400);
  if (!settings.hosts.has(single(request, 'host') ?? '')) return deny(421);
  const origin = request.headers['origin'];
  if (origin !== undefined && (typeof origin !== 'string' || !settings.origins.has(origin))) return deny(403);
  const site = single(request, 'sec-fetch-site');
  const path = request.url.split('?', 1)[0] ?? '';
  if (site === 'cross-site' || site === 'same-site') {
    // Following a link to the page from elsewhere is a navigation; anything else across sites is refused.
    if (!(single(request, 'sec-fetch-mode') === 'navigate' && isPublic(path, request.method) && !request.upgrade)) return deny(403);
  }
  if (request.upgrade) return path === '/rpc' ? { allow: true, access: 'full' } : deny(404);
  if (isPublic(path, request.method)) return { allow: true, access: 'public' };
  if (headerCount(request.rawHeaders, 'authorization') > 1) return deny(401);
  const token = parseBearer(single(request, 'authorization'));
  if (token === null) return deny(401);
  const full = tokensEqual(token, settings.token);
  const metricsOnly = tokensEqual(token, settings.metricsToken);
  if (path === '/metrics' && (full || metricsOnly)) return { allow: true, access: 'metrics' };
  if (!full) return deny(401);
  // A body without a length could only be measured while it is read; no client of ours sends one.
  if (request.headers['transfer-encoding'] !== undefined) return deny(411);
  const length = Number(single(request, 'content-length') ?? '0');
  if (!Number.isSafeInteger(length) || length < 0) return deny(400);
  if (length > (path.startsWith('/v1/') ? MAX_OPENAI_BODY : MAX_BODY)) return deny(413);
  if (length > 0) {
    if (!/^application\/json(; ?charset=utf-8)?$/i.test(single(request, 'content-type') ?? '')) return deny(415);
  }
  return { allow: true, access: 'full' };
}
