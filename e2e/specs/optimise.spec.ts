import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import type { Face } from '../fixtures/faces.ts';
import { cachedTorch, card, expect, FOUND, layTorch, openOptimise, test } from '../fixtures/optimise-page.ts';
import { goToPage, setTheme, themes } from '../fixtures/pages.ts';
import { runCommand } from '../fixtures/programs.ts';

test.setTimeout(120_000);

const THREADS = 'Processor threads';
/** A measurement of a program that ends at once, on a machine that does other things too. */
const MEASURED = { timeout: 60_000 };

/** A program of the user's own: half as fast again with one thread. It waits before its n-th run until the test lets it. */
function layProgram(home: string): { readonly path: string; letRun(runs: number): void; countRuns(): number } {
  const path = join(home, 'speed.sh');
  const limit = join(home, 'limit');
  const letRun = (runs: number): void => {
    writeFileSync(`${limit}.new`, `${String(runs)}\n`);
    renameSync(`${limit}.new`, limit);
  };
  writeFileSync(path, [
    'cd "$(dirname "$0")"', 'n=$(( $(cat runs 2>/dev/null || echo 0) + 1 ))', 'echo $n > runs',
    'while [ "$n" -gt "$(cat limit)" ]; do sleep 0.02; done',
    'if [ "$OMP_NUM_THREADS" = 1 ]; then echo "warm-up speed: 1/s"; echo "speed: 150.$(( n % 7 ))/s"; else echo "speed: 100.$(( n % 5 ))/s"; fi', '',
  ].join('\n'));
  letRun(1_000_000);
  return { path, letRun, countRuns: () => (existsSync(join(home, 'runs')) ? Number(readFileSync(join(home, 'runs'), 'utf8')) : 0) };
}

const ask = (page: Page): Locator => page.getByRole('dialog', { name: /with your own program$/ });
const chart = (page: Page): Locator => card(page, THREADS).getByRole('img', { name: /pairs$/ });

/** Warm-up of both, then one pair: no figure comes before these. */
const FIRST_PAIR = 4;

async function openProgram(page: Page, path: string): Promise<Locator> {
  await card(page, THREADS).getByRole('combobox', { name: `Workload for ${THREADS}` }).selectOption({ label: 'Your own program…' });
  const dialog = ask(page);
  await dialog.getByLabel('Command').fill(`sh "${path}"`);
  await dialog.getByLabel('Pattern').fill('speed: ([\\d.]+)');
  return dialog;
}

/** What the command line sees of a switch at this moment. */
async function effectsOf(face: Pick<Face, 'dataDir'>, id: string): Promise<readonly { readonly verdict: string | null; readonly sentence: string; readonly workload: { readonly name: string } }[]> {
  const { states } = (await runCommand(face.dataDir, ['optimize', 'ls'])) as { states: readonly { toggle: { id: string }; effects: [] }[] };
  return states.find((s) => s.toggle.id === id)?.effects ?? [];
}

