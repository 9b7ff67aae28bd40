import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { benchmarkDetail, benchmarkRun, benchmarkWish, unpackPast, type BenchmarkWish } from '../../contract/benchmarks.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { problemOf } from '../../contract/problem.ts';
import { makeTestFolder } from '../testing/test-folder.ts';
import type { Readings } from './parts.ts';
import type { Machine } from './runner/benchmark-parts.ts';
import { nameOf } from './runner/fixtures/start-burning-arm.ts';
import { makeTestBenchmarks, noReadings, testMachine, type TestBenchmarks, type TestOptions } from './runner/fixtures/make-test-benchmarks.ts';
import { readHardware } from './runner/read-hardware.ts';

const open: TestBenchmarks[] = [];
const make = (options: TestOptions = {}): TestBenchmarks => {
  const made = makeTestBenchmarks(options);
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const one of open.splice(0)) {
    await one.jobs.stopAll();
    await one.storage.close();
    expect(one.arms.alive()).toBe(0);
  }
});
const code = (work: Promise<unknown>): Promise<string | undefined> => work.then(() => undefined, (error: unknown) => problemOf(error)?.code ?? String(error));
const wish = (more: Partial<BenchmarkWish> = {}): BenchmarkWish => benchmarkWish.parse({ name: 'matmul', caseSeconds: 0.5, ...more });
const newest = async (made: TestBenchmarks) => (await made.benchmarks.history({ name: null, place: null, limit: 10 }))[0];

