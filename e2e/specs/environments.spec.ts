import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { layWorkshop, makeEnvironmentHome, type EnvironmentHome } from '../fixtures/environment-home.ts';
import { goToPage, setTheme, themes } from '../fixtures/pages.ts';
import { repository, runCommand } from '../fixtures/programs.ts';
import { expect, test as base } from '../fixtures/test.ts';

/** The engine's home is a folder of its own; what the system itself has of Python is listed too and does not matter. */
const test = base.extend<{ readonly at: EnvironmentHome; readonly lay: 'workshop' | 'hostile' | 'old' | 'none' }>({
  lay: ['workshop', { option: true }],
  at: async ({ lay }, use) => {
    const at = makeEnvironmentHome();
    if (lay === 'workshop' || lay === 'hostile') layWorkshop(at);
    if (lay === 'hostile') layHostile(at);
    if (lay === 'old') at.add({ folder: '.virtualenvs/chat-legacy', torch: '2.4.1' });
    await use(at);
    at.remove();
  },
  engineEnv: async ({ at }, use) => { await use(at.env); },
});

test.setTimeout(120_000);
test.use({ gpus: `replay:${join(repository, 'e2e/fixtures/recordings/rtx-5090.jsonl')}` });

const cell = (page: Page, environment: string, gpu = 'RTX 5090') => page.getByRole('gridcell').getByRole('button', { name: new RegExp(`^${environment} on ${gpu}: `) });
const drawer = (page: Page) => page.getByRole('complementary', { name: /^Evidence: / });

async function openEnvironments(face: { readonly page: Page }): Promise<void> {
  await goToPage(face, 'environments');
  await untilFound(face.page);
}

async function untilFound(page: Page): Promise<void> {
  await expect(page.getByRole('status').filter({ hasText: /environments? found/ })).toHaveCount(1, { timeout: 40_000 });
}

test('verdicts are shown with what they stand on', async ({ face }) => {
  const { page } = face;
  await openEnvironments(face);
  await expect(cell(page, 'chat-legacy')).toHaveText('incompatible');
  await expect(cell(page, 'asr-tools')).toHaveText('broken');
  await expect(cell(page, 'system-torch')).toHaveText('CPU only');
  await expect(cell(page, 'train')).toHaveText('native');
  await expect(cell(page, 'data-prep')).toHaveText('no torch');
  // Sorted by trouble: what is broken first, what has no torch last.
  const names = (await page.getByRole('rowheader').locator('.nm').allInnerTexts()).filter((n) => ['asr-tools', 'chat-legacy', 'train', 'data-prep'].includes(n));
  expect(names).toEqual(['asr-tools', 'chat-legacy', 'train', 'data-prep']);

  await cell(page, 'chat-legacy').click();
  const shown = drawer(page);
  await expect(shown.getByRole('heading', { name: 'chat-legacy cannot use the RTX 5090' })).toBeVisible();
  await expect(shown.getByRole('listitem').filter({ hasText: 'sm_120 missing' })).toBeVisible();
  await expect(shown.getByText('libtorch_python.so', { exact: true })).toBeVisible();
  await expect(shown.getByText('The driver is new enough. Only the build is too old.')).toBeVisible();
  await expect(shown.getByText('torch/version.py').first()).toBeVisible();
  await expect(shown.getByRole('listitem').filter({ hasText: 'requirements.txt line 2' })).toContainText('torch==2.4.1');
  await expect(shown.getByRole('listitem').filter({ hasText: /^xformers0\.0\.28/ })).toBeVisible();
  await expect(shown.getByRole('heading', { name: /^Ways to repair it/ })).toBeVisible();
  await expect(shown.getByText('Advice that does not work here')).toBeVisible();
  // The command line says the same of the same folder.
  const said = (await runCommand(face.dataDir, ['doctor'])) as { environments: { environment: { name: string }; cells: { verdict: string }[] }[] };
  expect(said.environments.find((e) => e.environment.name === 'chat-legacy')?.cells[0]?.verdict).toBe('incompatible');

  await page.getByRole('paragraph').filter({ hasText: 'asr-tools: installed files are missing.' }).getByRole('button', { name: 'Show asr-tools' }).click();
  await expect(shown.getByRole('heading', { name: 'asr-tools is broken' })).toBeVisible();
  await expect(shown.getByText('nvidia/cudnn/lib/libcudnn.so.9').first()).toBeVisible();
});

