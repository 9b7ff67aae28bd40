import { RPCLink } from '@orpc/client/message-port';
import type { OpenTransport, Transport } from './connect.ts';

/** What the preload sends with the two ports, and what the page asks it for when its engine port has closed. */
export const PORT_MESSAGE = 'warpdeck:port';
export const WANT_PORT_MESSAGE = 'warpdeck:want-port';
/** The page says so after this many frames; the desktop's relay stops reading the socket when too many are open. */
export const ACK_EVERY = 32;

/** The part of a MessagePort that is needed; a test uses Node's. */
export interface PortLike {
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
  postMessage(data: unknown): void;
  start(): void;
  close(): void;
}

export interface PortPair {
  readonly engine: PortLike;
  readonly shell: PortLike;
}

export interface PortInbox {
  /** The next pair of ports, which each caller gets once. */
  take(signal: AbortSignal): Promise<PortPair>;
}

/** Listens for the ports that the preload hands over. `onShell` gets each new shell port. */
export function createPortInbox(target: Window, onShell: (port: PortLike) => void): PortInbox {
  let waiting: ((pair: PortPair) => void) | null = null;
  let pending: PortPair | null = null;
  target.addEventListener('message', (event) => {
    if (event.source !== target || event.data !== PORT_MESSAGE) return;
    const [engine, shell] = event.ports;
    if (!engine || !shell) return;
    onShell(shell);
    const pair = { engine, shell };
    if (waiting) waiting(pair);
    else pending = pair;
  });
  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        if (pending) {
          const pair = pending;
          pending = null;
          return resolve(pair);
        }
        const onAbort = (): void => {
          waiting = null;
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting = (pair) => {
          waiting = null;
          signal.removeEventListener('abort', onAbort);
          resolve(pair);
        };
        target.postMessage(WANT_PORT_MESSAGE, target.location.origin);
      }),
  };
}

/**
 * oRPC over one engine port. Strings and bytes are oRPC's; the page acknowledges every 32 of them so that the relay
 * knows that it reads; an object `{ closed: reason }` says that the engine has gone.
 */
export function openPort(port: PortLike): Transport {
  const messages = new Set<(event: MessageEvent) => void>();
  const closes = new Set<() => void>();
  let received = 0;
  let over = false;
  let settle: (reason: string) => void = () => undefined;
  const closed = new Promise<string>((resolve) => {
    settle = resolve;
  });
  const finish = (reason: string): void => {
    if (over) return;
    over = true;
    settle(reason);
    for (const listener of closes) listener();
  };
  port.addEventListener('message', (event) => {
    if (over) return;
    const { data } = event;
    if (typeof data === 'string' || data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
      received += 1;
      if (received % ACK_EVERY === 0) port.postMessage({ ack: ACK_EVERY });
      for (const listener of messages) listener(event);
    } else if (typeof data === 'object' && data !== null && 'closed' in data) {
      finish(typeof data.closed === 'string' ? data.closed : 'the engine ended');
    }
  });
  const filtered = {
    addEventListener: (type: string, listener: unknown): void => {
      if (typeof listener !== 'function') return;
      // Only oRPC's own link listens here; `unknown` is what its declaration allows.
      const call = listener as (event?: MessageEvent) => void;
      if (type === 'message') messages.add((event) => { call(event); });
      if (type === 'close') closes.add(() => { call(); });
    },
    postMessage: (data: unknown): void => {
      if (!over) port.postMessage(data);
    },
  };
  const link = new RPCLink({ port: filtered });
  port.start();
  return {
    link,
    closed,
    close: () => {
      finish('the page closed it');
      port.close();
    },
  };
}

/** The desktop's transport: the ports come from the preload, again after every loss. */
export function createPortTransport(inbox: PortInbox): OpenTransport {
  return async (signal) => openPort((await inbox.take(signal)).engine);
}
