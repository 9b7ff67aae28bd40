import { expect, test } from '../fixtures/test.ts';
import { isAlive, readEnginePid, waitUntil } from '../fixtures/programs.ts';

test('the engine is killed: the page says so, and the desktop starts it again and goes on', async ({ face }) => {
  const { page } = face;
  const card = page.getByRole('article', { name: /^GPU 0/ });
  await expect(card).toBeVisible();
  const first = readEnginePid(face.dataDir);
  expect(first).not.toBeNull();
  // The desktop is back within a second: what the page said meanwhile is kept.
  await page.evaluate(() => {
    const said: string[] = [];
    Object.assign(globalThis, { said });
    new MutationObserver(() => { for (const alert of document.querySelectorAll('[role=alert]')) said.push(alert.textContent); }).observe(document.body, { childList: true, subtree: true });
  });
  process.kill(first ?? 0, 'SIGKILL');
  if (face.kind === 'browser') {
    // Nobody starts an engine for a tab: the address it was opened with is void as well.
    await expect(page.getByRole('alert').filter({ hasText: 'The engine does not answer' }).first()).toBeVisible({ timeout: 15_000 });
    return;
  }
  await waitUntil('another engine holds the data folder', 15_000, () => {
    const now = readEnginePid(face.dataDir);
    return now !== null && now !== first && isAlive(now);
  });
  await expect.poll(() => page.evaluate(() => (globalThis as unknown as { said: string[] }).said.some((text) => text.includes('The engine does not answer')))).toBe(true);
  await expect(page.getByRole('contentinfo')).toContainText(/Hz/, { timeout: 15_000 });
  await expect(page.getByRole('alert').filter({ hasText: 'does not answer' })).toHaveCount(0);
  const numbers = card.locator('.four');
  const before = await numbers.innerText();
  await expect(async () => { expect(await numbers.innerText()).not.toBe(before); }).toPass({ timeout: 15_000 });
});
