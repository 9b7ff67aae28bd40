import { expect, it } from 'vitest';
import type { DeviceSample, Inventory } from '../../contract/gpu.ts';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import { decideGpuReadiness } from './readiness.ts';
import { readSimulatedMachine } from './sources/gpu-models.ts';
import { createSimulatedDevice } from './sources/simulate-model.ts';

const devices = readSimulatedMachine(2).flatMap(({ model, mig }, index) => createSimulatedDevice({ model, mig, index, seed: 1, warm: false, startMs: 0 }).devices());
const base: Inventory = {
  revision: 1, atMs: 0, source: 'nvml', sourceSpec: 'nvml', simulated: false, state: 'ok', problem: null, driver: { driverVersion: '580.95.05', cudaVersion: '13.0', nvmlVersion: null, libraryPath: null }, devices: [...devices],
  provenance: null, findings: [], rateHz: 1, rateNote: null, inContainer: false,
};
const latest = (part: Partial<DeviceSample>): ReadonlyMap<string, { sample: DeviceSample }> => new Map([[devices[1]?.uuid ?? '', { sample: { uuid: devices[1]?.uuid ?? '', state: 'ok', fast: null, ...part } }]]);
const fast = (eventReasons: number): DeviceSample['fast'] => ({ utilGpuPercent: 1, utilMemPercent: 1, powerWatts: 1, clockSmMhz: 1, clockMemMhz: 1, eventReasons });

it.each<[string, Partial<Inventory>, ReturnType<typeof latest>, string, string]>([
  ['fine', {}, latest({}), 'fine', 'Driver 580.95, 2 devices, fine.'],
  ['power cap', {}, latest({ fast: fast(4) }), 'fine', 'Driver 580.95, 2 devices, fine.'],
  ['heat', {}, latest({ fast: fast(0x24) }), 'attention', 'Driver 580.95, 2 devices. RTX 4090 is slowed by heat or hardware.'],
  ['lost', {}, latest({ state: 'lost' }), 'problem', 'Driver 580.95, 2 devices. RTX 4090 does not answer.'],
  ['starting', { state: 'starting' }, latest({}), 'unknown', 'Looking for GPUs.'],
  ['simulated', { source: 'simulate', simulated: true }, latest({}), 'attention', '2 simulated devices: no reading comes from a real GPU.'],
  ['replayed', { source: 'replay', simulated: true }, latest({}), 'attention', '2 devices from a recording.'],
  ['through nvidia-smi', { source: 'smi' }, latest({}), 'attention', 'Driver 580.95, 2 devices, read through nvidia-smi once a second.'],
  ['no GPU', { state: 'problem', problem: makeProblem('gpu.none'), devices: [] }, latest({}), 'attention', 'No NVIDIA GPU in this machine. Environments, Chat and Models work on the CPU.'],
  ['mismatch', { state: 'problem', problem: makeProblem('gpu.version_mismatch', { moduleVersion: '580.82', libraryVersion: '580.95' }) }, latest({}), 'problem', 'Driver and library are of different versions. The kernel module is 580.82, the library beside it 580.95. The two only talk to each other when they are equal.'],
])('%s', (_, part, samples, state, text) => {
  expect(decideGpuReadiness({ ...base, ...part }, samples)).toMatchObject({ area: 'gpu', state, text });
});
