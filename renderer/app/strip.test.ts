import { describe, expect, it } from 'vitest';
import { decideDriverWords, decideEngineWords } from './strip.tsx';
import { decideSourceBadge } from './top-bar.tsx';

const driver = { driverVersion: '580.95', cudaVersion: '13.0', nvmlVersion: null, libraryPath: null };

describe('the strip', () => {
  const status = { cpuPercent: 0.34, workers: [] };
  const inventory = { source: 'nvml', rateHz: 10, state: 'ok' } as const;
  it('says what the engine does', () => {
    expect(decideEngineWords('ready', status, inventory)).toEqual({ kind: 'fine', word: 'Engine', rate: '10', load: '0.3' });
    expect(decideEngineWords('ready', status, { ...inventory, source: 'simulate' }).rate).toBe('simulates 10');
  });
  it('says when it is lost, and shows no old figure then', () => {
    expect(decideEngineWords('lost', status, inventory)).toEqual({ kind: 'problem', word: 'Engine does not answer', rate: null, load: null });
  });
  it('names a worker in trouble', () => {
    const worker = { name: 'nvml', state: 'failed', pid: null, restarts: 5, problem: null, rssBytes: null } as const;
    expect(decideEngineWords('ready', { ...status, workers: [worker] }, inventory)).toMatchObject({ kind: 'problem', word: 'Engine, nvml worker failed' });
  });
  it('never calls a simulated driver one', () => {
    expect(decideDriverWords({ source: 'nvml', driver })).toBe('driver 580.95 · CUDA 13.0');
    expect(decideDriverWords({ source: 'replay', driver })).toBe('recorded with driver 580.95 · CUDA 13.0');
    expect(decideDriverWords({ source: 'simulate', driver })).toBe('simulated, no driver is used');
    expect(decideDriverWords({ source: 'none', driver: { ...driver, driverVersion: null } })).toBe('no NVIDIA driver');
  });
});

it('the badge names what is not this machine’s', () => {
  expect(decideSourceBadge({ source: 'nvml', simulated: false, provenance: null })).toBeNull();
  expect(decideSourceBadge({ source: 'simulate', simulated: true, provenance: null })?.text).toBe('simulated');
  expect(decideSourceBadge({ source: 'replay', simulated: true, provenance: { recordedOn: 'H200', edited: [{ field: 'name', value: 'x', source: 'y' }], note: null } })).toEqual({ text: 'replay', title: 'A recording is played, made on H200; 1 of its fields were edited.' });
});