test('a program of one’s own: its pattern is checked first, pairs are seen to come, everybody sees them, the verdict stays', async ({ face, at }) => {
  const { page } = face;
  const program = layProgram(at.home);
  program.letRun(FIRST_PAIR);
  await openOptimise(face);
  const mine = card(page, THREADS);
  await expect(mine).toContainText('not measured here');
  // The claim and what is true stand beside each other before anything is measured.
  await expect(mine).toContainText(/People say.*All 32 threads.*In truth/);

  const dialog = await openProgram(page, program.path);
  await dialog.getByLabel('Pattern').fill('speed: [\\d.]+');
  await expect(dialog).toContainText('no group in parentheses');
  await dialog.getByLabel('Pattern').fill('speed: ([\\d.]+');
  await expect(dialog).toContainText('It is no regular expression');
  await dialog.getByLabel('Try it on').fill('speed: 12.5/s, then speed: 14.5/s');
  await dialog.getByLabel('Pattern').fill('tempo: ([\\d.]+)');
  await expect(dialog).toContainText('nothing in it fits the pattern');
  await dialog.getByLabel('Pattern').fill('^(a+)+$');
  await dialog.getByLabel('Try it on').fill(`${'a'.repeat(40)}b`);
  await expect(dialog).toContainText('too complicated');
  await dialog.getByLabel('Try it on').fill('speed: 12.5/s, then speed: 14.5/s');
  await dialog.getByLabel('Pattern').fill('speed: ([\\d.]+)');
  await expect(dialog).toContainText('the figure is 14.5');
  await dialog.getByLabel('Command').fill(`sh "${program.path}" | tail -1`);
  await dialog.getByRole('button', { name: 'Measure', exact: true }).click();
  await expect(dialog).toContainText('needs a shell');
  expect(program.countRuns()).toBe(0);
  await dialog.getByLabel('Command').fill(`sh "${program.path}"`);
  await dialog.getByRole('textbox', { name: 'Unit' }).fill('1/s');
  await dialog.getByRole('button', { name: 'Measure', exact: true }).click();
  await expect(dialog).toHaveCount(0);

  await expect(mine).toHaveAttribute('aria-busy', 'true');
  await expect(chart(page)).toHaveAccessibleName(/^So far: off 100 1\/s, on 15\d 1\/s, 1 pairs$/, MEASURED);
  await expect(mine).toContainText('1 of at most 40 pairs');
  expect(program.countRuns()).toBe(FIRST_PAIR + 1);
  // Whoever looks later sees the same: the command line, and a page that is opened now.
  expect(await effectsOf(face, 'cpu_threads')).toEqual([expect.objectContaining({ verdict: null, sentence: 'measuring: 1 of at most 40 pairs' })]);
  if (face.address === null) await page.reload();
  else {
    await page.goto('about:blank');
    await page.goto(face.address);
  }
  await openOptimise(face);
  await expect(chart(page)).toHaveAccessibleName(/^So far: .* 1 pairs$/);
  await expect(mine).toHaveAttribute('aria-busy', 'true');
  // One pair more, and it is told although nothing follows it.
  program.letRun(FIRST_PAIR + 2);
  await expect(chart(page)).toHaveAccessibleName(/^So far: .* 2 pairs$/, MEASURED);
  await expect(mine).toContainText('≈ 1.5');
  program.letRun(1_000_000);
  await expect(mine).toContainText(/helps: 1\.(49|50)× faster \[1\.\d+, 1\.\d+\]/, MEASURED);
  await expect(mine).toHaveAttribute('aria-busy', 'false');
  await expect(chart(page)).toHaveAccessibleName(/^off 100 1\/s, on 15\d 1\/s, (8|1\d|2\d|3\d|40) pairs$/);
  await expect(mine.getByRole('combobox', { name: `Workload for ${THREADS}` }).locator('option:checked')).toHaveText(`Own: sh ${program.path}`);
  expect(await effectsOf(face, 'cpu_threads')).toEqual([expect.objectContaining({ verdict: 'helps', workload: expect.objectContaining({ name: 'command' }) })]);
});

test('cancelled in the middle: at once, with all that it had started, and as if never begun', async ({ face, at }) => {
  const { page } = face;
  const program = layProgram(at.home);
  program.letRun(FIRST_PAIR);
  await openOptimise(face);
  const dialog = await openProgram(page, program.path);
  await dialog.getByRole('button', { name: 'Measure', exact: true }).click();
  const mine = card(page, THREADS);
  await expect(mine).toContainText('1 of at most 40 pairs', MEASURED);
  await mine.getByRole('button', { name: /^Cancel: Measure / }).click();
  await expect(mine).toContainText('not measured here');
  await expect(mine).toHaveAttribute('aria-busy', 'false');
  const runs = program.countRuns();
  program.letRun(1_000_000);
  expect(await effectsOf(face, 'cpu_threads')).toEqual([]);
  const { result } = (await runCommand(face.dataDir, ['call', 'jobs.list', '--input', '{}'])) as { result: readonly { kind: string; state: string }[] };
  expect(result.filter((j) => j.kind === 'measure')).toEqual([expect.objectContaining({ state: 'cancelled' })]);
  // What was entered is still there, and it can be begun again at once.
  await mine.getByRole('combobox', { name: `Workload for ${THREADS}` }).selectOption({ label: 'Your own program…' });
  await expect(ask(page).getByLabel('Pattern')).toHaveValue('speed: ([\\d.]+)');
  expect(program.countRuns()).toBe(runs);
  await ask(page).getByRole('button', { name: 'Measure', exact: true }).click();
  await expect(mine).toContainText(/helps: 1\.(49|50)× faster/, MEASURED);
});

