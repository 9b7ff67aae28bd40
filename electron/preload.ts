/**
 * The whole bridge: the page asks for ports by a message to its own window, and gets them the same way. Nothing is
 * put on the page's `window`, no method crosses, and the page never sees an object of Electron's.
 */
import { ipcRenderer } from 'electron';
import { APP_URL } from './navigation-guard.ts';
import { PORT_MESSAGE, WANT_PORT_MESSAGE } from './port-messages.ts';

/** The little of the DOM that is used here: this folder is checked without it. */
interface PageWindow {
  readonly location: { readonly origin: string };
  addEventListener(type: 'message', listener: (event: { readonly source: unknown; readonly data: unknown }) => void): void;
  postMessage(message: string, origin: string, ports: readonly unknown[]): void;
}
declare const window: PageWindow;

const origin = APP_URL.replace(/\/index\.html$/, '');
if (window.location.origin === origin) {
  window.addEventListener('message', (event) => {
    if (event.source === window && event.data === WANT_PORT_MESSAGE) ipcRenderer.send(WANT_PORT_MESSAGE);
  });
  ipcRenderer.on(PORT_MESSAGE, (event) => { window.postMessage(PORT_MESSAGE, origin, event.ports); });
}
