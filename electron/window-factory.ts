import { BrowserWindow } from 'electron';
import { APP_URL } from './navigation-guard.ts';
import { makeWindowOptions } from './window-options.ts';

/** The only place that makes a window. It stays hidden until it has something to show. */
export function createWindow(facts: Parameters<typeof makeWindowOptions>[0]): BrowserWindow {
  const window = new BrowserWindow(makeWindowOptions(facts));
  void window.loadURL(APP_URL);
  return window;
}
