import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { WebSocket } from 'ws';
import type { Api } from '../../contract/api.ts';
import { problemError } from '../../contract/problem-catalogue.ts';

export type EngineClient = ContractRouterClient<Api>;

export interface EngineConnection {
  readonly client: EngineClient;
  /** Settles when the connection has ended, for whatever reason. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  close(): void;
}

/** Connects to an engine's socket. @throws ProblemError `engine.unreachable` */
export async function connectEngine(socket: string, dataDir: string): Promise<EngineConnection> {
  const address = process.platform === 'win32' ? `ws+unix:${socket}:/rpc` : `ws+unix://${socket}:/rpc`;
  const ws = new WebSocket(address, { perMessageDeflate: false, handshakeTimeout: 5000 });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.on('close', (code, reason) => { resolve({ code, reason: reason.toString('utf8') }); });
  });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', (error) => {
      reject(problemError('engine.unreachable', { dataDir, detail: error.message }, { cause: error }));
    });
  });
  ws.on('error', () => undefined);
  // ws and the browser's WebSocket agree on all that the link uses; their types differ in unused members.
  const client: EngineClient = createORPCClient(new RPCLink({ websocket: ws as unknown as globalThis.WebSocket }));
  return {
    client,
    closed,
    close() {
      ws.close();
    },
  };
}
