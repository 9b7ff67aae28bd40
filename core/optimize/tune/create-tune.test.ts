import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { engineSettings, type EngineSettings } from '../../../contract/inference.ts';
import { isUnderWay, type Job } from '../../../contract/jobs.ts';
import { tuneResult, tuneWish, type TuneResult } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Readings } from '../../benchmarks/parts.ts';
import { createJobs, type Jobs } from '../../jobs/create-jobs.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { listCandidates } from './list-candidates.ts';
import { runSearch } from './run-search.ts';
import { createTune, type TuneOptions, type TuneSubject } from './create-tune.ts';
import { makeMachine, type MachineOfSpeeds } from './fixtures/machine-of-speeds.ts';
import type { SearchSettings } from './parts.ts';

interface Rig {
  readonly tune: ReturnType<typeof createTune>;
  readonly jobs: Jobs;
  readonly saved: { modelId: string; settings: Partial<EngineSettings> }[];
  ended(id: string): Promise<Job>;
  run(wish?: Partial<ReturnType<typeof tuneWish.parse>>): Promise<{ job: Job; result: TuneResult }>;
  held: number;
}

const subject: TuneSubject = { modelId: 'm', modelName: 'Model', place: { key: 'cpu', name: 'Processor', kind: 'cpu' }, gpus: [], layers: 33, fitsWhole: true, base: engineSettings.parse({}) };

function makeRig(machine: Pick<MachineOfSpeeds, 'start'>, more: Partial<TuneOptions> = {}, about: Partial<TuneSubject> = {}): Rig {
  const jobs = createJobs({ folder: null, log: silentLogger });
  onTestFinished(() => jobs.stopAll());
  const saved: Rig['saved'] = [];
  const rig: Rig = {
    jobs, saved, held: 0,
    tune: createTune({
      jobs, start: machine.start, readings: null, folder: null, log: silentLogger, machine: () => ({ physicalCores: 8, logicalCores: 16 }),
      subject: () => Promise.resolve({ ...subject, ...about }), hold: () => { rig.held += 1; return () => { rig.held -= 1; }; },
      saveSettings: (modelId, settings) => { saved.push({ modelId, settings }); return Promise.resolve(); },
      ...more,
    }),
    ended: (id) => new Promise((resolve) => {
      const look = (): void => { if (!isUnderWay(jobs.get(id))) resolve(jobs.get(id)); };
      jobs.onChange(look);
      look();
    }),
    async run(wish = {}) {
      const { id } = await rig.tune.start(tuneWish.parse({ modelId: 'm', ...wish }));
      const job = await rig.ended(id);
      const [result] = await rig.tune.results();
      if (result === undefined) throw new Error('no result');
      return { job, result: tuneResult.parse(result) };
    },
  };
  return rig;
}
const speedOf = ({ threads, batch, flashAttention }: SearchSettings): number => 10 * Math.min(8, threads ?? 7) * ((threads ?? 7) > 8 ? 0.5 : 1) * (flashAttention === 'on' ? 1.1 : 1) * (batch === 256 ? 1.2 : 1);

