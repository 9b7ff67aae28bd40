import type { WebSocket } from 'ws';
import type { Logger } from '../logging/logger.ts';
import type { DataFolder } from '../system/data-folder.ts';
import { listenLocally } from '../web/local-listener.ts';
import { createRpcHandler, serveConnection } from '../web/rpc-connection.ts';
import type { Life } from './life.ts';
import { createRouter } from './router.ts';
import type { EngineServices } from './services.ts';
import { createWebControl, type WebControl } from './web-control.ts';

export interface FacesOptions {
  readonly services: EngineServices;
  readonly life: Pick<Life, 'enter'>;
  readonly web: Pick<Parameters<typeof createWebControl>[0], 'rendererFolder' | 'openai' | 'metricsOn' | 'metricsText'>;
  readonly log: Logger;
}
export interface Faces {
  readonly web: WebControl;
  /** Opens the socket in the data folder. */
  listen(folder: DataFolder): Promise<{ close(): Promise<void> }>;
}

/** The ways into the engine: every connection is one face that keeps it alive, with the same operations behind it. */
export function createFaces({ services, life, web, log }: FacesOptions): Faces {
  const router = createRouter(services);
  const handler = createRpcHandler(router, log);
  const onConnection = (face: 'local' | 'web') => (ws: WebSocket): void => {
    const leave = life.enter();
    ws.on('close', leave);
    serveConnection(ws, handler, { face }, log);
  };
  return {
    web: createWebControl({ ...web, router, onConnection: onConnection('web'), log }, log),
    listen: (folder) => listenLocally(folder, onConnection('local'), log),
  };
}
