import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { parseCsv } from '../../core/testing/parse-csv.ts';
import { seedBenchmarks, type SeedWish } from '../bench/seed-benchmarks.ts';
import { cachedTorch, expect, layTorch, test as base } from '../fixtures/optimise-page.ts';
import { goToPage, setTheme, themes } from '../fixtures/pages.ts';
import { readProcessTree } from '../fixtures/process-tree.ts';
import { readEnginePid, runCommand } from '../fixtures/programs.ts';

base.setTimeout(120_000);

/** torch is imported and a case measured, on a machine that does other things too. */
const MEASURED = { timeout: 60_000 };
const CASE = 'FP32 512³';
const simulated = { key: 'GPU-51a00000-0000-4000-8000-000000000000', name: 'NVIDIA GeForce RTX 5090' };

/** What was measured before the engine starts; null: nothing. `torch`: with an environment that can really measure. */
const test = base.extend<{ readonly past: Pick<SeedWish, 'benchmarks' | 'runs' | 'cases'> | null; readonly torch: boolean }>({
  past: [null, { option: true }],
  torch: [false, { option: true }],
  dataDir: async ({ dataDir, past }, use) => {
    if (past !== null) await seedBenchmarks(join(dataDir, 'warpdeck.db'), { places: [simulated], samplesPerCase: 20, ...past });
    await use(dataDir);
  },
  at: async ({ at, torch }, use) => {
    const from = torch ? cachedTorch() : null;
    if (from !== null) layTorch(at, 'measure', from);
    await use(at);
  },
});

const panel = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true });
const running = (page: Page): Locator => panel(page, 'Running benchmark');
const figures = (page: Page): Locator => page.getByRole('table', { name: 'Matrix multiplication, TFLOPS' });
const dialog = (page: Page): Locator => page.getByRole('dialog', { name: 'Run a benchmark' });
const picker = (page: Page): Locator => page.getByTestId('bench-file');

/** Fills the dialog for one case by the mouse and starts it. */
async function measure(page: Page, title: string, seconds: string): Promise<void> {
  await page.getByRole('button', { name: /^Run…/ }).click();
  await dialog(page).getByRole('checkbox', { name: 'All that fit the place' }).uncheck();
  await dialog(page).getByRole('checkbox', { name: title }).check();
  await dialog(page).getByRole('textbox', { name: 'Seconds for a case' }).fill(seconds);
  await dialog(page).getByRole('button', { name: 'Run', exact: true }).click();
  await expect(dialog(page)).toHaveCount(0, MEASURED);
}

const storedRuns = async (dataDir: string): Promise<readonly { readonly id: string; readonly state: string; readonly results: readonly { readonly caseId: string; readonly n: number }[] }[]> =>
  ((await runCommand(dataDir, ['call', 'benchmarks.history'])) as { readonly result: [] }).result;

