import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataFolder, makeDataFolder } from '../system/data-folder.ts';
import { isProcessAlive } from '../supervisor/process-identity.ts';
import { attachEngine, type AttachedEngine } from './attach-engine.ts';
import { readLock } from './engine-lock.ts';

let dir: string;
const open: AttachedEngine[] = [];
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'warpdeck-engine-test-')); });
afterEach(async () => {
  const pids = open.map((e) => e.info.pid);
  for (const e of open.splice(0)) {
    await e.client.engine.stop({ cancelJobs: true }).catch(() => undefined);
    e.close();
  }
  await expect.poll(() => pids.filter(isProcessAlive), { timeout: 10_000 }).toEqual([]);
  rmSync(dir, { recursive: true, force: true });
});

async function attach(options: Partial<Parameters<typeof attachEngine>[0]> = {}): Promise<AttachedEngine> {
  const engine = await attachEngine({ dataDir: dir, gpus: 'simulate:2', whenGpusDiffer: 'problem', ...options });
  open.push(engine);
  return engine;
}

describe('one engine for a data folder', () => {
  it('is shared by all faces that come at once', async () => {
    const faces = await Promise.all([attach(), attach(), attach()]);
    expect(new Set(faces.map((f) => f.info.pid)).size).toBe(1);
    const folder = dataFolder(dir);
    expect(statSync(folder.root).mode & 0o777).toBe(0o700);
    expect(statSync(folder.socket).mode & 0o777).toBe(0o600);
    expect(statSync(folder.lock).mode & 0o777).toBe(0o600);
    const seen = await Promise.all(faces.map(async (f) => {
      for await (const item of await f.client.gpus.watch({ rateHz: 10 })) if (item.type === 'frame') return item.frame.samples.map((s) => s.uuid);
      return [];
    }));
    expect(seen[0]).toHaveLength(2);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('does not start where it may not, and says so', async () => {
    await expect(attachEngine({ dataDir: dir, gpus: null, mayStart: false })).rejects.toMatchObject({ problem: { code: 'engine.unreachable' } });
    await expect(attachEngine({ dataDir: dir, gpus: 'magic' })).rejects.toMatchObject({ problem: { code: 'gpu.unknown_source' } });
    writeFileSync(join(dir, 'file'), '');
    await expect(attachEngine({ dataDir: join(dir, 'file'), gpus: null })).rejects.toMatchObject({ problem: { code: 'engine.data_dir' } });
  });

  it('refuses other GPUs for a face that stays, and gives a command an engine of its own', async () => {
    const first = await attach();
    await expect(attach({ gpus: 'simulate:3' })).rejects.toMatchObject({ problem: { code: 'engine.gpus_differ', facts: { pid: first.info.pid } } });
    const own = await attach({ gpus: 'simulate:3', whenGpusDiffer: 'own' });
    expect(own.info).toMatchObject({ ephemeral: true, sourceSpec: 'simulate:3' });
    expect(own.info.dataDir).not.toBe(dir);
    expect(await own.client.history.status({})).toMatchObject({ state: 'off' });
    own.close();
    await expect.poll(() => isProcessAlive(own.info.pid), { timeout: 10_000 }).toBe(false);
    expect(existsSync(own.info.dataDir)).toBe(false);
    expect(isProcessAlive(first.info.pid)).toBe(true);
  });

  it('starts over a stale lock and socket', async () => {
    const first = await attach();
    process.kill(first.info.pid, 'SIGKILL');
    expect(await first.closed).toMatchObject({ code: 1006 });
    const folder = dataFolder(dir);
    expect(existsSync(folder.lock)).toBe(true);
    expect(existsSync(folder.socket)).toBe(true);
    const second = await attach();
    expect(second.info.pid).not.toBe(first.info.pid);
  });

  it('tells a reused pid from the engine that wrote the lock', async () => {
    const folder = dataFolder(dir);
    makeDataFolder(folder);
    writeFileSync(folder.lock, JSON.stringify({ pid: process.pid, startTicks: '1', socket: folder.socket, version: '0', sourceSpec: 'none', startedAtMs: 0 }));
    const engine = await attach();
    expect(readLock(folder.lock)?.pid).toBe(engine.info.pid);
    writeFileSync(folder.lock, '{ "pid": ');
    expect(readLock(folder.lock)).toBeNull();
  });

  it('names the process that holds the folder but does not answer', async () => {
    const folder = dataFolder(dir);
    makeDataFolder(folder);
    const ticks = readFileSync(`/proc/${String(process.pid)}/stat`, 'utf8').split(') ')[1]?.split(' ')[19] ?? null;
    // This process holds the lock and listens, but what listens is no engine: it closes every connection.
    const impostor = createServer((socket) => socket.destroy()).listen(folder.socket);
    await once(impostor, 'listening');
    writeFileSync(folder.lock, JSON.stringify({ pid: process.pid, startTicks: ticks, socket: folder.socket, version: '0', sourceSpec: 'none', startedAtMs: 0 }));
    await expect(attachEngine({ dataDir: dir, gpus: null })).rejects.toMatchObject({ problem: { code: 'engine.locked', facts: { pid: process.pid } } });
    impostor.close();
  }, 20_000);
});

describe('a running engine', () => {
  it('answers wrong input and unknown jobs with Problems, and reports itself', async () => {
    const { client } = await attach();
    await expect(client.jobs.get({ id: 'nothing' })).rejects.toMatchObject({ code: 'PROBLEM', data: { code: 'job.not_found' } });
    await expect(client.history.query({ fromMs: 0, toMs: 1, maxPoints: 1 })).rejects.toMatchObject({ data: { code: 'input.invalid' } });
    await expect(client.gpus.planTerminate({ pid: 1 })).rejects.toMatchObject({ data: { code: 'gpu.simulated' } });
    for await (const status of await client.engine.watch({})) {
      // The first one may be from before this face came.
      if (status.faces === 0) continue;
      expect(status).toMatchObject({ faces: 1, web: { on: false } });
      break;
    }
  });

  it('opens the web face while it runs, with the API behind its token, and closes it', async () => {
    const { client } = await attach();
    const web = await client.engine.startWeb({ port: 0 });
    const get = (path: string, token?: string): Promise<Response> => fetch(`${web.url ?? ''}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
    expect((await get('api/gpus', web.token)).status).toBe(200);
    expect((await get('api/gpus', 'wrong')).status).toBe(401);
    expect((await get('openapi.json', web.token)).status).toBe(200);
    const metrics = await (await get('metrics', web.metricsToken)).text();
    expect(metrics).toContain('warpdeck_gpu_utilization_ratio{');
    await client.engine.stopWeb({});
    await expect(get('health')).rejects.toThrow();
  });

  it('records as a job that every face sees, and a cancelled one keeps what is whole', async () => {
    const { client } = await attach();
    const job = await client.recordings.start({ seconds: 60 });
    await expect.poll(async () => (await client.jobs.get({ id: job.id })).doing, { timeout: 5000 }).toMatch(/[1-9]\d* readings/);
    await expect(client.engine.stop({})).rejects.toMatchObject({ data: { code: 'engine.jobs_running' } });
    await client.jobs.cancel({ id: job.id });
    await expect.poll(async () => (await client.jobs.get({ id: job.id })).state, { timeout: 5000 }).toMatch(/cancelled|done/);
    const [recording] = await client.recordings.list({});
    expect(recording?.sizeBytes).toBeGreaterThan(500);
    expect(readFileSync(recording?.path ?? '', 'utf8').split('\n')[0]).toContain('warpdeck-recording');
  });
});
