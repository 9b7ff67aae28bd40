import { z } from 'zod';

/**
 * Channel `shell` of the desktop window: what Electron's main process answers itself. In a browser tab it is
 * absent and the page offers what a browser can. Frames are `{ id, method, input }` → `{ id, ok, value|error }`
 * and `{ event, value }`.
 */
export const shellMethods = {
  /** A native confirmation, owned by the main process. True when confirmed. */
  confirm: { input: z.object({ title: z.string().max(200), detail: z.string().max(1000), confirmLabel: z.string().max(60) }), output: z.boolean() },
  notify: { input: z.object({ title: z.string().max(200), body: z.string().max(1000), alertId: z.string().max(128).nullable() }), output: z.boolean() },
  /** What the tray's tip says: highest temperature and memory. */
  setTray: { input: z.object({ tip: z.string().max(300), attention: z.boolean() }), output: z.null() },
  setTheme: { input: z.object({ theme: z.enum(['system', 'dark', 'light']) }), output: z.null() },
  /** Asks where, writes there, answers the path; null when the user closed the dialog. */
  saveFile: { input: z.object({ suggestedName: z.string().max(200), bytesBase64: z.string().max(64 * 1024 * 1024) }), output: z.string().nullable() },
  openExternal: { input: z.object({ url: z.url().max(2000) }), output: z.boolean() },
  openLogs: { input: z.null(), output: z.boolean() },
  /** Starts the engine again now, however often it has ended before. The page then asks for a new port as always. */
  restartEngine: { input: z.null(), output: z.null() },
  windowState: { input: z.null(), output: z.object({ platform: z.string(), closeToTray: z.boolean(), trayAvailable: z.boolean() }) },
} as const;
export type ShellMethods = typeof shellMethods;
export type ShellMethod = keyof ShellMethods;

export const shellRequest = z.object({ id: z.int(), method: z.enum(Object.keys(shellMethods) as [ShellMethod, ...ShellMethod[]]), input: z.unknown() });
export const shellReply = z.object({ id: z.int(), ok: z.boolean(), value: z.unknown().optional(), error: z.string().optional() });
/** Main → page: a menu item, tray entry or notification was chosen (`intent`: its id); the engine is `starting`, `ready` or `failed`. */
export const shellEvent = z.object({ event: z.enum(['intent', 'engine']), value: z.string() });
export type ShellEvent = z.infer<typeof shellEvent>;
