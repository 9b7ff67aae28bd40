import type { z } from 'zod';
import type { ShellEvent, ShellMethods } from '../../contract/shell.ts';

type Input<M extends keyof ShellMethods> = z.input<ShellMethods[M]['input']>;

/** What the page asks of the program around it: the desktop window, or the browser tab as far as it can. */
export interface Shell {
  readonly kind: 'desktop' | 'browser';
  /** Asks the user; true when confirmed. */
  confirm(question: Input<'confirm'>): Promise<boolean>;
  /** Shows a notification; false when it is not permitted. */
  notify(note: Input<'notify'>): Promise<boolean>;
  /** Saves or downloads. Answers the path (or, in a browser, the file name); null when the user closed the dialog. */
  saveFile(file: { readonly suggestedName: string; readonly bytes: Uint8Array }): Promise<string | null>;
  setTray(tray: Input<'setTray'>): void;
  setTheme(theme: 'system' | 'dark' | 'light'): void;
  openExternal(url: string): Promise<boolean>;
  /** Opens the folder of logs; null where there is no such thing. */
  readonly openLogs: (() => Promise<boolean>) | null;
  /** The window starts its engine anew, however often it has ended; in a browser nobody can. */
  restartEngine(): void;
  /** null in a browser. */
  windowState(): Promise<{ readonly platform: string; readonly closeToTray: boolean; readonly trayAvailable: boolean } | null>;
  /** A menu or tray entry was chosen; the engine came or went. Never fires in a browser. */
  onEvent(listener: (event: ShellEvent) => void): () => void;
}
