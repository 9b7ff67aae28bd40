import { defineConfig } from '@playwright/test';
import type { FaceOptions } from './fixtures/test.ts';

/**
 * The same specs on both graphical faces. `npm test` reads the JSON report (PLAYWRIGHT_JSON_OUTPUT_NAME);
 * WARPDECK_FACES=browser leaves the window out where no Electron can be had.
 */
const faces = (process.env['WARPDECK_FACES'] ?? 'browser,window').split(',');

export default defineConfig<FaceOptions>({
  testDir: './specs',
  outputDir: '../test-results/artefacts',
  globalSetup: './fixtures/global-setup.ts',
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: process.env['PLAYWRIGHT_JSON_OUTPUT_NAME'] ? [['list'], ['json']] : [['list']],
  projects: [
    ...(faces.includes('browser') ? [{ name: 'browser', use: { faceKind: 'browser' as const }, testIgnore: 'window-*.spec.ts' }] : []),
    ...(faces.includes('window') ? [{ name: 'window', use: { faceKind: 'window' as const }, testIgnore: 'browser-*.spec.ts' }] : []),
  ],
});
