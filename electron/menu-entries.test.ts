import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decideMenu, decideTrayMenu, type MenuEntry } from './menu-entries.ts';

const entries = (facts: Parameters<typeof decideMenu>[0]): MenuEntry[] => decideMenu(facts).flatMap((part) => part.entries);

test.each(['linux', 'win32', 'darwin'] as const)('%s: settings, quit, help and the logs are there; no key twice', (platform) => {
  const all = entries({ platform, inspectable: false });
  const named = all.flatMap((e) => (e.kind === 'intent' || e.kind === 'own' ? [e.label] : []));
  expect(named).toEqual(expect.arrayContaining(['Settings', 'Quit Warpdeck', 'Keyboard shortcuts', 'Open logs folder', 'Search and commands']));
  const keys = all.flatMap((e) => ('keys' in e && e.keys !== undefined ? [e.keys] : []));
  expect(new Set(keys).size).toBe(keys.length);
});

test('developer tools and reloading are only there where they may be', () => {
  const roles = (inspectable: boolean): string[] => entries({ platform: 'linux', inspectable }).flatMap((e) => (e.kind === 'role' ? [e.role] : []));
  expect(roles(true)).toContain('toggleDevTools');
  expect(roles(false)).not.toContain('toggleDevTools');
  expect(roles(false)).not.toContain('reload');
});

test('the tray says the temperature where there are no tips', () => {
  expect(decideTrayMenu('RTX 5090: 71 °C, 20.1 of 32.0 GiB')[0]).toEqual({ kind: 'text', label: 'RTX 5090: 71 °C, 20.1 of 32.0 GiB' });
  expect(decideTrayMenu('')[0]).toMatchObject({ label: 'Show Warpdeck' });
});

test('every intent of a menu is one that the page offers', () => {
  const offered = readFileSync(join(import.meta.dirname, '../renderer/app/frame-intents.ts'), 'utf8');
  const used = [...(['linux', 'darwin'] as const).flatMap((platform) => entries({ platform, inspectable: true })), ...decideTrayMenu('')].flatMap((e) => (e.kind === 'intent' ? [e.intent] : []));
  expect(used.filter((id) => !offered.includes(`id: '${id}'`))).toEqual([]);
});
