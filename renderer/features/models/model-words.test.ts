import { describe, expect, it } from 'vitest';
import type { FilePlace, MemoryEstimate, OfferedModel, SpeedPrediction } from '../../../contract/models.ts';
import { makeDownload, makeModel, smollm } from '../chat/test-support.tsx';
import { decideFile, decideFitBar, decideRows, decideSpeed, describeBasis, describeFit, findRoom, listPlaceOutlooks, listPlaces } from './model-words.ts';

const GIB = 2 ** 30;
const speed = (more: Partial<SpeedPrediction> = {}): SpeedPrediction => ({ place: 'GPU-1', placeName: 'RTX 4090', basis: 'prior', tokensPerSecond: 141.2, low: 128, high: 146.4, runs: 0, bytesPerToken: 4.62e9, bandwidth: 1008e9, bandwidthFrom: 'data sheet', efficiency: 0.92, fixedSeconds: 1e-3, roofline: 218, measuredAtMs: null, why: null, ...more });
const memory = (more: Partial<MemoryEstimate> = {}): MemoryEstimate => ({ place: 'GPU-1', placeName: 'RTX 4090', contextTokens: 8192, gpuLayers: 33, layers: 33, weightsBytes: 4.6 * GIB, cacheBytes: GIB, workBytes: GIB / 4, overheadBytes: GIB / 2, totalBytes: 6.35 * GIB, hostBytes: GIB / 4, freeBytes: 17.6 * GIB, capacityBytes: 24 * GIB, verdict: 'fits', unload: [], layersThatFit: null, contextThatFits: 65_536, ownError: null, ...more });
const there = (more: Partial<FilePlace> = {}): FilePlace => ({ place: 'GPU-1', placeName: 'RTX 4090', from: 'header', weightsBytes: 4.6 * GIB, freeBytes: 17.6 * GIB, capacityBytes: 24 * GIB, verdict: 'fits', memory: memory(), speed: speed(), ...more });
const bySize = (more: Partial<FilePlace> = {}): FilePlace => there({ from: 'size', memory: null, ...more });

it.each<[FilePlace, boolean, string, string]>([
  [there(), true, 'fine', 'loaded'], [there(), false, 'fine', 'fits'], [bySize(), false, 'fine', 'should fit'], [bySize({ verdict: 'unknown' }), false, 'unknown', 'a close fit'], [there({ verdict: 'unknown' }), false, 'unknown', 'not known'],
  [there({ verdict: 'fits_after_unload' }), false, 'attention', 'after a swap'], [there({ verdict: 'fits_partly', memory: memory({ layersThatFit: 20 }) }), false, 'attention', '20 of 33 layers'], [bySize({ verdict: 'fits_partly' }), false, 'attention', 'in part'], [there({ verdict: 'does_not_fit' }), false, 'problem', 'does not fit'],
])('%# is told as it is', (outlook, loaded, kind, words) => { expect(describeFit(outlook, loaded)).toEqual({ kind, words }); });

describe('a speed', () => {
  it.each<[string, FilePlace, number | null, string | null]>([
    ['fits', there(), 141.2, null], ['a close fit', bySize({ verdict: 'unknown' }), 141.2, null],
    ['would fit alone', there({ verdict: 'does_not_fit', memory: memory({ totalBytes: 20 * GIB }) }), 141.2, 'if alone'],
    ['would not fit even alone', there({ verdict: 'does_not_fit', memory: memory({ totalBytes: 25 * GIB }) }), null, null],
    ['only in part, and never whole', there({ verdict: 'fits_partly', memory: memory({ gpuLayers: 20, totalBytes: 17 * GIB, hostBytes: 10 * GIB }) }), null, null],
    ['weights beyond the card', bySize({ verdict: 'fits_partly', weightsBytes: 40 * GIB }), null, null],
    ['measured all the same', there({ verdict: 'fits_partly', memory: memory({ totalBytes: 25 * GIB }), speed: speed({ basis: 'measured', tokensPerSecond: 9 }) }), 9, null],
    ['a processor', there({ place: 'cpu', verdict: 'does_not_fit' }), 141.2, null],
  ])('that %s', (_, outlook, tokensPerSecond, only) => {
    const decided = decideSpeed(outlook);
    expect([decided.speed?.tokensPerSecond ?? null, decided.only]).toEqual([tokensPerSecond, only]);
    expect(decided.why === null).toBe(tokensPerSecond !== null);
  });
  it.each<[Partial<SpeedPrediction>, string]>([
    [{}, '128 to 146'], [{ basis: 'measured', runs: 5, low: 140.2, high: 142.2 }, 'measured, ± 1.00'], [{ basis: 'measured', runs: 1, low: 141.2, high: 141.2 }, 'measured once'], [{ basis: 'measured_synthetic' }, 'measured, random weights'], [{ low: null }, ''],
  ])('%o: %s', (more, words) => { expect(describeBasis(speed(more))).toBe(words); });
});

