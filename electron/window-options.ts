import type { BrowserWindowConstructorOptions } from 'electron';
import { MIN_HEIGHT, MIN_WIDTH, type Rectangle } from './window-bounds.ts';

/** Tokens `--bg` of the two themes (renderer/ui/tokens.css): what is seen before the first paint. */
export const BACKGROUNDS = { dark: '#0c0e10', light: '#eeeeeb' } as const;

/** Every option of the one window. The security half is held by a test, line by line. */
export function makeWindowOptions(facts: { readonly bounds: Rectangle; readonly dark: boolean; readonly preload: string; readonly icon: string; readonly inspectable: boolean; readonly zoomLevel: number }): BrowserWindowConstructorOptions {
  return {
    ...facts.bounds,
    minWidth: MIN_WIDTH,
    minHeight: MIN_HEIGHT,
    show: false,
    title: 'Warpdeck',
    icon: facts.icon,
    backgroundColor: facts.dark ? BACKGROUNDS.dark : BACKGROUNDS.light,
    autoHideMenuBar: true,
    webPreferences: {
      preload: facts.preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      experimentalFeatures: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      safeDialogs: true,
      devTools: facts.inspectable,
      zoomFactor: 1.2 ** facts.zoomLevel,
    },
  };
}
