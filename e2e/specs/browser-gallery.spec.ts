import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goToPage, pages, setTheme, themes } from '../fixtures/pages.ts';
import { repository } from '../fixtures/programs.ts';
import { expect, test } from '../fixtures/test.ts';

/** Every page, at three widths, in both themes; not committed. The README's picture is one of them. */
const gallery = join(repository, 'e2e/gallery');
const sizes = [{ width: 1024, height: 768 }, { width: 1440, height: 900 }, { width: 2560, height: 1440 }] as const;

test.use({ gpus: 'simulate:4' });
test.setTimeout(180_000);

test('the gallery: every page at 1024, 1440 and 2560 px, dark and light', async ({ face }) => {
  const { page } = face;
  mkdirSync(gallery, { recursive: true });
  const shots: string[] = [];
  await expect(page.getByRole('article', { name: /^GPU 3/ })).toBeVisible();
  await page.getByRole('radio', { name: '1 min' }).or(page.getByRole('button', { name: '1 min' })).first().click();
  // Charts with something in them: the engine has read for half a minute.
  await expect.poll(() => page.evaluate(() => performance.now()), { timeout: 60_000, intervals: [1000] }).toBeGreaterThan(30_000);
  for (const theme of themes) {
    await setTheme(face, theme);
    for (const size of sizes) {
      await page.setViewportSize(size);
      for (const name of pages) {
        await goToPage(face, name);
        await page.mouse.move(0, 0);
        await expect.poll(() => page.evaluate(() => document.fonts.status)).toBe('loaded');
        // The charts are drawn on the second frame after a change of size.
        await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve))); }));
        expect(await page.evaluate(() => ({ x: document.documentElement.scrollWidth - innerWidth, y: document.documentElement.scrollHeight - innerHeight })), `${name} at ${String(size.width)} px: the frame itself scrolls by this`).toEqual({ x: 0, y: 0 });
        const file = `${name}-${String(size.width)}-${theme}.png`;
        await page.screenshot({ path: join(gallery, file), animations: 'disabled' });
        shots.push(file);
      }
    }
  }
  writeFileSync(join(gallery, 'index.html'), makeIndex(shots));
  const readme = join(repository, 'docs/monitor.png');
  if (!existsSync(readme) || process.env['WARPDECK_UPDATE_README'] === '1') {
    mkdirSync(join(repository, 'docs'), { recursive: true });
    copyFileSync(join(gallery, 'monitor-1440-dark.png'), readme);
  }
  test.info().annotations.push({ type: 'gallery', description: join(gallery, 'index.html') });
});

test('at 200 % zoom everything can still be reached', async ({ face }) => {
  // Twice as large on 1440 × 900 is a page of 720 × 450.
  await face.page.setViewportSize({ width: 720, height: 450 });
  await expect(face.page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  for (const name of pages) {
    await goToPage(face, name);
    expect(await face.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} scrolls sideways`).toBe(true);
  }
});

test('a second tab shows the same engine at the same time', async ({ face, chromiumBrowser }) => {
  const context = await chromiumBrowser.newContext();
  const other = await context.newPage();
  await other.goto(face.address ?? '');
  for (const page of [face.page, other]) await expect(page.getByRole('article', { name: /^GPU 3/ })).toBeVisible();
  await context.close();
});

function makeIndex(files: readonly string[]): string {
  const figures = files.map((file) => `<figure><figcaption>${file}</figcaption><a href="${file}"><img src="${file}" alt="${file}" loading="lazy"></a></figure>`).join('\n');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Warpdeck gallery</title><style>body{font:14px system-ui;margin:16px;background:#777}figure{display:inline-block;margin:8px}img{width:480px;border:1px solid #333}</style>\n${figures}\n</html>\n`;
}
