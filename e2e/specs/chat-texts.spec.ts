import { figures, messages, only, openChat, PATIENT, say, setAnswers } from '../fixtures/chat-page.ts';
import { expect, test } from '../fixtures/models-test.ts';

test.setTimeout(120_000);

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

  // An edited message keeps its file, until that is taken off.
  const edited = async (): Promise<void> => {
    await messages(page).getByRole('button', { name: 'Edit', exact: true }).click();
    await expect(messages(page).getByRole('list', { name: 'Files that go with the message' })).toContainText('notes.txt');
  };
  await edited();
  await page.getByRole('textbox', { name: 'Edit the message' }).fill('And now?');
  await page.keyboard.press('Enter');
  await expect(messages(page).getByRole('group', { name: 'Version 2 of 2' })).toBeVisible(PATIENT);
  await expect(figures(page)).toHaveCount(1, PATIENT);
  await expect(messages(page).getByRole('list', { name: 'Attached files' })).toContainText('notes.txt');
  await expect(figures(page).locator('span').filter({ hasText: /^\d+ tokens?$/ })).toHaveAttribute('title', /^1\d\d tokens of prompt/);
  await edited();
  await messages(page).getByRole('button', { name: 'Remove notes.txt' }).click();
  await messages(page).getByRole('button', { name: 'Send', exact: true }).click();
  await expect(messages(page).getByRole('group', { name: 'Version 3 of 3' })).toBeVisible(PATIENT);
  await expect(messages(page).getByRole('list', { name: 'Attached files' })).toHaveCount(0);
});
