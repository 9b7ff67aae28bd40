import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { effectCard, optimizeOverview, profile, type ChosenToggle, type MeasureWish } from '../../contract/optimize.ts';
import type { Job } from '../../contract/jobs.ts';
import { problemError } from '../../contract/problem-catalogue.ts';
import { problemOf } from '../../contract/problem.ts';
import { checkPattern } from '../benchmarks/arms/check-pattern.ts';
import type { Readings } from '../benchmarks/parts.ts';
import { createJobs, type Jobs } from '../jobs/create-jobs.ts';
import { startStorage, type StorageClient } from '../storage/storage-client.ts';
import { silentLogger } from '../testing/silent-logger.ts';
import { makeTestFolder } from '../testing/test-folder.ts';
import { createEffects } from './create-effects.ts';
import type { EffectsDeps, EffectSubject } from './effects/effects-deps.ts';
import { isAlive, makeBurnArms } from './effects/fixtures/start-burn-arm.ts';

const opened: StorageClient[] = [];
afterAll(() => Promise.all(opened.map((one) => one.close())));
function openStorage(path: string | null): StorageClient {
  const storage = startStorage(path, silentLogger);
  opened.push(storage);
  return storage;
}

const reading = { powerWatts: 40, smClockMhz: null, tempCelsius: null, eventReasons: 0, joules: 2, otherProcesses: null as number | null };
/** As recorded of a machine; `change` by number of the question. */
function recorded(change: (number: number) => Partial<typeof reading> = () => ({})): Readings {
  let number = 0;
  return { hold: () => () => undefined, between: () => Promise.resolve({ ...reading, ...change(number++) }) };
}
const python = { path: '/envs/lab/bin/python', realPath: '/usr/bin/python3', version: '3.12.4', implementation: 'cpython', abi: 'cp312', freeThreaded: false } as const;
const subject: EffectSubject = {
  environment: { id: 'lab', name: 'lab', torch: '2.8.0+cpu', found: { id: 'lab', prefix: '/envs/lab', python }, hasTriton: false },
  place: { key: 'cpu', name: 'Processor' }, driver: null, computeCapability: null, llama: 'b9000', cores: 4, wsl: false, problems: [],
};
const gpu: EffectSubject = { ...subject, place: { key: 'GPU-1', name: 'NVIDIA H200' }, driver: '580.95', computeCapability: '9.0' };

interface Rig {
  readonly effects: ReturnType<typeof createEffects>;
  readonly jobs: Jobs;
  readonly arms: ReturnType<typeof makeBurnArms>;
  readonly held: string[];
  changes(): number;
}
function makeRig(change: Partial<EffectsDeps> = {}, arms = makeBurnArms()): Rig {
  const jobs = createJobs({ folder: null, log: silentLogger });
  const held: string[] = [];
  let changes = 0;
  const effects = createEffects({
    startArm: arms.start, readings: recorded(), jobs, storage: openStorage(null), log: silentLogger, platform: 'linux', variables: {},
    readSubject: () => Promise.resolve(subject),
    readModel: (id) => Promise.resolve({ id: id ?? 'tiny', name: 'Tiny', settings: { contextTokens: 4096 } }),
    readApplied: () => Promise.resolve([]),
    readDeviceSettings: () => Promise.resolve([]),
    planLaunch: (toggles) => Promise.resolve({ variables: { WARPDECK_TOGGLES: toggles.map((one) => one.toggleId).join(' ') }, toggles: [...toggles], dropped: [], notes: [] }),
    checkPattern,
    lock: {
      take({ title, place }) {
        if (held.length > 0) throw problemError('bench.busy', { title: held[0] ?? '', place });
        held.push(title);
        return () => void held.splice(0);
      },
    },
    onChange: () => { changes++; },
    ...change,
  });
  return { effects, jobs, arms, held, changes: () => changes };
}

