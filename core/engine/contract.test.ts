import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getEventIteratorSchemaDetails, isContractProcedure, type AnyContractProcedure } from '@orpc/contract';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { api } from '../../contract/api.ts';
import { makeOpenApiDocument } from '../web/openapi-document.ts';
import { attachEngine, type AttachedEngine } from './attach-engine.ts';

let dir: string;
let engine: AttachedEngine;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'warpdeck-contract-'));
  // Nobody's environments: what is searched is the test's own folder and the system's Pythons.
  process.env['HOME'] = dir;
  engine = await attachEngine({ dataDir: dir, gpus: 'simulate:2', whenGpusDiffer: 'problem' });
});
afterAll(async () => {
  await engine.client.engine.stop({ cancelJobs: true });
  engine.close();
  await engine.closed;
  rmSync(dir, { recursive: true, force: true });
});

const operations: [string, AnyContractProcedure][] = Object.entries(api).flatMap(([area, list]) => Object.entries(list).flatMap(([name, procedure]) => (isContractProcedure(procedure) ? [[`${area}.${name}`, procedure] as [string, AnyContractProcedure]] : [])));
const call = (name: string, input: unknown): Promise<unknown> => {
  const [area = '', operation = ''] = name.split('.');
  const procedures = (engine.client as unknown as Record<string, Record<string, (i: unknown) => Promise<unknown>>>)[area];
  const run = procedures?.[operation];
  if (!run) throw new Error(`no operation ${name}`);
  return run(input);
};

const simulatedUuid = 'GPU-51a00000-0000-4000-8000-000000000000';

/** Inputs for every operation that can be asked without changing anything. */
const inputs: Readonly<Record<string, unknown>> = {
  'engine.info': {}, 'engine.watch': {}, 'engine.report': {}, 'engine.readiness': {}, 'engine.problems': {},
  'gpus.list': {}, 'gpus.watchInventory': {}, 'gpus.watch': { rateHz: 10 }, 'gpus.refresh': {}, 'gpus.processes': {}, 'gpus.watchProcesses': {}, 'gpus.processHistory': { pid: 1 }, 'gpus.simulateFault': { fault: 'none' },
  'history.query': { fromMs: Date.now() - 60_000, toMs: Date.now() }, 'history.events': { fromMs: 0, toMs: 1 }, 'history.status': {}, 'history.export': { fromMs: Date.now() - 60_000, toMs: Date.now(), format: 'csv' },
  'environments.matrix': {}, 'environments.watch': {}, 'environments.scan': {}, 'environments.judge': { for: ['RTX 5090', 'sm_90'], driver: '580.95' }, 'environments.judgeImage': { image: 'nvcr.io/nvidia/pytorch:25.04-py3', for: ['RTX 5090'] },
  'environments.advise': { for: ['RTX 5090'], driver: '580.95' }, 'environments.forecasts': {}, 'environments.proofs': {}, 'environments.drift': {}, 'environments.watchDrift': {}, 'environments.kinds': {}, 'upgrades.list': {}, 'upgrades.watch': {},
  'models.list': {}, 'models.watch': {}, 'models.search': {}, 'models.offered': {}, 'downloads.list': {}, 'downloads.watch': {}, 'inference.backends': {}, 'inference.watchBackends': {}, 'inference.settingNotes': {}, 'inference.loaded': {}, 'inference.watchLoaded': {}, 'inference.providers': {}, 'inference.watchProviders': {},
  'chat.list': {}, 'chat.watch': {}, 'chat.search': { text: 'x' }, 'comparisons.list': {}, 'comparisons.promptSets': {},
  'benchmarks.list': {}, 'benchmarks.outlook': {}, 'benchmarks.history': {}, 'benchmarks.past': { name: 'matmul' }, 'benchmarks.watch': {}, 'benchmarks.canary': {}, 'benchmarks.watchCanary': {},
  'optimize.overview': {}, 'optimize.watch': {}, 'optimize.toggles': {}, 'optimize.workloads': {}, 'optimize.checkPattern': { pattern: '(x)' }, 'optimize.effects': {}, 'optimize.profiles': {}, 'optimize.applications': {}, 'optimize.planLaunch': {}, 'optimize.deviceSettings': { uuid: simulatedUuid }, 'optimize.deviceChanges': {}, 'optimize.health': {}, 'optimize.explainSlow': {}, 'optimize.tuneResults': {}, 'optimize.watchTune': {},
  'recordings.list': {}, 'jobs.list': {}, 'jobs.watch': {},
  'settings.get': {}, 'settings.watch': {}, 'settings.update': { monitor: { range: '15m' } }, 'settings.secrets': {},
  'alerts.list': {}, 'alerts.watch': {}, 'alerts.quiet': { alertId: null, untilMs: 0 }, 'alerts.preview': {},
};

