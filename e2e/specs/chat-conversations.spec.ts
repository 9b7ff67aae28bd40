import { readFileSync } from 'node:fs';
import { conversations, figures, messages, only, openChat, PATIENT, say, setAnswers } from '../fixtures/chat-page.ts';
import { expect, test } from '../fixtures/models-test.ts';

test.setTimeout(120_000);

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

  // A hit in a branch that is not shown brings that branch.
  await setAnswers(page, { grammar: only('Buzzards circle.') });
  await messages(page).getByRole('button', { name: 'Answer again' }).click();
  await expect(messages(page)).toContainText('Buzzards circle.', PATIENT);
  await expect(messages(page)).not.toContainText('Kestrels hover');
  await list.getByRole('link', { name: /Second of two/ }).click();
  await expect(messages(page)).toContainText('Otters swim');
  await list.getByRole('searchbox').fill('kestrels');
  await expect(list.getByRole('link')).toHaveCount(1);
  await list.getByRole('link').click();
  await expect(messages(page)).toContainText('Kestrels hover over the meadow.');
  await expect(messages(page).getByRole('group', { name: 'Version 1 of 2' })).toBeVisible();
  await list.getByRole('searchbox').press('Escape');

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
