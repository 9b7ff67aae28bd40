import { RPCLink } from '@orpc/client/websocket';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { OpenTransport, Transport } from './connect.ts';

/** The token of a browser tab: in memory only, so that nothing on disk opens the engine. */
export interface TokenBox {
  get(): string | null;
  set(token: string | null): void;
}

export function createTokenBox(first: string | null): TokenBox {
  let token = first;
  return { get: () => token, set: (next) => void (token = next) };
}

/**
 * Splits `#token=…` from a fragment: the token, and what of the fragment remains. A route may follow
 * (`#token=abc&/alerts`). Pure.
 */
export function parseTokenFragment(hash: string): { readonly token: string | null; readonly rest: string } {
  const match = /^#token=([A-Za-z0-9._~+/=-]{1,512})(?:&(.*))?$/.exec(hash);
  if (!match) return { token: null, rest: hash };
  return { token: match[1] ?? null, rest: match[2] ? `#${match[2]}` : '' };
}

/** The token in what somebody pasted: a whole address, its fragment, or the bare token. Pure. */
export function parsePastedAddress(text: string): string | null {
  const trimmed = text.trim();
  const at = trimmed.indexOf('#');
  if (at >= 0) return parseTokenFragment(trimmed.slice(at)).token;
  return /^[A-Za-z0-9._~+/=-]{16,512}$/.test(trimmed) ? trimmed : null;
}

/** How long a ticket or the opening of the socket may take, ms. */
const OPEN_MS = 8000;

/** WebSocket with a single-use ticket, which the token buys: a browser cannot set headers on a WebSocket. */
export function createWebTransport(options: { readonly origin: string; readonly token: TokenBox }): OpenTransport {
  const base = new URL(options.origin);
  const rpc = new URL('/rpc', base);
  rpc.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  return async (signal): Promise<Transport> => {
    const token = options.token.get();
    if (token === null) throw problemError('web.unauthorised');
    const ticket = await buyTicket(new URL('/api/ticket', base), token, signal);
    const socket = new WebSocket(rpc, ['warpdeck', ticket]);
    // A frame with a file comes as bytes: read at once, not as a Blob that must be awaited out of order.
    socket.binaryType = 'arraybuffer';
    const closed = new Promise<string>((resolve) => {
      socket.addEventListener('close', (event) => resolve(event.reason === 'connection.slow_reader' ? 'this page did not read for too long' : event.reason || 'the connection was closed'), { once: true });
    });
    const link = new RPCLink({ websocket: socket });
    await opened(socket, signal);
    return { link, closed, close: () => socket.close() };
  };
}

async function buyTicket(url: URL, token: string, signal: AbortSignal): Promise<string> {
  const unreachable = (detail: string): never => {
    throw problemError('engine.unreachable', { dataDir: url.host, detail });
  };
  const timeout = AbortSignal.timeout(OPEN_MS);
  let response: Response;
  try {
    response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: '{}', cache: 'no-store', signal: AbortSignal.any([signal, timeout]) });
  } catch {
    return unreachable(timeout.aborted ? 'it does not answer' : 'nothing listens there');
  }
  if (response.status === 401 || response.status === 403) throw problemError('web.unauthorised');
  if (!response.ok) return unreachable(`it answers ${response.status} to the request for a ticket`);
  const body: unknown = await response.json().catch(() => null);
  const ticket = typeof body === 'object' && body !== null && 'ticket' in body ? body.ticket : null;
  return typeof ticket === 'string' ? ticket : unreachable('its answer has no ticket');
}

function opened(socket: WebSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (detail: string): void => {
      done();
      socket.close();
      reject(problemError('engine.unreachable', { dataDir: socket.url, detail }));
    };
    const onOpen = (): void => {
      done();
      resolve();
    };
    const onClose = (): void => fail('it refused the connection');
    const onAbort = (): void => fail('the page gave up');
    const timer = setTimeout(() => fail('it does not answer'), OPEN_MS);
    const done = (): void => {
      clearTimeout(timer);
      socket.removeEventListener('open', onOpen);
      socket.removeEventListener('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    socket.addEventListener('open', onOpen);
    socket.addEventListener('close', onClose);
    signal.addEventListener('abort', onAbort);
  });
}
