// A data folder whose files are broken, newer, or for which there is no room; the engine starts and works all the same.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { makeNvmlTestDriver } from '../nvml-driver/nvml-test-driver.ts';
import { makeTestFolder } from '../test-folder.ts';
import { endEngines, follow, plainEnvironment, startEngine, until } from './engine-under-test.ts';

afterEach(endEngines);
const noise = Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) % 251);

describe('a settings file', () => {
  it('that is broken is set aside by name; the defaults count, and the next change is saved', async () => {
    const dir = makeTestFolder('fault');
    writeFileSync(join(dir, 'config.json'), '{"schemaVersion": 1, "monitor": {"watchedHz": "fast"}}');
    const engine = await startEngine({ dir, gpus: 'simulate:1' });
    const { client } = await engine.face();
    const status = await client.settings.get({});
    expect(status).toMatchObject({ state: 'set_aside', settings: { monitor: { watchedHz: 10 } } });
    expect(status.note).toContain('monitor.watchedHz');
    const aside = readdirSync(dir).find((name) => name.startsWith('config.json.broken-')) ?? '';
    expect(status.note).toContain(aside);
    expect(readFileSync(join(dir, aside), 'utf8')).toContain('"fast"');
    const { statuses } = follow(client);
    expect(await until('the notice', () => statuses.at(-1)?.notices)).toMatchObject([{ code: 'settings.broken' }]);
    expect(await client.settings.update({ monitor: { range: '1h' } })).toMatchObject({ state: 'ok' });
    expect(JSON.parse(readFileSync(join(dir, 'config.json'), 'utf8'))).toMatchObject({ monitor: { range: '1h' } });
  });

  it('of a newer version counts as far as it is understood and is not written', async () => {
    const dir = makeTestFolder('fault');
    const text = '{"schemaVersion":9,"monitor":{"watchedHz":5},"holograms":true}';
    writeFileSync(join(dir, 'config.json'), text);
    const engine = await startEngine({ dir, gpus: 'simulate:1' });
    const { client } = await engine.face();
    expect(await client.settings.update({ monitor: { range: '1h' } })).toMatchObject({ state: 'read_only_newer', settings: { monitor: { watchedHz: 5, range: '1h' } } });
    expect(readFileSync(join(dir, 'config.json'), 'utf8')).toBe(text);
    const { statuses } = follow(client);
    expect(await until('the notice', () => statuses.at(-1)?.notices)).toMatchObject([{ code: 'settings.newer', facts: { found: 9 } }]);
  });
});

describe('a folder', () => {
  it('full of noise where files should be: the engine starts, says what it set aside, and works', async () => {
    const dir = makeTestFolder('fault');
    for (const name of ['jobs', 'processes', 'recordings', 'logs/main.log']) mkdirSync(join(dir, name), { recursive: true });
    for (const name of ['warpdeck.db', 'alerts.jsonl', 'secrets.json', 'engine.lock', 'jobs/a.json', 'processes/b.json', 'recordings/c.jsonl']) writeFileSync(join(dir, name), noise);
    const driver = await makeNvmlTestDriver({ recording: 'h200-two' });
    const engine = await startEngine({ dir, gpus: 'nvml', env: driver.env });
    const { client } = await engine.face();
    const seen = follow(client);
    await until('readings', () => seen.items.length > 2);
    expect(await client.jobs.list({})).toEqual([]);
    expect((await client.recordings.list({})).map((r) => r.name)).toEqual(['c.jsonl']);
    expect(await client.settings.secrets({})).toMatchObject([{ set: false }]);
    expect((await client.alerts.list({})).open).toEqual([]);
    await until('the notice', () => seen.statuses.at(-1)?.notices.some((n) => n.code === 'history.broken'));
    expect(await client.history.status({})).toMatchObject({ state: 'on' });
    await endEngines();
    await driver.dispose();
  });

  it('that holds something of somebody else keeps its mode; the socket is private all the same', async () => {
    const dir = makeTestFolder('fault');
    writeFileSync(join(dir, 'a-letter.txt'), 'Dear diary');
    chmodSync(dir, 0o755);
    const engine = await startEngine({ dir, gpus: 'simulate:1' });
    expect(statSync(dir).mode & 0o777).toBe(0o755);
    expect(statSync(engine.socket).mode & 0o777).toBe(0o600);
    const empty = makeTestFolder('fault');
    chmodSync(empty, 0o755);
    await startEngine({ dir: empty, gpus: 'simulate:1' });
    expect(statSync(empty).mode & 0o777).toBe(0o700);
  });

  it.skipIf(process.getuid?.() !== 0)('whose socket must lie elsewhere is not put into a folder of another user', async () => {
    const runtime = makeTestFolder('runtime');
    const dir = join(makeTestFolder('fault'), 'long'.repeat(30));
    const env = { XDG_RUNTIME_DIR: runtime };
    const engine = await startEngine({ dir, gpus: 'simulate:1', env });
    expect(engine.socket).toContain(runtime);
    const place = join(engine.socket, '..');
    await endEngines();
    rmSync(place, { recursive: true });
    // A link of an attacker, into a folder of theirs.
    symlinkSync(makeTestFolder('trap'), place);
    await expect(startEngine({ dir, gpus: 'simulate:1', env })).rejects.toMatchObject({ problem: { code: 'engine.data_dir', facts: { detail: expect.stringContaining('another user') } } });
  });

  it('in which a recording cannot be made: the job says so, and nobody goes on asking for 10 Hz', async () => {
    const dir = makeTestFolder('fault');
    const engine = await startEngine({ dir, gpus: 'simulate:1' });
    const { client } = await engine.face();
    rmSync(join(dir, 'recordings'), { recursive: true });
    const { id } = await client.recordings.start({ seconds: 60 });
    const job = await until('the end of the job', async () => { const now = await client.jobs.get({ id }); return now.state === 'failed' ? now : null; });
    expect(job.problem?.code).toBe('file.not_writable');
    expect((await client.gpus.list({})).rateHz).toBe(1);
  });
});

/** Runs a file of ours with a real small tmpfs on `dir`, in a mount namespace of its own. Says what it printed last. */
async function runOnSmallDisk(script: string, dir: string, sizeKiB: number, env: Readonly<Record<string, string>> = {}): Promise<Record<string, unknown>> {
  const child = spawn('unshare', ['-rm', 'sh', '-c', `mount -t tmpfs -o size=${sizeKiB}k tmpfs "$DIR" && exec "$NODE" "$SCRIPT"`], { env: plainEnvironment({ ...env, DIR: dir, NODE: process.execPath, SCRIPT: script }), stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  await once(child, 'close');
  return JSON.parse(said) as Record<string, unknown>;
}

describe.skipIf(process.platform !== 'linux')('a full disk (a real tmpfs)', () => {
  it('at the start: file.disk_full and nothing left behind; later: readings go on, everything else says so, and it recovers', async () => {
    const driver = await makeNvmlTestDriver({ recording: 'h200-two' });
    const script = fileURLToPath(new URL('./fixtures/fill-the-disk.ts', import.meta.url));
    const dir = makeTestFolder('full');
    const said = await runOnSmallDisk(script, dir, 600, driver.env);
    await driver.dispose();
    expect(said).toEqual({
      atStart: 'file.disk_full', leftAtStart: [],
      readings: true, settings: 'not_writable', settingsCount: '15m', recording: 'file.disk_full', emptyRecordings: 0, history: 'history.disk_full',
      afterwards: { settings: 'ok', history: true, notices: [] },
    });
    expect(existsSync(join(dir, 'engine.lock'))).toBe(false);
  }, 90_000);
});
