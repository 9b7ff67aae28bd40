import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { device as deviceSchema, type Device, type GpuFrame, type GpuStreamItem, type Inventory } from '../../../contract/gpu.ts';
import type { LoadedModel } from '../../../contract/inference.ts';
import { problemOf } from '../../../contract/problem.ts';
import { sourceEvent } from '../../../contract/nvml-worker.ts';
import { decideSlow } from './decide-slow.ts';
import { readCores } from './read-cores.ts';
import { decideBusiestCore, explainSlow, type ExplainSlowDeps } from './explain-slow.ts';
import type { SlowFacts } from './slow-facts.ts';

const folder = join(import.meta.dirname, '..', '..', '..', 'e2e', 'fixtures', 'recordings');

/** What was recorded of the first device, under load where there is a load. */
function readRecording(name: string): { readonly device: Device; readonly samples: SlowFacts['samples']; readonly frames: readonly GpuFrame[] } {
  const lines = readFileSync(join(folder, `${name}.jsonl`), 'utf8').trim().split('\n').map((line): unknown => JSON.parse(line));
  const events = lines.slice(1).map((line) => sourceEvent.parse(line));
  const header = lines[0] as { devices: unknown[] };
  const device = deviceSchema.parse(header.devices[0]);
  const frames = events.flatMap((one) => (one.type === 'frame' ? [one.frame] : []));
  const samples = frames.flatMap((frame) => frame.samples.filter((one) => one.uuid === device.uuid));
  return { device, samples, frames };
}

type Model = SlowFacts['models'][number];
const process = (pid: number, utilSmPercent: number | null, command = 'python train.py'): SlowFacts['processes'][number] => ({ pid, type: 'compute', command, utilSmPercent, memUsedBytes: 1e9 });
const model = (more: Partial<Model> = {}, truth: Partial<Model['truth']> = {}): Model => ({
  name: 'Qwen', quantisation: 'Q4_K_M', pid: 7, state: 'ready', requestsActive: 1, settings: {} as Model['settings'], bytes: null,
  truth: { verdict: 'on_gpu', colour: 'green', title: '', sentence: '', backend: 'cuda', layersOnGpu: 33, layers: 33, placed: [], checks: [], problem: null, atMs: 0, ...truth }, ...more,
});
const recorded = (name: string, more: Partial<SlowFacts> = {}, keep: (one: SlowFacts['samples'][number]) => boolean = () => true): SlowFacts => {
  const { device, samples } = readRecording(name);
  return { place: { key: device.uuid, name: device.name }, device, samples: samples.filter(keep), processes: [process(1, 90)], models: [], busiestCore: null, ...more };
};
const loaded = (one: SlowFacts['samples'][number]): boolean => (one.fast?.utilGpuPercent ?? 0) >= 80;
const changed = (facts: SlowFacts, fast: Record<string, number>, medium: Record<string, number> = {}): SlowFacts => ({ ...facts, samples: facts.samples.map((one) => ({ ...one, fast: one.fast === null ? null : { ...one.fast, ...fast }, ...(one.medium === undefined ? {} : { medium: { ...one.medium, ...medium } }) })) });

