import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTestFolder } from '../testing/test-folder.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { createLogger } from './create-logger.ts';

const identity = { home: '/home/quentin', userName: 'quentin', hostName: 'workbench' };
const folder = (): string => makeTestFolder('log');
const logIn = (dir: string | null, keepMiB = 32) => createLogger({ dir, level: 'info', keepMiB, identity });
const linesOf = (dir: string): Record<string, unknown>[] => readFileSync(join(dir, 'main.log'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

describe('createLogger', () => {
  it('writes one line of JSON each, with time, level, area and fields, at once', () => {
    const dir = folder();
    const log = logIn(dir);
    log.child('web').warn('Refused 100 % of %s', { host: 'evil.example', count: 3, level: 'fatal' });
    log.debug('not at this level');
    log.setLevel('debug');
    log.debug('now');
    const [first, second] = linesOf(dir);
    expect(first).toMatchObject({ level: 'warn', area: 'web', message: 'Refused 100 % of %s', host: 'evil.example', count: 3, _level: 'fatal', pid: process.pid });
    expect(new Date(String(first?.['time'])).getTime()).toBeGreaterThan(Date.now() - 60_000);
    expect(second).toMatchObject({ level: 'debug', message: 'now' });
    expect(statSync(join(dir, 'main.log')).mode & 0o777).toBe(0o600);
    expect(log.tail(1e6)).toBe(readFileSync(join(dir, 'main.log'), 'utf8'));
  });

  it('writes errors with stack, cause and problem code', () => {
    const dir = folder();
    logIn(dir).error('failed', { error: problemError('file.disk_full', { path: '/home/quentin/x', detail: 'd' }, { cause: new Error('below') }) });
    expect(linesOf(dir)[0]).toMatchObject({ error: { name: 'ProblemError', problem: { code: 'file.disk_full', facts: { path: '~/x' } }, cause: { message: 'below' } } });
  });

  it('hides credentials by key, by shape and by value, and the home folder', () => {
    const dir = folder();
    const log = logIn(dir);
    log.hide('correct horse battery');
    log.info('GET /x?token=abcdef123 with Bearer abcdefghijklmnop', {
      headers: { Authorization: 'Basic Zm9vOmJhcg==', cookie: 'a=b' }, apiKey: 'k1', token: ['t1'], hub: 'hf_abcdefghijklmnopqrstuvwxyz', said: 'correct horse battery staple',
      url: 'https://quentin:hunter2@host/x', env: 'HF_TOKEN=abc OPENAI_API_KEY="def"', path: '/home/quentin/models/a.gguf', other: '/home/quentinother/x', tokens: 12,
    });
    const text = readFileSync(join(dir, 'main.log'), 'utf8');
    for (const secret of ['abcdef123', 'abcdefghijklmnop', 'Zm9vOmJhcg', 'a=b', 'k1', 't1', 'hf_abc', 'correct horse', 'hunter2', 'HF_TOKEN=abc', '"def', '/home/quentin/']) expect(text).not.toContain(secret);
    expect(linesOf(dir)[0]).toMatchObject({ path: '~/models/a.gguf', other: '/home/quentinother/x', tokens: 12 });
  });

  it('writes whatever it is given as one line without control characters, and never throws', () => {
    const dir = folder();
    const log = logIn(dir);
    const cycle: Record<string, unknown> = { name: 'cycle' };
    cycle['self'] = cycle;
    const odd = { get bad(): never { throw new Error('no'); } };
    let count = 0;
    for (const fields of [{ cycle }, odd, { f: () => 1, s: Symbol('x'), b: 1n, n: NaN, u: undefined, big: 'x'.repeat(100_000), bytes: new Uint8Array(9) }]) {
      log.info('odd', fields);
      count++;
    }
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.dictionary(fc.string({ unit: 'binary' }), fc.anything()), (message, fields) => {
      log.info(`m${message}`, fields);
      count++;
    }), { numRuns: 300, seed: 7 });
    log.info('\u001b[31mred\r\nfake line\u0085\u2028\u202e\u009b');
    const text = readFileSync(join(dir, 'main.log'), 'utf8');
    expect(text.trimEnd().split('\n')).toHaveLength(count + 1);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
    expect(linesOf(dir).at(-1)?.['message']).toContain('fake line');
  });

  it('keeps no more than it may', () => {
    const dir = folder();
    const log = logIn(dir, 1);
    for (let i = 0; i < 6000; i++) log.info('filling', { i, text: 'x'.repeat(400) });
    expect(readdirSync(dir).sort()).toEqual(['main.1.log', 'main.2.log', 'main.3.log', 'main.log']);
    const total = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
    expect(total).toBeLessThanOrEqual(1024 * 1024);
    expect(linesOf(dir).at(-1)?.['i']).toBe(5999);
    expect(log.tail(2000).split('\n').filter(Boolean).every((line) => typeof JSON.parse(line) === 'object')).toBe(true);
    log.setKeepMiB(0.1);
    for (let i = 0; i < 1500; i++) log.info('filling', { i, text: 'x'.repeat(400) });
    expect(readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)).toBeLessThanOrEqual(0.1 * 1024 * 1024);
  });

  it('without a folder the newest lines are in memory', () => {
    const log = logIn(null);
    for (let i = 0; i < 5000; i++) log.info('line', { i, text: 'x'.repeat(200) });
    const lines = log.tail(10_000).trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ i: 4999 });
    expect(lines.length).toBeGreaterThan(20);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ message: 'line' });
  });

  it('gives incidents numbers of their own', () => {
    const log = logIn(null);
    expect(new Set(Array.from({ length: 50 }, () => log.incident())).size).toBeGreaterThan(45);
  });

  it('a folder that cannot be used is not the end', () => {
    const dir = folder();
    writeFileSync(join(dir, 'file'), '');
    const log = logIn(join(dir, 'file', 'logs'));
    expect(() => log.info('x')).not.toThrow();
    expect(log.tail(100)).toBe('');
  });

  it('a full disk costs lines, not the work, and no line is mixed with another (a real tmpfs)', () => {
    const script = `
      import { readFileSync, rmSync, writeFileSync } from 'node:fs';
      const { createLogger } = await import(${JSON.stringify(fileURLToPath(new URL('create-logger.ts', import.meta.url)))});
      const dir = process.env.DIR;
      const log = createLogger({ dir, level: 'info', keepMiB: 32 });
      writeFileSync(dir + '/filler', Buffer.alloc(700_000));
      for (let i = 0; i < 3000; i++) log.info('line', { i, text: 'x'.repeat(150) });
      rmSync(dir + '/filler');
      for (let i = 3000; i < 3010; i++) log.info('line', { i });
      const lines = readFileSync(dir + '/main.log', 'utf8').trimEnd().split('\\n');
      let whole = 0;
      const bad = [];
      lines.forEach((line, n) => { try { JSON.parse(line); whole++; } catch { bad.push(n); } });
      console.log(JSON.stringify({ bad: bad.length, last: JSON.parse(lines.at(-1)).i, first: JSON.parse(lines[0]).i, lost: whole < 3010 }));`;
    const result = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs "$DIR" && exec "$NODE" --input-type=module -e "$SCRIPT"'], { env: { ...process.env, DIR: folder(), NODE: process.execPath, SCRIPT: script }, encoding: 'utf8' });
    const said = JSON.parse(result.stdout) as { bad: number };
    expect(said).toMatchObject({ last: 3009, first: 0, lost: true });
    // At most the one line that was cut where the room ended.
    expect(said.bad).toBeLessThanOrEqual(1);
  });
});
