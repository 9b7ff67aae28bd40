import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { engineSettings } from '../../../contract/inference.ts';
import type { FilePlace, OfferedModel } from '../../../contract/models.ts';
import { defaultSettings } from '../../../contract/settings.ts';
import { createJobs } from '../../jobs/create-jobs.ts';
import { createSupervisor } from '../../supervisor/create-supervisor.ts';
import { makeGguf, type HubContent } from '../../testing/model-hub/make-gguf.ts';
import { startModelHub } from '../../testing/model-hub/start-model-hub.ts';
import { tinyModel } from '../../testing/models.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createHub } from '../hub/create-hub.ts';
import { smolFacts } from '../loaded/fixtures/test-support.ts';
import type { Place } from '../parts.ts';
import { createExperience } from './create-experience.ts';
import { createModels, type Models } from './create-models.ts';
import { decideFilePlaces, decideSizeVerdict, scaleFacts, type FilePlacesQuestion } from './decide-file-places.ts';
import { createKnownModels, type SpeedRecord } from './known-models.ts';
import { createReadHeaders, findHeader } from './offered-models.ts';

const GIB = 2 ** 30;
const cpu: Place = { key: 'cpu', name: 'CPU', kind: 'cpu', freeBytes: 64 * GIB, capacityBytes: 64 * GIB, bandwidth: null, computeCapability: null, unifiedMemory: false };
const gpu: Place = { key: 'GPU-1', name: 'RTX 4090', kind: 'gpu', freeBytes: 20 * GIB, capacityBytes: 24 * GIB, bandwidth: { bytesPerSecond: 1008e9, from: 'data sheet' }, computeCapability: '8.9', unifiedMemory: false };
const experience = createExperience(createKnownModels(null, silentLogger), () => undefined);
const ask = (more: Partial<FilePlacesQuestion>): FilePlace[] => decideFilePlaces({ offer: { parameters: null, activeParameters: null }, file: { bytes: 5e9 }, header: null, ids: [], settings: engineSettings.parse({}), places: [gpu, cpu], loaded: [], experience, records: [], ...more });
const record = (modelId: string, tokensPerSecond: number): SpeedRecord => ({ modelId, place: 'GPU-1', backend: 'cuda', bytesPerToken: 96e6, depth: 0, tokensPerSecond, tokens: 64, synthetic: true, atMs: 1 });

describe('from the size of a file alone', () => {
  it.each([[4.58, 20, 64, 'fits'], [15.2, 20, 64, 'fits'], [15.3, 20, 64, 'unknown'], [20, 20, 64, 'unknown'], [20.1, 20, 64, 'fits_partly'], [84, 20, 64, 'does_not_fit'], [20.1, 20, 0, 'does_not_fit'], [5, 0.5, 64, 'does_not_fit'], [0.1, null, 64, 'unknown']] as const)('%d GiB of weights where %o GiB are free, and %d beside: %s', (weights, free, host, verdict) => {
    expect(decideSizeVerdict(weights * GIB, free === null ? null : free * GIB, host * GIB)).toBe(verdict);
  });

  it('all of it counts as read for a token; of a mixture what is at work; nothing is said of a processor', () => {
    const [there, processor] = ask({});
    expect(there).toMatchObject({ place: 'GPU-1', from: 'size', weightsBytes: 5e9, verdict: 'fits', memory: null, speed: { basis: 'prior', bytesPerToken: 5e9, roofline: 1008 / 5 } });
    expect(processor).toMatchObject({ place: 'cpu', verdict: 'fits', speed: { tokensPerSecond: null } });
    const [mixture] = ask({ offer: { parameters: 30e9, activeParameters: 3e9 } });
    expect(mixture?.speed.bytesPerToken).toBeCloseTo(5e8);
    // Wider than from a header.
    const [known] = ask({ header: { facts: { ...smolFacts, bytes: { ...smolFacts.bytes, total: 5e9 } }, own: true } });
    expect(known?.from).toBe('header');
    const width = (one: FilePlace | undefined): number => ((one?.speed.high ?? 0) - (one?.speed.low ?? 0)) / (one?.speed.tokensPerSecond ?? 1);
    expect(width(there)).toBeGreaterThan(width(known) * 1.2);
  });
  it('without a size nothing is said', () => { expect(ask({ file: { bytes: 0 } })).toEqual([]); });
});

