import { expect, it } from 'vitest';
import { decideInstall, decideMissing, needs } from './system-packages.mjs';

const libraries = needs.flatMap((need) => need.library ?? []);

it('nothing is missing where all is there, whatever the browser is called', () => {
  const has = (browser: string) => (name: string) => [browser, 'Xvfb', 'xauth', 'gcc'].includes(name);
  for (const browser of ['chromium', 'google-chrome']) expect(decideMissing({ hasProgram: has(browser), libraries, hasFile: () => true, hasModule: () => true })).toEqual([]);
});

it('names what is missing by what it is and by package', () => {
  const missing = decideMissing({ hasProgram: (name: string) => name !== 'xauth', libraries: libraries.slice(1), hasFile: () => false, hasModule: (name: string) => name !== 'pip' });
  expect(missing.map((need) => need.debian)).toEqual(['xauth', 'libgtk-3-0', 'libc6-dev', 'python3-pip']);
  expect(decideInstall({ missing, platform: 'linux', isDebian: true, isRoot: true })).toEqual({ install: ['xauth', 'libgtk-3-0', 'libc6-dev', 'python3-pip'], advice: null });
  expect(decideInstall({ missing, platform: 'linux', isDebian: true, isRoot: false }).advice).toContain('sudo apt-get install xauth libgtk-3-0 libc6-dev python3-pip');
  expect(decideInstall({ missing, platform: 'linux', isDebian: false, isRoot: true }).advice).toContain('on Debian the packages');
  expect(decideInstall({ missing, platform: 'win32', isDebian: false, isRoot: false })).toEqual({ install: [], advice: null });
});
