import type { MessagePortMain } from 'electron';
import type { FramePort } from './frame-relay.ts';

/** Electron's end of a message channel as a frame port. A port that the page has closed takes frames silently. */
export function framePortOf(port: MessagePortMain): FramePort {
  return {
    post: (value) => { port.postMessage(value); },
    onMessage(listener) {
      port.on('message', (event) => { listener(event.data); });
      port.start();
    },
    onClose: (listener) => { port.on('close', listener); },
    close: () => { port.close(); },
  };
}