const wish = (toggles: readonly ChosenToggle[], change: Partial<MeasureWish> = {}): MeasureWish => ({ environmentId: null, place: null, toggles: [...toggles], profileId: null, workload: null, modelId: null, budgetSeconds: 60, ...change });
const slow: ChosenToggle = { toggleId: 'cpu_threads', value: '1' };
const half: ChosenToggle = { toggleId: 'cpu_threads', value: 'half' };
const interop: ChosenToggle = { toggleId: 'interop_threads', value: '4' };

function ended(jobs: Jobs, id: string): Promise<Job> {
  return new Promise((resolve) => {
    const look = (): void => {
      const job = jobs.get(id);
      if (job.endedAtMs === null) return;
      stop();
      resolve(job);
    };
    const stop = jobs.onChange(look);
    look();
  });
}
async function measured(rig: Rig, given: MeasureWish): Promise<Awaited<ReturnType<Rig['effects']['effect']>>> {
  const job = await ended(rig.jobs, (await rig.effects.measure(given)).id);
  expect(job.problem).toBeNull();
  expect(job.state).toBe('done');
  return rig.effects.effect(String(job.result?.['effectId']));
}
const codeOf = (work: Promise<unknown>): Promise<string | undefined> => work.then(() => undefined, (error: unknown) => problemOf(error)?.code);