describe('a run', () => {
  it('measures every case on the processor, in a process each, and says so', async () => {
    const made = make({ plan: () => ({ error: 1e-6, memoryBytes: 4096 }) });
    await made.begin();
    const job = await made.benchmarks.run(wish());
    expect(job).toMatchObject({ kind: 'benchmark', title: 'Matrix multiplication on Test processor', state: 'running' });
    expect(await made.ended(job.id)).toMatchObject({ state: 'done', progress: 1, result: { benchmark: 'matmul', cases: 6, failed: 0 } });
    const run = await newest(made);
    expect(benchmarkRun.parse(run)).toEqual(run);
    expect(run).toMatchObject({ state: 'done', name: 'matmul', place: { key: 'cpu' }, environment: { torch: '2.11.0' }, model: null, conditions: { burns: true, powerLimitWatts: null }, notes: ['There is no NVIDIA GPU here: this was measured on the processor.'] });
    expect(run?.results.map((one) => one.caseId)).toEqual(['fp32-512', 'fp32-1024', 'fp32-2048', 'fp64-512', 'fp64-1024', 'fp64-2048']);
    for (const one of run?.results ?? []) {
      expect(one).toMatchObject({ problem: null, setAside: 0, error: 1e-6, memoryBytes: 4096, powerWatts: null, joulesPerUnit: null, peakShare: null });
      expect(one.n).toBeGreaterThanOrEqual(10);
      expect(one.median ?? 0).toBeGreaterThan(0);
      expect((one.low ?? 1) <= (one.median ?? 0) && (one.median ?? 0) <= (one.high ?? 0)).toBe(true);
    }
    expect(made.arms.wishes.map((one) => one.workload)).toEqual(['fp32', 'fp64'].flatMap((dtype) => [512, 1024, 2048].map((n) => `matmul:dtype=${dtype},n=${n}`)));
    const detail = await made.benchmarks.get(run?.id ?? '');
    expect(benchmarkDetail.parse(detail)).toEqual(detail);
    expect(detail.samples['fp32-512']).toHaveLength(run?.results[0]?.n ?? -1);
    expect(made.benchmarks.gauge.get()?.[0]).toEqual(run);
  });

  it('keeps a case that fails beside the others, and fails when all do', async () => {
    const made = make({ plan: (one) => (nameOf(one).includes('n=1024') ? { diesAfter: 2 } : {}) });
    expect(await made.ended((await made.benchmarks.run(wish({ cases: ['fp32-512', 'fp32-1024', 'fp32-2048'] }))).id)).toMatchObject({ state: 'done', result: { failed: 1 } });
    expect((await newest(made))?.results.map((one) => one.problem?.code ?? null)).toEqual([null, 'bench.case_fails', null]);
    const broken = make({ plan: () => ({ fails: 'bench.torch_fails' }) });
    expect(await broken.ended((await broken.benchmarks.run(wish())).id)).toMatchObject({ state: 'failed', problem: { code: 'bench.torch_fails' } });
    // The other cases would meet it again.
    expect(broken.arms.wishes).toHaveLength(1);
    const silent = make({ plan: () => ({ fails: 'bench.hangs' }) });
    expect(await silent.ended((await silent.benchmarks.run(wish())).id)).toMatchObject({ state: 'failed', problem: { code: 'bench.hangs' } });
    expect(silent.arms.wishes).toHaveLength(2);
  });

  it('is cancelled at once, even where the process does not answer, and another may begin', async () => {
    const made = make({ plan: (_, start) => (start === 0 ? { hangsAfter: 1 } : {}) });
    const asked = made.arms.nextSample();
    const job = await made.benchmarks.run(wish());
    await asked;
    expect(await code(made.benchmarks.run(wish()))).toBe('bench.busy');
    await made.jobs.cancel(job.id);
    expect((await made.ended(job.id)).state).toBe('cancelled');
    expect(await newest(made)).toMatchObject({ state: 'cancelled', results: [] });
    expect((await made.ended((await made.benchmarks.run(wish({ cases: ['fp32-512'] }))).id)).state).toBe('done');
  });

  it('lets go of the machine when it cannot begin', async () => {
    const made = make({ machine: { ...testMachine, torch: async () => { throw new Error('no Python'); } } });
    await expect(made.benchmarks.run(wish())).rejects.toThrow('no Python');
    expect(made.lock.holder()).toBeNull();
    expect(await code(made.benchmarks.run(wish({ name: 'nothing' })))).toBe('bench.unknown');
    expect(await code(made.benchmarks.run(wish({ name: 'link' })))).toBe('bench.no_place');
    expect(await code(made.benchmarks.get('bench-none'))).toBe('bench.run_not_found');
    expect(await code(made.benchmarks.remove('bench-none'))).toBe('bench.run_not_found');
  });

  it('joins samples with what the GPU did, sets aside what was slowed down, and counts joules', async () => {
    let samples = 0;
    // The last reading of a case is asked for over all of it, and knows the counter.
    const readings: Readings = {
      ...noReadings,
      between: async (_place, fromMs, toMs) => ({ powerWatts: 400, smClockMhz: 1830, tempCelsius: 60, eventReasons: samples++ === 3 ? 0x40 : 0x4, joules: (toMs - fromMs) * 0.4, otherProcesses: 1 }),
    };
    const hardware = await readHardware(new URL('../../resources', import.meta.url).pathname);
    const made = make({ readings, hardware, plan: () => ({ figures: [500, 501, 499] }), machine: { ...testMachine, places: () => [{ key: 'GPU-1', name: 'NVIDIA H200' }, { key: 'cpu', name: 'CPU' }] } });
    await made.ended((await made.benchmarks.run(wish({ cases: ['bf16-1024'] }))).id);
    const [one] = (await newest(made))?.results ?? [];
    expect(one).toMatchObject({ median: 500, setAside: 1, powerWatts: 400, tempCelsius: 60, peakShare: 500 / 989.4, peakShareAtClock: expect.closeTo(500 / 989.4, 9) });
    expect(one?.marks).toContain('power_capped');
    expect(one?.joulesPerUnit).toBeGreaterThan(0);
    expect((await newest(made))?.notes).toEqual([]);
  });

  it('sets aside and marks what was measured while somebody else used the GPU', async () => {
    let samples = 0;
    const readings: Readings = { ...noReadings, between: async () => ({ powerWatts: 300, smClockMhz: 1830, tempCelsius: 60, eventReasons: 0, joules: null, otherProcesses: samples++ < 4 ? 0 : 1 }) };
    const made = make({ readings, plan: () => ({ figures: [500, 501, 499] }), machine: { ...testMachine, places: () => [{ key: 'GPU-1', name: 'NVIDIA H200' }] } });
    await made.ended((await made.benchmarks.run(wish({ cases: ['bf16-1024'], caseSeconds: 0.5 }))).id);
    const [one] = (await newest(made))?.results ?? [];
    expect(one).toMatchObject({ n: 4, median: expect.closeTo(500, 0) });
    expect(one?.setAside).toBeGreaterThan(0);
    expect(one?.marks).toEqual(expect.arrayContaining(['disturbed', 'few_samples']));
  });
});

