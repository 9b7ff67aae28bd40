import { dialog, nativeTheme, Notification, type BrowserWindow } from 'electron';
import { join } from 'node:path';
import { parseSafeFileName } from './file-name.ts';
import type { ShellHandlers } from './ipc/shell-router.ts';
import { openExternal, openFolder } from './open-external.ts';
import type { ShellStateFile } from './shell-state-file.ts';
import { writeFileSafely } from './write-file-safely.ts';

export interface ShellServices {
  readonly dataDir: string;
  readonly stateFile: ShellStateFile;
  readonly trayAvailable: () => boolean;
  readonly setTray: (tip: string, attention: boolean) => void;
  readonly restartEngine: () => void;
  /** A notification was clicked: show the window and, for an alert, its place. */
  readonly onNotificationClick: (alertId: string | null) => void;
  readonly log: (text: string) => void;
}

/** What the main process does for one window's page. Confirmations are the system's own dialogs: no page can fake the answer. */
export function makeShellHandlers(window: BrowserWindow, services: ShellServices): ShellHandlers {
  /** Shown until clicked or closed; without a reference they would be collected, and a click would lead nowhere. */
  const shown = new Set<Notification>();
  return {
    async confirm({ title, detail, confirmLabel }) {
      const { response } = await dialog.showMessageBox(window, { type: 'question', title: 'Warpdeck', message: title, detail, buttons: [confirmLabel, 'Cancel'], defaultId: 1, cancelId: 1, noLink: true });
      return response === 0;
    },
    notify({ title, body, alertId }) {
      if (!Notification.isSupported()) return Promise.resolve(false);
      const notification = new Notification({ title, body });
      shown.add(notification);
      notification.on('click', () => {
        shown.delete(notification);
        services.onNotificationClick(alertId);
      });
      notification.on('close', () => { shown.delete(notification); });
      notification.show();
      return Promise.resolve(true);
    },
    setTray({ tip, attention }) {
      services.setTray(tip, attention);
      return Promise.resolve(null);
    },
    setTheme({ theme }) {
      nativeTheme.themeSource = theme;
      services.stateFile.update({ theme });
      return Promise.resolve(null);
    },
    async saveFile({ suggestedName, bytesBase64 }) {
      const { canceled, filePath } = await dialog.showSaveDialog(window, { defaultPath: parseSafeFileName(suggestedName) });
      if (canceled || !filePath) return null;
      try {
        await writeFileSafely(filePath, Buffer.from(bytesBase64, 'base64'));
      } catch (error) {
        await dialog.showMessageBox(window, { type: 'error', message: 'The file was not written', detail: `${filePath}: ${error instanceof Error ? error.message : String(error)}. Choose another place.`, buttons: ['Close'], noLink: true });
        return null;
      }
      return filePath;
    },
    openExternal: ({ url }) => openExternal(url, window, services.log),
    openLogs: () => openFolder(join(services.dataDir, 'logs')),
    restartEngine() {
      services.restartEngine();
      return Promise.resolve(null);
    },
    windowState: () => Promise.resolve({ platform: process.platform, closeToTray: services.stateFile.state().closeToTray, trayAvailable: services.trayAvailable() }),
  };
}