test.describe('with a real PyTorch', () => {
  test.use({ torch: true });
  test.skip(cachedTorch() === null, 'no environment with PyTorch is in the cache');

  test('a matrix product is measured, one is cancelled, two are compared', async ({ face }) => {
    const { page } = face;
    await goToPage(face, 'benchmarks');
    await expect(page.getByRole('heading', { name: 'Matrix multiplication has not been measured yet' })).toBeVisible();
    await runCommand(face.dataDir, ['call', 'environments.scan']);
    await expect.poll(async () => ((await runCommand(face.dataDir, ['call', 'environments.matrix'])) as { result: { rows: { torch: string | null }[] } }).result.rows.some((r) => r.torch !== null), MEASURED).toBe(true);

    await measure(page, CASE, '0.5');
    await expect(running(page)).toContainText(/FP32 512³: (starting|warming up|[\d.,]+ TFLOPS)/, MEASURED);
    await expect(figures(page).getByRole('row').filter({ hasText: 'FP32' })).toContainText(/[\d.]+.* TFLOPS/, MEASURED);
    await expect(page.getByRole('heading', { name: 'Matrix multiplication, 512³' })).toBeVisible();
    await expect(running(page)).toHaveCount(0, MEASURED);
    await expect(page.getByText('There is no NVIDIA GPU here: this was measured on the processor.')).toBeVisible();
    await expect(panel(page, 'History')).toContainText('One run so far.');
    const [first] = await storedRuns(face.dataDir);
    expect(first).toMatchObject({ state: 'done', results: [{ caseId: 'fp32-512' }] });
    expect(first?.results[0]?.n).toBeGreaterThanOrEqual(10);

    // Long enough to be met in the middle of it.
    await measure(page, 'FP32 1024³', '120');
    await expect(running(page)).toContainText(/TFLOPS.*samples/, MEASURED);
    await expect(running(page)).toContainText(/ left/, MEASURED);
    await expect(running(page).getByRole('progressbar')).toBeVisible();
    await running(page).getByRole('button', { name: 'Cancel' }).click();
    await expect(running(page)).toHaveCount(0, { timeout: 5_000 });
    await page.getByRole('combobox', { name: 'Run', exact: true }).selectOption({ index: 0 });
    await expect(page.getByText('This run was cancelled.')).toBeVisible();
    const [cancelled] = await storedRuns(face.dataDir);
    expect(cancelled).toMatchObject({ state: 'cancelled', results: [] });
    expect(await runCommand(face.dataDir, ['call', 'benchmarks.get', '--input', JSON.stringify({ id: cancelled?.id })])).toMatchObject({ result: { samples: {} } });
    // Nothing goes on computing behind the page.
    await expect.poll(() => readProcessTree(readEnginePid(face.dataDir) ?? -1).filter((pid) => /python/.test(readCommand(pid)))).toEqual([]);

    await measure(page, CASE, '0.5');
    await expect(panel(page, 'Two runs')).toContainText(/B against A, of 1 case: 1 (faster|slower|without a difference|too close to tell)/, MEASURED);
    await expect(panel(page, 'Two runs').getByRole('row').filter({ hasText: CASE })).toContainText(/\[[+−][\d.]+, [+−][\d.]+\].*(faster|slower|no difference|cannot tell)/);
    await expect(panel(page, 'History').locator('caption')).toHaveText('2 runs');
  });

  test('by keyboard alone: a run begins, its end is seen, it is exported', async ({ face }) => {
    const { page } = face;
    const { keyboard } = page;
    test.skip(face.kind === 'window', 'the file goes through the system’s dialog');
    await expect(page.getByRole('navigation', { name: 'Areas' })).toBeVisible(MEASURED);
    await runCommand(face.dataDir, ['call', 'environments.scan']);
    await expect.poll(async () => ((await runCommand(face.dataDir, ['call', 'environments.matrix'])) as { result: { rows: { torch: string | null }[] } }).result.rows.some((r) => r.torch !== null), MEASURED).toBe(true);
    await keyboard.press('Alt+4');
    await expect(page.getByRole('heading', { name: 'Benchmarks', exact: true })).toBeVisible();
    await expect(page.getByRole('button', { name: /^Run…/ })).toBeEnabled();
    await tabTo(page, page.getByRole('button', { name: /^Run…/ }));
    await keyboard.press('Enter');
    await tabTo(page, dialog(page).getByRole('textbox', { name: 'Seconds for a case' }));
    await keyboard.type('0.5');
    await tabTo(page, dialog(page).getByRole('checkbox', { name: 'All that fit the place' }));
    await keyboard.press('Space');
    await tabTo(page, dialog(page).getByRole('checkbox', { name: CASE }));
    await keyboard.press('Space');
    await tabTo(page, dialog(page).getByRole('button', { name: 'Run', exact: true }));
    await keyboard.press('Enter');
    await expect(figures(page).getByRole('row').filter({ hasText: 'FP32' })).toBeVisible(MEASURED);
    await expect(running(page)).toHaveCount(0, MEASURED);
    await tabTo(page, figures(page).locator('.figure').first());
    await expect(page.getByRole('tooltip')).toContainText(/\d+ samples/);
    await tabTo(page, page.getByRole('button', { name: 'Export' }));
    await keyboard.press('Enter');
    await expect(page.getByRole('menuitem').first()).toBeFocused();
    await keyboard.press('ArrowDown');
    const coming = page.waitForEvent('download');
    await keyboard.press('Enter');
    expect((await coming).suggestedFilename()).toMatch(/^matmul-cpu-\d{4}-\d\d-\d\d\.md$/);
    await expect(page.getByRole('button', { name: 'Export' })).toBeFocused();
  });
});

