import { shellEvent, type ShellEvent, type ShellMethod, shellReply } from '../../contract/shell.ts';
import type { PortLike } from './port-transport.ts';
import type { Shell } from './shell.ts';

export interface DesktopShell extends Shell {
  /** Uses this port from now on; what was asked over an earlier one is answered with nothing. */
  setPort(port: PortLike): void;
}

/** The window's shell: frames `{ id, method, input }` to Electron's main process. */
export function createDesktopShell(): DesktopShell {
  const listeners = new Set<(event: ShellEvent) => void>();
  const open = new Map<number, (value: unknown) => void>();
  let port: PortLike | null = null;
  let lastId = 0;

  const ask = (method: ShellMethod, input: unknown): Promise<unknown> => {
    const to = port;
    if (to === null) return Promise.resolve(null);
    lastId += 1;
    const id = lastId;
    return new Promise((resolve) => {
      open.set(id, resolve);
      to.postMessage({ id, method, input });
    });
  };
  const onMessage = (data: unknown): void => {
    const reply = shellReply.safeParse(data);
    if (reply.success) {
      open.get(reply.data.id)?.(reply.data.ok ? (reply.data.value ?? null) : null);
      open.delete(reply.data.id);
      return;
    }
    const event = shellEvent.safeParse(data);
    if (event.success) for (const listener of listeners) listener(event.data);
  };

  return {
    kind: 'desktop',
    setPort: (next) => {
      for (const resolve of open.values()) resolve(null);
      open.clear();
      port = next;
      next.addEventListener('message', (event) => onMessage(event.data));
      next.start();
    },
    confirm: async (question) => (await ask('confirm', question)) === true,
    notify: async (note) => (await ask('notify', note)) === true,
    saveFile: async (file) => {
      const path = await ask('saveFile', { suggestedName: file.suggestedName, bytesBase64: encodeBase64(file.bytes) });
      return typeof path === 'string' ? path : null;
    },
    setTray: (tray) => void ask('setTray', tray),
    setTheme: (theme) => void ask('setTheme', { theme }),
    openExternal: async (url) => (await ask('openExternal', { url })) === true,
    restartEngine: () => void ask('restartEngine', null),
    openLogs: async () => (await ask('openLogs', null)) === true,
    windowState: async () => {
      const value = await ask('windowState', null);
      if (typeof value !== 'object' || value === null) return null;
      const of = (key: string): unknown => (key in value ? (value as Record<string, unknown>)[key] : undefined);
      const platform = of('platform');
      return { platform: typeof platform === 'string' ? platform : '', closeToTray: of('closeToTray') === true, trayAvailable: of('trayAvailable') === true };
    },
    onEvent: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

/** Base64 in pieces: one call with all bytes as arguments would overflow the stack. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}
