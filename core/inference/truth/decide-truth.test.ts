import { describe, expect, test } from 'vitest';
import type { WorkerLoadReport } from '../../../contract/inference-worker.ts';
import type { GpuProcess, ProcessReading } from '../../../contract/gpu.ts';
import { decideTruth } from './decide-truth.ts';
import type { TruthEvidence } from './truth-evidence.ts';
import { decideProcessEvidence } from './read-evidence.ts';

const h100 = { uuid: 'GPU-h100', name: 'NVIDIA H100 80GB HBM3' };
const h200 = { uuid: 'GPU-h200', name: 'NVIDIA H200' };
const rtx = { uuid: 'GPU-rtx', name: 'NVIDIA GeForce RTX 4090' };

/** Llama-2-7B Q4_0 with 4096 tokens of f16: 3.8 GB of weights, 2.1 GB of cache. */
const report: WorkerLoadReport = {
  release: 'v0.5.0', backend: 'cuda', deviceNames: ['NVIDIA'], layers: 33, gpuLayers: 33, contextTokens: 4096, batch: 512, threads: 1, flashAttention: true, vocabulary: 32_000,
  template: { name: 'Llama2', tools: false, thinking: false }, bytes: { weights: 3.75e9, hostWeights: 73e6, cache: 2.15e9, work: 0.1e9 }, said: ['offloaded 33/33 layers to GPU'], seconds: { engine: 0.5, model: 1, context: 0.1 },
};
const cpuReport: WorkerLoadReport = { ...report, backend: 'cpu', gpuLayers: 0, said: [] };
const held = (uuid: string, bytes: number): ReadonlyMap<string, number> => new Map([[uuid, bytes]]);
const base: TruthEvidence = {
  asked: { backend: 'auto', devices: [], gpuLayers: null }, meant: [h100], gpus: [h100], shareMemory: false, cpuName: 'AMD EPYC', why: 'CUDA runs here.', report,
  processBytes: held(h100.uuid, 6.6e9), processUnknown: null, grownBytes: held(h100.uuid, 6.6e9),
  // Watts of an H100 as recorded: 73.6 idle, up to 196 while a model generated, load up to 31 %.
  decode: { idleWatts: 73.6, watts: 196.3, utilGpuPercent: 31 }, atMs: 1,
};

