import { AxeBuilder } from '@axe-core/playwright';
import { composer, only, openChat, openSettings, PATIENT, say, setAnswers } from '../fixtures/chat-page.ts';
import type { Face } from '../fixtures/faces.ts';
import { expect, test } from '../fixtures/models-test.ts';
import { setTheme, themes } from '../fixtures/pages.ts';

test.setTimeout(120_000);

test('two configurations side by side: rows, a sentence, and where they part', async ({ face }) => {
  const { page } = face;
  await openChat(face);
  await setAnswers(page, { tokens: 24 });
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  for (const [letter, tokens] of [['A', '512'], ['B', '1024']] as const) {
    const column = page.getByRole('region', { name: `Configuration ${letter}` });
    await column.getByRole('button', { name: /^Settings/ }).click();
    const context = column.getByRole('textbox', { name: 'Context' });
    await context.fill(tokens);
    await context.press('Enter');
    await column.getByRole('button', { name: /^Settings/ }).click();
  }
  const repeats = page.getByRole('textbox', { name: 'Answers of each to each prompt' });
  await repeats.fill('1');
  await repeats.press('Enter');
  await page.getByRole('textbox', { name: 'Prompt for all configurations' }).fill('Name three rivers.');
  await page.keyboard.press('Enter');
  const difference = page.getByRole('region', { name: 'Difference' });
  await expect(difference.getByRole('row', { name: /^Speed/ })).toContainText(/\d/, PATIENT);
  await expect(difference.getByRole('button', { name: 'CSV' })).toBeVisible(PATIENT);
  for (const name of ['First token', 'Reading the prompt', 'Memory']) await expect(difference.getByRole('row', { name: new RegExp(`^${name}`) })).toBeVisible();
  // One answer each tells no difference; that is said. The greedy answers are the same.
  await expect(difference.getByRole('status')).toContainText(/\.\s*A and B gave the same answer\.$/);
  // What says nothing of the speed wears no tick.
  await expect(difference.locator('.say svg')).toHaveClass(/\bunk\b/);
  for (const letter of ['A', 'B']) {
    const text = page.getByRole('region', { name: `Text of ${letter}`, exact: true });
    await expect(text.locator('.body')).toContainText(/\w+ \w+/);
  }
  await page.getByRole('region', { name: 'Configuration B' }).getByRole('button', { name: 'Best' }).click();
  await expect(page.getByRole('region', { name: 'Configuration B' }).getByRole('button', { name: 'Liked best' })).toHaveAttribute('aria-pressed', 'true');
  await page.getByRole('link', { name: 'End compare' }).click();
  await expect(composer(page)).toBeVisible();
});

test('axe finds nothing serious in a conversation and in a comparison, dark and light', async ({ face }) => {
  const { page } = face;
  await openChat(face);
  await setAnswers(page, { grammar: only('# Rivers\n\n1. The **Rhine**\n2. The *Danube*\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nconst a = 1;\n```\n\n> Quoted, with `code` and [a link](https://links.example/).') });
  await say(page, 'Name rivers.', 1);
  for (const theme of themes) {
    await setTheme(face, theme);
    await openSettings(page);
    await check(face, `settings, ${theme}`);
    await page.getByRole('button', { name: 'Instruments' }).click();
    await expect(page.getByRole('region', { name: 'Where the model runs' })).toContainText(/processor/i);
    await check(face, `instruments, ${theme}`);
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await expect(page.getByRole('region', { name: 'Configuration B' })).toBeVisible();
    await check(face, `compare, ${theme}`);
    await page.getByRole('link', { name: 'End compare' }).click();
  }
});

async function check(face: Face, what: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page: face.page }).setLegacyMode(face.kind === 'window').analyze();
  expect(violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${what}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`)).toEqual([]);
}