describe('a search', () => {
  it('finds the fastest, proves it and saves what is other', async () => {
    const machine = makeMachine(speedOf);
    const rig = makeRig(machine);
    const { job, result } = await rig.run({ goal: 'prompt' });
    expect(job.state).toBe('done');
    expect(rig.saved).toEqual([{ modelId: 'm', settings: { threads: 8, batch: 256, flashAttention: 'on' } }]);
    expect(result).toMatchObject({ saved: true, problem: null });
    // 8 ÷ 7 threads × 1.2 × 1.1.
    expect(result.low ?? 0).toBeGreaterThan(1);
    expect(result.low ?? 9).toBeLessThan(1.51);
    expect(result.high ?? 0).toBeGreaterThan(1.51);
    expect(result.after ?? 0).toBeGreaterThan(result.before ?? Infinity);
    expect(result.candidates.filter((one) => one.state === 'winner')).toHaveLength(1);
    expect(machine.open()).toBe(0);
    expect(rig.held).toBe(0);
    expect(rig.tune.gauge.get()?.[0]?.id).toBe(result.id);
  });

  it('saves nothing when that was not wished for', async () => {
    const rig = makeRig(makeMachine(speedOf));
    const { result } = await rig.run({ goal: 'prompt', save: false });
    expect(result).toMatchObject({ saved: false, problem: null });
    expect(rig.saved).toEqual([]);
  });

  it('says so when nothing is faster, and leaves the settings alone', async () => {
    const rig = makeRig(makeMachine(() => 50, { noise: 0.03 }));
    const { job, result } = await rig.run();
    expect(job.state).toBe('done');
    expect(result.problem?.code).toBe('tune.no_gain');
    expect(rig.saved).toEqual([]);
  });

  it('saves a false winner in at most 8 % of searches where all are alike', async () => {
    let wrong = 0;
    for (let seed = 1; seed <= 200; seed += 1) {
      const { result } = await makeRig(makeMachine(() => 50, { noise: 0.05, seed: seed * 7919 })).run();
      if (result.candidates.some((one) => one.state === 'winner')) wrong += 1;
    }
    // 5 % is what is promised; 16 of 200 is its upper 95 % bound.
    expect(wrong).toBeLessThanOrEqual(16);
  });

  it('finds 95 % of the best with a quarter of the measurements of an exhaustive search', async () => {
    const shares: number[] = [];
    const spent: number[] = [];
    for (let seed = 1; seed <= 60; seed += 1) {
      const { job, result } = await makeRig(makeMachine(speedOf, { noise: 0.05, seed: seed * 104_729 })).run({ goal: 'prompt' });
      const chosen = result.candidates.find((one) => one.state === 'winner') ?? result.candidates[0];
      const truth = (settings: TuneResult['candidates'][number]['settings']): number => speedOf(engineSettings.parse(settings));
      shares.push(truth(chosen?.settings ?? {}) / Math.max(...result.candidates.map((one) => truth(one.settings))));
      // Exhaustive: each candidate ten times.
      spent.push(Number(job.result?.['runs']) / (result.candidates.length * 10));
    }
    expect(shares.filter((one) => one < 0.95).length / shares.length).toBeLessThanOrEqual(0.05);
    expect(Math.max(...spent)).toBeLessThanOrEqual(0.25);
  });
});

