import { createServer, type Server } from 'node:http';
import { rmSync } from 'node:fs';
import { WebSocketServer, type WebSocket } from 'ws';
import { folderProblem, type DataFolder } from '../system/data-folder.ts';
import type { Logger } from '../logging/logger.ts';
import { CLOSE_ENGINE_ENDS, MAX_FRAME_BYTES } from './rpc-connection.ts';

/**
 * The local faces' door: WebSocket over a Unix socket (mode 0600) or a named pipe. Who may open it is who may
 * read the data folder, so there is no token.
 */
export interface LocalListener {
  close(): Promise<void>;
}

export async function listenLocally(folder: DataFolder, onConnection: (ws: WebSocket) => void, log: Logger): Promise<LocalListener> {
  const http: Server = createServer((_request, response) => {
    response.writeHead(404).end();
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME_BYTES, perMessageDeflate: false });
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (request.url !== '/rpc') {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, onConnection);
  });
  if (process.platform !== 'win32') rmSync(folder.socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error) => {
      reject(folderProblem(folder.root, error));
    });
    // `listen` binds before it returns: the socket is never there with another mode.
    const umask = process.umask(0o177);
    http.listen(folder.socket, resolve);
    process.umask(umask);
  });
  log.info('listening', { socket: folder.socket });
  return {
    async close() {
      for (const ws of sockets.clients) ws.close(CLOSE_ENGINE_ENDS, 'engine ends');
      const gone = new Promise<void>((resolve) => http.close(() => { resolve(); }));
      const force = setTimeout(() => {
        for (const ws of sockets.clients) ws.terminate();
        http.closeAllConnections();
      }, 500);
      await gone;
      clearTimeout(force);
      if (process.platform !== 'win32') rmSync(folder.socket, { force: true });
    },
  };
}
