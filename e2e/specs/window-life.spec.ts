import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launchWindow, readHarness, sandboxArgs } from '../fixtures/faces.ts';
import { cleanEnvironment, isAlive, node, readEnginePid, runCommand, waitUntil } from '../fixtures/programs.ts';
import { expect, test } from '../fixtures/test.ts';

test('a second start brings the first window to the front and ends', async ({ face }) => {
  await expect(face.page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await face.app?.evaluate(({ BrowserWindow }) => { BrowserWindow.getAllWindows()[0]?.minimize(); });
  const harness = readHarness();
  const second = spawn(harness.executable, [...sandboxArgs, '--disable-gpu', ...harness.args, '--data-dir', face.dataDir], { env: cleanEnvironment({ ...harness.env, WARPDECK_NODE: node }), stdio: 'ignore' });
  const [code] = (await once(second, 'exit')) as [number | null];
  expect(code).toBe(0);
  await expect.poll(() => face.app?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((w) => w.isMinimized()))).toEqual([false]);
});

test('the window is killed: its engine is gone within 15 s', async ({ dataDir }) => {
  const app = await launchWindow(dataDir, 'simulate:1');
  const page = await app.firstWindow();
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  const engine = readEnginePid(dataDir) ?? 0;
  expect(isAlive(engine)).toBe(true);
  const child = app.process();
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  expect(await waitUntil('the engine has ended', 15_000, () => !isAlive(engine))).toBeLessThan(15_000);
});

test('a running job asks at closing: cancelling stays, keeping leaves the engine at work, another start finds it', async ({ face }) => {
  await expect(face.page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await runCommand(face.dataDir, ['call', 'recordings.start', '--input', JSON.stringify({ seconds: 300 })]);
  await expect(face.page.getByRole('contentinfo')).toContainText('Recording');
  const { app } = face;
  if (!app) throw new Error('no window');
  // The system's dialog cannot be clicked from here: its answer is given in its place, and what it asked is kept.
  const answer = (response: number): Promise<void> => app.evaluate(({ dialog }, given) => {
    const asked: string[] = [];
    Object.assign(globalThis, { asked });
    dialog.showMessageBox = ((_window: unknown, options: { message: string }) => {
      asked.push(options.message);
      return Promise.resolve({ response: given, checkboxChecked: false });
    }) as typeof dialog.showMessageBox;
  }, response);
  const close = (): Promise<void> => app.evaluate(({ BrowserWindow }) => { BrowserWindow.getAllWindows()[0]?.close(); });
  await answer(2);
  await close();
  await expect.poll(() => app.evaluate(() => (globalThis as unknown as { asked: string[] }).asked)).toEqual([expect.stringContaining('is running.')]);
  expect(face.page.isClosed()).toBe(false);
  await answer(0);
  const exited = once(app.process(), 'exit');
  await close();
  await exited;
  const engine = readEnginePid(face.dataDir) ?? 0;
  const again = await launchWindow(face.dataDir, 'simulate:2');
  const page = await again.firstWindow();
  await expect(page.getByRole('contentinfo')).toContainText('Recording');
  expect(readEnginePid(face.dataDir)).toBe(engine);
  await runCommand(face.dataDir, ['stop', '--cancel-jobs']);
  await again.close();
});

test('the window comes back where it was, in its theme', async ({ face }) => {
  await expect(face.page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await runCommand(face.dataDir, ['call', 'settings.update', '--input', JSON.stringify({ appearance: { theme: 'light' } })]);
  await expect.poll(() => face.app?.evaluate(({ nativeTheme }) => nativeTheme.themeSource)).toBe('light');
  await face.app?.evaluate(({ BrowserWindow }) => { BrowserWindow.getAllWindows()[0]?.setBounds({ x: 140, y: 120, width: 1100, height: 760 }); });
  await face.app?.close();
  await expect.poll(() => JSON.parse(readFileSync(join(face.dataDir, 'desktop/window.json'), 'utf8')) as unknown).toMatchObject({ bounds: { x: 140, y: 120, width: 1100, height: 760 }, theme: 'light' });
  const again = await launchWindow(face.dataDir, 'simulate:2');
  await again.firstWindow();
  expect(await again.evaluate(({ BrowserWindow, nativeTheme }) => ({ bounds: BrowserWindow.getAllWindows()[0]?.getBounds(), theme: nativeTheme.themeSource }))).toEqual({ bounds: { x: 140, y: 120, width: 1100, height: 760 }, theme: 'light' });
  await again.close();
});

test('the menu leads where it says', async ({ face }) => {
  await expect(face.page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  const choose = (label: string): Promise<void> => face.app?.evaluate(({ Menu }, wanted) => {
    for (const part of Menu.getApplicationMenu()?.items ?? []) part.submenu?.items.find((item) => item.label === wanted)?.click();
  }, label) ?? Promise.resolve();
  await choose('Alerts');
  await expect(face.page).toHaveURL(/#\/alerts$/);
  await choose('Settings');
  await expect(face.page).toHaveURL(/#\/settings$/);
  await choose('Search and commands');
  await expect(face.page.getByRole('dialog')).toBeVisible();
});
