import { app, Menu, nativeImage, Tray, type MenuItemConstructorOptions } from 'electron';
import { join } from 'node:path';
import { decideMenu, decideTrayMenu, type MenuEntry } from './menu-entries.ts';

export interface MenuActions {
  intent(id: string): void;
  own(what: 'open-logs' | 'quit' | 'show'): void;
}

function toItem(entry: MenuEntry | { readonly kind: 'text'; readonly label: string }, actions: MenuActions): MenuItemConstructorOptions {
  switch (entry.kind) {
    case 'line': return { type: 'separator' };
    case 'text': return { label: entry.label, enabled: false };
    case 'role': return { role: entry.role };
    case 'intent': return { label: entry.label, click: () => { actions.intent(entry.intent); }, registerAccelerator: false, ...(entry.keys === undefined ? {} : { accelerator: entry.keys }) };
    case 'own': return { label: entry.label, click: () => { actions.own(entry.own); }, ...(entry.keys === undefined ? {} : { accelerator: entry.keys }) };
  }
}

export function setMenu(actions: MenuActions, inspectable: boolean): void {
  const parts = decideMenu({ platform: process.platform, inspectable });
  Menu.setApplicationMenu(Menu.buildFromTemplate(parts.map((part) => ({ label: part.label, submenu: part.entries.map((entry) => toItem(entry, actions)) }))));
  app.setAboutPanelOptions({ applicationName: 'Warpdeck', applicationVersion: app.getVersion() });
}

export interface TrayIcon {
  say(tip: string, attention: boolean): void;
  remove(): void;
}

/** A tray icon; null where the system refuses one. `icons`: folder of the PNG files. */
export function createTray(icons: string, actions: MenuActions): TrayIcon | null {
  const image = (attention: boolean): Electron.NativeImage => nativeImage.createFromPath(join(icons, 'tray', attention ? 'tray-attention.png' : 'tray.png'));
  let tray: Tray;
  try {
    tray = new Tray(image(false));
  } catch {
    return null;
  }
  let said = { tip: '', attention: false };
  const show = (): void => {
    tray.setToolTip(said.tip === '' ? 'Warpdeck' : `Warpdeck\n${said.tip}`);
    tray.setContextMenu(Menu.buildFromTemplate(decideTrayMenu(said.tip).map((entry) => toItem(entry, actions))));
  };
  tray.on('click', () => { actions.own('show'); });
  show();
  return {
    say(tip, attention) {
      if (tip === said.tip && attention === said.attention) return;
      if (attention !== said.attention) tray.setImage(image(attention));
      said = { tip, attention };
      show();
    },
    remove() {
      tray.destroy();
    },
  };
}