test('apply shows the lines first and writes nothing; a file in the environment is written and undone', async ({ face, at }) => {
  const { page } = face;
  await openOptimise(face);
  const site = join(at.home, '.virtualenvs/train/lib', readdirSync(join(at.home, '.virtualenvs/train/lib'))[0] ?? '', 'site-packages');
  const before = readdirSync(site).sort();
  await card(page, THREADS).getByRole('switch').click();
  await card(page, 'Interop threads').getByRole('switch').click();
  await page.getByRole('button', { name: 'Apply 2 switches…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Apply 2 switches to train' });
  await expect(dialog.getByLabel('Lines for your program').last()).toContainText('torch.set_num_interop_threads(1)');
  await expect(dialog.getByLabel('Variables for its start').last()).toContainText('export OMP_NUM_THREADS=1');
  expect(readdirSync(site).sort()).toEqual(before);
  await dialog.getByRole('button', { name: 'Every start' }).click();
  const write = dialog.getByRole('button', { name: 'Apply to train' });
  await expect(dialog.getByText(/^Written: .*site-packages/).first()).toBeVisible();
  // PyTorch takes it once, before its first operation: only the program itself can say it.
  await expect(dialog.getByText('Left out: Interop threads.')).toBeVisible();
  const agree = dialog.getByRole('checkbox', { name: /^Results change/ });
  if ((await agree.count()) > 0) await agree.check();
  expect(readdirSync(site).sort()).toEqual(before);
  await write.click();
  await expect(dialog).toHaveCount(0);
  const applied = page.getByRole('region', { name: 'Applied' }).or(page.locator('#optimise-applied'));
  await expect(applied.first()).toContainText('in force');
  expect(readdirSync(site).length).toBeGreaterThan(before.length);
  await expect(card(page, THREADS)).toContainText('in force');
  await expect(card(page, 'Interop threads')).not.toContainText('in force');
  await page.getByRole('button', { name: 'Undo in train' }).click();
  await page.getByRole('dialog', { name: 'Undo in train' }).getByRole('button', { name: 'Undo', exact: true }).click();
  await expect(applied.first()).not.toContainText('in force');
  expect(readdirSync(site).sort()).toEqual(before);
});