describe('where there is no PyTorch', () => {
  const noTorch = async (): Promise<never> => { throw problemError('bench.no_torch', { detail: 'No environment with PyTorch was found on this machine.' }); };
  const numpy: Machine['numpy'] = {
    prepare: async () => {
      const { arm } = await testMachine.torch(null, 'cpu');
      return { arm: { ...arm, numpy: { packages: '/own' } }, told: { id: '/own', name: 'NumPy', torch: null, cuda: null, python: '3.12' }, threads: 3, notes: ['Measured with NumPy.'] };
    },
    look: async () => ({ with: 'NumPy', why: null }),
  };
  const bare: Machine = { ...testMachine, torch: noTorch, numpy };

  it('NumPy measures products on the processor, on threads that are set, and the run says so', async () => {
    const made = make({ machine: bare });
    expect(await made.ended((await made.benchmarks.run(wish({ cases: ['fp32-512', 'fp64-512'] }))).id)).toMatchObject({ state: 'done', result: { failed: 0 } });
    expect(await newest(made)).toMatchObject({ environment: { name: 'NumPy', torch: null }, notes: ['There is no NVIDIA GPU here: this was measured on the processor.', 'Measured with NumPy.'] });
    for (const one of made.arms.wishes) expect(one).toMatchObject({ environment: { numpy: { packages: '/own' } }, variables: { OPENBLAS_NUM_THREADS: '3' } });
    const outlook = await made.benchmarks.outlook();
    expect(outlook.find((one) => one.name === 'matmul')).toEqual({ name: 'matmul', place: { key: 'cpu', name: 'Test processor' }, with: 'NumPy', why: null });
    expect(outlook.find((one) => one.name === 'cpu')).toMatchObject({ with: null, why: expect.stringContaining('Install PyTorch') });
    expect(outlook.find((one) => one.name === 'link')).toMatchObject({ place: null, with: null, why: expect.stringContaining('GPU') });
    expect(outlook.find((one) => one.name === 'llm')).toMatchObject({ with: null, why: 'There is no model.' });
  });

  it('it stands in for nothing else: what needs PyTorch, an environment that was asked for, a GPU', async () => {
    const gpu: Machine = { ...bare, places: () => [{ key: 'GPU-1', name: 'NVIDIA H200' }, { key: 'cpu', name: 'CPU' }] };
    for (const [machine, more] of [[bare, { name: 'cpu' }], [bare, { name: 'attention' }], [bare, { environmentId: 'mine' }], [gpu, {}]] as const) {
      const made = make({ machine });
      await expect(made.benchmarks.run(wish(more))).rejects.toMatchObject({ problem: { code: 'bench.no_torch', remedy: expect.stringContaining('bench run matmul --place cpu') } });
      expect(made.lock.holder()).toBeNull();
    }
    const onCpu = make({ machine: gpu });
    expect(await onCpu.ended((await onCpu.benchmarks.run(wish({ place: 'cpu', cases: ['fp32-512'] }))).id)).toMatchObject({ state: 'done' });
  });

  it('what cannot be prepared is a failed run, or a cancelled one, and another may begin', async () => {
    const failing = make({ machine: { ...bare, numpy: { ...numpy, prepare: async () => { throw problemError('bench.numpy_fetch', { what: 'NumPy', detail: 'no network', remedy: 'Try.' }); } } } });
    expect(await failing.ended((await failing.benchmarks.run(wish())).id)).toMatchObject({ state: 'failed', problem: { code: 'bench.numpy_fetch' } });
    expect(await newest(failing)).toMatchObject({ state: 'failed', problem: { code: 'bench.numpy_fetch' }, results: [] });
    expect(failing.lock.holder()).toBeNull();

    const asked = Promise.withResolvers<undefined>();
    const hanging = make({ machine: { ...bare, numpy: { ...numpy, prepare: ({ signal }) => new Promise((_, reject) => {
      asked.resolve(undefined);
      signal.addEventListener('abort', () => { reject(signal.reason as Error); });
    }) } } });
    const job = await hanging.benchmarks.run(wish());
    await asked.promise;
    await hanging.jobs.cancel(job.id);
    expect((await hanging.ended(job.id)).state).toBe('cancelled');
    expect(await newest(hanging)).toMatchObject({ state: 'cancelled', problem: null });
    expect(hanging.lock.holder()).toBeNull();
  });
});

