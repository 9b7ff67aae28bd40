// Faces that are killed, and what becomes of the engine that they started.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { attachEngine } from '../../engine/attach-engine.ts';
import { readLock } from '../../engine/engine-lock.ts';
import { spawnEngine } from '../../engine/spawn-engine.ts';
import { isProcessAlive } from '../../supervisor/process-identity.ts';
import { dataFolder, makeDataFolder } from '../../system/data-folder.ts';
import { makeTestFolder } from '../test-folder.ts';
import { plainEnvironment, until } from './engine-under-test.ts';

const cli = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** A face as a process: attaches or starts, says the engine's pid, watches, and starts a job of so many seconds. */
const face = fileURLToPath(new URL('./fixtures/watching-face.ts', import.meta.url));

async function startFace(dir: string, jobSeconds: number, onFinished: (end: () => void) => void): Promise<{ readonly child: ChildProcess; readonly enginePid: number }> {
  const child = spawn(process.execPath, [face, dir, String(jobSeconds)], { env: plainEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const enginePid = Number(said.toString());
  onFinished(() => {
    child.kill('SIGKILL');
    if (isProcessAlive(enginePid)) process.kill(enginePid, 'SIGKILL');
  });
  return { child, enginePid };
}

describe.concurrent('a face that is killed', () => {
  it('takes its engine with it within 15 s', async ({ onTestFinished }) => {
    const dir = makeTestFolder('fault');
    const { child, enginePid } = await startFace(dir, 0, onTestFinished);
    const killedAt = performance.now();
    child.kill('SIGKILL');
    await until('the engine has ended', () => !isProcessAlive(enginePid), 15_000);
    // Ten seconds for a window that comes back.
    expect(performance.now() - killedAt).toBeGreaterThan(9000);
    expect(readdirSync(dir).filter((name) => name.startsWith('engine.'))).toEqual([]);
  }, 60_000);

  it('leaves it to a job until that has ended', async ({ onTestFinished }) => {
    const dir = makeTestFolder('fault');
    const { child, enginePid } = await startFace(dir, 13, onTestFinished);
    const killedAt = performance.now();
    child.kill('SIGKILL');
    const { client, close } = await until('the job', async () => {
      // Longer than an engine without a job would live.
      if (performance.now() - killedAt < 11_500) return null;
      return attachEngine({ dataDir: dir, gpus: null, mayStart: false });
    });
    expect(await client.jobs.list({})).toMatchObject([{ kind: 'record', state: 'running' }]);
    close();
    await until('the engine has ended', () => !isProcessAlive(enginePid), 30_000);
    expect(performance.now() - killedAt).toBeGreaterThan(20_000);
  }, 90_000);

  it('that had an engine of its own takes it and its folder along at once', async () => {
    const temporary = makeTestFolder('tmp');
    const child = spawn(process.execPath, [cli, 'gpus', '--watch', '--json', '--gpus', 'simulate:1', '--data-dir', makeTestFolder('fault')], { env: plainEnvironment({ TMPDIR: temporary }), stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const [own = ''] = readdirSync(temporary);
    const lock = readLock(join(temporary, own, 'engine.lock'));
    expect(isProcessAlive(lock?.pid ?? 0)).toBe(true);
    child.kill('SIGKILL');
    await until('the engine has ended', () => !isProcessAlive(lock?.pid ?? 0), 5000);
    await until('its folder is gone', () => readdirSync(temporary).length === 0, 5000);
  });
});

describe('an engine that cannot start', () => {
  it('engine.did_not_start, with its last words', async ({ onTestFinished }) => {
    const folder = dataFolder(makeTestFolder('fault'));
    makeDataFolder(folder);
    const before = process.env['NODE_OPTIONS'];
    onTestFinished(() => {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
    });
    process.env['NODE_OPTIONS'] = '--import=/nowhere/at-all.mjs';
    await expect(spawnEngine({ folder, gpus: 'simulate:1' })).rejects.toMatchObject({ problem: { code: 'engine.did_not_start', facts: { detail: expect.stringContaining('ended with 1') } } });
    expect(readdirSync(folder.root).filter((name) => name.startsWith('engine.'))).toEqual([]);
  });
});

describe('the command line', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [cli, ...args], { env: plainEnvironment(), encoding: 'utf8' });

  it('starts over a lock and a socket that an engine left behind, in a folder that is full of it', () => {
    const dir = makeTestFolder('fault');
    const folder = dataFolder(dir);
    writeFileSync(folder.lock, JSON.stringify({ pid: 2 ** 22 + 1, startTicks: '1', socket: folder.socket, version: '0', sourceSpec: 'none', startedAtMs: 0 }));
    // Where the socket was, something that is none.
    writeFileSync(folder.socket, '');
    mkdirSync(join(dir, 'processes'));
    const served = run('serve', '--detach', '--gpus', 'simulate:1', '--port', '0', '--json', '--data-dir', dir);
    expect(served).toMatchObject({ status: 0, stdout: expect.stringContaining('"url"') });
    expect(run('stop', '--data-dir', dir)).toMatchObject({ status: 0 });
    expect(existsSync(folder.lock)).toBe(false);
  });

  it('a port that is taken is web.port_taken and exit code 3, and no engine stays behind', async () => {
    const dir = makeTestFolder('fault');
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const taken = run('serve', '--gpus', 'simulate:1', '--port', String(port), '--json', '--data-dir', dir);
    other.close();
    expect(taken.status).toBe(3);
    expect(JSON.parse(taken.stdout)).toMatchObject({ problem: { code: 'web.port_taken', facts: { port } } });
    await until('no engine', () => readLock(dataFolder(dir).lock) === null);
  });
});
