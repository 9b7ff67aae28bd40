import { app, dialog, nativeTheme, screen, type BrowserWindow } from 'electron';
import { join } from 'node:path';
import { decideAfterAnswer, decideClose, wordCloseQuestion, type CloseAnswer } from './close-decision.ts';
import type { EngineWatch } from './engine-watch.ts';
import type { ShellStateFile } from './shell-state-file.ts';
import { decideBounds } from './window-bounds.ts';
import { createWindow } from './window-factory.ts';
import { BACKGROUNDS } from './window-options.ts';

export interface MainWindow {
  readonly window: () => BrowserWindow | null;
  /** Shows the window, made anew if it was closed, and brings it to the front. */
  show(): void;
  /** From now on closing means leaving the app. */
  quit(): void;
}

export interface MainWindowOptions {
  readonly stateFile: ShellStateFile;
  readonly icons: string;
  readonly inspectable: boolean;
  /** Not shown at first: into the tray where there is one, else minimised. */
  readonly startHidden: boolean;
  readonly trayAvailable: () => boolean;
  readonly watch: () => EngineWatch | null;
  readonly onCreated: (window: BrowserWindow) => void;
  /** The window is gone but the app stays for its jobs; call `done` when the last one has ended. */
  readonly onLinger: () => void;
  readonly log: (text: string) => void;
}

const ANSWERS: readonly CloseAnswer[] = ['keep', 'stop', 'cancel'];

export function createMainWindow(options: MainWindowOptions): MainWindow {
  const { stateFile } = options;
  let current: BrowserWindow | null = null;
  let quitting = false;
  let mayClose = false;
  let asking = false;

  const ask = async (window: BrowserWindow, jobs: readonly string[]): Promise<CloseAnswer> => {
    const { response } = await dialog.showMessageBox(window, { type: 'question', title: 'Warpdeck', ...wordCloseQuestion(jobs), buttons: ['Keep running', 'Stop them', 'Cancel'], defaultId: 0, cancelId: 2, noLink: true });
    return ANSWERS[response] ?? 'cancel';
  };

  const onClose = (window: BrowserWindow, prevent: () => void): void => {
    if (mayClose) return;
    const jobsRunning = (options.watch()?.runningJobs() ?? []).map((job) => job.title);
    const decision = decideClose({ jobsRunning, closeToTray: stateFile.state().closeToTray, trayAvailable: options.trayAvailable(), quitting, platform: process.platform });
    if (decision === 'close') return;
    prevent();
    if (decision === 'hide') {
      window.hide();
      return;
    }
    if (asking) return;
    asking = true;
    void ask(window, jobsRunning).then(async (answer) => {
      const next = decideAfterAnswer(answer, process.env['APPIMAGE'] !== undefined);
      if (next === 'stay') {
        quitting = false;
        return;
      }
      if (next === 'stop-and-close') await options.watch()?.stopEngine();
      if (next === 'linger') options.onLinger();
      mayClose = true;
      window.close();
      if (quitting && next !== 'linger') app.quit();
    }).finally(() => { asking = false; });
  };

  const remember = (window: BrowserWindow): void => {
    if (window.isDestroyed() || window.isMinimized() || window.isFullScreen()) return;
    stateFile.update({ bounds: window.getNormalBounds(), maximised: window.isMaximized() });
  };

  const create = (hidden: boolean): BrowserWindow => {
    const state = stateFile.state();
    const primary = screen.getPrimaryDisplay();
    const areas = [primary, ...screen.getAllDisplays().filter((d) => d.id !== primary.id)].map((d) => d.workArea);
    const window = createWindow({
      bounds: decideBounds(state.bounds, areas),
      dark: nativeTheme.shouldUseDarkColors,
      preload: join(__dirname, 'preload.cjs'),
      icon: join(options.icons, '256x256.png'),
      inspectable: options.inspectable,
      zoomLevel: state.zoomLevel,
    });
    mayClose = false;
    current = window;
    if (state.maximised) window.maximize();
    if (hidden) window.minimize();
    window.once('ready-to-show', () => {
      if (hidden && options.trayAvailable()) window.hide();
      else if (!hidden) window.show();
    });
    for (const event of ['resized', 'moved', 'maximize', 'unmaximize'] as const) window.on(event as 'moved', () => { remember(window); });
    window.on('close', (event) => {
      remember(window);
      stateFile.update({ zoomLevel: Math.round(window.webContents.getZoomLevel()) });
      onClose(window, () => { event.preventDefault(); });
    });
    window.on('closed', () => { if (current === window) current = null; });
    window.webContents.on('render-process-gone', (_event, details) => {
      options.log(`the page's process ended: ${details.reason} (${String(details.exitCode)})`);
      if (details.reason !== 'clean-exit' && !window.isDestroyed()) window.reload();
    });
    window.on('unresponsive', () => { options.log('the page does not respond'); });
    options.onCreated(window);
    return window;
  };

  nativeTheme.on('updated', () => { current?.setBackgroundColor(nativeTheme.shouldUseDarkColors ? BACKGROUNDS.dark : BACKGROUNDS.light); });
  create(options.startHidden);

  return {
    window: () => current,
    show() {
      const window = current ?? create(false);
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
    quit() {
      quitting = true;
    },
  };
}