const cases: readonly { readonly name: string; readonly change: Partial<TruthEvidence>; readonly verdict: string; readonly colour: string; readonly code?: string; readonly says?: string }[] = [
  { name: 'H100, all layers, everything agrees', change: {}, verdict: 'on_gpu', colour: 'green', says: 'All 33 layers are on the H100 80GB HBM3' },
  { name: 'H100, before the first answer: the list of processes is proof enough', change: { decode: null }, verdict: 'on_gpu', colour: 'green' },
  { name: 'H200 beside an idle one', change: { meant: [h200], gpus: [h200, h100], processBytes: new Map([[h200.uuid, 6.7e9], [h100.uuid, 0.5e9]]), decode: { idleWatts: 77, watts: 340, utilGpuPercent: 98 } }, verdict: 'on_gpu', colour: 'green' },
  { name: 'a tiny model hardly warms an H200 but shows load', change: { report: { ...report, bytes: { ...report.bytes, weights: 9e7, cache: 1e8 } }, processBytes: held(h100.uuid, 7e8), decode: { idleWatts: 120.0, watts: 121.7, utilGpuPercent: 10 } }, verdict: 'on_gpu', colour: 'green' },
  { name: 'RTX on Windows: no memory by process, the GPU\'s memory grew', change: { meant: [rtx], gpus: [rtx], processBytes: null, processUnknown: 'WDDM does not report it.', grownBytes: held(rtx.uuid, 6.4e9), decode: { idleWatts: 18, watts: 290, utilGpuPercent: 96 } }, verdict: 'on_gpu', colour: 'green' },
  { name: 'RTX in WSL, before an answer, nothing can be told', change: { meant: [rtx], gpus: [rtx], processBytes: null, processUnknown: 'In WSL the driver names no processes.', grownBytes: new Map(), decode: null }, verdict: 'unproved', colour: 'grey', says: 'In WSL' },
  { name: 'RTX in WSL, after an answer: power and load show it', change: { meant: [rtx], gpus: [rtx], processBytes: null, processUnknown: 'In WSL the driver names no processes.', grownBytes: new Map(), decode: { idleWatts: 18, watts: 290, utilGpuPercent: 96 } }, verdict: 'on_gpu', colour: 'green' },
  { name: 'CUDA asked for, the CPU computes', change: { asked: { backend: 'cuda', devices: [], gpuLayers: null }, report: cpuReport }, verdict: 'not_on_gpu', colour: 'red', code: 'truth.not_on_gpu' },
  { name: 'a GPU is there, auto fell to the CPU', change: { report: cpuReport, why: 'The CUDA build carries no kernels for this GPU.' }, verdict: 'not_on_gpu', colour: 'red', code: 'truth.not_on_gpu', says: 'no kernels' },
  { name: 'the CPU asked for beside a GPU', change: { asked: { backend: 'cpu', devices: [], gpuLayers: null }, meant: [], report: cpuReport }, verdict: 'cpu_as_asked', colour: 'grey', says: 'asked for' },
  { name: 'no layers asked for on the GPU', change: { asked: { backend: 'auto', devices: [], gpuLayers: 0 }, report: { ...report, gpuLayers: 0 } }, verdict: 'cpu_as_asked', colour: 'grey' },
  { name: 'no GPU at all', change: { meant: [], gpus: [], report: cpuReport }, verdict: 'cpu_as_asked', colour: 'grey', says: 'no real GPU' },
  { name: 'half of it, because more did not fit', change: { report: { ...report, gpuLayers: 16 }, processBytes: held(h100.uuid, 6e9) }, verdict: 'partly_on_gpu', colour: 'amber', code: 'truth.partly', says: 'More did not fit' },
  { name: 'half of it, as asked', change: { asked: { backend: 'auto', devices: [], gpuLayers: 16 }, report: { ...report, gpuLayers: 16 }, processBytes: held(h100.uuid, 6e9) }, verdict: 'partly_on_gpu', colour: 'amber', says: 'as asked for' },
  { name: 'fewer than asked', change: { asked: { backend: 'auto', devices: [], gpuLayers: 33 }, report: { ...report, gpuLayers: 20 }, processBytes: held(h100.uuid, 6e9) }, verdict: 'partly_on_gpu', colour: 'red', code: 'truth.partly' },
  { name: 'another GPU', change: { meant: [h200], gpus: [h200, h100], processBytes: new Map([[h100.uuid, 6.6e9], [h200.uuid, 0.4e9]]) }, verdict: 'other_gpu', colour: 'red', code: 'truth.other_gpu', says: 'H100' },
  { name: 'the driver finds nothing of it', change: { processBytes: new Map(), grownBytes: new Map() }, verdict: 'not_on_gpu', colour: 'red', code: 'truth.not_on_gpu' },
  { name: 'spilled to the machine\'s memory', change: { meant: [rtx], gpus: [rtx], processBytes: held(rtx.uuid, 3.1e9), decode: { idleWatts: 18, watts: 90, utilGpuPercent: 99 } }, verdict: 'partly_on_gpu', colour: 'red', code: 'truth.partly', says: '2.9 GB' },
  { name: 'a GPU that shares the machine\'s memory spills nowhere', change: { shareMemory: true, processBytes: held(h100.uuid, 3.1e9) }, verdict: 'on_gpu', colour: 'green' },
  { name: 'Vulkan on an NVIDIA GPU, chosen', change: { report: { ...report, backend: 'vulkan' } }, verdict: 'on_gpu', colour: 'amber', code: 'truth.other_backend', says: 'Vulkan instead of CUDA' },
  { name: 'Vulkan although CUDA was asked for', change: { asked: { backend: 'cuda', devices: [], gpuLayers: null }, report: { ...report, backend: 'vulkan' } }, verdict: 'on_gpu', colour: 'red', code: 'truth.other_backend' },
  { name: 'Vulkan as asked', change: { asked: { backend: 'vulkan', devices: [], gpuLayers: null }, report: { ...report, backend: 'vulkan' } }, verdict: 'on_gpu', colour: 'green' },
  { name: 'it answered, and the GPU slept', change: { decode: { idleWatts: 73.6, watts: 74.3, utilGpuPercent: 0 } }, verdict: 'unproved', colour: 'amber', says: 'neither drew power' },
  { name: 'not loaded yet', change: { report: null }, verdict: 'unproved', colour: 'grey' },
  { name: 'the engine speaks of a GPU and no driver is read', change: { gpus: [], meant: [] }, verdict: 'unproved', colour: 'grey', says: 'no driver' },
];

