import { expect, test } from '../fixtures/test.ts';
import { readEnginePid } from '../fixtures/programs.ts';
import { readProcessTree, readTcpListeners } from '../fixtures/process-tree.ts';

test('the page has nothing of Node or Electron, in itself and in a worker', async ({ face }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  const found = await page.evaluate(() => ['require', 'process', 'module', 'global', 'Buffer', 'electron', 'ipcRenderer', 'api', '__dirname'].filter((name) => name in globalThis));
  expect(found).toEqual([]);
  // Compared with an empty page of the same browser: what the preload added by whatever name.
  const own = await page.evaluate(() => Object.getOwnPropertyNames(globalThis));
  const fresh = await page.evaluate(() => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const names = Object.getOwnPropertyNames(frame.contentWindow ?? {});
    frame.remove();
    return names;
  });
  const added = own.filter((name) => !fresh.includes(name) && !/^(__playwright|__pw|scheduler$|violations$|__zod_|\d+$)/.test(name));
  expect(added).toEqual([]);
});

test('prototypes that the page has spoiled do not reach the bridge', async ({ face }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  const result = await page.evaluate(async () => {
    const kept = { map: Array.prototype.map };
    const caught: string[] = [];
    const answered = new Promise<number>((resolve) => { addEventListener('message', (e) => { if (e.data === 'warpdeck:port') resolve(e.ports.length); }); });
    // Would be called with what is Electron's if the bridge lived in the page's world.
    Object.defineProperty(Array.prototype, 'map', { value: () => { caught.push('map'); throw new Error('spoiled'); }, configurable: true, writable: true });
    Object.defineProperty(Object.prototype, 'sender', { set: () => { caught.push('sender'); }, configurable: true });
    window.postMessage('warpdeck:want-port', location.origin);
    const ports = await answered;
    Object.defineProperty(Array.prototype, 'map', { value: kept.map, configurable: true, writable: true });
    delete (Object.prototype as { sender?: unknown }).sender;
    return { ports, sender: caught.includes('sender') };
  });
  expect(result).toEqual({ ports: 2, sender: false });
});

test('no window is opened, nothing is navigated to, nothing is permitted', async ({ face }) => {
  const { page, app } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await app?.evaluate(({ dialog, shell }) => {
    const opened: string[] = [];
    Object.assign(globalThis, { opened });
    // The question and the user's browser stand outside of what can be driven from here.
    dialog.showMessageBox = () => Promise.resolve({ response: 0, checkboxChecked: false });
    shell.openExternal = (url: string) => { opened.push(url); return Promise.resolve(); };
  });
  const here = page.url();
  const opened = await page.evaluate(() => [window.open('https://example.org/asked'), window.open('file:///etc/hostname'), window.open('app://bundle/index.html'), window.open('about:blank', 'named')].map((w) => w === null));
  expect(opened).toEqual([true, true, true, true]);
  await page.evaluate(() => {
    for (const href of ['https://example.org/link', 'file:///etc/hostname', 'javascript:document.title="ran"', 'app://bundle.evil/']) {
      const link = document.createElement('a');
      link.href = href;
      link.target = href.startsWith('https') ? '_blank' : '_self';
      document.body.append(link);
      link.click();
      link.remove();
    }
    location.href = 'http://127.0.0.1:1/';
  });
  await expect.poll(() => app?.evaluate(() => (globalThis as unknown as { opened: string[] }).opened)).toEqual(['https://example.org/asked', 'https://example.org/link']);
  expect(app?.windows()).toHaveLength(1);
  expect(page.url()).toBe(here);
  expect(await page.evaluate(() => document.title)).toContain('Warpdeck');
  const permissions = await page.evaluate(async () => {
    const refused = (act: () => Promise<unknown>): Promise<string> => act().then(() => 'granted', () => 'denied');
    const query = async (name: string): Promise<string> => (await navigator.permissions.query({ name: name as PermissionName })).state;
    return {
      media: await refused(() => navigator.mediaDevices.getUserMedia({ audio: true })),
      midi: await refused(() => navigator.requestMIDIAccess({ sysex: true })),
      place: await refused(() => new Promise((resolve, reject) => { navigator.geolocation.getCurrentPosition(resolve, reject, { timeout: 2000 }); })),
      geolocation: await query('geolocation'), camera: await query('camera'), clipboardRead: await query('clipboard-read'),
    };
  });
  expect(permissions).toEqual({ media: 'denied', midi: 'denied', place: 'denied', geolocation: 'denied', camera: 'denied', clipboardRead: 'denied' });
});

test('a frame inside the page gets no port', async ({ face }) => {
  const { page, app } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  const preferences = await app?.evaluate(({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> };
    const { contextIsolation, sandbox, nodeIntegration, nodeIntegrationInSubFrames, nodeIntegrationInWorker, webSecurity, webviewTag } = contents.getLastWebPreferences();
    return { contextIsolation, sandbox, nodeIntegration, nodeIntegrationInSubFrames, nodeIntegrationInWorker, webSecurity, webviewTag };
  });
  expect(preferences).toMatchObject({ contextIsolation: true, sandbox: true, nodeIntegration: false, webSecurity: true });
  const inFrame = await page.evaluate(() => new Promise<string>((resolve) => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    frame.contentWindow?.addEventListener('message', (e) => { if (e.data === 'warpdeck:port') resolve('a port'); });
    frame.contentWindow?.postMessage('warpdeck:want-port', '*');
    setTimeout(() => { resolve('nothing'); }, 500);
  }));
  expect(inFrame).toBe('nothing');
});

test('the desktop and its engine listen on no TCP port', async ({ face }) => {
  test.skip(process.platform !== 'linux', 'reads /proc');
  await expect(face.page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  const engine = readEnginePid(face.dataDir) ?? 0;
  expect(readTcpListeners(readProcessTree(engine))).toEqual([]);
  // Playwright itself opens two: the inspector's and the remote debugging's. test-packaging.mjs shows none at all.
  const main = face.app?.process().pid ?? 0;
  expect(readTcpListeners(readProcessTree(main).filter((pid) => pid !== engine)).length).toBeLessThanOrEqual(2);
});
