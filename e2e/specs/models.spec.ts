import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { PATIENT } from '../fixtures/chat-page.ts';
import { expect, stayHere, test } from '../fixtures/models-test.ts';
import { goToPage, setTheme, themes } from '../fixtures/pages.ts';
import { runCommand } from '../fixtures/programs.ts';

test.setTimeout(120_000);

const NAME = 'SmolLM2-135M-Instruct';
const table = (page: Page) => page.getByRole('region', { name: 'Models', exact: true });
const row = (page: Page, name: string) => table(page).getByRole('row').filter({ has: page.getByRole('button', { name, exact: true }) });
const drawer = (page: Page, name: string) => page.getByRole('complementary', { name, exact: true });

async function openModels(face: { readonly page: Page }): Promise<void> {
  await goToPage(face, 'models');
  await expect(row(face.page, NAME)).toBeVisible(PATIENT);
}

test('a model is listed with its facts, opened, loaded and unloaded', async ({ face, models }) => {
  const { page } = face;
  await openModels(face);
  const mine = row(page, NAME);
  await expect(mine).toContainText('Q4_1');
  await expect(mine).toContainText(/135\s*M/);
  await expect(mine).toContainText(/needs ≈/);
  // On a machine without a GPU the place is the processor.
  await expect(table(page).getByRole('columnheader', { name: 'On the processor' })).toBeVisible();

  await mine.getByRole('button', { name: NAME, exact: true }).click();
  const shown = drawer(page, NAME);
  await expect(shown).toBeFocused();
  await expect(shown.getByRole('heading', { name: NAME })).toBeVisible();
  await expect(shown.getByText(join(models.folder, `${NAME}.Q4_1.gguf`))).toBeVisible();
  await expect(shown).toContainText('llama, 30 layers');
  await expect(shown).toContainText('8,192 tokens trained');
  await expect(shown).toContainText('ChatML');
  await expect(shown.getByRole('heading', { name: /^Memory/ })).toContainText(/tokens of context/);
  await expect(shown).toContainText('no load to compare with yet');
  // One unit for a file, wherever it is told.
  await expect(mine).toContainText(/98\.4\s*MB/);
  await expect(shown.getByRole('row').filter({ hasText: 'Q4_1' })).toContainText(/98\.4\s*MB/);
  await expect(shown.getByRole('row').filter({ hasText: 'Processor' })).toContainText(/fits/);

  await mine.getByRole('button', { name: `Load ${NAME}` }).click();
  await expect(mine.getByRole('button', { name: `Unload ${NAME}` })).toBeEnabled(PATIENT);
  await expect(mine).toContainText('loaded');
  await expect(mine).toContainText(/holds/);
  await expect(shown).toContainText(/processor/i);
  const { loaded } = (await runCommand(face.dataDir, ['ps', '--models'])) as { loaded: readonly unknown[] };
  expect(loaded).toEqual([expect.objectContaining({ name: NAME, state: 'ready' })]);
  await mine.getByRole('button', { name: `Unload ${NAME}` }).click();
  await expect(mine.getByRole('button', { name: `Load ${NAME}` })).toBeVisible();
  expect(await runCommand(face.dataDir, ['ps', '--models'])).toMatchObject({ loaded: [] });

  await shown.getByRole('button', { name: 'Close' }).click();
  await expect(shown).toHaveCount(0);
  await expect(mine.getByRole('button', { name: NAME, exact: true })).toBeFocused();

  // From here one talks to it.
  await mine.getByRole('button', { name: NAME, exact: true }).click();
  await drawer(page, NAME).getByRole('link', { name: 'Chat' }).click();
  await expect(page.getByRole('combobox', { name: 'Model', exact: true }).locator('option:checked')).toHaveText(/^SmolLM2-135M-Instruct/);

  // And beside others.
  await goToPage(face, 'models');
  await mine.getByRole('button', { name: NAME, exact: true }).click();
  await drawer(page, NAME).getByRole('button', { name: 'Compare' }).click();
  await expect(page.getByRole('heading', { name: 'Compare' })).toBeAttached();
  await expect(page.getByRole('combobox').locator('option:checked').filter({ hasText: /^SmolLM2-135M-Instruct/ })).toHaveCount(2);
});