test.describe('with a history', () => {
  test.use({ past: { benchmarks: ['matmul', 'bandwidth'], runs: 30, cases: null }, gpus: 'simulate:1' });

  test('bars with intervals, the roofline, the line over time, two runs in words', async ({ face }) => {
    const { page } = face;
    await goToPage(face, 'benchmarks');
    await expect(figures(page).getByRole('row').filter({ hasText: 'BF16' })).toContainText(/± [\d.]+.*% of peak/);
    await expect(page.locator('.btrack .recharts-bar-rectangle')).toHaveCount(6);
    await expect(page.locator('.btrack .recharts-errorBar')).not.toHaveCount(0);
    await page.getByRole('button', { name: '1024³' }).click();
    await expect(page.getByRole('heading', { name: 'Matrix multiplication, 1024³' })).toBeVisible();

    const roof = panel(page, 'Roofline');
    await expect(roof.locator('.blegend')).toContainText(/RTX 5090.*TFLOPS.*GB\/s/);
    await expect(roof.locator('.recharts-reference-line-line')).toHaveCount(2);
    await expect(roof.locator('.recharts-scatter-symbol')).toHaveCount(4);

    const history = panel(page, 'History');
    await expect(history.locator('caption')).toHaveText('30 runs');
    await expect(history.getByRole('list', { name: 'Changes' })).toContainText('driver 580.95');
    await expect(history.locator('header')).toContainText(/slower since \d+ [A-Z][a-z]{2}/);
    await history.getByRole('combobox', { name: 'Case of the history' }).selectOption({ label: 'FP16 8192³' });
    await expect(history.getByRole('table', { name: 'History of FP16 8192³ on RTX 5090' })).toBeAttached();

    const two = panel(page, 'Two runs');
    await expect(two.getByRole('status')).toContainText('B against A, of 24 cases');
    await two.getByRole('combobox', { name: 'Run A' }).selectOption({ index: 29 });
    await expect(two.getByRole('row').filter({ hasText: 'BF16 8192³' })).toContainText(/\+[\d.]+%\[\+[\d.]+, \+[\d.]+\]faster/);
    await expect(two.getByText('What else differs')).toBeVisible();
    await two.getByRole('button', { name: 'Swap' }).click();
    await expect(two.getByRole('row').filter({ hasText: 'BF16 8192³' })).toContainText('slower');

    // An old run is opened by its place in the list, and is the one that is shown.
    await page.getByRole('combobox', { name: 'Run', exact: true }).selectOption({ index: 29 });
    await expect(page).toHaveURL(/bench-seed-matmul-0-0$/);
    await expect(page.locator('.bmk > .head')).toContainText('torch 2.13.0+cu130');
  });

  test('a run is saved in every format', async ({ face }) => {
    const { page } = face;
    test.skip(face.kind === 'window', 'the file goes through the system’s dialog');
    await goToPage(face, 'benchmarks');
    await expect(panel(page, 'Roofline').locator('.recharts-scatter-symbol')).toHaveCount(4);
    const save = async (choice: string): Promise<{ readonly name: string; readonly bytes: Buffer }> => {
      await page.getByRole('button', { name: 'Export' }).click();
      const coming = page.waitForEvent('download');
      await page.getByRole('menuitem', { name: choice, exact: true }).click();
      const file = await coming;
      return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
    };
    const lines = await save('JSON lines, all samples');
    expect(lines.name).toMatch(/\.jsonl$/);
    const objects = lines.bytes.toString().trim().split('\n').map((line) => JSON.parse(line) as { type: string });
    expect([objects[0]?.type, objects.length]).toEqual(['run', 1 + 24 * 20]);
    const csv = await save('CSV');
    expect(parseCsv(csv.bytes.toString())).toHaveLength(1 + 24 * 20);
    expect((await save('Markdown')).bytes.toString()).toMatch(/^# Matrix multiplication, [\s\S]*\| BF16 8192³ \|/);
    const card = await save('Card to share, SVG');
    expect(card.name).toMatch(/\.svg$/);
    expect(card.bytes.toString()).toContain('Measured with Warpdeck.');
    expect(card.bytes.toString()).not.toMatch(/<script|href=|url\(/);
    for (const [choice, least] of [['Card to share, PNG', 880], ['Roofline as it is shown, PNG', 300]] as const) {
      const { name, bytes } = await save(choice);
      expect(name).toMatch(/\.png$/);
      expect(bytes.subarray(1, 4).toString()).toBe('PNG');
      expect(bytes.readUInt32BE(16)).toBeGreaterThanOrEqual(least);
    }
  });

  test('axe finds nothing serious, dark and light, small and wide; nothing moves where that is not wanted', async ({ face }) => {
    const { page } = face;
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await goToPage(face, 'benchmarks');
    await expect(panel(page, 'Two runs').getByRole('status')).toContainText('B against A');
    const look = async (what: string, part = '.bmk'): Promise<void> => {
      const { violations } = await new AxeBuilder({ page }).include(part).setLegacyMode(face.kind === 'window').analyze();
      expect(violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${what}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`)).toEqual([]);
    };
    for (const [i, theme] of themes.entries()) {
      await setTheme(face, theme);
      const width = [1024, 2560][i] ?? 1440;
      await page.setViewportSize({ width, height: width === 1024 ? 768 : 1440 });
      await page.getByRole('button', { name: 'Export' }).click();
      await look(`page and menu, ${theme}, ${String(width)} px`);
      await page.keyboard.press('Escape');
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${String(width)} px scrolls sideways`).toBe(0);
      await page.getByRole('button', { name: /^Run…/ }).click();
      await look(`dialog, ${theme}`, '[role=dialog], dialog');
      await page.keyboard.press('Escape');
    }
    expect(await page.evaluate(() => document.getAnimations().filter((a) => a.playState === 'running').length)).toBe(0);
  });
});

/** One test as llama-bench writes it. */
const told = { build_commit: '2b3c1ad7', build_number: 6710, gpu_info: 'NVIDIA A100-SXM4-80GB', backends: 'CUDA', model_filename: 'models/llama-8b-q4_k_m.gguf', model_type: 'llama 8B', n_prompt: 512, n_gen: 0, test_time: '2026-11-02T10:00:00Z', samples_ns: [36e6, 36.2e6, 35.9e6], samples_ts: [14222, 14143, 14262] };

test('output of llama-bench is taken over; what is none, or too much, is refused in words', async ({ face }) => {
  const { page } = face;
  await goToPage(face, 'benchmarks');
  await expect(page.getByRole('button', { name: 'Import…' })).toBeVisible();
  const give = (name: string, text: string): Promise<void> => picker(page).setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) });
  const refused = page.getByRole('alert').filter({ hasText: 'This is not output of llama-bench' });
  await give('wrong.json', '[{"model_filename": "x", "samples_ts": ["fast"]}]');
  await expect(refused).toContainText('Test 1');
  await refused.getByRole('button', { name: 'Dismiss' }).click();
  await give('huge.json', ' '.repeat(8_000_001));
  await expect(refused).toContainText('huge.json is larger than 8 MB');
  expect(await storedRuns(face.dataDir)).toEqual([]);

  await give('bench.json', JSON.stringify([told, { ...told, n_prompt: 0, n_gen: 128, samples_ns: [6e8, 6.1e8], samples_ts: [213, 210] }]));
  await expect(page.getByRole('table', { name: 'Language model, tok/s' }).getByRole('row').filter({ hasText: 'Prompt of 512 tokens' })).toContainText(/14,\d{3}/);
  await expect(page.locator('.bmk > .head')).toContainText('llama-8b-q4_k_m.gguf');
  await expect(refused).toHaveCount(0);
  expect(await storedRuns(face.dataDir)).toHaveLength(1);

  await face.app?.evaluate(({ dialog: system }) => { system.showMessageBox = () => Promise.resolve({ response: 0, checkboxChecked: false }); });
  await page.getByRole('button', { name: 'Remove this run' }).click();
  if (face.kind === 'browser') await page.getByRole('dialog').getByRole('button', { name: 'Remove the run' }).click();
  await expect(page.getByRole('heading', { name: 'Language model has not been measured yet' })).toBeVisible();
  expect(await storedRuns(face.dataDir)).toEqual([]);
});

/** Presses Tab until it is there; a page has an end. */
async function tabTo(page: Page, goal: Locator): Promise<void> {
  for (let i = 0; i < 150; i += 1) {
    if (await goal.evaluate((element) => element === document.activeElement).catch(() => false)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`The keyboard does not reach ${String(goal)}.`);
}

function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