describe('from a header', () => {
  it('of its own: memory with cache and buffers, and the speed as it was measured', () => {
    const [there] = ask({ header: { facts: smolFacts, own: true }, ids: ['shape-x'], records: [record('shape-x', 512), record('other', 300)] });
    expect(there).toMatchObject({ from: 'header', verdict: 'fits', speed: { basis: 'measured_synthetic', tokensPerSecond: 512 } });
    expect(there?.memory?.totalBytes).toBeGreaterThan((there?.weightsBytes ?? 0) + (there?.memory?.cacheBytes ?? 0));
  });
  it('of another quantisation: weights scaled to its size, the cache as it is, no measurement of the other taken over', () => {
    const total = smolFacts.bytes.total * 2;
    const [own] = ask({ header: { facts: smolFacts, own: true } });
    const [scaled] = ask({ header: { facts: smolFacts, own: false }, file: { bytes: total }, ids: ['shape-x'], records: [] });
    expect(scaled).toMatchObject({ from: 'sibling', speed: { basis: 'prior' } });
    expect(scaled?.weightsBytes).toBeCloseTo(2 * (own?.weightsBytes ?? 0), -3);
    expect(scaled?.memory?.cacheBytes).toBe(own?.memory?.cacheBytes);
    expect(scaled?.speed.bytesPerToken).toBeGreaterThan(1.9 * (own?.speed.bytesPerToken ?? 0));
    const facts = scaleFacts(smolFacts, total);
    expect((facts?.bytes.layers ?? []).reduce((a, b) => a + b, 0) + (facts?.bytes.inputEmbedding ?? 0) + (facts?.bytes.output ?? 0) + (facts?.bytes.rest ?? 0)).toBeCloseTo(total * ((smolFacts.bytes.layers.reduce((a, b) => a + b, 0) + smolFacts.bytes.inputEmbedding + smolFacts.bytes.output + smolFacts.bytes.rest) / smolFacts.bytes.total), -3);
    expect(scaleFacts(smolFacts, 0)).toBeNull();
  });
  it('the nearest in size serves where its own was not read', () => {
    const file = (quantisation: string, bytes: number): OfferedModel['files'][number] => ({ quantisation, file: `m-${quantisation}.gguf`, parts: 1, bytes, sha256: null, hereAs: null });
    const files = [file('Q2_K', 1e9), file('Q4_K_M', 2e9), file('F16', 8e9)];
    const offer = { id: 'a/m', files } as unknown as OfferedModel;
    const headers = createReadHeaders();
    const keep = (name: string, layers: number, announced: number): void => { headers.keep({ urls: [`https://h/a/m/resolve/main/m-${name}.gguf`], fileBytes: announced, offer }, { facts: { ...smolFacts, layers }, problem: null, fileBytes: announced }); };
    expect(findHeader(offer, files[1] ?? file('', 0), [], headers)).toBeNull();
    keep('Q2_K', 2, 1e9);
    keep('F16', 16, 8e9);
    expect(files.map((one) => findHeader(offer, one, [], headers)).map((found) => [found?.facts.layers, found?.own])).toEqual([[2, true], [2, false], [16, true]]);
    // Announced with another size since: it is read again.
    expect(headers.get({ urls: ['https://h/a/m/resolve/main/m-F16.gguf'], fileBytes: 9e9 })).toBeNull();
    expect(headers.get({ urls: ['https://h/a/m/resolve/main/m-F16.gguf'], fileBytes: 8e9 })?.facts?.layers).toBe(16);
  });
});

describe('what is offered', () => {
  async function open(hubUrl: string): Promise<Models> {
    const supervisor = createSupervisor({ log: silentLogger, journalFolder: null });
    const jobs = createJobs({ folder: null, log: silentLogger });
    const hub = createHub({ baseUrl: () => hubUrl, token: async () => null, log: silentLogger, env: {} });
    const models = createModels({
      supervisor, jobs, log: silentLogger, resources: fileURLToPath(new URL('../../../resources', import.meta.url)), dataFolder: makeTestFolder('data'), env: {}, home: makeTestFolder('home'), hub,
      settings: () => ({ ...defaultSettings.inference, hubUrl }), updateSettings: async () => undefined, places: () => [gpu, cpu], loaded: () => [], measureWith: async () => { throw new Error('Nothing is to be measured here'); },
    });
    await models.load();
    onTestFinished(async () => {
      await jobs.stopAll();
      await models.stop();
      await supervisor.stopAll();
      hub.close();
    });
    return models;
  }
  const serve = async (files: Readonly<Record<string, HubContent>>): Promise<Awaited<ReturnType<typeof startModelHub>>> => {
    const server = await startModelHub({ 'me/tiny': { files: Object.fromEntries(Object.entries(files).map(([name, content]) => [name, { content }])) } });
    onTestFinished(() => server.stop());
    return server;
  };

  it('tells size, speed and fit of each file on every place before anything is asked of the hub', async () => {
    const server = await serve({});
    const models = await open(server.url);
    const offered = await models.offered();
    for (const { name, files } of offered) {
      for (const file of files) {
        expect(file.places?.map((p) => p.place), name).toEqual(['GPU-1', 'cpu']);
        expect(file.places?.[0], name).toMatchObject({ from: 'size', weightsBytes: file.bytes, speed: { basis: 'prior' } });
      }
    }
    expect(offered.length).toBeGreaterThan(5);
    expect(server.requests).toEqual([]);
  });

  it('a look at one file reads one header, once, and tells of the others, too', async () => {
    const path = await tinyModel(makeTestFolder('tiny'));
    const bytes = readFileSync(path);
    const content: HubContent = { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex'), read: (from, to) => bytes.subarray(from, to) };
    const server = await serve({ 'tiny-Q4_0.gguf': content, 'tiny-Q8_0.gguf': makeGguf(bytes.length * 2) });
    const models = await open(server.url);
    const looked = await models.lookUp('me/tiny', null);
    const from = (offer: OfferedModel | undefined): unknown => offer?.files.map((f) => [f.quantisation, f.places?.map((p) => p.from)]);
    expect(from(looked)).toEqual([['Q4_0', ['size', 'size']], ['Q8_0', ['size', 'size']]]);
    const outlook = await models.outlook({ offered: 'me/tiny', quantisation: 'Q4_0' }, {});
    expect(outlook.facts?.layers).toBe(2);
    const asked = server.requests.length;
    expect(await models.outlook({ offered: 'me/tiny', quantisation: 'Q4_0' }, {})).toEqual(outlook);
    // What was looked up stands among what is offered, and is known better now.
    const offer = (await models.offered()).find((one) => one.id === 'me/tiny');
    expect(from(offer)).toEqual([['Q4_0', ['header', 'header']], ['Q8_0', ['sibling', 'sibling']]]);
    expect(offer?.files[0]?.places?.map((p) => p.memory)).toEqual(outlook.memory);
    expect(server.requests.length).toBe(asked);
    expect(server.requests.filter((one) => one.path.includes('Q8_0'))).toEqual([]);
  });
});
