import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import type { Face } from '../fixtures/faces.ts';
import { goToPage, pages, setTheme, themes } from '../fixtures/pages.ts';
import { repository, runCommand } from '../fixtures/programs.ts';
import { only, openChat, say, setAnswers } from '../fixtures/chat-page.ts';
import { layWorkshop } from '../fixtures/environment-home.ts';
import { makeModelFolder, type ModelFolder } from '../fixtures/model-folder.ts';
import { startRepairBench, type RepairBench } from '../fixtures/repair-bench.ts';
import { expect, test as base } from '../fixtures/test.ts';

/** Every page, at three widths, in both themes; not committed. The README's picture is one of them. */
const gallery = join(repository, 'e2e/gallery');
const sizes = [{ width: 1024, height: 768 }, { width: 1440, height: 900 }, { width: 2560, height: 1440 }] as const;

/** Environments of a home of its own: fixtures, and one that real tools made and can repair. */
const test = base.extend<{ readonly bench: RepairBench; readonly models: ModelFolder }>({
  models: async ({}, use) => {
    const models = makeModelFolder();
    models.addSmolLm2();
    await use(models);
    models.remove();
  },
  bench: async ({}, use) => {
    const bench = await startRepairBench();
    layWorkshop(bench.at);
    await use(bench);
    await bench.stop();
  },
  engineEnv: async ({ bench, models }, use) => { await use({ ...bench.env, ...models.env }); },
});

test.use({ gpus: 'simulate:4' });
test.setTimeout(300_000);

test('the gallery: every page at 1024, 1440 and 2560 px, dark and light', async ({ face }) => {
  const { page } = face;
  mkdirSync(gallery, { recursive: true });
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
        if (name === 'environments') await expect(page.getByRole('status').filter({ hasText: /environments? found/ })).toHaveCount(1, { timeout: 40_000 });
        await page.mouse.move(0, 0);
        await takePicture(page, name, size, theme);
      }
    }
  }
  writeIndex();
  const readme = join(repository, 'docs/monitor.png');
  if (!existsSync(readme) || process.env['WARPDECK_UPDATE_README'] === '1') {
    mkdirSync(join(repository, 'docs'), { recursive: true });
    copyFileSync(join(gallery, 'monitor-1440-dark.png'), readme);
  }
  test.info().annotations.push({ type: 'gallery', description: join(gallery, 'index.html') });
});

async function takeEverywhere(face: Face, name: string): Promise<void> {
  for (const theme of themes) {
    await setTheme(face, theme);
    for (const size of sizes) {
      await face.page.setViewportSize(size);
      await face.page.mouse.move(0, 0);
      await takePicture(face.page, name, size, theme);
    }
  }
}

test('the gallery: the evidence of an environment', async ({ face }) => {
  const { page } = face;
  mkdirSync(gallery, { recursive: true });
  await goToPage(face, 'environments');
  await page.getByRole('gridcell').getByRole('button', { name: 'chat-legacy on RTX 5090: incompatible' }).click({ timeout: 60_000 });
  await expect(page.getByRole('complementary').getByText('Advice that does not work here')).toBeVisible();
  await takeEverywhere(face, 'environments-open');
  writeIndex();
});

test.describe('with a driver, as it was recorded', () => {
  test.use({ gpus: `replay:${join(repository, 'e2e/fixtures/recordings/rtx-5090.jsonl')}` });

  test('the gallery: a repair, planned and done', async ({ face, bench }) => {
    const { page } = face;
    mkdirSync(gallery, { recursive: true });
    await bench.makeVenv('.virtualenvs/image-tools');
    await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
    await runCommand(face.dataDir, ['call', 'settings.update', '--input', JSON.stringify(bench.settings)]);
    await goToPage(face, 'environments');
    await expect(page.getByRole('status').filter({ hasText: /environments? found/ })).toHaveCount(1, { timeout: 40_000 });
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByRole('gridcell').getByRole('button', { name: 'image-tools on RTX 5090: incompatible' }).click({ timeout: 60_000 });
    await page.getByRole('complementary').getByRole('link', { name: 'Repair' }).click();
    await expect(page.getByRole('region', { name: 'What changes' })).toBeVisible({ timeout: 120_000 });
    await expect(page.getByRole('group', { name: 'Routes' })).toBeVisible();
    await takeEverywhere(face, 'repair-plan');
    await page.getByRole('button', { name: 'Repair image-tools' }).click();
    await expect(page.getByRole('button', { name: 'Done' })).toBeVisible({ timeout: 120_000 });
    await takeEverywhere(face, 'repair-done');
    writeIndex();
  });
});

