import { describe, expect, it } from 'vitest';
import { thinRun } from '../../../contract/benchmarks.ts';
import { makeBarData } from './bar-chart.tsx';
import { decideFacets, decideSections, decideTicks, splitCase } from './case-groups.ts';
import { decideHistoryLine, decideTimeTicks, decideValueDomain, decideValueTicks, listSeries } from './history-line.ts';
import { decidePlaces, decideShownRuns } from './places.ts';
import { decideRoofAxes, decideRoofCorners, decideRoofline, listRoofBenchmarks } from './roofline.ts';
import { decodeRuns, devices, infos, makeDecode, makeMatmul, makeResult, makeRun, places } from './test-support.tsx';

const casesOf = (name: string): readonly { readonly id: string; readonly title: string }[] => infos.find((i) => i.name === name)?.cases ?? [];

describe('cases', () => {
  it.each([
    ['bf16-8192', 'BF16 8192³', '8192³', 'BF16'],
    ['flash-512', '512 tokens, flash', '512 tokens', 'Flash'],
    ['decode-2048', 'Answer after 2,048 tokens', '2,048 tokens', 'Answer after'],
  ])('%s "%s" is of size %s, called %s', (id, title, text, label) => expect(splitCase({ id, title })).toMatchObject({ facet: { text }, label }));
  it.each([['h2d-pinned', 'Host to device, pinned'], ['decode-0', 'Answer'], ['x-512', '512³']])('%s "%s" has none', (id, title) => expect(splitCase({ id, title })).toBeNull());
  it('many cases are told apart by size, few are not', () => {
    expect(decideFacets(casesOf('matmul')).map((f) => f.text)).toEqual(['512³', '1024³', '2048³', '4096³', '8192³']);
    expect(decideFacets(casesOf('attention')).map((f) => f.id)).toEqual(['512', '2048', '4096', '8192']);
    for (const name of ['bandwidth', 'link', 'llm', 'cpu']) expect(decideFacets(casesOf(name))).toEqual([]);
  });
  it.each([[501, [0, 200, 400]], [12.4, [0, 2.5, 5, 7.5, 10]], [0.003, [0, 0.001, 0.002, 0.003]], [0, [0, 1]], [Number.NaN, [0, 1]]])('ticks up to %s', (most, ticks) => expect(decideTicks(most)).toEqual(ticks));
});

describe('bars', () => {
  const runs = [makeMatmul('a'), makeMatmul('c')];
  const shownPlaces = decidePlaces(runs, devices, []);
  const [section] = decideSections(casesOf('matmul'), '8192', shownPlaces, decideShownRuns(runs, shownPlaces, null));
  if (section === undefined) throw new Error('no section');
  it('one group a case of the size, in the order of the catalogue, with a value a place', () => {
    expect(section.groups.map((g) => g.label)).toEqual(['FP32', 'TF32', 'BF16', 'FP16', 'FP8']);
    expect(section.groups[4]?.values.map((v) => [v.place.index, v.result?.median])).toEqual([[0, 412], [2, null]]);
    expect(section.most).toBe(501);
  });
  it('each interval reaches as far down and up as it was measured; what could not run has no bar', () => {
    expect(makeBarData(section)[4]).toEqual({ label: 'fp8-8192', v0: 412, e0: [7, 7], v1: null });
  });
  it('units do not share an axis', () => {
    const link = makeRun('link', places.a, [makeResult('link', 'h2d-pinned', 56, 0.4), makeResult('link', 'h2d-latency', 9, 0.2), makeResult('link', 'd2h-pinned', 55, 0.4)]);
    const where = decidePlaces([link], devices, []);
    expect(decideSections(casesOf('link'), null, where, decideShownRuns([link], where, null)).map((s) => [s.unit, s.higherIsBetter, s.groups.map((g) => g.caseId)])).toEqual([['GB/s', true, ['h2d-pinned', 'd2h-pinned']], ['µs', false, ['h2d-latency']]]);
  });
  it('a case that the catalogue no longer has is still shown', () => {
    const old = makeRun('bandwidth', places.a, [{ ...makeResult('bandwidth', 'copy-1-gib', 1500, 3), caseId: 'copy-64-gib', title: 'Copy, 64 GiB' }]);
    const where = decidePlaces([old], devices, []);
    expect(decideSections(casesOf('bandwidth'), null, where, decideShownRuns([old], where, null))[0]?.groups.map((g) => g.label)).toEqual(['Copy, 64 GiB']);
  });
});