describe('places', () => {
  const offered: OfferedModel = { ...smollm, files: smollm.files.map((f) => ({ ...f, places: [bySize(), bySize({ place: 'cpu', placeName: 'EPYC' })] })) };
  it('are known from models here, else from what is offered', () => {
    expect(listPlaces([], [])).toEqual([]);
    expect(listPlaces([], [smollm, offered]).map((p) => p.key)).toEqual(['GPU-1', 'cpu']);
    expect(listPlaces([{ name: 'x', facts: null, fileBytes: null, memory: [memory()], speed: [], problems: [] }], [offered]).map((p) => p.key)).toEqual(['GPU-1']);
  });
  it('what the header says goes before what the size says', () => {
    const [file = null] = offered.files;
    expect(listPlaceOutlooks(null, file).map((o) => o.from)).toEqual(['size', 'size']);
    expect(listPlaceOutlooks({ name: 'x', facts: null, fileBytes: 5, memory: [], speed: [], problems: [] }, file).map((o) => o.from)).toEqual(['size', 'size']);
    expect(listPlaceOutlooks({ name: 'x', facts: null, fileBytes: 5, memory: [memory()], speed: [speed()], problems: [] }, file)).toEqual([expect.objectContaining({ from: 'header', verdict: 'fits', speed: speed() })]);
  });
  it('room elsewhere is a GPU with room for all of it, the one with most of it', () => {
    const all = [there({ verdict: 'does_not_fit' }), there({ place: 'GPU-2', freeBytes: 30 * GIB }), there({ place: 'GPU-3', freeBytes: 60 * GIB }), there({ place: 'GPU-4', freeBytes: 90 * GIB, verdict: 'unknown' }), there({ place: 'cpu', freeBytes: 500 * GIB })];
    expect(findRoom(all, 'GPU-1')?.place).toBe('GPU-3');
    expect(findRoom(all.slice(0, 1), 'GPU-1')).toBeNull();
    expect(findRoom(all.slice(2), 'GPU-3')).toBeNull();
  });
});

describe('rows', () => {
  it('models here first, then what is offered and not here; words find them', () => {
    const here = makeModel('m1', { name: 'Tiny' });
    const rows = decideRows([here], [], [smollm], [], '');
    expect(rows.map((r) => r.kind)).toEqual(['here', 'offered']);
    expect(decideRows([here], [], [smollm], [], 'smol').map((r) => r.key)).toEqual(['offered smollm2-135m-instruct']);
    expect(decideRows([here], [], [{ ...smollm, files: smollm.files.map((f) => ({ ...f, hereAs: 'm1' })) }], [], '').map((r) => r.kind)).toEqual(['here']);
  });
  it('the file that is coming, else Q4_K_M, else the first', () => {
    const files = ['Q2_K', 'Q4_K_M', 'Q8_0'].map((quantisation) => ({ quantisation, file: quantisation, parts: 1, bytes: 1, sha256: null, hereAs: null }));
    expect(decideFile({ ...smollm, files }, [])?.quantisation).toBe('Q4_K_M');
    expect(decideFile({ ...smollm, files }, [makeDownload({ quantisation: 'Q8_0' })])?.quantisation).toBe('Q8_0');
    expect(decideFile({ ...smollm, files: files.slice(2) }, [makeDownload({ quantisation: 'Q2_K', state: 'done' })])?.quantisation).toBe('Q8_0');
    expect(decideFile({ ...smollm, files: [] }, [])).toBeNull();
  });
});

it('the bar holds what is used, weights and the rest, and what would lie beyond', () => {
  expect(decideFitBar({ capacityBytes: 100, freeBytes: 60, weightsBytes: 50, totalBytes: 70 }, 0)).toEqual({ used: 0.4, weights: 0.5, cache: 0.1, over: 0.08 });
  // From a size there is no rest; a loaded model is among what is used, and shown once.
  expect(decideFitBar({ capacityBytes: 100, freeBytes: 60, weightsBytes: 20, totalBytes: 20 }, 20)).toEqual({ used: 0.2, weights: 0.2, cache: 0, over: 0 });
  expect(decideFitBar({ capacityBytes: null, freeBytes: 60, weightsBytes: 20, totalBytes: 20 }, 0)).toBeNull();
});