describe('what may go wrong', () => {
  it('candidates without memory fall out, and the search goes on', async () => {
    const gpu = { place: { key: 'GPU-1', name: 'RTX', kind: 'gpu' as const }, gpus: ['GPU-1'], fitsWhole: false, base: engineSettings.parse({ devices: ['GPU-1'], gpuLayers: 8 }) };
    const machine = makeMachine(({ gpuLayers }) => ((gpuLayers ?? 0) > 20 ? 0 : (gpuLayers ?? 0) * 5), { room: 1 });
    const rig = makeRig(machine, {}, gpu);
    const { result } = await rig.run();
    expect(result.candidates.filter((one) => one.state === 'no_memory').length).toBeGreaterThan(0);
    expect(rig.saved[0]?.settings.gpuLayers).toBe(17);
    // Two had no room side by side, so they took turns.
    expect(machine.most.count).toBe(1);
  });

  it('settings in use that cannot be measured end it', async () => {
    const rig = makeRig(makeMachine(() => 0));
    const { job, result } = await rig.run();
    expect(job).toMatchObject({ state: 'failed', problem: { code: 'tune.failed' } });
    expect(result.problem?.code).toBe('tune.failed');
    expect(rig.held).toBe(0);
  });

  it('it is cancelled at once, also in the middle of a measurement that never ends', async () => {
    let reached = (): void => undefined;
    const inside = new Promise<void>((resolve) => { reached = resolve; });
    let ended = 0;
    const rig = makeRig({ start: () => Promise.resolve({ sample: () => { reached(); return new Promise(() => undefined); }, end: () => { ended += 1; return Promise.resolve(); } }) });
    const { id } = await rig.tune.start(tuneWish.parse({ modelId: 'm' }));
    await inside;
    await rig.jobs.cancel(id);
    expect((await rig.ended(id)).state).toBe('cancelled');
    expect(ended).toBe(1);
    expect((await rig.tune.results())[0]).toMatchObject({ problem: null, saved: false, sentence: 'It was cancelled; nothing was changed.' });
    expect(rig.held).toBe(0);
  });

  it('cancelled while a candidate loads: it goes as soon as it has come', async () => {
    let loading = (): void => undefined;
    let letCome = (): void => undefined;
    const reached = new Promise<void>((resolve) => { loading = resolve; });
    const come = new Promise<void>((resolve) => { letCome = resolve; });
    let gone = (): void => undefined;
    const ended = new Promise<void>((resolve) => { gone = resolve; });
    const rig = makeRig({ start: async () => {
      loading();
      await come;
      return { sample: () => Promise.reject(new Error('never asked')), end: () => { gone(); return Promise.resolve(); } };
    } });
    const { id } = await rig.tune.start(tuneWish.parse({ modelId: 'm' }));
    await reached;
    await rig.jobs.cancel(id);
    expect((await rig.ended(id)).state).toBe('cancelled');
    letCome();
    await ended;
  });

  it('it stops at the budget', async () => {
    let waited = 0;
    const machine = makeMachine(speedOf);
    const outcome = await runSearch({
      candidates: listCandidates({ ...subject, goal: 'prompt', kind: 'cpu', place: 'cpu', physicalCores: 8, logicalCores: 16, allowAnswerChanging: false }), ask: { modelId: 'm', place: 'cpu', goal: 'prompt', contextTokens: 4096 },
      start: machine.start, readings: null, budgetSeconds: 8, signal: new AbortController().signal, clock: () => { waited += 250; return waited; }, onStep: () => undefined, log: () => undefined,
    });
    expect(outcome.outOfTime).toBe(true);
    expect(machine.open()).toBe(0);
  });

  it('throttled measurements are set aside and made again', async () => {
    let asked = 0;
    const readings: Readings = { hold: () => () => undefined, between: () => Promise.resolve({ powerWatts: null, smClockMhz: null, tempCelsius: null, eventReasons: (asked += 1) % 5 === 0 ? 0x20 : 0x4, joules: null, otherProcesses: null }) };
    const rig = makeRig(makeMachine(({ flashAttention }) => (flashAttention === 'on' ? 60 : 50)), { readings }, { place: { key: 'GPU-1', name: 'RTX', kind: 'gpu' }, gpus: ['GPU-1'], base: engineSettings.parse({ devices: ['GPU-1'] }) });
    const { result } = await rig.run();
    expect(result.saved).toBe(true);
    expect(result.notes.some((one) => one.includes('slowed itself down'))).toBe(true);
  });

  it('nothing else may be measured meanwhile, and a model that is not there starts nothing', async () => {
    const busy = makeRig(makeMachine(speedOf), { hold: () => { throw problemError('bench.busy', { title: 'A benchmark', place: 'Processor' }); } });
    await expect(busy.tune.start(tuneWish.parse({ modelId: 'm' }))).rejects.toMatchObject({ problem: { code: 'bench.busy' } });
    const none = makeRig(makeMachine(speedOf), { subject: () => Promise.reject(problemError('model.not_found', { what: 'm' })) });
    await expect(none.tune.start(tuneWish.parse({ modelId: 'm' }))).rejects.toMatchObject({ problem: { code: 'model.not_found' } });
    expect(busy.jobs.list()).toEqual([]);
  });

  it('results outlive the engine; a damaged file is left aside', async () => {
    const folder = makeTestFolder('tune');
    const { result } = await makeRig(makeMachine(speedOf), { folder }).run();
    expect((await makeRig(makeMachine(speedOf), { folder }).tune.results())[0]).toEqual(result);
    writeFileSync(join(folder, 'tune-results.json'), '{"schemaVersion":1,"results":[{"id"');
    expect(await makeRig(makeMachine(speedOf), { folder }).tune.results()).toEqual([]);
  });
});