/** What a good answer looks like; the model writes it because a grammar leaves it no choice. */
const ANSWER = [
  'One value at 10 Hz for 24 hours is **864,000 samples**. As 32-bit floats that is 3.3 MiB, so eight values of four GPUs take about 106 MiB.', '',
  'After a day, keep the minimum, the mean and the maximum of every minute:', '',
  '| Age | Step | Per value |', '|---|---|---|', '| up to 1 h | 0.1 s | 141 KiB |', '| up to 24 h | 1 s | 1.0 MiB |', '| up to 1 year | 1 min | 6.0 MiB |', '',
  '```ts', 'export function push(value: number) {', '  values[next] = value;', '  next = next + 1 === capacity ? 0 : next + 1;', '}', '```', '',
  '- A reader that wants the newest values starts at `next`.', '- Nothing is allocated per sample.',
].join('\n');

test('the gallery: a conversation, its settings, a comparison, the models', async ({ face }) => {
  const { page } = face;
  mkdirSync(gallery, { recursive: true });
  await openChat(face);
  await takeEverywhere(face, 'chat-empty');
  await setAnswers(page, { grammar: only(ANSWER) });
  await say(page, 'How large is a ring buffer for all samples of a day?', 1);
  await takeEverywhere(face, 'chat-settings');
  await page.getByRole('button', { name: 'Instruments' }).click();
  await expect(page.getByRole('region', { name: 'Where the model runs' })).toContainText(/processor/i);
  await takeEverywhere(face, 'chat');
  await page.setViewportSize(sizes[1]);
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await takeEverywhere(face, 'compare-new');
  await page.setViewportSize(sizes[1]);
  const repeats = page.getByRole('textbox', { name: 'Answers of each to each prompt' });
  await repeats.fill('2');
  await repeats.press('Enter');
  await page.getByRole('textbox', { name: 'Prompt for all configurations' }).fill('Show the write in TypeScript.');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('region', { name: 'Difference' }).getByRole('button', { name: 'CSV' })).toBeVisible({ timeout: 120_000 });
  await takeEverywhere(face, 'compare');
  await goToPage(face, 'models');
  await page.getByRole('button', { name: 'SmolLM2-135M-Instruct', exact: true }).click();
  await expect(page.getByRole('complementary').getByRole('heading', { name: /^Memory/ })).toBeVisible();
  await takeEverywhere(face, 'models-open');
  writeIndex();
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

async function takePicture(page: Page, name: string, size: (typeof sizes)[number], theme: string): Promise<void> {
  await expect.poll(() => page.evaluate(() => document.fonts.status)).toBe('loaded');
  // The charts are drawn on the second frame after a change of size.
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve))); }));
  expect(await page.evaluate(() => ({ x: document.documentElement.scrollWidth - innerWidth, y: document.documentElement.scrollHeight - innerHeight })), `${name} at ${String(size.width)} px: the frame itself scrolls by this`).toEqual({ x: 0, y: 0 });
  await page.screenshot({ path: join(gallery, `${name}-${String(size.width)}-${theme}.png`), animations: 'disabled' });
}

const writeIndex = (): void => { writeFileSync(join(gallery, 'index.html'), makeIndex(readdirSync(gallery).filter((name) => name.endsWith('.png')).sort())); };

function makeIndex(files: readonly string[]): string {
  const figures = files.map((file) => `<figure><figcaption>${file}</figcaption><a href="${file}"><img src="${file}" alt="${file}" loading="lazy"></a></figure>`).join('\n');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Warpdeck gallery</title><style>body{font:14px system-ui;margin:16px;background:#777}figure{display:inline-block;margin:8px}img{width:480px;border:1px solid #333}</style>\n${figures}\n</html>\n`;
}
