import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from '../fixtures/test.ts';
import { goToPage, pages, setTheme, themes } from '../fixtures/pages.ts';

for (const theme of themes) {
  test(`axe finds nothing serious: all pages, ${theme}`, async ({ face }) => {
    await expect(face.page.getByRole('article', { name: /^GPU 0/ })).toBeVisible();
    await setTheme(face, theme);
    for (const name of pages) {
      await goToPage(face, name);
      // The window's old Chromium knows no other way of looking into the page.
      const { violations } = await new AxeBuilder({ page: face.page }).setLegacyMode(face.kind === 'window').analyze();
      const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
      expect(serious.map((v) => `${name}: ${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(', ')}`)).toEqual([]);
    }
  });
}