describe('where a model is', () => {
  for (const { name, change, verdict, colour, code, says } of cases) {
    test(name, () => {
      const truth = decideTruth({ ...base, ...change });
      expect({ verdict: truth.verdict, colour: truth.colour, code: truth.problem?.code ?? null }).toEqual({ verdict, colour, code: code ?? (verdict === 'partly_on_gpu' ? 'truth.partly' : null) });
      if (says !== undefined) expect(truth.sentence).toContain(says);
      expect(truth.title).not.toBe('');
      // Red and amber say what to do.
      if (colour === 'red') expect(truth.problem?.remedy).toMatch(/\w{4}/);
    });
  }

  test('over two GPUs what lies where follows the driver\'s figures', () => {
    const truth = decideTruth({ ...base, meant: [h100, h200], gpus: [h100, h200], processBytes: new Map([[h100.uuid, 2e9], [h200.uuid, 4.6e9]]) });
    expect(truth.verdict).toBe('on_gpu');
    expect(truth.placed.map((p) => [p.uuid, p.layers])).toEqual([[h100.uuid, 10], [h200.uuid, 23], [null, 0]]);
    expect(Math.round(truth.placed.reduce((sum, p) => sum + p.bytes, 0) / 1e6)).toBe(6073);
  });
});

describe('what the list of processes says', () => {
  const process = (change: Partial<GpuProcess>): GpuProcess => ({
    gpuUuid: 'GPU-a', pid: 412, type: 'compute', memUsedBytes: 24_708_644_864, utilSmPercent: 3, utilMemPercent: 2, utilEncoderPercent: 0, utilDecoderPercent: 0, identity: 'local', user: null, command: null,
    executable: null, hostMemBytes: null, startedAtMs: null, startTicks: null, canTerminate: false, whyNot: null, environment: null, torchVerdict: null, ...change,
  });
  const reading = (processes: GpuProcess[], notReported: ProcessReading['notReported'] = {}): ProcessReading => ({ atMs: 1, processes, notReported });
  const machine = { devices: [], inContainer: false };

  test('of our pid, once where it is listed twice', () => {
    expect(decideProcessEvidence(reading([process({}), process({ type: 'graphics' }), process({ pid: 9 })]), machine, 412)).toEqual({ processBytes: new Map([['GPU-a', 24_708_644_864]]), processUnknown: null });
  });
  test('not there: on a bare machine that is an answer, in a container it is none', () => {
    expect(decideProcessEvidence(reading([process({ pid: 9 })]), machine, 412).processBytes).toEqual(new Map());
    expect(decideProcessEvidence(reading([process({ pid: 9 })]), { ...machine, inContainer: true }, 412)).toMatchObject({ processBytes: null, processUnknown: expect.stringContaining('container') });
    expect(decideProcessEvidence(reading([process({ pid: 90_001, identity: 'host' })]), machine, 412).processBytes).toBeNull();
  });
  test('without memory by process, or without a list, the reason is handed on', () => {
    expect(decideProcessEvidence(reading([process({ memUsedBytes: null })], { memUsedBytes: { code: 'wddm', text: 'WDDM does not report it.' } }), machine, 412)).toEqual({ processBytes: null, processUnknown: 'WDDM does not report it.' });
    expect(decideProcessEvidence(reading([], { processes: { code: 'wsl', text: 'WSL lists none.' } }), machine, 412)).toEqual({ processBytes: null, processUnknown: 'WSL lists none.' });
  });
});
