import { describe, expect, it } from 'vitest';
import { thinRun } from '../../../contract/benchmarks.ts';
import { decideDecimals, describeResult, describeRun, describeSubject, formatChange, formatJoules, formatWithInterval } from './run-words.ts';
import { estimateSeconds, listCases, listEnvironmentChoices, listPlaceChoices } from './run-choices.ts';
import { decidePixels, standAlone } from './svg-to-png.ts';
import { decidePlaces, decideShownRuns } from './places.ts';
import { decideUndoHref } from './problem-buttons.tsx';
import { decidePredecessor, decideReach } from './compare-panel.tsx';
import { devices, infos, makeDecode, makeMatmul, makeResult, makeRun, NOW, places } from './test-support.tsx';

describe('numbers', () => {
  it.each([[2.2, 1], [2, 1], [1.1, 1], [3, 0], [7, 0], [0.5, 1], [0.3, 1], [0.02, 3], [12, 0], [0, 0], [Number.NaN, 0], [1e-9, 3]])('an uncertainty of %s has %s decimals', (half, decimals) => {
    expect(decideDecimals(half)).toBe(decimals);
  });
  it.each([
    [234, 231.8, 236.2, '234.0', '2.2'],
    [240, 237, 243, '240', '3'],
    [65.9, 65.4, 66.4, '65.9', '0.5'],
    [37, 36.8, 37.2, '37.0', '0.2'],
    [11811, 11721, 11901, '11,811', '90'],
    [0.0624, 0.0601, 0.0641, '0.062', '0.002'],
    [50, 49.999, 50.001, '50.0', '< 0.1'],
    [5, 5, 5, '5.00', '0'],
  ])('%s in [%s, %s] is %s ± %s', (median, low, high, value, half) => {
    expect(formatWithInterval(median, low, high)).toEqual({ value, half });
  });
  it('without an interval there is none', () => expect(formatWithInterval(234.9, null, null)).toEqual({ value: '235', half: null }));
  it.each([[1.8e-12, 'FLOP', '1.80 pJ per FLOP'], [2.4, 'token', '2.40 J per token'], [0, 'byte', '0.00 pJ per byte'], [0.02, 'image', '20.0 mJ per image']] as const)('%s J per %s', (joules, per, text) => expect(formatJoules(joules, per)).toBe(text));
  it.each([
    [{ ratio: 1.034, low: 1.029, high: 1.039 }, { change: '+3.4', interval: '[+2.9, +3.9]' }],
    [{ ratio: 0.966, low: 0.96, high: 0.971 }, { change: '−3.4', interval: '[−4.0, −2.9]' }],
    [{ ratio: 7, low: null, high: null }, { change: '+600', interval: null }],
    [{ ratio: null, low: null, high: null }, null],
  ])('a change %j', (row, words) => expect(formatChange(row)).toEqual(words));
});

describe('runs in words', () => {
  it('when, where and with what', () => {
    expect(describeRun(makeMatmul('a', { startedAtMs: NOW - 40 * 86_400_000, state: 'interrupted' }), NOW)).toMatch(/October, \d\d:40, RTX 5090, 580.95, interrupted$/);
    expect(describeRun(makeDecode(20, 196, 1, '580.95', 'b6400'), NOW)).toContain('Llama-3.1-8B Q4_K_M');
    expect(describeSubject(makeMatmul('a'))).toMatch(/^21 November 2026, \d\d:40, 11 min, nightly, torch 2.8.0\+cu128$/);
  });
  it('all that stands behind a figure', () => {
    const lines = describeResult(makeResult('matmul', 'bf16-8192', 234.9, 2, { setAside: 3, peakShareAtClock: 0.94, joulesPerUnit: 1.8e-12, error: 0.0041, marks: ['power_capped'] }));
    expect(lines).toEqual(['48 samples, 3 set aside', '95 % interval of the median: 233 to 237 TFLOPS', '94 % of the peak at the clock of the run', '2,857 MHz, 412 W, 66 °C', '1.80 pJ per FLOP', '0.37 GiB reserved at most', 'largest error against FP64: 4.1e-3', expect.stringContaining('power cap')]);
  });
  it('what is not reported is left out', () => {
    expect(describeResult(makeResult('matmul', 'fp32-512', 1, 0.1, { powerWatts: null, smClockMhz: null, tempCelsius: null, memoryBytes: null }))).toEqual(['48 samples', '95 % interval of the median: 0.90 to 1.10 TFLOPS']);
  });
});