describe('every operation', () => {
  it.each(operations)('%s says what it does, and answers by its own schema', async (name, procedure) => {
    const def = procedure['~orpc'];
    const meta = def.meta as { effect?: string; stream?: string };
    expect(meta.effect).toMatch(/^(read|write|destructive)$/);
    expect(def.route.summary?.length).toBeGreaterThan(10);
    expect(def.outputSchema).toBeDefined();
    const iterator = getEventIteratorSchemaDetails(def.outputSchema);
    expect(iterator !== undefined).toBe(meta.stream !== undefined);
    if (!(name in inputs)) return;
    const answer = await call(name, inputs[name]);
    const schema = iterator ? iterator.yields : def.outputSchema;
    let value = answer;
    if (iterator) {
      const stream = answer as AsyncIterator<unknown>;
      const first = await stream.next();
      await stream.return?.();
      if (first.done) return;
      value = first.value;
    }
    const checked = await schema?.['~standard'].validate(value);
    expect(checked?.issues ?? []).toEqual([]);
  });

  it('has an input above, or changes something', () => {
    const unasked = operations.filter(([name]) => !(name in inputs)).map(([name]) => name);
    expect(unasked.sort()).toEqual(['benchmarks.compare', 'benchmarks.export', 'benchmarks.get', 'benchmarks.import', 'benchmarks.remove', 'benchmarks.run', 'benchmarks.runCanary', 'chat.create', 'chat.export', 'chat.follow', 'chat.page', 'chat.regenerate', 'chat.remove', 'chat.restore', 'chat.send', 'chat.stop', 'chat.update', 'comparisons.export', 'comparisons.get', 'comparisons.remove', 'comparisons.removePromptSet', 'comparisons.savePromptSet', 'comparisons.start', 'comparisons.vote', 'comparisons.watch', 'downloads.cancel', 'downloads.pause', 'downloads.resume', 'downloads.start', 'engine.startWeb', 'engine.stop', 'engine.stopWeb', 'environments.addFolder', 'environments.get', 'environments.prove', 'environments.removeFolder', 'environments.seeDrift', 'gpus.planTerminate', 'gpus.terminate', 'inference.addProvider', 'inference.build', 'inference.checkProvider', 'inference.fetchRuntime', 'inference.generate', 'inference.load', 'inference.removeProvider', 'inference.setProfile', 'inference.tryBackends', 'inference.unload', 'jobs.attach', 'jobs.cancel', 'jobs.get', 'models.addFolder', 'models.get', 'models.lookUp', 'models.measure', 'models.outlook', 'models.planRemove', 'models.remove', 'models.removeFolder', 'models.verify', 'optimize.apply', 'optimize.applyDevice', 'optimize.confirmDevice', 'optimize.effect', 'optimize.measure', 'optimize.planApply', 'optimize.planDevice', 'optimize.planRevert', 'optimize.removeProfile', 'optimize.revert', 'optimize.revertDevice', 'optimize.saveProfile', 'optimize.tune', 'recordings.start', 'settings.setSecret', 'upgrades.apply', 'upgrades.forget', 'upgrades.plan', 'upgrades.planRollback', 'upgrades.rollback']);
  });

  it.each(operations)('%s refuses input that does not fit, with a Problem', async (name) => {
    await expect(call(name, { unexpected: true })).rejects.toMatchObject({ code: 'PROBLEM', data: { code: 'input.invalid' } });
    await fc.assert(fc.asyncProperty(fc.oneof(fc.string(), fc.integer(), fc.array(fc.anything({ withNullPrototype: false, maxDepth: 1 }), { maxLength: 3 }), fc.dictionary(fc.constantFrom('fromMs', 'toMs', 'pid', 'id', 'zz'), fc.string(), { minKeys: 1 })), async (input) => {
      const answer = await call(name, input).then(() => 'accepted', (error: unknown) => (error as { data?: { code?: string } }).data?.code);
      // What happens to fit an id may be a job that is not there; nothing else may pass.
      expect(['input.invalid', 'job.not_found', 'process.plan_expired', 'env.not_found', 'upgrade.nothing_to_undo', 'model.not_found', 'download.unknown', 'load.not_loaded', 'provider.not_found', 'chat.not_found', 'bench.run_not_found', 'effect.not_found', 'profile.not_found', 'apply.not_found', 'device.not_found']).toContain(answer);
    }), { numRuns: 15, seed: 20_261_121 });
  });
});

it('the OpenAPI document is the one that was agreed on', async () => {
  const path = fileURLToPath(new URL('./openapi.golden.json', import.meta.url));
  const text = `${JSON.stringify(await makeOpenApiDocument(), null, 1)}\n`;
  if (process.env['WARPDECK_UPDATE_GOLDEN']) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
});
