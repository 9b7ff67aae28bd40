import { createConnection } from 'node:net';
import { WebSocket } from 'ws';
import { problemError } from '../contract/problem-catalogue.ts';

/** The largest frame that is taken from the engine, bytes: an export's piece or a support bundle is far below. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/**
 * A WebSocket to the engine's Unix socket or named pipe. The connection is made here and not by a `ws+unix:`
 * address: an address would garble a data folder whose path holds a space or a colon.
 * @throws ProblemError `engine.unreachable`
 */
export async function openEngineSocket(socketPath: string, dataDir: string, timeoutMs = 5000): Promise<WebSocket> {
  const ws = new WebSocket('ws://localhost/rpc', { perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES, handshakeTimeout: timeoutMs, createConnection: () => createConnection(socketPath) });
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve);
    ws.once('error', (error) => {
      reject(problemError('engine.unreachable', { dataDir, detail: error.message }, { cause: error }));
    });
  });
  // An error is followed by `close`, which is what everybody here listens to.
  ws.on('error', () => undefined);
  return ws;
}