describe('roofline', () => {
  const copy = (value: number) => makeRun('bandwidth', places.a, [makeResult('bandwidth', 'copy-1-gib', value, 4), makeResult('bandwidth', 'triad-1-gib', value * 0.9, 4)]);
  const runs = [makeMatmul('a'), makeMatmul('b'), copy(1538)];
  const where = decidePlaces(runs, devices, []);
  it('its roofs are the best that was measured here', () => {
    const { precision, precisions, roofs } = decideRoofline(infos, runs, where, null);
    expect(precision).toBe('bf16');
    expect(precisions).toEqual(['bf16', 'fp16', 'tf32', 'fp32', 'fp8']);
    expect(roofs.map((r) => [r.place.index, r.tflops, r.gigabytesPerSecond])).toEqual([[0, 234.9, 1538], [1, 164.8, null]]);
    expect(roofs[0]?.points.find((p) => p.title.includes('8192'))).toMatchObject({ intensity: (2 * 8192) / 6, tflops: 234.9, share: 1 });
    expect(decideRoofline(infos, runs, where, 'fp32').roofs[0]?.tflops).toBe(65.9);
  });
  it('the newest run counts, not the fastest', () => expect(decideRoofline(infos, [copy(1400), ...runs], where, null).roofs[0]?.gigabytesPerSecond).toBe(1400));
  it('without figures there is no roof', () => expect(decideRoofline(infos, [copy(1538)], where, null)).toMatchObject({ precision: null, roofs: [] }));
  it('its bend lies where both roofs meet, inside the axes', () => {
    const { roofs } = decideRoofline(infos, runs, where, null);
    const axes = decideRoofAxes(roofs);
    const [roof, slopeless] = roofs;
    if (roof === undefined || slopeless === undefined) throw new Error('two roofs');
    const corners = decideRoofCorners(roof, axes);
    expect(corners?.[1]).toEqual({ x: (234.9 * 1000) / 1538, y: 234.9 });
    expect(decideRoofCorners(slopeless, axes)).toBeNull();
    for (const { x, y } of corners ?? []) {
      expect(x).toBeGreaterThanOrEqual(axes.x[0]);
      expect(x).toBeLessThanOrEqual(axes.x[1]);
      expect(y).toBeGreaterThan(axes.y[0]);
      expect(y).toBeLessThan(axes.y[1]);
    }
    expect(axes.yTicks).toEqual([1, 10, 100]);
    expect(axes.xTicks[0]).toBe(0.25);
  });
  it('knows which benchmarks it is made of', () => expect(listRoofBenchmarks(infos)).toEqual(['matmul', 'bandwidth', 'attention']));
});

describe('history', () => {
  const runs = decodeRuns().map(thinRun);
  const [series] = listSeries(runs, places.a.key);
  if (series === undefined) throw new Error('no series');
  it('a model is a line of its own', () => {
    const other = thinRun({ ...makeDecode(1, 30, 1, '580.95', 'b6400'), model: { id: 'm2', name: 'Other', backend: 'cuda', release: 'b6400' } });
    expect(listSeries([...runs, other], places.a.key).map((s) => s.text)).toEqual(expect.arrayContaining(['Answer, Llama-3.1-8B Q4_K_M', 'Answer, Other']));
    expect(decideHistoryLine([...runs, other], places.a.key, series).points).toHaveLength(30);
  });
  it('oldest first, with what changed between two runs, and which two tell the difference', () => {
    const line = decideHistoryLine(runs, places.a.key, series);
    expect(line.points.map((p) => p.atMs)).toEqual([...line.points.map((p) => p.atMs)].sort((a, b) => a - b));
    expect(line.events.map((e) => [e.text, e.row])).toEqual([['llama.cpp b6400', 0], ['driver 580.95', 1]]);
    const at = line.points.findIndex((p) => p.runId === line.turn?.before);
    expect(line.events[1]?.atMs).toBe(((line.points[at]?.atMs ?? 0) + (line.points[at + 1]?.atMs ?? 0)) / 2);
    expect(line.turn).toEqual({ before: line.points[at]?.runId, after: line.points.at(-1)?.runId, sinceMs: line.points[at + 1]?.atMs });
  });
  it('what a run does not tell is no change', () => {
    const silent = decideHistoryLine([makeDecode(3, 200, 1, '580.65', 'b1'), { ...makeDecode(2, 200, 1, '', 'b1'), driverVersion: null }, makeDecode(1, 200, 1, '580.65', 'b1')].map(thinRun), places.a.key, series);
    expect(silent).toMatchObject({ events: [], turn: null });
    const over = decideHistoryLine([makeDecode(3, 200, 1, '580.65', 'b1'), { ...makeDecode(2, 200, 1, '', 'b1'), driverVersion: null }, makeDecode(1, 200, 1, '580.95', 'b1')].map(thinRun), places.a.key, series);
    expect(over.events).toHaveLength(1);
  });
  it('runs without the figure, running ones and other places are no points', () => {
    expect(decideHistoryLine([thinRun(makeMatmul('a')), thinRun({ ...makeDecode(1, 1, 1, '', ''), state: 'running' }), thinRun({ ...makeDecode(1, 1, 1, '', ''), place: places.b })], places.a.key, series).points).toEqual([]);
  });
  it('a long history is cut, and says so', () => {
    const many = Array.from({ length: 450 }, (_, i) => thinRun(makeDecode(i, 200, 1, '580.65', 'b1')));
    const line = decideHistoryLine(many, places.a.key, series);
    expect([line.points.length, line.left, line.points.at(-1)?.runId]).toEqual([400, 50, many[0]?.id]);
  });
  it.each([[[{ low: 195, high: 197 }], [191.06, 200.94]], [[], [0, 1]], [[{ low: 0.1, high: 90 }], [0, 103.485]]])('the axis of %j', (points, domain) => {
    const [low, high] = decideValueDomain(points);
    expect(low).toBeCloseTo(domain[0] ?? 0);
    expect(high).toBeCloseTo(domain[1] ?? 0);
  });
  it.each([[[34.4, 39.2], [35, 36, 37, 38, 39]], [[191.06, 200.94], [192, 194, 196, 198, 200]], [[0, 103.485], [0, 25, 50, 75, 100]], [[0, 1], [0, 0.2, 0.4, 0.6, 0.8, 1]], [[5, 5], [5]], [[-0.3, 0.3], [-0.2, 0, 0.2]]] as const)('round numbers on the axis %j', (domain, ticks) => expect(decideValueTicks(domain)).toEqual(ticks));
  it('moments on the axis', () => {
    expect(decideTimeTicks(0, 100, 3)).toEqual([0, 50, 100]);
    expect(decideTimeTicks(7, 7, 3)).toEqual([7]);
  });
});