describe('a measurement', { timeout: 60_000 }, () => {
  it('finds a switch that triples the work, keeps it, and knows later what has changed', async () => {
    const path = join(makeTestFolder('effects'), 'warpdeck.db');
    const storage = openStorage(path);
    const rig = makeRig({ storage });
    const card = await measured(rig, wish([slow]));
    expect(card).toMatchObject({ verdict: 'hurts', toggles: [slow], workload: { name: 'cpu-matmul' }, stale: null, problem: null, environmentName: 'lab', identity: { torch: '2.8.0+cpu' } });
    expect(card.ratio).toBeGreaterThan(0.2);
    expect(card.ratio).toBeLessThan(0.5);
    expect(card.sentence).toMatch(/^hurts: 0\.[234]\d× as fast$/);
    expect(card.pairs.length).toBeGreaterThanOrEqual(8);
    expect(card.a).toEqual({ memoryBytes: 1_000_000, joulesPerUnit: 0.4, error: 0.25 });
    expect(card.b.memoryBytes).toBe(3_000_000);
    // Fresh processes in each generation, all ended; the start hook is off in both.
    expect(rig.arms.pids.length).toBeGreaterThanOrEqual(4);
    expect(rig.arms.pids.filter(isAlive)).toEqual([]);
    expect(rig.arms.wishes.every((one) => one.variables['WARPDECK_OPTIMIZE'] === '0')).toBe(true);
    expect(rig.held).toEqual([]);
    expect(rig.effects.isMeasuring()).toBe(false);
    expect(rig.changes()).toBeGreaterThanOrEqual(2);

    // The next engine, with another PyTorch in the environment.
    await storage.close();
    const later = makeRig({ storage: openStorage(path), readSubject: () => Promise.resolve({ ...subject, environment: subject.environment === null ? null : { ...subject.environment, torch: '2.9.0+cpu' } }) });
    const [stored] = await later.effects.effects({ toggleId: 'cpu_threads', limit: 10 });
    expect(stored).toEqual({ ...card, pairs: [], stale: 'PyTorch 2.8.0+cpu → 2.9.0+cpu' });
    expect((await later.effects.effect(card.id)).pairs).toEqual(card.pairs);
    expect(await later.effects.effects({ toggleId: 'tf32', limit: 10 })).toEqual([]);
    const overview = optimizeOverview.parse(await later.effects.overview({ environmentId: null, place: null }));
    expect(overview.states.find((one) => one.toggle.id === 'cpu_threads')?.effects.map((one) => one.id)).toEqual([card.id]);
    expect(overview.states.find((one) => one.toggle.id === 'tf32')).toMatchObject({ state: 'unavailable', why: 'It does something on a GPU only.' });
    // An environment that is gone.
    const gone = makeRig({ storage: openStorage(path), readSubject: () => Promise.reject(problemError('bench.no_torch', { detail: 'It is gone.' })) });
    expect((await gone.effects.effect(card.id)).stale).toMatch(/no PyTorch/);
  });

  it('is seen while it goes on', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    let pairs = 0;
    const rig = makeRig({ readings: { hold: () => () => undefined, between: async () => {
      if (++pairs === 7) await promise;
      return reading;
    } } });
    const job = await rig.effects.measure(wish([slow]));
    const card = await new Promise<string>((found) => {
      const stop = rig.jobs.onChange(() => {
        if (rig.jobs.get(job.id).doing?.includes('3 of at most') !== true) return;
        stop();
        void rig.effects.effects({ toggleId: null, limit: 5 }).then(([one]) => found(one?.id ?? ''));
      });
    });
    expect(rig.effects.isMeasuring()).toBe(true);
    const live = effectCard.parse(await rig.effects.effect(card));
    expect(live).toMatchObject({ verdict: null, setAside: 0 });
    expect(live.pairs).toHaveLength(3);
    expect(live.sentence).toMatch(/^≈ 0\.\d\d× so far, 3 of at most 40 pairs$/);
    expect(await codeOf(rig.effects.measure(wish([slow])))).toBe('bench.busy');
    resolve(undefined);
    expect((await ended(rig.jobs, job.id)).state).toBe('done');
  });

  it('cancelled: at once, nothing is left', async () => {
    const reached = Promise.withResolvers<undefined>();
    let pairs = 0;
    const rig = makeRig({ readings: { hold: () => () => undefined, between: () => {
      if (++pairs === 5) reached.resolve(undefined);
      return Promise.resolve(reading);
    } } });
    const { id } = await rig.effects.measure(wish([half]));
    await reached.promise;
    await rig.jobs.cancel(id);
    expect((await ended(rig.jobs, id)).state).toBe('cancelled');
    expect(rig.arms.pids.filter(isAlive)).toEqual([]);
    expect(await rig.effects.effects({ toggleId: null, limit: 5 })).toEqual([]);
    expect(rig.held).toEqual([]);
    expect(rig.effects.isMeasuring()).toBe(false);
  });

  it('a switch that this PyTorch does not know: could not run, with the reason', async () => {
    const rig = makeRig();
    const card = await measured(rig, wish([interop]));
    expect(card).toMatchObject({ verdict: 'could_not_run', sentence: 'could not run', ratio: null, problem: { code: 'toggle.unavailable' }, notes: [] });
    expect(rig.arms.pids.filter(isAlive)).toEqual([]);
  });
  it('a process that dies in the middle: could not run, with the pairs until then', async () => {
    const rig = makeRig({}, makeBurnArms((one) => (one.variables['OMP_NUM_THREADS'] === undefined ? {} : { DIES_AFTER: '2' })));
    const card = await measured(rig, wish([half]));
    expect(card).toMatchObject({ verdict: 'could_not_run', problem: { code: 'bench.case_fails' }, notes: [] });
    expect(card.pairs).toHaveLength(1);
    expect(rig.arms.pids.filter(isAlive)).toEqual([]);
  });
  it('what fails without the switch is not its fault', async () => {
    const rig = makeRig({}, makeBurnArms((one) => (one.variables['OMP_NUM_THREADS'] === undefined ? { DIES_AFTER: '0' } : {})));
    expect(await measured(rig, wish([half]))).toMatchObject({ verdict: 'could_not_run', notes: ['It failed without the switch: the switch is not the cause.'] });
  });
  it.each(['0', '-1', 'NaN'])('a figure of %s is none', async (FIGURE) => {
    const rig = makeRig({}, makeBurnArms((one) => (one.variables['OMP_NUM_THREADS'] === undefined ? {} : { FIGURE })));
    expect(await measured(rig, wish([half]))).toMatchObject({ verdict: 'could_not_run', problem: { code: 'bench.case_fails' } });
  });

  it('pairs while it throttled are set aside and taken again', async () => {
    const rig = makeRig({ readings: recorded((number) => (number === 3 ? { eventReasons: 0x40 } : {})) });
    const card = await measured(rig, wish([slow]));
    expect(card).toMatchObject({ verdict: 'hurts', setAside: 1 });
    expect(card.pairs.filter((one) => !one.kept)).toMatchObject([{ why: 'throttled' }]);
  });
  it('pairs while somebody else used the GPU are set aside; when that does not end, the measurement was disturbed', async () => {
    const came = makeRig({ readings: recorded((number) => ({ otherProcesses: number === 4 || number === 5 ? 2 : 1 })) });
    const card = await measured(came, wish([slow]));
    expect(card).toMatchObject({ verdict: 'hurts', setAside: 1 });
    expect(card.pairs.filter((one) => !one.kept)).toMatchObject([{ why: 'another process came' }]);
    const stays = makeRig({ readings: recorded((number) => ({ otherProcesses: number < 2 ? 0 : 1 })) });
    expect(await measured(stays, wish([half]))).toMatchObject({ verdict: 'cannot_resolve', problem: { code: 'effect.disturbed', cause: expect.stringContaining('another process came') } });
  });
  it('a machine that always throttles: the measurement was disturbed', async () => {
    const rig = makeRig({ readings: recorded(() => ({ eventReasons: 0x8 })) });
    const card = await measured(rig, wish([half]));
    expect(card).toMatchObject({ verdict: 'cannot_resolve', ratio: null, setAside: 40, problem: { code: 'effect.disturbed' }, sentence: 'cannot tell: too few pairs count' });
  });

  it('your own program gets its switches as when it is started with them', async () => {
    const rig = makeRig({}, makeBurnArms((one) => (one.variables['WARPDECK_TOGGLES'] === undefined ? {} : { BURN: '3' })));
    const command = { command: ['python', 'train.py'], pattern: '(\\d+)', higherIsBetter: true, unit: 'step/s', folder: null, timeoutSeconds: 10 };
    const card = await measured(rig, wish([{ toggleId: 'onednn', value: 'off' }], { workload: command }));
    expect(card).toMatchObject({ verdict: 'hurts', workload: { name: 'command', title: 'python train.py', unit: 'step/s', engine: 'command' } });
    expect(rig.arms.wishes.every((one) => typeof one.workload === 'object')).toBe(true);
  });
  it('where less is better, less is faster', async () => {
    const rig = makeRig({}, makeBurnArms((one) => ({ FIGURE: one.variables['WARPDECK_TOGGLES'] === undefined ? '20' : '10' })));
    const command = { command: ['./run'], pattern: '(.*)', higherIsBetter: false, unit: 's', folder: null, timeoutSeconds: 10 };
    expect(await measured(rig, wish([half], { workload: command }))).toMatchObject({ verdict: 'helps', sentence: 'helps: 2.00× faster' });
  });
  it('a model in llama.cpp: the same but for the setting', async () => {
    const rig = makeRig({}, makeBurnArms((one) => ({ FIGURE: one.model?.settings.flashAttention === 'on' ? '13' : '10' })));
    const card = await measured(rig, wish([{ toggleId: 'llama_flash_attention', value: 'on' }]));
    expect(card).toMatchObject({ verdict: 'helps', environmentId: null, workload: { name: 'llm-decode-long' }, identity: { engine: 'b9000', torch: null } });
    // On a busy machine it is also said that processes differ.
    expect(card.notes).toContain('With Tiny.');
    expect(rig.arms.wishes[0]?.model).toEqual({ id: 'tiny', settings: { contextTokens: 4096, flashAttention: 'off' } });
    expect(rig.arms.wishes[1]?.model).toEqual({ id: 'tiny', settings: { contextTokens: 4096, flashAttention: 'on' } });
    const overview = await rig.effects.overview({ environmentId: null, place: null });
    expect(overview.states.find((one) => one.toggle.id === 'llama_flash_attention')?.effects).toHaveLength(1);
  });

  it('with no time at all: two generations, and what could be said', async () => {
    const rig = makeRig({}, makeBurnArms((one) => ({ FIGURE: one.variables['OMP_NUM_THREADS'] === undefined ? '10' : '20' })));
    const card = await measured(rig, wish([half], { budgetSeconds: 0.001 }));
    expect(card.pairs).toHaveLength(8);
    expect(card.verdict).toBe('helps');
  });
  it('runs that take far longer than the time: it ends, and says that it cannot tell', async () => {
    // Two seconds pass with each look at the readings, as far as this clock goes.
    let atMs = 0;
    const now = performance.now.bind(performance);
    const rig = makeRig({ readings: { hold: () => () => undefined, between: () => {
      atMs += 2000;
      return Promise.resolve(reading);
    } }, monotonic: () => now() + atMs });
    const card = await measured(rig, wish([half], { budgetSeconds: 5 }));
    expect(card).toMatchObject({ verdict: 'cannot_resolve', problem: null });
    expect(card.pairs.length).toBeLessThan(8);
  });
  it('where nothing can be stored it is kept in memory, and said', async () => {
    const file = join(makeTestFolder('effects'), 'file');
    writeFileSync(file, 'not a folder');
    const rig = makeRig({ storage: openStorage(join(file, 'warpdeck.db')) });
    const job = await ended(rig.jobs, (await rig.effects.measure(wish([slow]))).id);
    expect(job.result).toMatchObject({ verdict: 'hurts', stored: false });
    expect(await rig.effects.effects({ toggleId: null, limit: 5 })).toHaveLength(1);
    expect(await rig.effects.profiles()).toHaveLength(3);
    expect(await codeOf(rig.effects.saveProfile({ id: null, title: 'Mine', toggles: [half] }))).toBe('bench.storage');
    expect(await codeOf(makeRig({ storage: openStorage(join(file, 'warpdeck.db')) }).effects.effects({ toggleId: null, limit: 5 }))).toBe('bench.storage');
  });
});

