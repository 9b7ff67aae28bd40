import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { feed, makeDevices, openHistory, until, uuidOf } from './history-fixtures.ts';

const folder = (): string => makeTestFolder('history');
const T0 = Math.floor(1_790_000_000_000 / 60_000) * 60_000;
const clock = { ms: T0 + 20 * 60_000 };
const devices = makeDevices(2);
const fixtures = fileURLToPath(new URL('history-fixtures.ts', import.meta.url));

/** A good database of twenty minutes, made once. */
let good = '';
beforeAll(async () => {
  good = join(folder(), 'warpdeck.db');
  const { history } = openHistory(good, { clock });
  await feed(history, devices, T0, T0 + 20 * 60_000, 1000);
  await history.close();
});
const copyOfGood = (): string => {
  const path = join(folder(), 'warpdeck.db');
  copyFileSync(good, path);
  return path;
};
const asideOf = (path: string): string[] => readdirSync(dirname(path)).filter((n) => /\.broken-\d{4}-\d\d-\d\dT/.test(n));

describe('a damaged database', () => {
  it.each<[string, (path: string) => void]>([
    ['no bytes', (path) => writeFileSync(path, '')],
    ['garbage', (path) => writeFileSync(path, Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * 7919) & 255)))],
    ['text', (path) => writeFileSync(path, 'not a database\n'.repeat(1000))],
    ['a flipped header', (path) => flip(path, [0, 1, 2])],
    ['flipped pages', (path) => flip(path, Array.from({ length: 400 }, (_, i) => 8192 + i * 31))],
    ['cut in half', (path) => writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size >> 1))],
    ['of another program', (path) => {
      writeFileSync(path, '');
      const db = new DatabaseSync(path);
      db.exec('CREATE TABLE theirs (a)');
      db.close();
    }],
  ])('%s: set aside with the date, begun anew, said', async (_, damage) => {
    const path = copyOfGood();
    damage(path);
    const broken = readFileSync(path);
    const { history } = openHistory(path, { clock });
    await feed(history, devices, T0 + 20 * 60_000, T0 + 21 * 60_000, 1000);
    const [answer] = await history.query({ fromMs: T0 + 20 * 60_000, toMs: T0 + 21 * 60_000, maxPoints: 100, uuids: [uuidOf(0)] });
    expect(answer?.times).toHaveLength(60);
    expect(history.problem()?.code).toBe('history.broken');
    expect(history.state()).toBe('on');
    const [aside] = asideOf(path);
    expect(aside).toBeDefined();
    expect(history.problem()?.facts['aside']).toBe(aside);
    expect(readFileSync(join(dirname(path), aside ?? '')).equals(broken)).toBe(true);
    await history.close();
    // The new one is a good one.
    const again = openHistory(path, { clock });
    expect((await again.history.status()).rows.second).toBeGreaterThan(0);
    expect(again.history.problem()).toBeNull();
    await again.history.close();
  });

  it('a damaged block is left out, the rest is answered', async () => {
    const path = copyOfGood();
    const db = new DatabaseSync(path);
    db.prepare('UPDATE history_blocks SET data = ? WHERE tier = 1 AND start_ms = ?').run(new Uint8Array([1, 2, 3]), T0 + 60_000);
    db.close();
    const { history, log } = openHistory(path, { clock });
    const [answer] = await history.query({ fromMs: T0, toMs: T0 + 5 * 60_000 - 1, maxPoints: 2000, uuids: [uuidOf(0)], metrics: ['powerWatts'] });
    expect(answer?.times.filter((t) => t < T0 + 60_000)).toHaveLength(60);
    expect(answer?.series.powerWatts).toContain(null);
    expect(log.lines.some((l) => l.message.includes('damaged'))).toBe(true);
    await history.close();
  });

  function flip(path: string, places: readonly number[]): void {
    const bytes = readFileSync(path);
    for (const at of places) if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);
  }
});

it('a newer database is read, not written', async () => {
  const path = copyOfGood();
  const db = new DatabaseSync(path);
  db.exec("UPDATE schema_version SET version = 99 WHERE area = 'history'");
  db.close();
  const before = readFileSync(path);
  const { history } = openHistory(path, { clock });
  await feed(history, devices, T0 + 20 * 60_000, T0 + 21 * 60_000, 1000);
  const [answer] = await history.query({ fromMs: T0, toMs: T0 + 60_000, maxPoints: 100, uuids: [uuidOf(0)] });
  expect(answer?.times.length).toBeGreaterThanOrEqual(60);
  expect(history.state()).toBe('read_only');
  expect(history.problem()).toMatchObject({ code: 'history.newer', facts: { found: 99, known: 1 } });
  await history.close();
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('a folder that cannot be used: history.off, live values go on', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'file'), '');
  const { history } = openHistory(join(dir, 'file', 'warpdeck.db'), { clock });
  await until('the state is failed', () => history.state() === 'failed');
  expect(history.problem()?.code).toBe('history.off');
  await feed(history, devices, T0, T0 + 60_000, 1000);
  const [answer] = await history.query({ fromMs: T0, toMs: T0 + 60_000, maxPoints: 2000, uuids: [uuidOf(0)] });
  expect(answer?.times).toHaveLength(60);
  await history.close();
});

