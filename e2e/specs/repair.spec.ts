import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { goToPage } from '../fixtures/pages.ts';
import { repository, runCommand } from '../fixtures/programs.ts';
import { readInstalled, startRepairBench, type RepairBench } from '../fixtures/repair-bench.ts';
import { expect, test as base } from '../fixtures/test.ts';

/** A real venv with the old torch, a package index of our own, and an engine whose settings point there. */
const test = base.extend<{ readonly bench: RepairBench; readonly prefix: string }>({
  bench: async ({}, use) => {
    const bench = await startRepairBench();
    await use(bench);
    await bench.stop();
  },
  prefix: async ({ bench }, use) => { await use(await bench.makeVenv('.virtualenvs/chat-legacy')); },
  // The environment is there before the engine looks.
  engineEnv: async ({ bench, prefix }, use) => { await use(prefix === '' ? {} : bench.env); },
});

test.use({ gpus: `replay:${join(repository, 'e2e/fixtures/recordings/rtx-5090.jsonl')}` });
// Real pip: seconds alone, a minute beside others.
test.setTimeout(240_000);
const PATIENT = { timeout: 120_000 };

const cell = (page: Page) => page.getByRole('gridcell').getByRole('button', { name: /^chat-legacy on RTX 5090: / });
const step = (page: Page, name: string) => page.getByRole('list', { name: 'Steps' }).getByRole('listitem').filter({ hasText: name });

/** From the matrix to a plan that is ready. */
async function openPlan(face: { readonly page: Page; readonly dataDir: string }, bench: RepairBench): Promise<void> {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await runCommand(face.dataDir, ['call', 'settings.update', '--input', JSON.stringify(bench.settings)]);
  await goToPage(face, 'environments');
  await expect(cell(page)).toHaveText('incompatible', PATIENT);
  await cell(page).click();
  await page.getByRole('complementary').getByRole('link', { name: 'Repair' }).click();
  await expect(page.getByRole('heading', { name: 'Repair chat-legacy' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'What changes' })).toBeVisible(PATIENT);
}

test('repairs an environment, undoes it, and both are what they say on disk', async ({ face, bench, prefix }) => {
  const { page } = face;
  const before = readInstalled(prefix);
  expect(before).toMatchObject({ torch: '2.4.1+cu121', marker: 'cudnn for CUDA 12' });
  await openPlan(face, bench);

  // 1 Plan: what goes and what comes, and nothing is changed by it.
  const changes = page.getByRole('region', { name: 'What changes' });
  await expect(changes.getByRole('row').nth(1)).toContainText(/^torch2\.4\.1/);
  await expect(changes.getByRole('row').nth(1)).toContainText(bench.newTorch.version);
  await expect(changes.getByRole('row', { name: /^nvidia-cudnn-cu12/ })).toContainText('removed');
  await expect(changes.getByRole('row', { name: /^nvidia-cudnn-cu13/ })).toContainText('new');
  await expect(page.getByRole('group', { name: 'Routes' }).getByRole('button', { pressed: true })).toContainText('recommended');
  await changes.getByText(/commands that will run/).click();
  await expect(changes.getByText(`torch==${bench.newTorch.version}`).first()).toBeVisible();
  await expect(page.getByRole('region', { name: 'Advice that does not work here' })).toBeVisible();
  expect(readInstalled(prefix)).toEqual(before);

  // 2 to 4: snapshot, installation and checks, by themselves.
  await page.getByRole('button', { name: 'Repair chat-legacy' }).click();
  await expect(step(page, 'Plan')).toContainText('Plan');
  const result = page.getByRole('region', { name: 'Result' });
  await expect(result.getByRole('status').first()).toContainText(`chat-legacy has torch ${bench.newTorch.version} now.`, PATIENT);
  const checks = page.getByRole('region', { name: 'Checks' }).getByRole('listitem');
  for (const [title, state] of [['Recorded files', 'passed'], ['Verdict from the files', 'passed'], ['Import', 'passed'], ['Kernels on each GPU', 'left out'], ['Requirements of all packages', 'passed']] as const) {
    await expect(checks.filter({ hasText: title }).getByRole('img', { name: state })).toBeVisible();
  }
  await expect(page.getByRole('list', { name: 'Steps' }).getByRole('img', { name: 'done' })).toHaveCount(4);
  await expect(page.getByRole('log', { name: 'Log of the change' })).toContainText('Successfully installed');
  const repaired = readInstalled(prefix);
  expect(repaired).toMatchObject({ torch: bench.newTorch.version, marker: 'cudnn for CUDA 13' });
  expect(repaired.packages.some((p) => p.startsWith('nvidia_cudnn_cu12'))).toBe(false);

  // The page can be left and found again, and the matrix is green.
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(cell(page)).toHaveText('native', PATIENT);
  await expect(page.getByRole('complementary').getByRole('heading', { name: 'chat-legacy uses the RTX 5090' })).toBeVisible();

  // Undo, from the journal below the matrix; without the index.
  await bench.index.stop();
  await page.getByRole('link', { name: 'Undo the repair of chat-legacy' }).click();
  await expect(page.getByRole('heading', { name: 'Undo a change of chat-legacy' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'What changes' }).getByRole('row').nth(1)).toContainText('2.4.1', PATIENT);
  await page.getByRole('button', { name: 'Undo the change of chat-legacy' }).click();
  await expect(result.getByRole('status').first()).toContainText('chat-legacy is as it was: torch 2.4.1', PATIENT);
  expect(readInstalled(prefix)).toEqual(before);
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(cell(page)).toHaveText('incompatible', PATIENT);
  await expect(page.getByRole('region', { name: 'Changes' }).getByRole('row').filter({ hasText: 'repair' })).toContainText('undone');
});

