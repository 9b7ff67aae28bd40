import type { WebSocket } from 'ws';
import { RPCHandler } from '@orpc/server/ws';
import type { Router } from '@orpc/server';
import { answerWithProblems } from '../engine/api-errors.ts';
import type { FaceContext } from '../engine/face-context.ts';
import type { Logger } from '../logging/logger.ts';

/** oRPC has no backpressure, so the connection owns it: above this many waiting bytes no stream is pulled further. */
export const HIGH_WATER_BYTES = 256 * 1024;
/** A connection for which more than this waits is closed: it does not read at all. It reconnects when it can. */
export const BUFFER_LIMIT_BYTES = 16 * 1024 * 1024;
/** What waits for a connection that is closed for not reading is let go of once nothing of it was read for this long … */
const CLOSE_GRACE_MS = 5000;
/** … or, where it trickles, after this many of them. */
const CLOSE_GRACES = 4;
/** The largest frame a face may send. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** Close codes: 4000–4999 are the application's own (RFC 6455, 7.4.2). */
export const CLOSE_SLOW_READER = 4008;
export const CLOSE_ENGINE_ENDS = 4001;

export type RpcHandler = RPCHandler<FaceContext>;

/** One handler for every WebSocket connection, local or TCP. */
export function createRpcHandler(router: Router<Record<never, never>, FaceContext>, log: Logger): RpcHandler {
  return new RPCHandler<FaceContext>(router as ConstructorParameters<typeof RPCHandler<FaceContext>>[0], {
    clientInterceptors: [answerWithProblems(log)],
  });
}

/**
 * Serves one connection. oRPC awaits `send` before it asks a stream for its next item, so a promise that waits
 * for the socket to drain is all the flow control there is to it: a gauge then skips, a log waits.
 */
export function serveConnection(ws: WebSocket, handler: RpcHandler, context: FaceContext, log: Logger): void {
  const send = (data: string | ArrayBufferLike | Uint8Array): Promise<void> | undefined => {
    if (ws.readyState !== ws.OPEN) return undefined;
    if (ws.bufferedAmount > BUFFER_LIMIT_BYTES) {
      log.warn('connection closed: does not read', { bufferedBytes: ws.bufferedAmount });
      ws.close(CLOSE_SLOW_READER, 'connection.slow_reader');
      // One that reads again soon hears why; one that never does answers no close frame either.
      terminateWhenStuck(ws);
      return undefined;
    }
    if (ws.bufferedAmount <= HIGH_WATER_BYTES) {
      ws.send(data);
      return undefined;
    }
    return new Promise((resolve) => {
      ws.once('close', resolve);
      ws.send(data, () => {
        ws.off('close', resolve);
        resolve();
      });
    });
  };
  ws.on('error', (error) => {
    log.info('connection error', { error: error.message });
  });
  const peer = { addEventListener: ws.addEventListener.bind(ws), send };
  void handler.upgrade(peer, { context });
}

function terminateWhenStuck(ws: WebSocket): void {
  let left = CLOSE_GRACES, waiting = ws.bufferedAmount;
  const watch = setInterval(() => {
    left -= 1;
    if (left === 0 || ws.bufferedAmount >= waiting) ws.terminate();
    waiting = ws.bufferedAmount;
  }, CLOSE_GRACE_MS).unref();
  ws.once('close', () => { clearInterval(watch); });
}