describe('what is refused', () => {
  it.each<[string, MeasureWish, EffectSubject, string]>([
    ['a switch that does not exist', wish([{ toggleId: 'warp', value: 'on' }]), subject, 'toggle.unknown'],
    ['a value that does not exist', wish([{ toggleId: 'tf32', value: 'warp' }]), subject, 'toggle.unknown'],
    ['a switch that is not there', wish([{ toggleId: 'tf32', value: 'high' }]), subject, 'toggle.unavailable'],
    ['a workload that it does not touch', wish([half], { workload: 'attention' }), subject, 'toggle.workload'],
    ['a workload that does not exist', wish([half], { workload: 'warp' }), subject, 'toggle.workload'],
    ['a setting of the GPU', wish([{ toggleId: 'power_limit', value: 'chosen' }]), gpu, 'toggle.workload'],
    ['an engine setting for a program', wish([{ toggleId: 'llama_batch', value: '1024' }], { workload: { command: ['x'], pattern: '(x)', higherIsBetter: true, unit: '', folder: null, timeoutSeconds: 1 } }), subject, 'toggle.workload'],
    ['a pattern that is none', wish([half], { workload: { command: ['x'], pattern: '(', higherIsBetter: true, unit: '', folder: null, timeoutSeconds: 1 } }), subject, 'effect.pattern'],
    ['no environment', wish([half]), { ...subject, environment: null }, 'bench.no_torch'],
    ['processor work on a GPU', wish([half], { workload: 'cpu-matmul' }), gpu, 'bench.no_place'],
    ['a profile that does not exist', wish([half], { profileId: 'warp' }), subject, 'profile.not_found'],
  ])('%s', async (_, given, where, code) => {
    const rig = makeRig({ readSubject: () => Promise.resolve(where) });
    expect(await codeOf(rig.effects.measure(given))).toBe(code);
    expect(rig.held).toEqual([]);
    expect(rig.arms.wishes).toEqual([]);
  });
  it('an effect that is not stored', async () => expect(await codeOf(makeRig().effects.effect('none'))).toBe('effect.not_found'));
});