describe('the history', () => {
  it('outlives the engine; what was under way is then interrupted', async () => {
    const databasePath = join(makeTestFolder('bench'), 'warpdeck.db');
    const first = make({ databasePath });
    await first.begin();
    const done = await first.ended((await first.benchmarks.run(wish({ cases: ['fp32-512'] }))).id);
    const run = await newest(first);
    await first.storage.call('bench.put', { run: { ...benchmarkRun.parse(run), id: 'bench-cut', state: 'running', endedAtMs: null }, samples: {} });
    await first.storage.close();
    const second = make({ databasePath });
    await second.begin();
    const runs = await second.benchmarks.history({ name: 'matmul', place: 'cpu', limit: 10 });
    expect(runs.map((one) => [one.id, one.state, one.problem?.code ?? null]).sort()).toEqual([['bench-cut', 'interrupted', 'job.interrupted'], [done.result?.['run'], 'done', null]].sort());
    expect((await second.benchmarks.get(String(done.result?.['run']))).samples['fp32-512']?.length).toBe(run?.results[0]?.n);
    await second.benchmarks.remove('bench-cut');
    expect(await second.benchmarks.history({ name: null, place: null, limit: 10 })).toHaveLength(1);
    expect(await second.benchmarks.history({ name: 'llm', place: null, limit: 10 })).toEqual([]);
  });

  it('keeps results in memory while the disk does not take them, says so, and stores them later', async () => {
    const folder = join(makeTestFolder('bench'), 'gone');
    const made = make({ databasePath: join(folder, 'warpdeck.db') });
    await made.begin();
    await made.ended((await made.benchmarks.run(wish({ cases: ['fp32-512'] }))).id);
    const run = await newest(made);
    expect(run).toMatchObject({ state: 'done', problem: { code: 'bench.storage' }, notes: expect.arrayContaining(['It is kept in memory until the engine ends.']) });
    expect((await made.benchmarks.get(run?.id ?? '')).samples['fp32-512']?.length).toBe(run?.results[0]?.n);
    expect(await made.benchmarks.past({ name: 'matmul', limit: 10 })).toMatchObject({ cases: [{ caseId: 'fp32-512' }], runs: [{ id: run?.id, median: [Number(run?.results[0]?.median?.toPrecision(6))] }], newest: [{ id: run?.id, conditions: { burns: true } }] });
    expect(await code(made.benchmarks.past({ name: 'llm', limit: 10 }))).toBe('bench.storage');
    mkdirSync(folder);
    await made.ended((await made.benchmarks.run(wish({ cases: ['fp32-1024'] }))).id);
    const stored = await made.storage.call('bench.list', { name: null, place: null, canary: false, limit: 10 });
    expect(stored.map((one) => one.results[0]?.caseId)).toEqual(['fp32-1024', 'fp32-512']);
    const past = await made.benchmarks.past({ name: 'matmul', limit: 10 });
    expect([unpackPast(past).map((one) => one.figures[0]?.caseId), past.newest.map((one) => one.id)]).toEqual([['fp32-1024', 'fp32-512'], [stored[0]?.id]]);
  });

  it('lists a hundred thousand samples without reading them, and forgets the oldest', async () => {
    const made = make({ databasePath: join(makeTestFolder('bench'), 'warpdeck.db') });
    await made.ended((await made.benchmarks.run(wish({ cases: ['fp32-512'] }))).id);
    const run = benchmarkRun.parse(await newest(made));
    const sample = { value: 1.5, atMs: 1, seconds: 0.1, powerWatts: null, smClockMhz: 1500, tempCelsius: null, eventReasons: 4, setAside: 'throttled' as const };
    for (let n = 0; n < 200; n++) await made.storage.call('bench.put', { run: { ...run, id: `bench-${n}`, startedAtMs: n }, samples: { 'fp32-512': Array.from({ length: 500 }, () => sample) } });
    const begun = performance.now();
    const listed = await made.benchmarks.history({ name: null, place: null, limit: 2000 });
    console.info(`100,000 samples in 201 runs: listed in ${(performance.now() - begun).toFixed(1)} ms`);
    expect(listed).toHaveLength(201);
    expect(listed.some((one) => 'samples' in one)).toBe(false);
    expect((await made.benchmarks.get('bench-7')).samples['fp32-512']?.[499]).toEqual(sample);
    expect(await made.storage.call('bench.prune', { beforeMs: 50, mostRuns: 100, mostCanaries: 0 })).toBe(101);
    expect((await made.benchmarks.history({ name: null, place: null, limit: 2000 })).at(-1)?.startedAtMs).toBe(101);
  });
});

describe('two runs', () => {
  it('are compared with what differs between them', async () => {
    const made = make({ plan: (_, start) => ({ figures: start === 0 ? [100, 101, 99, 100.5] : [110, 111, 109, 110.5] }) });
    const ids = [];
    for (const environmentId of ['one', 'two']) ids.push(String((await made.ended((await made.benchmarks.run(wish({ cases: ['fp32-512'], environmentId }))).id)).result?.['run']));
    const [a = '', b = ''] = ids;
    expect(await made.benchmarks.compare(a, b)).toMatchObject({ rows: [{ caseId: 'fp32-512', word: 'faster', ratio: expect.closeTo(1.1, 2) }], differ: [], sentence: 'B against A, of 1 case: 1 faster. Nothing else is known to differ.' });
    expect((await made.benchmarks.compare(b, a)).rows[0]?.word).toBe('slower');
    const other = String((await made.ended((await made.benchmarks.run(wish({ name: 'cpu', cases: ['matmul-one'] }))).id)).result?.['run']);
    expect(made.arms.wishes.at(-1)?.variables).toMatchObject({ OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' });
    expect(await code(made.benchmarks.compare(a, other))).toBe('bench.not_comparable');
    const missing = String((await made.ended((await made.benchmarks.run(wish({ cases: ['fp32-1024'] }))).id)).result?.['run']);
    expect(await code(made.benchmarks.compare(a, missing))).toBe('bench.not_comparable');
  });
});
