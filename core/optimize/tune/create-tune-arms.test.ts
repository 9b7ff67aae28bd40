import { expect, it } from 'vitest';
import { engineSettings } from '../../../contract/inference.ts';
import { isUnderWay } from '../../../contract/jobs.ts';
import { tuneWish } from '../../../contract/optimize.ts';
import { makeLoaded, modelAt, tinyFacts } from '../../inference/loaded/fixtures/test-support.ts';
import { createJobs } from '../../jobs/create-jobs.ts';
import { tinyModel } from '../../testing/models.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createTuneArms } from './create-tune-arms.ts';
import { createTune } from './create-tune.ts';

it.each(['decode', 'prompt', 'parallel'] as const)('measures real candidates in processes of their own, which are gone after: %s', { timeout: 120_000 }, async (goal) => {
  const model = modelAt(await tinyModel(makeTestFolder('tune-arms')), tinyFacts);
  const { loaded } = makeLoaded([model], { maxLoaded: 4 });
  const start = createTuneArms(loaded);
  const ask = { modelId: model.id, place: 'cpu', goal, contextTokens: 1024 };
  const base = { threads: 1, batch: 64, gpuLayers: null, flashAttention: 'off' as const, cacheTypeK: 'f16' as const, cacheTypeV: 'f16' as const, devices: [], parallel: goal === 'parallel' ? 2 : 1 };
  const { signal } = new AbortController();
  const one = await start(base, ask, signal);
  const other = await start({ ...base, flashAttention: 'on' }, ask, signal);
  expect(loaded.list()).toHaveLength(2);
  for (const arm of [one, other]) {
    const { value, startedAtMs, endedAtMs } = await arm.sample();
    expect(value).toBeGreaterThan(0);
    expect(endedAtMs).toBeGreaterThan(startedAtMs);
  }
  expect(new Set(loaded.list().map((loadedModel) => loadedModel.flashAttention))).toEqual(new Set([true, false]));
  await one.end();
  await other.end();
  expect(loaded.list()).toEqual([]);
});

it('searches with a real engine; what was loaded before stays', { timeout: 240_000 }, async () => {
  const model = modelAt(await tinyModel(makeTestFolder('tune-arms')), tinyFacts);
  const { loaded } = makeLoaded([model], { maxLoaded: 4 });
  const mine = await loaded.load({ model: model.id, settings: { contextTokens: 256 }, makeRoom: false });
  const jobs = createJobs({ folder: null, log: silentLogger });
  const tune = createTune({
    jobs, start: createTuneArms(loaded), readings: null, folder: null, log: silentLogger, machine: () => ({ physicalCores: 1, logicalCores: 1 }), hold: () => () => undefined,
    subject: () => Promise.resolve({ modelId: model.id, modelName: model.name, place: { key: 'cpu', name: 'Processor', kind: 'cpu' }, gpus: [], layers: 3, fitsWhole: true, base: engineSettings.parse({}) }),
    saveSettings: (id, settings) => loaded.setProfile(id, settings),
  });
  const { id } = await tune.start(tuneWish.parse({ modelId: model.id, contextTokens: 1024, budgetSeconds: 60 }));
  await new Promise<void>((resolve) => {
    const look = (): void => { if (!isUnderWay(jobs.get(id))) resolve(); };
    jobs.onChange(look);
    look();
  });
  expect(jobs.get(id)).toMatchObject({ state: 'done', problem: null });
  const [result] = await tune.results();
  expect(result?.candidates.every((one) => (one.value ?? 0) > 0)).toBe(true);
  expect(loaded.list().map((one) => one.id)).toEqual([mine.id]);
});