test('other GPUs are judged for, and this machine comes back', async ({ face }) => {
  const { page } = face;
  await openEnvironments(face);
  await page.getByRole('button', { name: 'Other GPUs…' }).click();
  await page.getByRole('textbox', { name: 'GPUs' }).fill('GTX 1080 Ti, H100, sm_120');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Judged for GTX 1080 Ti, H100, sm_120.')).toBeVisible();
  await expect(cell(page, 'train', 'GTX 1080 Ti')).toHaveText('incompatible');
  await expect(cell(page, 'chat-legacy', 'GTX 1080 Ti')).toHaveText('native');
  await expect(cell(page, 'chat-legacy', 'H100')).toHaveText('native');
  await expect(cell(page, 'chat-legacy', 'sm_120')).toHaveText('incompatible');
  await page.getByRole('button', { name: 'Back to this machine' }).click();
  await expect(cell(page, 'chat-legacy')).toHaveText('incompatible');
  await expect(page.getByRole('columnheader', { name: /H100/ })).toHaveCount(0);
  // What is no GPU is said, and can be mended.
  await page.getByRole('button', { name: 'Other GPUs…' }).click();
  await page.getByRole('textbox', { name: 'GPUs' }).fill('RTX 9999');
  await page.getByRole('button', { name: 'Judge', exact: true }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'There is no such GPU in the table' })).toBeVisible();
});

