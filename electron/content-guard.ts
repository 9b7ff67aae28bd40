import { app, session, type BrowserWindow, type Event, type Session } from 'electron';
import { decideNavigation, decidePermission, decideRequest } from './navigation-guard.ts';
import { openExternal } from './open-external.ts';

/**
 * What no page may do, whatever it shows: leave our origin, open windows, hold webviews, get permissions, load
 * anything that is not ours. Must be set before the first window is made.
 */
export function guardContents(options: { readonly inspectable: boolean; readonly windowOf: () => BrowserWindow | null; readonly log: (text: string) => void }): void {
  const stopUnlessOurs = (what: string) => (event: Event, url: string): void => {
    if (decideNavigation(url) === 'allow') return;
    event.preventDefault();
    options.log(`${what} to ${url.slice(0, 200)} was stopped`);
  };
  app.on('web-contents-created', (_event, contents) => {
    contents.on('will-navigate', stopUnlessOurs('navigation'));
    contents.on('will-redirect', stopUnlessOurs('redirection'));
    // Newer Electron gives the address in the event only.
    contents.on('will-frame-navigate', (event) => { stopUnlessOurs('navigation of a frame')(event, event.url); });
    contents.on('will-attach-webview', (event) => { event.preventDefault(); });
    contents.setWindowOpenHandler(({ url }) => {
      void openExternal(url, options.windowOf(), options.log);
      return { action: 'deny' };
    });
  });
  guardSession(session.defaultSession, options.inspectable, options.log);
}

function guardSession(guarded: Session, inspectable: boolean, log: (text: string) => void): void {
  guarded.setPermissionRequestHandler((_contents, permission, answer, details) => { answer(decidePermission(permission, originOf(details.requestingUrl))); });
  guarded.setPermissionCheckHandler((_contents, permission, requestingOrigin) => decidePermission(permission, requestingOrigin));
  guarded.setDevicePermissionHandler(() => false);
  guarded.webRequest.onBeforeRequest((details, answer) => {
    const decision = decideRequest(details.url, inspectable);
    if (decision === 'stop') log(`a request for ${details.url.slice(0, 200)} was stopped`);
    answer({ cancel: decision === 'stop' });
  });
  guarded.on('will-download', (event, item) => {
    // The page saves through the shell's dialog; nothing else is a download of ours.
    log(`a download of ${item.getURL().slice(0, 200)} was stopped`);
    event.preventDefault();
  });
}

/** `app://bundle` of `app://bundle/x`. `URL.origin` is "null" for schemes that Node does not know. */
function originOf(url: string): string {
  try {
    const parsed = new URL(url);
    return `${parsed.protocol}//${parsed.host}`;
  } catch {
    return 'null';
  }
}
