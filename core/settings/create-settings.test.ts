import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../testing/test-folder.ts';
import { problemOf } from '../../contract/problem.ts';
import { defaultSettings, SETTINGS_VERSION } from '../../contract/settings.ts';
import type { Logger } from '../logging/logger.ts';
import { createSettings } from './create-settings.ts';
import { parseSettings, settingsMigrations } from './parse-settings.ts';

const quiet: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => quiet };
const folder = (): string => makeTestFolder('settings');
const open = (path: string | null) => createSettings({ path, log: quiet, now: () => Date.UTC(2026, 10, 21, 10, 0, 0) });

describe('createSettings', () => {
  it('has the defaults without a file, keeps a change and tells of it', async () => {
    const path = join(folder(), 'config.json');
    const settings = open(path);
    expect(settings.status()).toEqual({ settings: defaultSettings, path, state: 'ok', note: null });
    let told = 0;
    const stop = settings.onChange(() => told++);
    const status = await settings.update({ alerts: { memory: { on: true, percent: 95, forSeconds: 60 } }, appearance: { theme: 'dark' } });
    expect(status.settings.alerts.memory.percent).toBe(95);
    expect(told).toBe(1);
    stop();
    await settings.update({ appearance: { theme: 'light' } });
    expect(told).toBe(1);
    expect(open(path).get()).toEqual({ ...defaultSettings, appearance: { ...defaultSettings.appearance, theme: 'light' }, alerts: { ...defaultSettings.alerts, memory: { on: true, percent: 95, forSeconds: 60 } } });
    // Only what was changed is in the file: a better default reaches everybody else.
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ schemaVersion: SETTINGS_VERSION, alerts: { memory: { on: true, percent: 95, forSeconds: 60 } }, appearance: { theme: 'light' } });
  });

  it('replaces exceptions whole, so that one can be removed', async () => {
    const path = join(folder(), 'config.json');
    const settings = open(path);
    await settings.update({ alerts: { exceptions: { a: { celsius: 70 }, b: { celsius: 80 } } } });
    await settings.update({ alerts: { exceptions: { b: { celsius: 80 } } } });
    expect(settings.get().alerts.exceptions).toEqual({ b: { celsius: 80 } });
    expect(open(path).get().alerts.exceptions).toEqual({ b: { celsius: 80 } });
  });

  it('many changes at once all count, in memory and in the file', async () => {
    const path = join(folder(), 'config.json');
    const settings = open(path);
    await Promise.all(Array.from({ length: 20 }, (_, i) => settings.update(i % 2 ? { history: { minuteDays: i + 1 } } : { logs: { keepMiB: i + 1 } })));
    expect(open(path).get()).toEqual(settings.get());
    expect(settings.get()).toMatchObject({ history: { minuteDays: 20 }, logs: { keepMiB: 19 } });
  });

  it.each<[string, unknown, string]>([
    ['a wrong value', { monitor: { watchedHz: 500 } }, 'monitor.watchedHz'],
    ['a wrong type', { appearance: 'dark' }, 'appearance'],
    ['an unknown setting', { monitor: { watchedHertz: 5 } }, 'monitor.watchedHertz'],
    ['an unknown section', { colours: {} }, 'colours'],
    ['no object', 7, ''],
  ])('refuses %s by name', async (_, patch, named) => {
    const settings = open(null);
    const error: unknown = await settings.update(patch).catch((e: unknown) => e);
    expect(problemOf(error)?.code).toBe('input.invalid');
    expect(problemOf(error)?.cause).toContain(named);
    expect(settings.get()).toEqual(defaultSettings);
  });

  it('keeps keys that it does not know, at every level', async () => {
    const path = join(folder(), 'config.json');
    writeFileSync(path, JSON.stringify({ schemaVersion: 1, plugins: { a: 1 }, appearance: { theme: 'dark', accent: 'teal' }, __proto: 1 }));
    const settings = open(path);
    await settings.update({ appearance: { theme: 'light' } });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ schemaVersion: 1, plugins: { a: 1 }, appearance: { theme: 'light', accent: 'teal' }, __proto: 1 });
  });

  it.each<[string, string]>([
    ['empty', ''],
    ['cut', '{"schemaVersion": 1, "appearance": {"the'],
    ['binary', '\u0000\u0001\u0002'],
    ['a list', '[]'],
    ['wrong types', '{"schemaVersion": 1, "monitor": {"watchedHz": "fast"}}'],
    ['a strange version', '{"schemaVersion": "one"}'],
    ['a version that was never released', '{"schemaVersion": 0}'],
  ])('a file that is %s is set aside and named; the last good one counts', async (_, text) => {
    const dir = folder();
    const path = join(dir, 'config.json');
    writeFileSync(path, text);
    const alone = open(path);
    expect(alone.get()).toEqual(defaultSettings);
    expect(alone.status()).toMatchObject({ state: 'set_aside' });
    expect(alone.status().note).toContain('config.json.broken-2026-11-21T10-00-00');
    expect(alone.problem()?.code).toBe('settings.broken');
    expect(readFileSync(join(dir, 'config.json.broken-2026-11-21T10-00-00'), 'utf8')).toBe(text);
    expect(existsSync(path)).toBe(false);

    writeFileSync(path, text);
    writeFileSync(`${path}.previous`, JSON.stringify({ schemaVersion: 1, appearance: { theme: 'dark' } }));
    const withPrevious = open(path);
    expect(withPrevious.get().appearance.theme).toBe('dark');
    expect(withPrevious.status().note).toContain('saved before');
    expect((await withPrevious.update({ logs: { level: 'debug' } })).state).toBe('ok');
    expect(open(path).get()).toMatchObject({ appearance: { theme: 'dark' }, logs: { level: 'debug' } });
  });

  it('a newer file is read as far as it fits and never written', async () => {
    const dir = folder();
    const path = join(dir, 'config.json');
    const text = JSON.stringify({ schemaVersion: 7, appearance: { theme: 'dark', closeToTray: 'sometimes' }, history: 'all', somethingNew: [1] });
    writeFileSync(path, text);
    const settings = open(path);
    expect(settings.get()).toEqual({ ...defaultSettings, appearance: { ...defaultSettings.appearance, theme: 'dark' } });
    expect(settings.problem()).toMatchObject({ code: 'settings.newer', facts: { found: 7, known: SETTINGS_VERSION } });
    const status = await settings.update({ appearance: { theme: 'light' } });
    expect(status).toMatchObject({ state: 'read_only_newer', settings: { appearance: { theme: 'light' } } });
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(dir)).toEqual(['config.json']);
  });

  it('a file that cannot be written: the change counts, the status says so, and it is saved when it can be', async () => {
    const dir = folder();
    const inner = join(dir, 'inner');
    const path = join(inner, 'config.json');
    writeFileSync(inner, 'a file where the folder should be');
    const settings = open(path);
    const status = await settings.update({ appearance: { theme: 'dark' } });
    expect(status).toMatchObject({ state: 'not_writable', settings: { appearance: { theme: 'dark' } } });
    expect(settings.problem()?.code).toBe('settings.not_writable');
    // Room is made: the folder is there now.
    rmSync(inner);
    mkdirSync(inner);
    expect(await settings.update({ logs: { level: 'warn' } })).toMatchObject({ state: 'ok', note: null });
    expect(open(path).get()).toMatchObject({ appearance: { theme: 'dark' }, logs: { level: 'warn' } });
  });

  it('keeps the file of before on a full disk (a real tmpfs)', () => {
    const dir = folder();
    const source = fileURLToPath(new URL('create-settings.ts', import.meta.url));
    const script = `
      import { readFileSync, writeFileSync } from 'node:fs';
      const { createSettings } = await import(${JSON.stringify(source)});
      const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
      const path = process.env.DIR + '/config.json';
      const settings = createSettings({ path, log });
      await settings.update({ appearance: { theme: 'dark' } });
      const before = readFileSync(path, 'utf8');
      try { for (let i = 0; ; i++) writeFileSync(process.env.DIR + '/filler' + i, Buffer.alloc(4096)); } catch {}
      const status = await settings.update({ alerts: { exceptions: Object.fromEntries(Array.from({ length: 200 }, (_, i) => ['GPU-' + i, { celsius: 70 }])) } });
      console.log(JSON.stringify({ state: status.state, counts: settings.get().alerts.exceptions['GPU-9'].celsius, kept: readFileSync(path, 'utf8') === before }));`;
    const result = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs "$DIR" && exec "$NODE" --input-type=module -e "$SCRIPT"'], { env: { ...process.env, DIR: dir, NODE: process.execPath, SCRIPT: script }, encoding: 'utf8' });
    expect({ ...(JSON.parse(result.stdout) as object) }).toEqual({ state: 'not_writable', counts: 70, kept: true });
  });
});

