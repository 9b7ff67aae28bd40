import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** What Electron's security checklist asks of the sources themselves: one narrow waist each, and no way around it. */
const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => ({ name: name.replaceAll('\\', '/'), text: readFileSync(join(import.meta.dirname, name), 'utf8') }));

/** Files that use a name imported from Electron as a value. */
const usersOf = (imported: string): string[] =>
  sources.filter(({ text }) => [...text.matchAll(/import \{([^}]*)\} from 'electron'/g)].some((m) => (m[1] ?? '').split(',').map((n) => n.trim()).includes(imported))).map(({ name }) => name);

const filesWith = (pattern: RegExp): string[] => sources.filter(({ text }) => pattern.test(text)).map(({ name }) => name);

test.each([
  ['BrowserWindow', 'window-factory.ts'],
  ['ipcMain', 'window-channel.ts'],
  ['ipcRenderer', 'preload.ts'],
  ['shell', 'open-external.ts'],
  ['protocol', 'app-protocol.ts'],
  ['session', 'content-guard.ts'],
])('%s is used in %s only', (imported, file) => {
  expect(usersOf(imported)).toEqual([file]);
});

test.each([
  ['contextBridge', []],
  ['WebContentsView|BrowserView|utilityProcess|desktopCapturer', []],
  ['webSecurity: false|contextIsolation: false|sandbox: false|nodeIntegration(?:InWorker|InSubFrames)?: true|webviewTag: true|allowRunningInsecureContent: true|experimentalFeatures: true|enableBlinkFeatures', []],
  ['bypassCSP: true|corsEnabled: true|allowServiceWorkers', []],
  ['appendSwitch|appendArgument', []],
  ['child_process', ['engine-process.ts']],
  ['http://', []],
  ['executeJavaScript|insertCSS|eval\\(|new Function', []],
])('%s', (pattern, files) => {
  // The guard's own doc comments name what it forbids; code does not.
  expect(filesWith(new RegExp(`^(?! ?\\*|\\s*//|/\\*\\*).*(?:${pattern})`, 'm'))).toEqual(files);
});

test('what has to happen before ready happens before ready', () => {
  const main = sources.find(({ name }) => name === 'main.ts')?.text ?? '';
  const ready = main.indexOf('app.whenReady()');
  for (const early of ['app.enableSandbox()', 'declareAppScheme()', 'app.setPath(', 'requestSingleInstanceLock()', 'removeSwitch(']) {
    expect(main.indexOf(early), early).toBeGreaterThan(0);
    expect(main.indexOf(early), early).toBeLessThan(ready);
  }
});
