import type { Shell } from './shell.ts';

export interface AskDialog {
  (question: { readonly title: string; readonly detail: string; readonly confirmLabel: string }): Promise<boolean>;
}

/** What a browser tab can do of the same: its own dialog, downloads, the Notification API. */
export function createBrowserShell(ask: AskDialog): Shell {
  return {
    kind: 'browser',
    confirm: ask,
    notify: async (note) => {
      if (!('Notification' in globalThis)) return false;
      // Permission is asked for only in answer to a click ("Send a test"), never out of the blue.
      const mayAsk = Notification.permission === 'default' && navigator.userActivation.isActive;
      const permission = mayAsk ? await Notification.requestPermission() : Notification.permission;
      if (permission !== 'granted') return false;
      try {
        new Notification(note.title, { body: note.body, ...(note.alertId === null ? {} : { tag: note.alertId }) });
        return true;
      } catch {
        // Some browsers allow notifications from service workers only.
        return false;
      }
    },
    saveFile: async (file) => {
      const url = URL.createObjectURL(new Blob([file.bytes.slice()]));
      const link = document.createElement('a');
      link.href = url;
      link.download = file.suggestedName;
      link.click();
      // The download has its own reference by the time the next task runs; a minute is safe everywhere.
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
      return file.suggestedName;
    },
    setTray: () => undefined,
    setTheme: () => undefined,
    openExternal: async (url) => {
      window.open(url, '_blank', 'noopener,noreferrer');
      return true;
    },
    openLogs: null,
    restartEngine: () => undefined,
    windowState: async () => null,
    onEvent: () => () => undefined,
  };
}