describe('parseSettings', () => {
  it('runs the missing migrations in order', () => {
    const steps = [
      { from: 1, migrate: (d: Readonly<Record<string, unknown>>) => ({ ...d, appearance: { theme: d['dark'] === true ? 'dark' : 'light' } }) },
      { from: 2, migrate: (d: Readonly<Record<string, unknown>>) => ({ ...d, monitor: { range: '1h' } }) },
    ];
    const parsed = parseSettings('{"schemaVersion": 1, "dark": true}', steps, 3);
    expect(parsed).toMatchObject({ kind: 'ok', document: { schemaVersion: 3, dark: true }, settings: { schemaVersion: 3, appearance: { theme: 'dark' }, monitor: { range: '1h', watchedHz: 10 } } });
  });
  it('has a migration for every version before this one', () => {
    expect(settingsMigrations.map((m) => m.from)).toEqual(Array.from({ length: SETTINGS_VERSION - 1 }, (_, i) => i + 1));
  });
  it('is not fooled by keys of objects', () => {
    const parsed = parseSettings('{"schemaVersion":1,"__proto__":{"appearance":{"theme":"dark"}},"constructor":{"prototype":{"x":1}}}');
    expect(parsed.kind === 'ok' && parsed.settings.appearance.theme).toBe('system');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});
