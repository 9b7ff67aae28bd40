import { cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { FilePlace, GgufFacts, MemoryEstimate, ModelOutlook, OfferedModel, SpeedPrediction } from '../../../contract/models.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { ProblemError, type Problem } from '../../../contract/problem.ts';
import { AppProvider } from '../../app/context.tsx';
import { makeApp, makeDownload, makeEngine, makeLoaded, makeModel, makeModels, makeTruth, smollm, type TestEngine } from '../chat/test-support.tsx';
import { ModelsPage } from './models-page.tsx';

const GIB = 2 ** 30;
const names: Readonly<Record<string, string>> = { 'GPU-1': 'NVIDIA GeForce RTX 4090', 'GPU-2': 'NVIDIA H100 PCIe', cpu: 'AMD EPYC' };
const speedOn = (place: string, more: Partial<SpeedPrediction> = {}): SpeedPrediction => ({ place, placeName: names[place] ?? '', basis: 'prior', tokensPerSecond: 138, low: 128, high: 146, runs: 0, bytesPerToken: 4.62e9, bandwidth: 1008e9, bandwidthFrom: 'data sheet', efficiency: 0.92, fixedSeconds: 1e-3, roofline: 218, measuredAtMs: null, why: null, ...more });
const memoryOn = (place: string, more: Partial<MemoryEstimate> = {}): MemoryEstimate => ({ place, placeName: names[place] ?? '', contextTokens: 8192, gpuLayers: 33, layers: 33, weightsBytes: 4.6 * GIB, cacheBytes: GIB, workBytes: GIB, overheadBytes: GIB / 2, totalBytes: 7.1 * GIB, hostBytes: 0, freeBytes: 20 * GIB, capacityBytes: 24 * GIB, verdict: 'fits', unload: [], layersThatFit: null, contextThatFits: null, ownError: null, ...more });
const outlook: ModelOutlook = {
  name: 'Tiny', facts: null, fileBytes: 98_362_432, problems: [],
  memory: [memoryOn('GPU-1', { verdict: 'does_not_fit', freeBytes: 2 * GIB }), memoryOn('GPU-2'), memoryOn('cpu')],
  speed: [speedOn('GPU-1'), speedOn('GPU-2', { basis: 'measured', tokensPerSecond: 188, low: 187, high: 189, runs: 3 }), speedOn('cpu', { basis: 'none', tokensPerSecond: null, why: 'No table says it.' })],
};
const places: FilePlace[] = ['GPU-1', 'GPU-2', 'cpu'].map((place) => ({ place, placeName: names[place] ?? '', from: 'size', weightsBytes: 639e6, freeBytes: 2 * GIB, capacityBytes: 24 * GIB, verdict: 'fits', memory: null, speed: speedOn(place, { tokensPerSecond: 589, roofline: 1577 }) }));
const qwen: OfferedModel = { ...smollm, id: 'qwen', name: 'Qwen', first: false, files: [{ quantisation: 'Q8_0', file: 'q8.gguf', parts: 1, bytes: 639e6, sha256: null, hereAs: null, places }, { quantisation: 'F16', file: 'f16.gguf', parts: 1, bytes: 0, sha256: null, hereAs: null, places: [] }] };
const facts = { quantisation: 'Q4_1', parameters: 135e6, activeParameters: 135e6, architecture: 'llama', layers: 33, contextTrained: 8192, template: null, tokenizer: null, vocabulary: null, licence: { id: null, name: 'Mine', link: 'https://example.com/licence' } } as unknown as GgufFacts;
const tiny = makeModel('m1', { name: 'Tiny', facts });

let engine: TestEngine;
let app: ReturnType<typeof makeApp>;
beforeEach(() => {
  engine = makeEngine();
  app = makeApp(engine);
  location.hash = '';
  engine.answer('models.offered', [qwen]);
  engine.answer('models.outlook', outlook);
});
afterEach(() => {
  cleanup();
  engine.clock.stop();
  vi.restoreAllMocks();
});
async function show(section: string | null = null): Promise<void> {
  engine.models.send(makeModels([tiny]));
  engine.loaded.send([]);
  render(<AppProvider app={app}><ModelsPage section={section} /></AppProvider>);
  await engine.settle();
  await engine.settle();
}
const row = (name: string): HTMLElement => {
  const found = screen.getByRole('button', { name }).closest('tr');
  if (found === null) throw new Error(`There is no row ${name}`);
  return found;
};
const drawer = (name: string): HTMLElement => screen.getByRole('complementary', { name });
const sectionOf = (box: HTMLElement, heading: RegExp): HTMLElement => {
  const found = within(box).getByRole('heading', { name: heading }).closest('section');
  if (found === null) throw new Error('It stands in no section');
  return found;
};

it('what is offered shows size, speed and fit before anything is asked of the hub', async () => {
  await show();
  expect(row('Qwen').textContent).toMatch(/639MB.*589tok\/s128 to 146.*weights 0.60GiB, should fit/);
  expect(engine.inputsOf('models.outlook')).not.toContainEqual(expect.objectContaining({ subject: expect.objectContaining({ offered: 'qwen' }) }));
  // What does not fit says where there is room; the speed then holds for an empty card only.
  expect(row('Tiny').textContent).toMatch(/138tok\/sif alone.*does not fit; the H100 PCIe has room/);
});

it('a size is the same in the list and in the drawer', async () => {
  engine.answer('models.offered', [{ ...smollm, name: 'Tiny', files: smollm.files.map((f) => ({ ...f, hereAs: 'm1' })) }]);
  await show('here:m1');
  expect(row('Tiny').textContent).toContain('98.4MB');
  expect(sectionOf(drawer('Tiny'), /^Quantisations/).textContent).toContain('98.4MB');
  expect(screen.getByRole('status').textContent).toBe('1 here, 98.4MB');
});

it('the drawer tells of every GPU and the processor, measured where it was; a click shows the page for one', async () => {
  engine.loaded.send([makeLoaded()]);
  await show('here:m1');
  const rows = within(sectionOf(drawer('Tiny'), /^On every GPU/)).getAllByRole('row').slice(1);
  expect(rows.map((r) => r.textContent)).toEqual([
    expect.stringMatching(/^RTX 40902.00 GiB free138tok\/sif alonedoes not fitneeds ≈ 7.10 GiB$/),
    expect.stringMatching(/^H100 PCIe20.0 GiB free188tok\/smeasured, ± 1.00fitsneeds ≈ 7.10 GiB$/),
    expect.stringMatching(/^Processor20.0 GiB free—fits/),
  ]);
  fireEvent.click(within(drawer('Tiny')).getByRole('button', { name: /^H100 PCIe/ }));
  expect(screen.getByRole('columnheader', { name: 'On the H100 PCIe' })).toBeDefined();
  expect(row('Tiny').textContent).toMatch(/188tok\/smeasured, ± 1.00/);
  engine.loaded.send([makeLoaded({ truth: makeTruth({ placed: [{ uuid: 'GPU-2', name: 'H100', bytes: 6e9, layers: 33 }] }) })]);
  await engine.settle();
  expect(within(sectionOf(drawer('Tiny'), /^On every GPU/)).getByText('loaded')).toBeDefined();
});

it('each file that can be had has its speed under the roofline; a header that was read makes all of them known better', async () => {
  await show('offered:qwen');
  const files = within(sectionOf(drawer('Qwen'), /^Quantisations/)).getAllByRole('row').slice(1);
  expect(files[0]?.textContent).toMatch(/^Q8_0should fit639MB589tok\/s≤ 1,577Get$/);
  expect(within(files[1] ?? document.body).getAllByRole('note').map((n) => n.getAttribute('aria-label'))).toEqual([expect.stringContaining('does not tell its size'), expect.stringContaining('not known before its size')]);
  expect(engine.inputsOf('models.outlook')).toContainEqual({ subject: { offered: 'qwen', quantisation: 'Q8_0' }, settings: {} });
  const before = engine.inputsOf('models.offered').length;
  engine.answer('models.outlook', { ...outlook, facts });
  app.models.getState().again();
  await engine.settle();
  expect(engine.inputsOf('models.offered').length).toBe(before + 1);
});

it('a header that cannot be read leaves what the size tells, and a way to try again', async () => {
  const refused = makeProblem('download.no_answer', { host: 'hub', detail: 'connect ECONNREFUSED' });
  engine.answer('models.outlook', (input: { subject: object }) => ('offered' in input.subject ? { ...outlook, memory: [], speed: [], problems: [refused] } : outlook));
  await show('offered:qwen');
  expect(sectionOf(drawer('Qwen'), /^On every GPU from the size/).textContent).toMatch(/RTX 4090.*589tok\/s/);
  const asked = engine.inputsOf('models.outlook').length;
  fireEvent.click(within(screen.getByRole('region', { name: 'Findings' })).getByRole('button', { name: 'Try again' }));
  await engine.settle();
  expect(engine.inputsOf('models.outlook').length).toBe(asked + 1);
});

it('Compare opens the comparison with this model', async () => {
  engine.answer('chat.list', []);
  await show('here:m1');
  fireEvent.click(within(drawer('Tiny')).getByRole('button', { name: 'Compare' }));
  await engine.settle();
  expect(location.hash).toBe('#/chat/compare');
  expect(app.chat.getState().draft.answerer).toMatchObject({ provider: null, model: 'm1' });
});

it('a licence is read only after a yes, in a tab', async () => {
  await show('here:m1');
  fireEvent.click(within(drawer('Tiny')).getByRole('button', { name: 'Read it' }));
  const asked = app.ui.getState().question;
  expect(asked?.title).toBe('Open example.com?');
  app.ui.getState().answer(true);
  await engine.settle();
  expect(app.opened).toEqual(['https://example.com/licence']);
});

it('problems have their remedies as buttons', async () => {
  const noRoom: Problem = { ...makeProblem('load.no_memory', { name: 'Tiny', contextTokens: 8192, need: '7 GiB', place: 'RTX 4090', free: '2 GiB', remedy: 'Unload something.' }), actions: [{ kind: 'call', label: 'Unload Other', operation: 'inference.unload', input: { id: 'l9' } }] };
  engine.answer('inference.load', new ProblemError(noRoom));
  const failed = makeProblem('download.no_answer', { host: 'hub', detail: 'connect ECONNREFUSED' });
  engine.downloads.send([makeDownload({ state: 'failed', problem: failed })]);
  await show();
  const unreadable = makeProblem('model.folder_unreadable', { path: '/mine', detail: 'there is no such folder.' });
  engine.models.send({ ...makeModels([tiny]), folders: [{ path: '/mine', home: 'folder', models: 0, problem: unreadable }, { path: '/theirs', home: 'ollama', models: 0, problem: { ...unreadable, cause: '/theirs' } }] });
  await engine.settle();
  fireEvent.click(screen.getByRole('button', { name: 'Load Tiny' }));
  await engine.settle();
  fireEvent.click(screen.getByRole('button', { name: 'Unload Other' }));
  fireEvent.click(screen.getByRole('button', { name: 'Resume' }));
  fireEvent.click(screen.getByText(/2 folders could not be searched/));
  fireEvent.click(screen.getByRole('button', { name: 'Take it off the list' }));
  await engine.settle();
  expect(engine.inputsOf('inference.unload')).toEqual([{ id: 'l9' }]);
  expect(engine.inputsOf('downloads.resume')).toEqual([{ id: 'd1' }]);
  expect(engine.inputsOf('models.removeFolder')).toEqual([{ path: '/mine' }]);
  // Carried out, it stands no more.
  expect(screen.queryByRole('button', { name: 'Unload Other' })).toBeNull();
});
