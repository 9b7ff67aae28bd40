import { expect, test } from '../fixtures/test.ts';
import { runCommand } from '../fixtures/programs.ts';

test.use({ gpus: 'simulate:2' });

interface SaidDevice {
  readonly index: number;
  readonly name: string;
}

test('shows the devices of its engine, and the command line beside it shows the same ones', async ({ face }) => {
  const cards = face.page.getByRole('article', { name: /^GPU \d/ });
  await expect(cards).toHaveCount(2);
  const said = (await runCommand(face.dataDir, ['gpus'])) as { readonly devices?: readonly SaidDevice[] };
  expect(said.devices).toHaveLength(2);
  for (const device of said.devices ?? []) {
    const card = face.page.getByRole('article', { name: new RegExp(`^GPU ${String(device.index)}\\b`) });
    await expect(card.getByRole('heading')).toHaveText(device.name.replace(/^NVIDIA (GeForce )?/, ''));
  }
});

test('numbers move by themselves and are labelled as simulated', async ({ face }) => {
  const card = face.page.getByRole('article', { name: /^GPU 0/ });
  const numbers = card.locator('.four');
  await expect(numbers).toContainText(/\d/);
  const before = await numbers.innerText();
  await expect(async () => { expect(await numbers.innerText()).not.toBe(before); }).toPass({ timeout: 15_000 });
  await expect(card.getByText('simulated')).toBeVisible();
  await expect(face.page.getByRole('banner').getByText('simulated', { exact: true })).toBeVisible();
});

test('charts are drawn: the canvas of a visible card holds lines', async ({ face }) => {
  const canvas = face.page.getByRole('article', { name: /^GPU 0/ }).locator('canvas').first();
  await expect(async () => {
    const colours = await canvas.evaluate((element) => {
      if (!(element instanceof HTMLCanvasElement)) return 0;
      const pixels = element.getContext('2d')?.getImageData(0, 0, element.width, element.height).data ?? new Uint8ClampedArray();
      const seen = new Set<number>();
      for (let i = 0; i + 3 < pixels.length; i += 4) if ((pixels[i + 3] ?? 0) > 128) seen.add(((pixels[i] ?? 0) << 16) | ((pixels[i + 1] ?? 0) << 8) | (pixels[i + 2] ?? 0));
      return seen.size;
    });
    expect(colours).toBeGreaterThan(2);
  }).toPass({ timeout: 15_000 });
});