test('a folder that is added is searched at once', async ({ face, at }) => {
  const { page } = face;
  await openEnvironments(face);
  const folder = join(at.home, 'deep', 'down', 'below', 'data');
  mkdirSync(folder, { recursive: true });
  at.add({ folder: 'deep/down/below/data/far-away', torch: '2.4.1' });
  await page.getByRole('button', { name: 'Add folder…' }).click();
  await page.getByRole('dialog', { name: 'Add a folder' }).getByRole('textbox').fill(folder);
  await page.keyboard.press('Enter');
  await expect(cell(page, 'far-away')).toHaveText('incompatible', { timeout: 30_000 });
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test.describe('with nothing but an old build', () => {
  test.use({ lay: 'old' });

  test('the monitor says that no PyTorch can use the GPU, and leads there', async ({ face }) => {
    const { page } = face;
    await openEnvironments(face);
    await goToPage(face, 'monitor');
    const banner = page.getByRole('region', { name: 'A GPU is not used' });
    await expect(banner).toContainText('No PyTorch here can use the RTX 5090. 1 environment can be repaired: chat-legacy.');
    await banner.getByRole('link', { name: 'Show' }).click();
    await expect(drawer(page).getByRole('heading', { name: 'chat-legacy cannot use the RTX 5090' })).toBeVisible();
    await expect(drawer(page).getByRole('link', { name: 'Repair' })).toBeVisible();
  });
});

test.describe('without a GPU', () => {
  test.use({ gpus: 'none' });

  test('says so, and judges for one that is named', async ({ face }) => {
    const { page } = face;
    await openEnvironments(face);
    await expect(page.getByText('This machine has no NVIDIA GPU to judge for. Name one to see its verdicts.')).toBeVisible();
    await expect(page.getByRole('row', { name: /chat-legacy/ })).toContainText('2.4.1+cu121');
    await page.getByRole('button', { name: 'Name a GPU…' }).click();
    await page.keyboard.type('RTX 5090');
    await page.keyboard.press('Enter');
    await expect(cell(page, 'chat-legacy')).toHaveText('incompatible');
  });
});

test.describe('without any torch', () => {
  test.use({ lay: 'none' });

  test('nothing is said to be wrong', async ({ face, at }) => {
    at.add({ folder: '.virtualenvs/data-prep', packages: [{ name: 'numpy', version: '2.3.1' }] });
    await openEnvironments(face);
    await face.page.getByRole('button', { name: 'Look again' }).click();
    await expect(cell(face.page, 'data-prep')).toHaveText('no torch');
    await cell(face.page, 'data-prep').click();
    await expect(drawer(face.page).getByRole('heading', { name: 'data-prep has no torch' })).toBeVisible();
    await expect(drawer(face.page).getByRole('link', { name: 'Repair' })).toHaveCount(0);
    await goToPage(face, 'monitor');
    await expect(face.page.getByRole('region', { name: 'A GPU is not used' })).toHaveCount(0);
  });
});

test('the keyboard alone: walk the cells, read the evidence, go back', async ({ face }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await page.keyboard.press('Alt+2');
  await untilFound(page);
  // One stop of Tab for the whole matrix: from the last button above it.
  await page.getByRole('button', { name: 'Look again' }).focus();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: /^asr-tools/ }).first()).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await expect(cell(page, 'asr-tools')).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(cell(page, 'chat-legacy')).toBeFocused();
  await page.keyboard.press('Home');
  await page.keyboard.press('End');
  await expect(cell(page, 'chat-legacy')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(drawer(page)).toBeFocused();
  await expect(drawer(page).getByRole('heading', { name: 'chat-legacy cannot use the RTX 5090' })).toBeVisible();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expect(drawer(page).getByRole('link', { name: 'Repair' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(drawer(page)).toHaveCount(0);
  await expect(cell(page, 'chat-legacy')).toBeFocused();
});

test.describe('hostile names', () => {
  test.use({ lay: 'hostile', gpus: 'simulate:4' });

  test('sixty environments, names of any kind: nothing is run, nothing overflows', async ({ face }) => {
    const { page } = face;
    let asked = false;
    page.on('dialog', (dialog) => { asked = true; void dialog.dismiss(); });
    await openEnvironments(face);
    await expect(page.getByRole('rowheader').filter({ hasText: '<img src=x onerror=' })).toHaveCount(1);
    expect(await page.locator('main img').count()).toBe(0);
    // What would turn the line around or hide is seen.
    await expect(page.getByRole('rowheader').filter({ hasText: 'exe\ufffdgnp.sj' })).toHaveCount(1);
    await expect(page.getByRole('rowheader').filter({ hasText: 'bad␛[31mname␊␉tab' })).toHaveCount(1);
    for (const width of [1024, 1440, 2560]) {
      await page.setViewportSize({ width, height: 900 });
      for (const name of ['very-long-name', '<img', 'סביבת']) {
        await page.getByRole('row').filter({ hasText: name }).getByRole('gridcell').getByRole('button').first().click();
        await expect(drawer(page).getByRole('link', { name: 'Repair' })).toBeVisible();
        // Nothing sticks out of the drawer, and the page itself does not scroll sideways.
        const over = await page.evaluate(() => [...document.querySelectorAll('.drawer, .envpage > .page')].map((e) => e.scrollWidth - e.clientWidth));
        expect(over, `${name} at ${String(width)} px`).toEqual([0, 0]);
        await page.keyboard.press('Escape');
      }
    }
    expect(asked).toBe(false);
  });
});

for (const theme of themes) {
  test(`axe finds nothing serious in the drawer, ${theme}`, async ({ face }) => {
    await openEnvironments(face);
    await setTheme(face, theme);
    await cell(face.page, 'chat-legacy').click();
    await expect(drawer(face.page).getByText('Advice that does not work here')).toBeVisible();
    const { violations } = await new AxeBuilder({ page: face.page }).setLegacyMode(face.kind === 'window').analyze();
    expect(violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`)).toEqual([]);
  });
}

function layHostile(at: EnvironmentHome): void {
  for (const name of ['<img src=x onerror="alert(1)">', 'very-long-name-'.repeat(13), 'bad\u001b[31mname\n\ttab', 'exe\u202egnp.sj', 'סביבת-עבודה']) at.add({ folder: `.virtualenvs/${name}`, torch: '2.4.1' });
  for (let i = 0; i < 48; i += 1) at.add({ folder: `.virtualenvs/many-${String(i).padStart(2, '0')}` });
}
