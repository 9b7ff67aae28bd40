import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from '../fixtures/test.ts';
import { repository, runCommand } from '../fixtures/programs.ts';

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

interface Numbers {
  readonly memoryGib: number;
  readonly celsius: number;
}

async function readTiles(page: Page): Promise<Numbers> {
  const read = async (metric: string): Promise<number> => Number.parseFloat((await page.locator(`[data-tile="${metric}"] .big`).innerText()).replace(',', ''));
  return { memoryGib: await read('memUsedBytes'), celsius: await read('tempCelsius') };
}

async function readCommand(dataDir: string): Promise<Numbers> {
  const said = (await runCommand(dataDir, ['gpus'])) as { readonly devices: readonly { readonly sample: { readonly medium: { readonly memUsedBytes: number; readonly tempCelsius: number } } }[] };
  const medium = said.devices[0]?.sample.medium;
  return { memoryGib: (medium?.memUsedBytes ?? Number.NaN) / 1024 ** 3, celsius: medium?.tempCelsius ?? Number.NaN };
}

/** The page shows three figures. */
const isSame = (a: Numbers, b: Numbers): boolean => a.celsius === b.celsius && Math.abs(a.memoryGib - b.memoryGib) <= 0.005 * Math.max(1, a.memoryGib);

test.describe('a recording of an RTX 5090', () => {
  test.use({ gpus: `replay:${join(repository, 'e2e/fixtures/recordings/rtx-5090.jsonl')}` });

  test('the page and the command line show the same numbers at the same time, while they change', async ({ face }) => {
    const { page } = face;
    await expect(page.getByRole('banner').getByText('replay', { exact: true })).toBeVisible();
    const agreed = new Set<number>();
    await expect(async () => {
      const before = await readTiles(page);
      const said = await readCommand(face.dataDir);
      const after = await readTiles(page);
      // A reading that changed meanwhile proves nothing.
      expect(isSame(before, after)).toBe(true);
      expect([said, before].every((n) => isSame(n, before)), `page ${JSON.stringify(before)}, command ${JSON.stringify(said)}`).toBe(true);
      agreed.add(before.celsius);
      expect(agreed.size).toBeGreaterThanOrEqual(3);
    }).toPass({ timeout: 50_000, intervals: [50] });
  });

  test('what is not reported is a dash with its reason, never a zero', async ({ face }) => {
    const memory = face.page.locator('[data-readout="tempMemCelsius"], .tr').filter({ hasText: 'Temperature' });
    await expect(memory).toContainText('—');
  });
});
