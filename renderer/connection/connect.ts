import { createORPCClient, type ClientContext, type ClientLink } from '@orpc/client';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { makeProblem, problemError } from '../../contract/problem-catalogue.ts';
import { ProblemError, type Problem } from '../../contract/problem.ts';
import type { EngineInfo } from '../../contract/system.ts';
import { abortableDelay } from './abortable-delay.ts';
import type { Client } from './client.ts';
import { problemFrom } from './problem-from.ts';

/** One open way to the engine. `closed` resolves with the reason when it ends, and never rejects. */
export interface Transport {
  readonly link: ClientLink<ClientContext>;
  readonly closed: Promise<string>;
  close(): void;
}

/** Opens a transport or throws a ProblemError; `web.unauthorised` ends the attempts until there is another token. */
export type OpenTransport = (signal: AbortSignal) => Promise<Transport>;

export type ConnectionState =
  | { readonly state: 'connecting' }
  | { readonly state: 'ready'; readonly info: EngineInfo; readonly sinceMs: number; readonly notice: Problem | null }
  | { readonly state: 'lost'; readonly problem: Problem; readonly sinceMs: number; readonly attempts: number }
  | { readonly state: 'unauthorised'; readonly problem: Problem };

export interface Connection {
  readonly client: Client;
  readonly store: StoreApi<ConnectionState>;
  /** Resolves when calls can be made; rejects with the signal's reason when it aborts first. */
  whenReady(signal: AbortSignal): Promise<void>;
  /** Does not wait for the next attempt; also after the token was replaced. */
  retryNow(): void;
  dispose(): void;
}

export interface ConnectOptions {
  readonly open: OpenTransport;
  /** The version of this page; another one of the engine is said, not refused. */
  readonly version: string;
  readonly firstDelayMs?: number;
  readonly lastDelayMs?: number;
  /** How long the engine may take for its first answer, ms. */
  readonly helloMs?: number;
}

/** Pause before attempt `n` (from 1), ms: doubles from the first to the last. Pure. */
export function decideBackoff(n: number, firstMs: number, lastMs: number): number {
  return Math.min(lastMs, firstMs * 2 ** Math.max(0, n - 1));
}

/** The notice that page and engine are of different versions, or null. Pure. */
export function decideVersionNotice(engine: string, page: string): Problem | null {
  return engine === page ? null : makeProblem('engine.version_differs', { engine, face: page });
}

/** Connects, and again whenever the connection is lost, until disposed. The client stays the same one throughout. */
export function connect(options: ConnectOptions): Connection {
  const { open, version, firstDelayMs = 300, lastDelayMs = 5000, helloMs = 10_000 } = options;
  const end = new AbortController();
  const store = createStore<ConnectionState>()(() => ({ state: 'connecting' }));
  let link: ClientLink<ClientContext> | null = null;
  let wake = new AbortController();

  const switching: ClientLink<ClientContext> = {
    call: async (path, input, callOptions) => {
      if (link === null && store.getState().state === 'connecting') await whenReady(callOptions.signal ?? end.signal);
      if (link === null) throw new ProblemError(troubleOf(store.getState()));
      return link.call(path, input, callOptions);
    },
  };
  const client: Client = createORPCClient(switching);

  function whenReady(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (signal.aborted) {
          finish();
          reject(signal.reason);
        } else if (store.getState().state === 'ready') {
          finish();
          resolve();
        }
      };
      const finish = (): void => {
        unsubscribe();
        signal.removeEventListener('abort', settle);
      };
      const unsubscribe = store.subscribe(settle);
      signal.addEventListener('abort', settle);
      settle();
    });
  }

  const attempt = async (): Promise<string> => {
    const transport = await open(end.signal);
    const stop = (): void => transport.close();
    end.signal.addEventListener('abort', stop, { once: true });
    try {
      const hello: Client = createORPCClient(transport.link);
      // Whoever closes the transport before the first answer says why; the call itself would only say "aborted".
      const refused = transport.closed.then((detail): never => {
        throw problemError('engine.unreachable', { dataDir: 'this engine', detail });
      });
      const asked = hello.engine.info({}, { signal: AbortSignal.any([end.signal, AbortSignal.timeout(helloMs)]) });
      asked.catch(() => undefined);
      refused.catch(() => undefined);
      const info = await Promise.race([refused, asked]);
      link = transport.link;
      store.setState({ state: 'ready', info, sinceMs: Date.now(), notice: decideVersionNotice(info.version, version) }, true);
      return await transport.closed;
    } finally {
      link = null;
      end.signal.removeEventListener('abort', stop);
      transport.close();
    }
  };

  const run = async (): Promise<void> => {
    let attempts = 0;
    while (!end.signal.aborted) {
      let problem: Problem;
      try {
        problem = makeProblem('engine.unreachable', { dataDir: 'this engine', detail: await attempt() });
        attempts = 0;
      } catch (error) {
        problem = problemFrom(error);
      }
      if (end.signal.aborted) return;
      attempts += 1;
      wake = new AbortController();
      if (problem.code === 'web.unauthorised') {
        store.setState({ state: 'unauthorised', problem }, true);
        await new Promise<void>((resolve) => wake.signal.addEventListener('abort', () => resolve(), { once: true }));
        attempts = 0;
        store.setState({ state: 'connecting' }, true);
      } else {
        const before = store.getState();
        store.setState({ state: 'lost', problem, attempts, sinceMs: before.state === 'lost' ? before.sinceMs : Date.now() }, true);
        await abortableDelay(decideBackoff(attempts, firstDelayMs, lastDelayMs), wake.signal);
      }
    }
  };
  void run();

  return {
    client,
    store,
    whenReady,
    retryNow: () => wake.abort(),
    dispose: () => {
      end.abort();
      wake.abort();
    },
  };
}

function troubleOf(state: ConnectionState): Problem {
  if (state.state === 'lost' || state.state === 'unauthorised') return state.problem;
  return makeProblem('engine.unreachable', { dataDir: 'this engine', detail: 'not connected yet' });
}
