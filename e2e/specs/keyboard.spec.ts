import { expect, test } from '../fixtures/test.ts';

test('every page is reached and left by keyboard alone', async ({ face }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await page.keyboard.press('Alt+8');
  await expect(page.getByRole('heading', { name: 'Alerts', exact: true })).toBeVisible();
  await page.keyboard.press('Control+,');
  await expect(page.getByRole('heading', { name: 'Settings', exact: true })).toBeVisible();
  await page.keyboard.press('Alt+1');
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
});

test('the palette finds a place by its name and goes there', async ({ face }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  await page.keyboard.press('Control+k');
  const palette = page.getByRole('dialog');
  await expect(palette).toBeVisible();
  await page.keyboard.type('history settings');
  await page.keyboard.press('Enter');
  await expect(palette).toBeHidden();
  await expect(page).toHaveURL(/#\/settings\/history$/);
});

test('Escape closes help and gives the focus back', async ({ face }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
  const search = page.getByRole('button', { name: 'Search and commands' });
  await search.focus();
  await page.keyboard.press('F1');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(search).toBeFocused();
});

test('Tab goes through the whole monitor, shows where it is, and comes around', async ({ face }) => {
  const { page } = face;
  await expect(page.getByRole('article', { name: /^GPU 1/ })).toBeVisible();
  const seen: string[] = [];
  const invisible: string[] = [];
  for (let i = 0; i < 200; i += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      if (!(element instanceof HTMLElement || element instanceof SVGElement) || element === document.body) return null;
      // A field in a frame shows its ring on the frame.
      const rings = [element, element.parentElement ?? element].map((e) => getComputedStyle(e)).some((style) => style.outlineStyle !== 'none' || style.boxShadow !== 'none');
      const box = element.getBoundingClientRect();
      const name = element.getAttribute('aria-label') ?? element.textContent?.trim().slice(0, 40) ?? '';
      return { key: `${element.tagName} ${name} ${String(Math.round(box.x))}`, shown: rings || box.width === 0 };
    });
    if (at === null) break;
    if (seen[0] === at.key && seen.length > 3) break;
    seen.push(at.key);
    if (!at.shown) invisible.push(at.key);
  }
  expect(seen.length).toBeGreaterThan(8);
  expect(invisible, 'focused parts that show no ring').toEqual([]);
});
