import { describe, expect, it } from 'vitest';
import type { DeviceSample, FastReading, GpuStreamItem, MediumReading } from '../../contract/gpu.ts';
import { decideSelection, foldFrame, type LatestReading } from './gpu-store.ts';

describe('decideSelection', () => {
  it.each([
    ['selects one alone', [], 'a', false, ['a']],
    ['takes another instead', ['a', 'b'], 'c', false, ['c']],
    ['ends the selection on a second click', ['a'], 'a', false, []],
    ['leaves one of several', ['a', 'b'], 'a', false, ['a']],
    ['adds with Shift', ['a'], 'b', true, ['a', 'b']],
    ['takes away with Shift', ['a', 'b'], 'a', true, ['b']],
  ])('%s', (_, selection, uuid, add, after) => {
    expect(decideSelection(selection, uuid, add)).toEqual(after);
  });
});

describe('foldFrame', () => {
  const fast = { utilGpuPercent: 98 } as FastReading;
  const medium = { tempCelsius: 70 } as MediumReading;
  const frame = (atMs: number, sample: Partial<DeviceSample>): GpuStreamItem => ({ type: 'frame', frame: { seq: 1, atMs, tookMs: 1, samples: [{ uuid: 'a', state: 'ok', fast, ...sample }] } });
  it('keeps a tier that was not due', () => {
    const latest = new Map<string, LatestReading>();
    foldFrame(latest, frame(1, { medium }));
    foldFrame(latest, frame(2, {}));
    expect(latest.get('a')).toEqual({ atMs: 2, state: 'ok', fast, medium, slow: null });
  });
  it('shows nothing of a lost device', () => {
    const latest = new Map<string, LatestReading>();
    foldFrame(latest, frame(1, { medium }));
    foldFrame(latest, frame(2, { state: 'lost', fast: null }));
    expect(latest.get('a')).toEqual({ atMs: 2, state: 'lost', fast: null, medium: null, slow: null });
  });
  it('leaves a gap to the charts', () => {
    const latest = new Map<string, LatestReading>();
    foldFrame(latest, { type: 'gap', atMs: 1, reason: 'x' });
    expect(latest.size).toBe(0);
  });
});