describe('causes out of recordings', () => {
  const full = recorded('real-h100-matmul', {}, loaded);
  const idle = recorded('real-h100-idle', { processes: [] });
  test.each<[string, SlowFacts, string, RegExp]>([
    ['an idle H100', idle, 'idle', /^0 % load$/],
    ['an idle H100 while a model answers on the processor', { ...idle, models: [model({}, { verdict: 'not_on_gpu', layersOnGpu: 0 })] }, 'cpu_fallback', /^0 of 33 layers/],
    ['half of a model in the machine’s memory', { ...full, models: [model({ pid: 1, bytes: { weights: 2e9, cache: 0, work: 0, hostWeights: 2.5e9 } }, { verdict: 'partly_on_gpu', layersOnGpu: 16 })] }, 'spill', /^2\.5 GB of weights/],
    ['memory of the driver in the machine’s memory', { ...full, models: [model({ pid: 1 }, { checks: [{ check: 'shared_memory', expected: '0', found: '3.1 GB shared', agrees: false }] })] }, 'spill', /^3\.1 GB shared$/],
    ['FP32 weights', { ...full, models: [model({ pid: 1, quantisation: 'F32' })] }, 'precision', /4 bytes/],
    ['an H100 at full load whose heat slows it', changed(full, { eventReasons: 0x20, clockSmMhz: 990 }), 'throttling', /^100 % of the time, at 990 of 1980 MHz$/],
    ['an H100 at full load at its power limit', changed(full, { eventReasons: 0x4, clockSmMhz: 1500 }), 'power_cap', /^100 % of the time at 700 W, at 1500 of 1980 MHz$/],
    ['a narrow link in use', changed(full, { eventReasons: 0 }, { pcieGen: 3, pcieWidth: 4, pcieRxBytesPerSecond: 3.5e9 }), 'link', /^PCIe 3 ×4 of 5 ×16, 89 % in use$/],
    ['somebody else on the GPU', { ...changed(full, { eventReasons: 0 }), processes: [process(1, 50), process(2, 45, 'python other.py')] }, 'other_process', /^python other\.py \(2\): 45 % of the GPU$/],
    ['somebody beside our model', { ...changed(full, { eventReasons: 0 }), processes: [process(7, 20), process(2, 70, 'game')], models: [model()] }, 'other_process', /^game \(2\): 70 %/],
    ['a GPU that waits for its data', { ...changed(full, { utilGpuPercent: 40, eventReasons: 0 }), busiestCore: 0.99 }, 'data_loading', /^idle for 60 % of the time; the busiest core worked for 99 %$/],
    ['kernels too small for it', changed(full, { powerWatts: 175, eventReasons: 0 }), 'small_batch', /^25 % of the power limit/],
  ])('%s', (_, facts, id, number) => {
    const [first] = decideSlow(facts).causes;
    expect(first?.id).toBe(id);
    expect(first?.number).toMatch(number);
    expect(first?.weight).toBeGreaterThan(0);
    expect(first?.weight).toBeLessThanOrEqual(1);
  });

  test.each<[string, SlowFacts]>([
    ['a link that saves power while nothing runs', changed(idle, {}, { pcieGen: 1 })],
    ['a link that is whole', changed(full, { eventReasons: 0 })],
    ['shared memory of one chip', { ...changed(full, { eventReasons: 0 }, { pcieGen: 1, pcieWidth: 1 }), device: { ...readRecording('gb10-unified').device } }],
  ])('no narrow link: %s', (_, facts) => {
    expect(decideSlow(facts).causes.map((one) => one.id)).not.toContain('link');
  });

  test('work that only began while it was looked is not waited for', () => {
    const causes = decideSlow(recorded('rtx-5090')).causes.map((one) => one.id);
    expect(causes).toEqual(['power_cap']);
  });

  test('a model that is on the processor because that was asked for is no cause; nothing found is said', () => {
    const facts = { ...changed(full, { eventReasons: 0 }), models: [model({}, { verdict: 'cpu_as_asked', layersOnGpu: 0 })] };
    expect(decideSlow(facts)).toMatchObject({ causes: [], notes: [expect.stringContaining('Nothing')] });
  });

  test('nothing reported: nothing claimed', () => {
    expect(decideSlow({ ...full, samples: [], processes: [process(1, null)] })).toMatchObject({ causes: [] });
    expect(decideSlow({ place: { key: 'cpu', name: 'Processor' }, device: null, samples: [], processes: [], models: [], busiestCore: null }).causes).toEqual([]);
  });

  test.each(['real-h100-matmul', 'real-h100-generate', 'real-h100-idle', 'rtx-5090', 'wsl-5090', 'h200-two', 'h200-eight', 'h100-mig', 'gb10-unified'])('%s as it was: causes have one number each, the heaviest first', (name) => {
    const { causes } = decideSlow(recorded(name));
    expect(causes.map((one) => one.weight)).toEqual(causes.map((one) => one.weight).sort((a, b) => b - a));
    for (const one of causes) expect(one.number).not.toMatch(/NaN|undefined|null|Infinity/);
  });
});

describe('looking', () => {
  const { device, frames } = readRecording('real-h100-matmul');
  /** Gives the recorded frames to whoever listens, as fast as they are taken. */
  function makeDeps(more: Partial<Inventory> = {}): { deps: ExplainSlowDeps; watching: () => number } {
    let watchers = 0;
    const inventory = { devices: [device], simulated: false, ...more } as Inventory;
    return {
      watching: () => watchers,
      deps: {
        gpus: {
          list: () => inventory,
          frames: { subscribe: (listener: (item: GpuStreamItem) => void) => {
            for (const frame of frames) listener({ type: 'frame', frame });
            return () => undefined;
          } },
          watch: () => {
            watchers += 1;
            return () => { watchers -= 1; };
          },
          processes: { once: () => Promise.resolve({ atMs: 0, processes: [], notReported: {} }) },
        },
        loaded: (): LoadedModel[] => [],
        readCores: () => [{ busyMs: 0, totalMs: 0 }],
        now: () => 5,
      },
    };
  }

  test('a GPU is watched for the time, then let go', async () => {
    const { deps, watching } = makeDeps();
    const report = await explainSlow({ place: null, seconds: 0.01 }, deps);
    expect(report).toMatchObject({ atMs: 5, place: { key: device.uuid }, seconds: 0.01 });
    expect(report.causes.length).toBeGreaterThan(0);
    expect(watching()).toBe(0);
  });

  test('called off, it lets go at once; an unknown GPU is a Problem; simulated ones are named', async () => {
    const { deps, watching } = makeDeps();
    const stop = new AbortController();
    const looking = explainSlow({ place: device.uuid, seconds: 60 }, deps, stop.signal).catch((error: unknown) => error);
    stop.abort(new Error('called off'));
    expect(await looking).toMatchObject({ message: 'called off' });
    expect(watching()).toBe(0);
    expect(problemOf(await explainSlow({ place: 'GPU-nobody', seconds: 1 }, deps).catch((error: unknown) => error))).toMatchObject({ code: 'bench.no_place' });
    expect((await explainSlow({ place: null, seconds: 0.01 }, makeDeps({ simulated: true }).deps)).notes[0]).toContain('not real');
    expect(await explainSlow({ place: null, seconds: 0.01 }, makeDeps({ devices: [] }).deps)).toMatchObject({ place: { key: 'cpu' } });
  });

  test('the busiest core', () => {
    expect(readCores().every((one) => one.totalMs >= one.busyMs && one.busyMs > 0)).toBe(true);
    expect(decideBusiestCore([{ busyMs: 0, totalMs: 0 }, { busyMs: 50, totalMs: 100 }], [{ busyMs: 20, totalMs: 100 }, { busyMs: 140, totalMs: 200 }])).toBe(0.9);
    expect(decideBusiestCore([], [])).toBeNull();
  });
});