test('a hub that does not answer is a problem, and the download can be given up', async ({ face }) => {
  const { page } = face;
  await stayHere(face.dataDir);
  await openModels(face);
  const wanted = row(page, 'Qwen3 0.6B');
  await expect(wanted).toContainText('not here');
  // Its size and what it would need are known without a question to the hub.
  await expect(wanted).toContainText(/639\s*MB/);
  await expect(wanted).toContainText(/weights 0\.60/);
  await wanted.getByRole('button', { name: 'Get Qwen3 0.6B' }).click();
  const problem = page.getByRole('alert').filter({ hasText: 'The download server does not answer' });
  // Refused is refused: nobody waits for six tries. A laden machine is allowed some seconds.
  await expect(problem).toContainText('127.0.0.1', { timeout: 5_000 });
  await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible();
  const given = wanted.getByRole('button', { name: 'Give up the download of Qwen3 0.6B' });
  // What failed before it began leaves nothing to give up.
  if ((await given.count()) > 0) {
    await given.click();
    await expect(wanted.getByRole('button', { name: 'Get Qwen3 0.6B' })).toBeVisible();
    await expect(problem).toHaveCount(0);
  }
  // A repository is looked up, an address fetched: both say why they cannot.
  await page.getByRole('button', { name: 'Get another…' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('someone/something-GGUF');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0, PATIENT);
  await expect(problem).toBeVisible();
});

test('a folder of one’s own is added, and a file deleted', async ({ face, models }) => {
  const { page } = face;
  await openModels(face);
  await page.getByRole('searchbox', { name: 'Find a model' }).fill('smollm 135m');
  await expect(table(page).getByRole('row')).toHaveCount(2);
  await page.getByRole('searchbox', { name: 'Find a model' }).fill('no such thing');
  await expect(page.getByText('Nothing is called “no such thing”.')).toBeVisible();
  await page.getByRole('searchbox', { name: 'Find a model' }).fill('');
  await page.getByRole('button', { name: 'Add file or folder…' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill(join(models.folder, 'nowhere'));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByRole('status').filter({ hasText: 'A folder of models could not be searched' })).toContainText('there is no such file or folder');

  await row(page, NAME).getByRole('button', { name: NAME, exact: true }).click();
  await face.app?.evaluate(({ dialog }) => { dialog.showMessageBox = () => Promise.resolve({ response: 0, checkboxChecked: false }); });
  await drawer(page, NAME).getByRole('button', { name: 'Delete…' }).click();
  if (face.kind === 'browser') await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(row(page, NAME).getByRole('button', { name: `Get ${NAME}` })).toBeVisible();
  expect(existsSync(join(models.folder, `${NAME}.Q4_1.gguf`))).toBe(false);
});

test.describe('with files that are none', () => {
  test.use({ lay: 'damaged' });

  test('a damaged file is listed with what is wrong, and cannot be loaded', async ({ face, models }) => {
    const { page } = face;
    await openModels(face);
    const half = row(page, 'Half-Of-SmolLM2');
    await expect(half).toContainText('The model file is incomplete');
    await expect(half.getByRole('button', { name: 'Load Half-Of-SmolLM2' })).toBeDisabled();
    await expect(row(page, 'Web-Page')).toContainText('This is not a model file');
    await half.getByRole('button', { name: 'Half-Of-SmolLM2', exact: true }).click();
    await expect(drawer(page, 'Half-Of-SmolLM2').getByRole('region', { name: 'Findings' })).toContainText(/20,000,000 of 98,\d+,\d+ bytes|of [\d.,\s]+.* bytes/);
    // What is well is not touched by it, and what is repaired is found.
    await expect(row(page, NAME).getByRole('button', { name: `Load ${NAME}` })).toBeEnabled();
    writeFileSync(join(models.folder, 'Web-Page.gguf'), '');
    await goToPage(face, 'chat');
    await expect(page.getByRole('combobox', { name: 'Model', exact: true }).getByRole('option')).toHaveText([/^The default model/, /^SmolLM2-135M-Instruct/]);
  });
});

test('axe finds nothing serious in the drawer and the dialogs, dark and light', async ({ face }) => {
  const { page } = face;
  const look = async (what: string): Promise<void> => {
    const { violations } = await new AxeBuilder({ page }).setLegacyMode(face.kind === 'window').analyze();
    expect(violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${what}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`)).toEqual([]);
  };
  await openModels(face);
  await row(page, NAME).getByRole('button', { name: NAME, exact: true }).click();
  await expect(drawer(page, NAME).getByRole('heading', { name: 'File' })).toBeVisible();
  for (const theme of themes) {
    await setTheme(face, theme);
    await look(`drawer, ${theme}`);
    await page.getByRole('button', { name: 'Get another…' }).click();
    await look(`dialog, ${theme}`);
    await page.keyboard.press('Escape');
    await expect(page.getByRole('dialog')).toHaveCount(0);
  }
});