describe('places', () => {
  const cpu = makeRun('matmul', places.cpu, [makeResult('matmul', 'fp32-1024', 1.2, 0.1)]);
  const foreign = makeRun('llm', { key: 'imported:A100', name: 'NVIDIA A100' }, []);
  it('GPUs in their order, the processor, then what is not here', () => {
    expect(decidePlaces([foreign, cpu, makeMatmul('c'), makeMatmul('a')], devices, []).map((p) => [p.name, p.index])).toEqual([['RTX 5090', 0], ['H100 PCIe', 2], ['AMD Ryzen 9 9950X', null], ['A100', null]]);
  });
  it('selected GPUs alone, unless none of them has a run', () => {
    expect(decidePlaces([cpu, makeMatmul('a'), makeMatmul('b')], devices, [places.b.key]).map((p) => p.index)).toEqual([1]);
    expect(decidePlaces([cpu], devices, [places.b.key]).map((p) => p.key)).toEqual(['cpu']);
  });
  it('the open run stands for its place, the newest with figures for the others', () => {
    const [open, newer] = [makeMatmul('a', { startedAtMs: 1 }), makeMatmul('a', { startedAtMs: 5 })];
    const failed = makeRun('matmul', places.b, [], { startedAtMs: 9, state: 'failed' });
    const good = makeMatmul('b', { startedAtMs: 2 });
    const runs = [failed, newer, good, open];
    const shown = decideShownRuns(runs, decidePlaces(runs, devices, []), open);
    expect([...shown.values()].map((r) => r.id)).toEqual([open.id, good.id]);
    expect(decideShownRuns(runs, decidePlaces(runs, devices, []), null).get(places.a.key)?.id).toBe(newer.id);
  });
  it('a run is compared with the one before it at its place with its model', () => {
    const runs = [thinRun(makeDecode(0, 196, 1, 'x', 'y')), thinRun({ ...makeDecode(1, 90, 1, 'x', 'y'), model: null }), thinRun(makeDecode(2, 203, 1, 'x', 'y'))];
    expect(runs[0] && decidePredecessor(runs, runs[0])?.id).toBe(runs[2]?.id);
    expect(runs[2] && decidePredecessor(runs, runs[2])).toBeNull();
  });
});

describe('what can be chosen', () => {
  const matmul = infos.find((i) => i.name === 'matmul');
  const link = infos.find((i) => i.name === 'link');
  if (matmul === undefined || link === undefined) throw new Error('the recorded catalogue has changed');
  it('places: the processor only where a case runs there', () => {
    expect(listPlaceChoices(matmul, devices).map((c) => c.text)).toEqual(['The first GPU', 'GPU 0: RTX 5090', 'GPU 1: RTX 4090', 'GPU 2: H100 PCIe', 'The processor']);
    expect(listPlaceChoices(link, devices).at(-1)?.text).toBe('GPU 2: H100 PCIe');
    expect(listPlaceChoices(matmul, []).map((c) => c.text)).toEqual(['The processor']);
  });
  it('cases: on the processor those that run there', () => {
    expect(listCases(matmul, 'cpu', true).map((c) => c.id)).toEqual(['fp32-512', 'fp32-1024', 'fp32-2048']);
    expect(listCases(matmul, '', false)).toHaveLength(3);
    expect(listCases(matmul, '', true)).toHaveLength(matmul.cases.length);
  });
  it('no environment is offered that has no PyTorch', () => expect(listEnvironmentChoices(null, '')).toEqual([{ value: '', text: 'The best one for the place' }]));
  it.each([[25, null, 200], [5, null, 40], [5, 2, 10]])('%s cases with %s s each take about %s s', (chosen, caseSeconds, seconds) => expect(estimateSeconds(matmul, chosen, caseSeconds)).toBe(seconds));
});

it.each([[880, 500, 1760, 1000], [5000, 200, 8192, 328], [1, 100_000, 1, 8192]])('a picture of %s × %s is drawn as %s × %s pixels', (w, h, width, height) => expect(decidePixels(w, h)).toEqual({ width, height }));

it.each([
  ['upgrades.planRollback', { id: 'u 1', environmentId: 'e1' }, '#/environments/e1?do=undo&upgrade=u%201'],
  ['upgrades.planRollback', { environmentId: 'e1' }, '#/environments/e1?do=undo'],
  ['upgrades.planRollback', { id: 'u1' }, null],
  ['engine.stop', { id: 'u1', environmentId: 'e1' }, null],
])('the way back of %s %j is %s', (operation, input, href) => expect(decideUndoHref(operation, input)).toBe(href));

it('a drawing that stands alone has its styles, its ground and its legend in it', () => {
  document.body.innerHTML = '<style>.line { stroke: rgb(1, 2, 3); }</style><svg><path class="line" style="opacity: 0.5" d="M0 0h9"></path></svg>';
  const svg = document.querySelector('svg');
  if (svg === null) throw new Error('no drawing');
  svg.getBoundingClientRect = () => ({ width: 300, height: 100 }) as DOMRect;
  const alone = new DOMParser().parseFromString(standAlone(svg, { background: 'rgb(9, 9, 9)', ink: 'rgb(8, 8, 8)', caption: [{ text: '0  A < B', colour: 'rgb(7, 7, 7)' }] }), 'image/svg+xml').documentElement;
  document.body.innerHTML = '';
  expect([alone.getAttribute('width'), alone.getAttribute('height'), alone.getAttribute('viewBox')]).toEqual(['300', '132', '0 0 300 132']);
  expect(alone.querySelector('rect')?.getAttribute('fill')).toBe('rgb(9, 9, 9)');
  expect(alone.querySelector('path')?.getAttribute('stroke')).toBe('rgb(1, 2, 3)');
  expect(alone.querySelector('path')?.getAttribute('opacity')).toBe('0.5');
  expect(alone.querySelector('path')?.hasAttribute('style')).toBe(false);
  expect(alone.querySelector('text')?.textContent).toBe('0  A < B');
});

describe('drawn intervals', () => {
  it.each([[[], 0.02], [[{ low: 0.999, high: 1.001 }, { low: null, high: null }], 0.02], [[{ low: 0.5, high: 1.1 }], Math.LN2], [[{ low: 0, high: 2 }], Math.LN2]])('of %j reach %d', (rows, reach) => expect(decideReach(rows)).toBeCloseTo(reach));
});