describe('profiles', { timeout: 60_000 }, () => {
  it('come with Warpdeck, and are kept', async () => {
    const { effects } = makeRig();
    for (const one of await effects.profiles()) expect(() => profile.parse(one)).not.toThrow();
    expect((await effects.profiles()).map((one) => one.id)).toEqual(['voice_processing', 'llm_inference', 'training']);
    const own = await effects.saveProfile({ id: null, title: 'Mine', toggles: [half, slow] });
    expect(own).toMatchObject({ title: 'Mine', builtIn: false, toggles: [slow], effects: [] });
    expect(await effects.saveProfile({ id: own.id, title: 'Ours', toggles: [half] })).toMatchObject({ id: own.id, title: 'Ours' });
    expect((await effects.profiles()).map((one) => one.title)).toContain('Ours');
    await effects.removeProfile(own.id);
    expect(await codeOf(effects.removeProfile(own.id))).toBe('profile.not_found');
    expect(await codeOf(effects.removeProfile('training'))).toBe('profile.not_found');
    expect(await codeOf(effects.saveProfile({ id: 'training', title: 'x', toggles: [half] }))).toBe('profile.not_found');
    expect(await codeOf(effects.saveProfile({ id: null, title: 'x', toggles: [{ toggleId: 'warp', value: 'on' }] }))).toBe('toggle.unknown');
  });
  it('are measured as a set; what is not here is left out and said', async () => {
    const rig = makeRig({}, makeBurnArms((one) => ({ FIGURE: one.toggles.length === 0 ? '10' : '17' })));
    const card = await measured(rig, wish([half], { profileId: 'training' }));
    expect(card).toMatchObject({ verdict: 'helps', profileId: 'training', workload: { name: 'training-step' } });
    expect(card.toggles.map((one) => one.toggleId)).toEqual(['autocast', 'compile', 'fused_optimizer']);
    expect(card.notes).toContain('TF32 for FP32 matmul: TF32 was left out: It does something on a GPU only.');
    expect(rig.arms.wishes[1]?.toggles).toEqual(card.toggles);
    expect((await rig.effects.profiles()).find((one) => one.id === 'training')?.effects.map((one) => one.id)).toEqual([card.id]);
    // A set is not the effect of one of its switches.
    expect((await rig.effects.overview({ environmentId: null, place: null })).states.every((one) => one.effects.length === 0)).toBe(true);
  });
});

