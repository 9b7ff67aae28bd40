import { createHash } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { problemOf } from '../../../contract/problem.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import type { Supervisor } from '../../supervisor/supervisor.ts';
import { tinyModel } from '../../testing/models.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { until } from '../loaded/fixtures/test-support.ts';
import { createModelProbe, type ModelProbe } from './model-probe.ts';

const folder = makeTestFolder('probe');
let supervisor: Supervisor;
let probe: ModelProbe;
let tiny: string;
beforeAll(async () => {
  supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
  probe = createModelProbe({ supervisor, log: silentLogger, worker: { restart: { firstMs: 20, maxMs: 50 } } });
  tiny = await tinyModel(folder);
});
afterAll(async () => {
  await probe.stop();
  await supervisor.stopAll();
});
const pid = (): number | null => supervisor.statuses().find((s) => s.name === 'model-probe')?.pid ?? null;
const u64 = (n: bigint): Buffer => { const b = Buffer.alloc(8); b.writeBigUInt64LE(n); return b; };
const head = (tensors: bigint, keys: bigint): Buffer => Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), u64(tensors), u64(keys)]);

it('hostile files are refused one after another, by one process that lives on', async () => {
  await probe.read({ path: tiny, ofBytes: null });
  const before = pid();
  const files: readonly (readonly [Buffer, string])[] = [
    [Buffer.concat([head(2n ** 64n - 1n, 2n ** 64n - 1n), Buffer.alloc(100)]), 'model.damaged'],
    [Buffer.concat([head(0n, 1n), u64(1n), Buffer.from('a'), Buffer.from([9, 0, 0, 0, 0, 0, 0, 0]), u64(2n ** 32n), Buffer.alloc(100)]), 'model.damaged'],
    [Buffer.concat([head(0n, 1n), u64(2n ** 40n), Buffer.alloc(100)]), 'model.damaged'],
    [head(0n, 0n), 'model.incomplete'],
    [Buffer.alloc(5000), 'model.not_gguf'],
    [readFileSync(tiny).subarray(0, 200_000), 'model.incomplete'],
  ];
  for (const [content, code] of files) {
    const path = join(folder, 'hostile.gguf');
    writeFileSync(path, content);
    expect((await probe.read({ path, ofBytes: null })).problem, code).toMatchObject({ code });
  }
  expect(pid()).toBe(before);
  expect((await probe.read({ path: tiny, ofBytes: null })).facts?.layers).toBe(2);
});

it('a process that dies is replaced: what was asked of it is answered, and the next question too', async () => {
  const big = join(folder, 'big.bin');
  writeFileSync(big, '');
  truncateSync(big, 8e9);
  let begun = false;
  const hash = probe.hash(big, new AbortController().signal, () => { begun = true; }).then(() => null, (error: unknown) => problemOf(error));
  await until(() => begun, 'the hash has begun');
  const before = pid();
  if (before !== null) process.kill(before, 'SIGKILL');
  expect(await hash).toMatchObject({ code: 'worker.gone' });
  expect((await probe.read({ path: tiny, ofBytes: null })).problem).toBeNull();
  expect(pid()).not.toBe(before);
});

it('a reader that cannot start says so, and nothing of the file', async () => {
  const own = createSupervisor({ log: silentLogger, journalFolder: null });
  const dying = createModelProbe({ supervisor: own, log: silentLogger, worker: { nodeArgs: ['--no-such-flag'], restart: { firstMs: 5, maxMs: 5, budget: 1 } } });
  const { facts, problem } = await dying.read({ path: tiny, ofBytes: null });
  expect(facts).toBeNull();
  expect(problem?.code).toMatch(/^worker\./);
  expect((await dying.search([{ path: folder, home: 'folder' }])).folders).toMatchObject([{ problem: { code: 'model.folder_unreadable' }, found: [] }]);
  await dying.stop();
  await own.stopAll();
});

it('a file over which the process dies each time is a damaged one; those that were read beside it are not', async () => {
  // So little memory that a vocabulary's worth of keys is too much for it, and a small file is not.
  const own = createSupervisor({ log: silentLogger, journalFolder: null });
  const small = createModelProbe({ supervisor: own, log: silentLogger, worker: { nodeArgs: ['--max-old-space-size=24', '--max-semi-space-size=1'], restart: { firstMs: 5, maxMs: 20 } } });
  const keys = Array.from({ length: 60_000 }, (_, i) => { const name = Buffer.from(`key.${i}.${'x'.repeat(1000)}`); return Buffer.concat([u64(BigInt(name.length)), name, Buffer.from([0, 0, 0, 0, 7])]); });
  const path = join(folder, 'greedy.gguf');
  writeFileSync(path, Buffer.concat([head(0n, BigInt(keys.length)), ...keys]));
  const [bad, good] = await Promise.all([small.read({ path, ofBytes: null }), small.read({ path: tiny, ofBytes: null })]);
  expect(bad.problem).toMatchObject({ code: 'model.damaged', cause: expect.stringContaining('twice') as string });
  expect(bad.problem?.chain.length).toBeGreaterThan(0);
  expect(good.problem).toBeNull();
  await small.stop();
  await own.stopAll();
});

it('hashes with progress, and stops when it is called off', async () => {
  const content = readFileSync(tiny);
  expect(await probe.hash(tiny, new AbortController().signal, () => undefined)).toBe(createHash('sha256').update(content).digest('hex'));
  const big = join(folder, 'big.bin');
  writeFileSync(big, '');
  truncateSync(big, 8e9);
  const abort = new AbortController();
  const seen: number[] = [];
  const work = probe.hash(big, abort.signal, (done) => { seen.push(done); abort.abort(new Error('enough')); });
  await expect(work).rejects.toThrow('enough');
  expect(seen[0]).toBeLessThan(8e9);
});