test('cancelled in the middle of the download, the old state is put back', async ({ face, bench, prefix }) => {
  const { page } = face;
  const before = readInstalled(prefix);
  await openPlan(face, bench);
  // The download of the new torch begins and then stands still for ever: the middle, however fast the machine.
  bench.index.misbehave(bench.newTorch.wheel, { kind: 'stall', afterBytes: 512 });
  const asked = bench.index.asked(bench.newTorch.wheel);
  await page.getByRole('button', { name: 'Repair chat-legacy' }).click();
  await asked;
  await expect(step(page, 'Install')).toHaveAttribute('aria-current', 'step', PATIENT);
  // Left, and found again through the environment: it is the same change.
  await page.getByRole('link', { name: 'Leave, keep the job' }).click();
  await page.getByRole('complementary').getByRole('link', { name: 'Open the repair' }).click();
  await expect(step(page, 'Install')).toHaveAttribute('aria-current', 'step', PATIENT);
  // The window asks by a dialog of the system: its first button is the deed.
  await face.app?.evaluate(({ dialog }) => { dialog.showMessageBox = () => Promise.resolve({ response: 0, checkboxChecked: false }); });
  await page.getByRole('button', { name: 'Cancel and put back' }).click();
  if (face.kind === 'browser') await page.getByRole('dialog').getByRole('button', { name: 'Cancel and put back' }).click();
  await expect(page.getByRole('region', { name: 'Result' }).getByRole('status').first()).toContainText('chat-legacy is as it was', PATIENT);
  expect(readInstalled(prefix)).toEqual(before);
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(cell(page)).toHaveText('incompatible', PATIENT);
  await expect(page.getByRole('region', { name: 'Changes' }).getByRole('row').filter({ hasText: 'repair' })).toContainText('put back');
});

test('a build that does not pass its checks is not kept', async ({ face, bench, prefix }) => {
  const { page } = face;
  const before = readInstalled(prefix);
  await openPlan(face, bench);
  // A check of the user's own, which this torch cannot pass.
  await page.getByRole('textbox', { name: 'A command of your own that must succeed afterwards' }).fill('python -c "import torch; raise SystemExit(3)"');
  await page.getByRole('button', { name: 'Repair chat-legacy' }).click();
  const result = page.getByRole('region', { name: 'Result' });
  await expect(result.getByRole('status').first()).toContainText('chat-legacy is as it was: torch 2.4.1', PATIENT);
  await expect(result.getByRole('alert')).toContainText('The new state failed its check.');
  await expect(step(page, 'Verify').getByRole('img', { name: 'failed' })).toBeVisible();
  expect(readInstalled(prefix)).toEqual(before);
});

test('what the index cannot give is said, and nothing was changed', async ({ face, bench, prefix }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  const before = readInstalled(prefix);
  await runCommand(face.dataDir, ['call', 'settings.update', '--input', JSON.stringify(bench.settings)]);
  await bench.index.stop();
  await goToPage(face, 'environments');
  await expect(cell(page)).toHaveText('incompatible', PATIENT);
  await cell(page).click();
  await page.getByRole('complementary').getByRole('link', { name: 'Repair' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'upgrade.' })).toBeVisible(PATIENT);
  await expect(page.getByRole('button', { name: 'Repair chat-legacy' })).toHaveCount(0);
  expect(readInstalled(prefix)).toEqual(before);
});

test('the keyboard alone repairs and undoes', async ({ face, bench, prefix }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await runCommand(face.dataDir, ['call', 'settings.update', '--input', JSON.stringify(bench.settings)]);
  await page.keyboard.press('Alt+2');
  await expect(cell(page)).toHaveText('incompatible', PATIENT);
  await expect(page.getByRole('status').filter({ hasText: /environments? found/ })).toHaveCount(1, PATIENT);
  await page.getByRole('button', { name: 'Look again' }).focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  await expect(cell(page)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('complementary').getByRole('link', { name: 'Repair' })).toBeVisible();
  await tabTo(page, 'Repair');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Repair chat-legacy' })).toBeFocused();
  await expect(page.getByRole('button', { name: 'Repair chat-legacy' })).toBeEnabled(PATIENT);
  await tabTo(page, 'Repair chat-legacy');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Done' })).toBeVisible(PATIENT);
  expect(readInstalled(prefix).torch).toBe(bench.newTorch.version);
  await tabTo(page, 'Undo');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Undo the change of chat-legacy' })).toBeEnabled(PATIENT);
  await tabTo(page, 'Undo the change of chat-legacy');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Done' })).toBeVisible(PATIENT);
  expect(readInstalled(prefix).torch).toBe('2.4.1+cu121');
});

/** Tab until the focus is on what is called so; a page has an end. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 80; i += 1) {
    if ((await page.evaluate(() => document.activeElement?.textContent ?? '')) === name && (await page.evaluate(() => document.activeElement?.matches('a, button') ?? false))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`"${name}" cannot be reached by Tab`);
}