describe('states', () => {
  const stateOf = async (id: string, change: Partial<EffectsDeps>): Promise<unknown> => {
    const overview = await makeRig(change).effects.overview({ environmentId: null, place: null });
    return overview.states.find((one) => one.toggle.id === id);
  };
  const onGpu = { readSubject: () => Promise.resolve(gpu) };
  const limit = { id: 'power_limit', title: 'Power limit', value: 500, unit: 'W', min: 200, max: 700, defaultValue: 700, canChange: true, whyNot: null } as const;
  it.each<[string, string, Partial<EffectsDeps>, object]>([
    ['nobody set it', 'tf32', onGpu, { state: 'default', value: null }],
    ['Warpdeck applied it', 'tf32', { ...onGpu, readApplied: () => Promise.resolve([{ toggleId: 'tf32', value: 'high' }]) }, { state: 'set', value: 'high' }],
    ['somebody else did', 'cpu_threads', { variables: { OMP_NUM_THREADS: '2' } }, { state: 'other', value: 'OMP_NUM_THREADS=2' }],
    ['not on this GPU', 'fp8', { readSubject: () => Promise.resolve({ ...gpu, computeCapability: '8.0' }) }, { state: 'unavailable' }],
    ['a device setting that is changed', 'power_limit', { ...onGpu, readDeviceSettings: () => Promise.resolve([limit]) }, { state: 'set', value: '500 W' }],
    ['one that is not reported', 'power_limit', onGpu, { state: 'unknown' }],
    ['what is applied cannot be read', 'tf32', { ...onGpu, readApplied: () => Promise.reject(problemError('apply.not_found', { what: 'x' })) }, { state: 'unknown' }],
  ])('%s', async (_, id, change, expected) => expect(await stateOf(id, change)).toMatchObject(expected));
  it('a part that cannot be read is told', async () => {
    const overview = await makeRig({ ...onGpu, readDeviceSettings: () => Promise.reject(problemError('device.not_real', { source: 'replayed' })) }).effects.overview({ environmentId: null, place: null });
    expect(overview.problems.map((one) => one.code)).toEqual(['device.not_real']);
  });
});
