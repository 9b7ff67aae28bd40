import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { WorkerStatus } from '../../contract/system.ts';
import { createSupervisor } from './create-supervisor.ts';
import { createMemoryLogger, describeFixture, problemFrom, until, waitForStatus } from './fixtures/test-support.ts';
import { isProcessAlive } from './process-identity.ts';
import type { Supervisor, WorkerDescription, WorkerHandle } from './supervisor.ts';

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function setUp(env: NodeJS.ProcessEnv = process.env): { supervisor: Supervisor; journalFolder: string; log: ReturnType<typeof createMemoryLogger> } {
  const journalFolder = mkdtempSync(join(tmpdir(), 'warpdeck-journal-'));
  const log = createMemoryLogger();
  const supervisor = createSupervisor({ log, env, journalFolder, memoryIntervalMs: 50 });
  cleanUps.push(() => { rmSync(journalFolder, { recursive: true, force: true }); }, () => supervisor.stopAll());
  return { supervisor, journalFolder, log };
}

async function startReady(mode = 'good', more: Partial<WorkerDescription> = {}, env?: NodeJS.ProcessEnv): Promise<{ worker: WorkerHandle; pid: number; seen: WorkerStatus[]; log: ReturnType<typeof createMemoryLogger>; journalFolder: string }> {
  const { supervisor, log, journalFolder } = setUp(env);
  const worker = supervisor.startWorker(describeFixture(mode, more));
  const seen: WorkerStatus[] = [];
  worker.onStatus((status) => seen.push(status));
  const { pid } = await waitForStatus(worker, (status) => status.state === 'ready');
  return { worker, pid: pid ?? 0, seen, log, journalFolder };
}

describe('a worker that works', () => {
  it('answers calls, also those made before it was ready, and passes problems on', async () => {
    const { supervisor } = setUp();
    const worker = supervisor.startWorker(describeFixture('good'));
    expect(worker.status().state).toBe('starting');
    expect(await worker.call('echo', { a: [1, null, 'é'] })).toEqual({ a: [1, null, 'é'] });
    expect((await problemFrom(worker.call('problem', null))).code).toBe('gpu.lost');
    expect(await problemFrom(worker.call('error', null))).toMatchObject({ code: 'engine.internal', facts: { detail: 'a plain error' } });
    expect((await problemFrom(worker.call('constructor', null))).code).toBe('input.unknown_operation');
    expect((await problemFrom(worker.call('unwritable', null))).code).toBe('engine.internal');
    expect(await problemFrom(worker.call('never', null, { timeoutMs: 50 }))).toMatchObject({ code: 'worker.unresponsive', facts: { busy: 'never' } });
    expect(() => supervisor.startWorker(describeFixture('good'))).toThrow(/fixture/);
    await until(() => (supervisor.statuses()[0]?.rssBytes ?? 0) > 1e6);
  });

  it('inherits only what the list allows', async () => {
    const secret = { NODE_OPTIONS: '--max-old-space-size=64', LD_PRELOAD: '', ELECTRON_RUN_AS_NODE: '1', PYTHONPATH: '/x', WARPDECK_TOKEN: 'secret', DYLD_INSERT_LIBRARIES: '/x', LC_ALL: 'C', XDG_DATA_HOME: '/data', CUDA_VISIBLE_DEVICES: '1' };
    const { worker } = await startReady('good', {}, { PATH: process.env['PATH'], ...secret });
    const environment = await worker.call('environment', null);
    expect(Object.keys(environment as object).sort()).toEqual(['CUDA_VISIBLE_DEVICES', 'LC_ALL', 'PATH', 'WARPDECK_TEST_MODE', 'XDG_DATA_HOME']);
  });

  it('ends when asked, forgets its journal entry, and may be started again', async () => {
    const { worker, pid, journalFolder, seen } = await startReady();
    expect(readdirSync(journalFolder)).toHaveLength(1);
    await worker.stop();
    expect(worker.status()).toMatchObject({ state: 'idle', pid: null, restarts: 0, problem: null });
    expect(isProcessAlive(pid)).toBe(false);
    expect(readdirSync(journalFolder)).toHaveLength(0);
    expect(seen.map((status) => status.state)).toEqual(['ready', 'stopping', 'idle']);
    expect((await problemFrom(worker.call('echo', 1))).code).toBe('worker.gone');
    worker.restart();
    expect(await worker.call('echo', 1)).toBe(1);
  });

  it('one that ignores shutdown and terminate is killed', async () => {
    const { worker, pid } = await startReady('stubborn');
    const before = performance.now();
    await worker.stop();
    expect(isProcessAlive(pid)).toBe(false);
    expect(performance.now() - before).toBeGreaterThan(4900);
  });
});

