import { defineConfig } from 'vitest/config';

const node = ['contract', 'core', 'native-workers', 'electron', 'bin', 'scripts'].map((d) => `${d}/**/*.test.ts`);

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'node', include: node, environment: 'node', testTimeout: 30_000, hookTimeout: 60_000 } },
      { test: { name: 'renderer', include: ['renderer/**/*.test.{ts,tsx}'], environment: 'jsdom', testTimeout: 30_000 } },
    ],
  },
});