/** Presses Tab until the focus is where it should be. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeEnabled();
  for (let i = 0; i < 250; i++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not come to ${String(target)}`);
}

test('the keyboard alone: choose, enter a program, measure, cancel, switch on, see the lines', async ({ face, at }) => {
  const { page } = face;
  const program = layProgram(at.home);
  program.letRun(FIRST_PAIR);
  await expect(page.getByRole('navigation', { name: 'Areas' })).toBeVisible();
  await page.keyboard.press('Alt+3');
  const mine = card(page, THREADS);
  await expect(mine).toBeVisible(FOUND);
  await tabTo(page, mine.getByRole('combobox', { name: `Workload for ${THREADS}` }));
  await page.keyboard.press('End');
  const dialog = ask(page);
  await expect(dialog.getByLabel('Command')).toBeFocused();
  await page.keyboard.type(`sh "${program.path}"`);
  await page.keyboard.press('Tab');
  await page.keyboard.type('speed: ([0-9.]+)');
  await page.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(mine.getByRole('combobox', { name: `Workload for ${THREADS}` })).toBeFocused();
  await expect(mine).toContainText('1 of at most 40 pairs', MEASURED);
  await tabTo(page, mine.getByRole('button', { name: /^Cancel: Measure / }));
  await page.keyboard.press('Enter');
  await expect(mine).toContainText('not measured here');
  await tabTo(page, mine.getByRole('switch'));
  await page.keyboard.press('Space');
  await expect(mine.getByRole('switch')).toBeChecked();
  await tabTo(page, page.getByRole('button', { name: 'Apply 1 switch…' }));
  await page.keyboard.press('Enter');
  const lines = page.getByRole('dialog', { name: 'Apply 1 switch to train' });
  await expect(lines.getByLabel('Variables for its start').last()).toContainText('OMP_NUM_THREADS');
  await page.keyboard.press('Escape');
  await expect(lines).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Apply 1 switch…' })).toBeFocused();
});

test('axe finds nothing serious, nothing scrolls sideways, and nothing moves that should not', async ({ face, at }) => {
  const { page } = face;
  const program = layProgram(at.home);
  program.letRun(FIRST_PAIR + 2);
  const look = async (what: string): Promise<void> => {
    // The window's old Chromium knows no other way of looking into the page.
    const { violations } = await new AxeBuilder({ page }).setLegacyMode(face.kind === 'window').analyze();
    expect(violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${what}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`)).toEqual([]);
  };
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await openOptimise(face);
  const dialog = await openProgram(page, program.path);
  await dialog.getByRole('button', { name: 'Measure', exact: true }).click();
  await expect(chart(page)).toHaveAccessibleName(/ 2 pairs$/, MEASURED);
  expect(await page.evaluate(() => document.getAnimations().filter((a) => a.playState === 'running').length), 'animations in spite of reduced motion').toBe(0);
  await page.getByText(/^\d+ switches that cannot be used here$/).click();
  await page.getByText(/^\d+ pieces of advice that are no switch here$/).click();
  await expect(page.getByRole('definition').filter({ hasText: 'Gone from llama.cpp: the kernels that it chose are always used' })).toBeVisible();
  await expect(page.getByText(/19× faster matmul/)).toBeVisible();
  for (const theme of themes) {
    await setTheme(face, theme);
    await look(`under way, ${theme}`);
    await page.getByRole('button', { name: 'Watch for 10 s' }).scrollIntoViewIfNeeded();
    const again = await openProgram(page, program.path);
    await again.getByLabel('Pattern').fill('(');
    await look(`program, ${theme}`);
    await again.getByRole('button', { name: 'Cancel' }).click();
    for (const width of [1024, 1440, 2560]) {
      await page.setViewportSize({ width, height: Math.round(width / 1.6) });
      const over = await page.evaluate(() => ({
        frame: document.documentElement.scrollWidth - innerWidth,
        parts: [...document.querySelectorAll('.optimise, .fx, .fx > *, .sum > div')].filter((e) => e instanceof HTMLElement && e.getClientRects().length > 0 && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === 'visible').map((e) => `${e.className} ${String(e.scrollWidth)} > ${String(e.clientWidth)}`),
      }));
      expect(over, `${String(width)} px`).toEqual({ frame: 0, parts: [] });
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  }
  program.letRun(1_000_000);
  await expect(card(page, THREADS)).toContainText(/helps: 1\.(49|50)× faster/, MEASURED);
  for (const theme of themes) {
    await setTheme(face, theme);
    await look(`measured, ${theme}`);
  }
});

test('a real torch: begun on the command line, seen on the page, measured to its end', async ({ face, at }) => {
  const cached = cachedTorch();
  test.skip(cached === null, 'No torch is in the cache of tests: npm run bench:environments makes one.');
  const { page } = face;
  rmSync(join(at.home, '.virtualenvs/train'), { recursive: true });
  layTorch(at, 'torch-cpu', cached ?? '');
  await goToPage(face, 'optimise');
  const mine = card(page, THREADS);
  await expect(mine).toBeVisible(FOUND);
  await runCommand(face.dataDir, ['call', 'optimize.measure', '--input', JSON.stringify({ toggles: [{ toggleId: 'cpu_threads', value: '1' }], workload: 'cpu-matmul', budgetSeconds: 20 })]);
  await expect(mine).toHaveAttribute('aria-busy', 'true');
  await expect(chart(page)).toHaveAccessibleName(/^So far: off [\d.,]+ [GT]FLOPS, on [\d.,]+ [GT]FLOPS, \d+ pairs$/, MEASURED);
  await expect(mine).toHaveAttribute('aria-busy', 'false', MEASURED);
  await expect(mine.locator('.say')).toHaveText(/^(helps|hurts|no significant effect|cannot )/);
  await expect(chart(page)).toHaveAccessibleName(/^off [\d.,]+ [GT]FLOPS, on [\d.,]+ [GT]FLOPS, \d+ pairs$/);
  await expect(mine).toContainText(/torch 2\.\d+/);
});
