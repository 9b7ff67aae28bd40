import type { Device, DeviceSample, GpuProcess, Inventory } from '../../../contract/gpu.ts';
import { addToTrail, type Trail } from './trail.ts';
import { reduceWatch, type WatchEvent } from './reduce-watch.ts';
import { startState, type WatchState } from './watch-state.ts';

const GIB = 1024 ** 3;
/** Noon, local time: pictures of it are the same in every zone. */
export const TEST_NOW_MS = new Date(2026, 2, 1, 14, 32, 40).getTime();

const bare = {
  kind: 'gpu', parentUuid: null, migProfile: null, architecture: null, computeCapability: null, pciBusId: null, vbiosVersion: null, persistenceMode: null, eccEnabled: null, migMode: null, displayActive: null,
  unifiedMemory: false, powerDefaultLimitWatts: null, powerMinLimitWatts: null, tempSlowdownCelsius: null, tempShutdownCelsius: null, tempMaxOperatingCelsius: null, clockMaxSmMhz: null, clockMaxMemMhz: null,
  pcieMaxGen: null, pcieMaxWidth: null, nvlinkCount: null, fanCount: null, notReported: {},
} as const;

function makeDevice(index: number, name: string, gib: number | null, watts: number | null): Device {
  return { ...bare, uuid: `GPU-${String(index)}`, index, name, memTotalBytes: gib === null ? null : gib * GIB, powerLimitWatts: watts, powerMaxLimitWatts: watts };
}

function makeSample(index: number, v: { util: number | null; gib: number | null; watts: number | null; temp: number | null; mhz: number | null; gen: number | null; width: number | null; reasons: number }): DeviceSample {
  return {
    uuid: `GPU-${String(index)}`, state: 'ok',
    fast: { utilGpuPercent: v.util, utilMemPercent: null, powerWatts: v.watts, clockSmMhz: v.mhz, clockMemMhz: null, eventReasons: v.reasons },
    medium: {
      memUsedBytes: v.gib === null ? null : v.gib * GIB, memFreeBytes: null, memReservedBytes: null, tempCelsius: v.temp, tempMemCelsius: null, powerLimitWatts: null, energyJoules: null, pcieRxBytesPerSecond: null,
      pcieTxBytesPerSecond: null, nvlinkRxBytesPerSecond: null, nvlinkTxBytesPerSecond: null, utilEncoderPercent: null, utilDecoderPercent: null, clockVideoMhz: null, pcieGen: v.gen, pcieWidth: v.width, pstate: null,
      powerCapSeconds: null, thermalSoftwareSeconds: null, thermalHardwareSeconds: null, powerBrakeSeconds: null,
    },
  };
}

function makeProcess(gpu: number, pid: number, user: string | null, command: string | null, gib: number | null, sm: number | null, minutes: number | null): GpuProcess {
  return {
    gpuUuid: `GPU-${String(gpu)}`, pid, type: 'compute', memUsedBytes: gib === null ? null : gib * GIB, utilSmPercent: sm, utilMemPercent: null, utilEncoderPercent: null, utilDecoderPercent: null,
    identity: command === null ? 'host' : 'local', user, command, executable: null, hostMemBytes: null, startedAtMs: minutes === null ? null : TEST_NOW_MS - minutes * 60_000, startTicks: '1',
    canTerminate: command !== null, whyNot: command === null ? 'It is a process of the host.' : null, environment: null, torchVerdict: null,
  };
}

export const testInventory: Inventory = {
  revision: 1, atMs: TEST_NOW_MS, source: 'nvml', sourceSpec: 'nvml', simulated: false, state: 'ok', problem: null,
  driver: { driverVersion: '580.95', cudaVersion: '13.0', nvmlVersion: null, libraryPath: null },
  devices: [makeDevice(0, 'NVIDIA GeForce RTX 5090', 31.8, 575), makeDevice(1, 'NVIDIA GeForce RTX 4090', 24, 450), makeDevice(2, 'NVIDIA H100 PCIe', 79.6, 350), makeDevice(3, 'NVIDIA GeForce RTX 3090', 24, 350)],
  provenance: null, findings: [], rateHz: 10, rateNote: null, inContainer: false,
};

export const testSamples: readonly DeviceSample[] = [
  makeSample(0, { util: 98, gib: 27.4, watts: 553, temp: 70, mhz: 2745, gen: 5, width: 16, reasons: 0x4 }),
  makeSample(1, { util: 0, gib: 6.41, watts: 282, temp: 51, mhz: 2745, gen: 4, width: 16, reasons: 0x1 }),
  makeSample(2, { util: null, gib: null, watts: null, temp: null, mhz: null, gen: null, width: null, reasons: 0 }),
  makeSample(3, { util: 100, gib: 21.7, watts: 236, temp: 91, mhz: 1245, gen: 4, width: 8, reasons: 0x20 }),
];

export const testProcesses: readonly GpuProcess[] = [
  makeProcess(0, 48213, 'maria', 'python train.py --config gpt2-124m', 25.9, 97, 134),
  makeProcess(3, 60118, 'jonas', 'python finetune.py --lora-rank 16 --データ 学習データ.jsonl --output very/long/path/that/does/not/fit', 21.4, 99, 5),
  makeProcess(1, 51877, 'maria', 'python answer.py', 6.02, 0, 41),
  makeProcess(2, 4_100_200, null, null, null, null, null),
  makeProcess(0, 3127, 'root', 'Xorg :0\u001b[2J', 0.42, 1, 13_200),
];

/** Five minutes as they could have been: a load that comes and goes, heat at the end. */
function makeTrail(index: number): Trail {
  let trail: Trail = [];
  for (let s = 299; s >= 0; s -= 1) {
    const util = index === 0 ? 98 : index === 1 ? (Math.floor(s / 40) % 2 === 0 ? 95 : 3) : 100;
    trail = addToTrail(trail, TEST_NOW_MS - s * 1000, { utilGpuPercent: util, powerWatts: (util / 100) * (index === 0 ? 575 : index === 1 ? 282 : s < 88 ? 250 : 350), eventReasons: index === 0 ? 0x4 : index === 3 && s < 88 ? 0x20 : 0 });
  }
  return trail;
}

export function play(state: WatchState, ...events: readonly WatchEvent[]): WatchState {
  return events.reduce((s, event) => reduceWatch(s, event).state, state);
}

export function makeTestState(columns: number, rows: number): WatchState {
  return play(
    startState({ columns, rows, nowMs: TEST_NOW_MS, hostName: 'wren', intervalMs: 1000 }),
    { type: 'connected' }, { type: 'inventory', inventory: testInventory },
    { type: 'frame', frame: { seq: 1, atMs: TEST_NOW_MS, tookMs: 1, samples: [...testSamples] } },
    { type: 'stored', trails: new Map([0, 1, 3].map((i) => [`GPU-${String(i)}`, makeTrail(i)])) },
    { type: 'processes', processes: testProcesses },
  );
}
