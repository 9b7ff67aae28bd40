import type { ChildProcess, StdioOptions } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { EngineToWorker } from '../../contract/worker.ts';

/**
 * The engine's end of a worker's IPC channel. The worker speaks Node's own `process.send`. On POSIX the engine reads
 * the socket itself (JSON lines): Node's `ipc` parses inside its read callback, where one line of garbage is an
 * uncaught exception of the *engine* and an endless line grows without limit (both seen with Node 24.21).
 * On Windows, whose pipes frame messages differently, it is Node's `ipc`.
 */
export interface WorkerChannel {
  /** Never throws: a worker that has gone is seen by its exit. */
  send(message: EngineToWorker): void;
  close(): void;
}

export interface WorkerChannelEvents {
  message(value: unknown): void;
  /** What came is no message; nothing after it is read. */
  garbage(detail: string): void;
  closed(): void;
}

/** No message of a worker comes near this (a frame of 16 GPUs is about 20 KB). */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const ownReader = process.platform !== 'win32';

export const channelStdio: StdioOptions = ['ignore', 'pipe', 'pipe', ownReader ? 'pipe' : 'ipc'];
export const channelEnvironment: Readonly<Record<string, string>> = ownReader ? { NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' } : {};

export function openWorkerChannel(child: ChildProcess, events: WorkerChannelEvents): WorkerChannel {
  const socket = child.stdio[3];
  return socket instanceof Duplex ? openSocket(socket, events) : openIpc(child, events);
}

function openSocket(socket: Duplex, events: WorkerChannelEvents): WorkerChannel {
  const lines = createLineReader(events);
  socket.on('data', (chunk: Buffer) => {
    lines.append(chunk);
  });
  // A reset is an end like any other: the exit that follows tells more.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    events.closed();
  });
  return {
    send(message) {
      if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
    },
    close() {
      socket.destroy();
    },
  };
}

function openIpc(child: ChildProcess, events: WorkerChannelEvents): WorkerChannel {
  child.on('message', (value) => {
    events.message(value);
  });
  child.on('disconnect', () => {
    events.closed();
  });
  return {
    send(message) {
      if (child.connected) child.send(message, undefined, undefined, () => undefined);
    },
    close() {
      if (child.connected) child.disconnect();
    },
  };
}

/** Cuts bytes into lines and lines into values. One bad or endless line ends the reading. */
export function createLineReader(events: Pick<WorkerChannelEvents, 'message' | 'garbage'>, maxLineBytes = MAX_LINE_BYTES): { append(chunk: Buffer): void } {
  let parts: Buffer[] = [];
  let waitingBytes = 0;
  let broken = false;
  const stop = (detail: string): void => {
    broken = true;
    parts = [];
    events.garbage(detail);
  };
  return {
    append(chunk) {
      let from = 0;
      while (!broken) {
        const end = chunk.indexOf(10, from);
        if (end < 0) break;
        const line = parts.length === 0 ? chunk.toString('utf8', from, end) : Buffer.concat([...parts, chunk.subarray(from, end)]).toString('utf8');
        parts = [];
        waitingBytes = 0;
        from = end + 1;
        if (line === '') continue;
        let value: unknown;
        try {
          value = JSON.parse(line);
        } catch {
          return stop(`not JSON: ${line.slice(0, 120)}`);
        }
        events.message(value);
      }
      if (broken || from >= chunk.length) return;
      parts.push(chunk.subarray(from));
      waitingBytes += chunk.length - from;
      if (waitingBytes > maxLineBytes) stop(`a message of more than ${Math.round(maxLineBytes / 1024 / 1024)} MB`);
    },
  };
}