describe.skipIf(process.platform === 'win32')('a worker that dies', () => {
  it.each([
    ['kill', { code: 'worker.crashed', facts: { signal: 'SIGKILL' } }],
    ['abort', { code: 'worker.crashed', facts: { signal: 'SIGABRT' } }],
    ['reject', { code: 'worker.crashed', facts: { exitCode: 70, detail: 'Error: nobody catches this' } }],
    ['garbage', { code: 'worker.protocol' }],
    ['misfit', { code: 'worker.protocol' }],
    ['closeChannel', { code: 'worker.protocol', facts: { detail: 'it closed its channel' } }],
  ])('by %s: what was asked is answered, the cause is found, it is started again', async (op, expected) => {
    const { worker, pid, seen } = await startReady();
    const asked = problemFrom(worker.call('never', null));
    worker.call(op, null).catch(() => undefined);
    const lost = await asked;
    expect(lost.code).toBe('worker.gone');
    expect(lost.chain[0]).toContain(expected.code);
    const status = await waitForStatus(worker, (now) => now.state === 'ready' && now.pid !== pid);
    expect(status).toMatchObject({ restarts: 1, problem: null });
    expect(seen.find((now) => now.state === 'backoff')?.problem).toMatchObject(expected);
    expect(isProcessAlive(pid)).toBe(false);
    expect(await worker.call('echo', 'again')).toBe('again');
  });

  it.each([
    ['loop', 'silence'],
    ['stall', 'nvmlDeviceGetUtilizationRates'],
  ])('by a hang (%s): seen, named, replaced', async (op, busy) => {
    const { worker, pid, seen } = await startReady('good', { unresponsiveAfterMs: 1000 });
    worker.call(op, null).catch(() => undefined);
    await waitForStatus(worker, (now) => now.state === 'ready' && now.pid !== pid);
    const hang = seen.find((now) => now.state === 'unresponsive');
    expect(hang?.problem).toMatchObject({ code: 'worker.unresponsive', facts: { busy } });
    expect(isProcessAlive(pid)).toBe(false);
  });

  it('by too much memory, seen from outside', async () => {
    const { worker, seen } = await startReady('good', { memoryLimitBytes: 300e6 });
    worker.call('allocate', 400e6).catch(() => undefined);
    await waitForStatus(worker, (now) => now.restarts === 1);
    expect(seen.find((now) => now.problem !== null)?.problem).toMatchObject({ code: 'worker.out_of_memory', facts: { limit: 286 } });
  });

  it('by its own heap limit, read from its last words', async () => {
    const { worker, seen } = await startReady('good', { nodeArgs: ['--max-old-space-size=40'], unresponsiveAfterMs: 20_000 });
    worker.call('heap', null).catch(() => undefined);
    await waitForStatus(worker, (now) => now.restarts === 1);
    expect(seen.find((now) => now.state === 'backoff')?.problem?.code).toBe('worker.out_of_memory');
  });

  it('again and again: fails when the budget is spent, and starts afresh by hand', async () => {
    const { supervisor } = setUp();
    const worker = supervisor.startWorker(describeFixture('crash', { restart: { firstMs: 5, maxMs: 10, budget: 2 } }));
    const failed = await waitForStatus(worker, (now) => now.state === 'failed');
    expect(failed).toMatchObject({ restarts: 2, pid: null, problem: { code: 'worker.failed', facts: { restarts: 3, how: 'exit code 3', detail: 'Error: the fixture crashes at its start' } } });
    expect((await problemFrom(worker.call('echo', 1))).chain[0]).toContain('worker.failed');
    worker.restart();
    expect(worker.status().state).toBe('starting');
    await waitForStatus(worker, (now) => now.state === 'failed');
  });

  it('before it says hello, or under another name', async () => {
    const { supervisor } = setUp();
    const silent = supervisor.startWorker(describeFixture('silent', { name: 'silent', startTimeoutMs: 500 }));
    const wrong = supervisor.startWorker(describeFixture('wrong-name', { name: 'wrong' }));
    const queued = problemFrom(silent.call('echo', 1));
    expect((await waitForStatus(silent, (now) => now.problem !== null)).problem?.code).toBe('worker.start_timeout');
    expect((await queued).code).toBe('worker.gone');
    expect((await waitForStatus(wrong, (now) => now.problem !== null)).problem?.code).toBe('worker.protocol');
  });

  it('because its file is missing', async () => {
    const { supervisor } = setUp();
    const worker = supervisor.startWorker(describeFixture('good', { entry: { path: '/nowhere/worker.mjs' }, restart: { firstMs: 5, budget: 0 } }));
    const { problem } = await waitForStatus(worker, (now) => now.state === 'failed');
    expect(problem?.chain[0]).toContain('worker.crashed');
    expect(problem?.cause).toContain('/nowhere/worker.mjs');
  });
});

it('kept calls are sent again after a restart, once each, others are not', async () => {
  const { worker, pid } = await startReady();
  const events: { name: string; data: unknown }[] = [];
  worker.onEvent(() => {
    throw new Error('a listener that fails harms no other');
  });
  worker.onEvent((name, data) => events.push({ name, data }));
  worker.keep('subscribe', { rateHz: 1 });
  worker.keep('subscribe', { rateHz: 10 });
  await until(() => events.length === 2);
  worker.call('kill', null).catch(() => undefined);
  await until(() => events.length === 3);
  expect(events[2]).toMatchObject({ name: 'subscribed', data: { input: { rateHz: 10 }, times: 1 } });
  expect(worker.status().pid).not.toBe(pid);
});

it('a flood on both outputs and a line of 10 MB do no harm', async () => {
  const { worker, log } = await startReady('good', { unresponsiveAfterMs: 20_000 });
  const before = process.memoryUsage().arrayBuffers;
  expect(await worker.call('flood', null)).toBe('flooded');
  expect(await worker.call('echo', 1)).toBe(1);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20e6);
  worker.call('abort', null).catch(() => undefined);
  await waitForStatus(worker, (now) => now.restarts === 1);
  const ended = log.lines.find((line) => line.message === 'worker ended');
  expect(String(ended?.fields['stderr']).length).toBeLessThanOrEqual(4096);
});