it('a folder that comes back is used by itself', async () => {
  const dir = join(folder(), 'later');
  const { history } = openHistory(join(dir, 'warpdeck.db'), { clock });
  await until('the state is failed', () => history.state() === 'failed');
  mkdirSync(dir);
  await feed(history, devices, T0, T0 + 60_000, 1000);
  await until('the state is on', () => history.state() === 'on');
  expect(history.problem()).toBeNull();
  await history.close();
  expect(existsSync(join(dir, 'warpdeck.db'))).toBe(true);
});

it('another process holds the write lock: it waits, and nothing is lost', async () => {
  const path = copyOfGood();
  const { history } = openHistory(path, { clock });
  await history.status();
  const script = `const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync(process.argv[1], { timeout: 20000 }); db.exec('BEGIN IMMEDIATE'); console.log('held'); process.stdin.on('data', () => { db.exec('COMMIT'); process.exit(0); });`;
  const child = spawn(process.execPath, ['-e', script, path], { stdio: ['pipe', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  await feed(history, devices, T0 + 20 * 60_000, T0 + 20 * 60_000 + 31_000, 1000);
  await until('it says that it waits', () => history.state() === 'read_only', 30_000);
  const exit = once(child, 'exit');
  child.stdin.write('go\n');
  await exit;
  await until('it writes again', () => history.state() === 'on', 30_000);
  await history.close();
  const again = openHistory(path, { clock });
  const [answer] = await again.history.query({ fromMs: T0 + 20 * 60_000, toMs: T0 + 21 * 60_000, maxPoints: 100, uuids: [uuidOf(0)] });
  expect(answer?.times).toHaveLength(31);
  await again.history.close();
}, 90_000);

it('a full disk: reads go on, writing goes on by itself when there is room (a real tmpfs)', () => {
  const dir = folder();
  const script = `
    import { writeFileSync, rmSync, statfsSync } from 'node:fs';
    const { feed, makeDevices, openHistory, until, uuidOf } = await import(${JSON.stringify(fixtures)});
    const dir = process.env.DIR, T0 = ${T0}, clock = { ms: T0 }, devices = makeDevices(2);
    const { history } = openHistory(dir + '/warpdeck.db', { clock });
    await feed(history, devices, T0, T0 + 120000, 1000, clock);
    await until('stored', async () => (await history.status()).rows.second > 100);
    let filler = 0;
    try { for (;;) writeFileSync(dir + '/filler' + filler++, Buffer.alloc(4096)); } catch {}
    await feed(history, devices, T0 + 120000, T0 + 600000, 1000, clock);
    await until('it says so', () => history.problem()?.code === 'history.disk_full');
    const state = history.state();
    const [during] = await history.query({ fromMs: T0, toMs: T0 + 600000, maxPoints: 2000, uuids: [uuidOf(0)] });
    for (let i = 0; i < filler; i++) rmSync(dir + '/filler' + i, { force: true });
    await until('it goes on', () => history.state() === 'on' && history.problem() === null);
    await history.close();
    const again = openHistory(dir + '/warpdeck.db', { clock });
    const [after] = await again.history.query({ fromMs: T0, toMs: T0 + 599999, maxPoints: 2000, uuids: [uuidOf(0)] });
    console.log(JSON.stringify({ state, during: during.times.length, after: after.times.length, broken: again.history.problem() }));
    await again.history.close();`;
  const shell = 'mount -t tmpfs -o size=2m tmpfs "$DIR" && exec "$NODE" --input-type=module -e "$SCRIPT"';
  const result = spawnSync('unshare', ['-rm', 'sh', '-c', shell], { env: { ...process.env, DIR: dir, NODE: process.execPath, SCRIPT: script }, encoding: 'utf8' });
  expect(result.stderr.replace(/.*ExperimentalWarning.*\n.*\n/g, '')).toBe('');
  expect(JSON.parse(result.stdout)).toEqual({ state: 'read_only', during: 600, after: 600, broken: null });
}, 60_000);

it('killed twenty times at random moments: never damaged, what was written stays', async () => {
  const path = join(folder(), 'warpdeck.db');
  const script = `
    const { feed, makeDevices, openHistory } = await import(${JSON.stringify(fixtures)});
    const from = Number(process.argv[1]), clock = { ms: from };
    const { history } = openHistory(process.argv[2], { clock, flushMs: 5 });
    const problem = () => history.problem()?.code ?? 'none';
    await history.status();
    console.log('ready ' + problem());
    for (let t = from; ; t += 30000) { await feed(history, makeDevices(2), t, t + 30000, 1000, clock); await new Promise((r) => setTimeout(r, 5)); }`;
  let seed = 12345;
  let stored = 0;
  for (let round = 0; round < 20; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, String(T0 + round * 3_600_000), path], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(said.toString().trim()).toBe('ready none');
    seed = (seed * 1103515245 + 12345) % 2147483648;
    // A moment for the kill, not a wait for something.
    await pause(5 + (seed % 60));
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    const db = new DatabaseSync(path);
    expect({ ...db.prepare('PRAGMA integrity_check').get() }).toEqual({ integrity_check: 'ok' });
    const samples = Number(db.prepare('SELECT coalesce(sum(samples), 0) AS n FROM history_blocks WHERE tier = 1').get()?.['n']);
    db.close();
    expect(samples).toBeGreaterThanOrEqual(stored);
    stored = samples;
  }
  expect(stored).toBeGreaterThan(0);
  expect(asideOf(path)).toEqual([]);
}, 120_000);
