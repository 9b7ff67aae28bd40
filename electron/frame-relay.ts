import type { WebSocket } from 'ws';
import { afterAck, afterFrame, EMPTY_WINDOW } from './frame-window.ts';

/** One end of a message channel, Electron's or Node's. */
export interface FramePort {
  post(value: unknown): void;
  onMessage(listener: (value: unknown) => void): void;
  onClose(listener: () => void): void;
  close(): void;
}

export interface FrameRelay {
  /** From now on frames go to and come from this socket; what the page sent before is sent first. */
  join(ws: WebSocket): void;
  /** Tells the page why there is no engine behind the port any more, and closes it. */
  end(reason: string): void;
}

/** Frames that a page may send before its engine is there. The client waits for answers, so there are few. */
const MAX_EARLY_FRAMES = 1024;

/**
 * Carries frames between a page's port and the engine's socket. Frames are strings and are not looked into;
 * `{ack: n}` from the page is flow control, `{closed: reason}` is the last thing the page hears.
 * `onEngineEnd` is called when the engine's side went first, never after `end` or when the page went.
 */
export function createFrameRelay(port: FramePort, onEngineEnd: (reason: string) => void): FrameRelay {
  let socket: WebSocket | null = null;
  let window = EMPTY_WINDOW;
  let ended = false;
  const early: string[] = [];

  const end = (reason: string | null): void => {
    if (ended) return;
    ended = true;
    if (reason !== null) port.post({ closed: reason });
    port.close();
    socket?.close();
  };
  const setWindow = (next: typeof window): void => {
    if (next.paused !== window.paused && socket) {
      if (next.paused) socket.pause();
      else socket.resume();
    }
    window = next;
  };

  port.onMessage((value) => {
    if (ended) return;
    if (typeof value === 'string') {
      if (socket?.readyState === 1) socket.send(value);
      else if (!socket && early.length < MAX_EARLY_FRAMES) early.push(value);
    } else if (typeof value === 'object' && value !== null && 'ack' in value && typeof value.ack === 'number') {
      setWindow(afterAck(window, value.ack));
    }
  });
  port.onClose(() => { end(null); });

  return {
    join(ws) {
      if (ended) {
        ws.close();
        return;
      }
      socket = ws;
      for (const frame of early.splice(0)) ws.send(frame);
      ws.on('message', (data: Buffer, isBinary: boolean) => {
        if (ended || isBinary) return;
        port.post(data.toString('utf8'));
        setWindow(afterFrame(window));
      });
      ws.on('close', (code: number, reason: Buffer) => {
        if (ended) return;
        const text = reason.toString('utf8') || (code === 1006 ? 'the engine ended without a word' : `closed with ${String(code)}`);
        end(text);
        onEngineEnd(text);
      });
    },
    end: (reason) => { end(reason); },
  };
}
