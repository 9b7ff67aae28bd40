import type { Device, GpuProcess, GpuStreamItem, ProcessReading } from '../../../contract/gpu.ts';

/** A device for the monitor's tests: a 450 W board that reports everything but its memory temperature. */
export function makeDevice(index: number, changes: Partial<Device> = {}): Device {
  return {
    uuid: `GPU-${index}`, index, kind: 'gpu', parentUuid: null, migProfile: null, name: 'NVIDIA GeForce RTX 4090', architecture: 'Ada', computeCapability: '8.9',
    pciBusId: `00000000:0${index}:00.0`, vbiosVersion: null, persistenceMode: true, eccEnabled: null, migMode: null, displayActive: false, unifiedMemory: false,
    memTotalBytes: 24 * 2 ** 30, powerLimitWatts: 450, powerDefaultLimitWatts: 450, powerMinLimitWatts: 150, powerMaxLimitWatts: 600, tempSlowdownCelsius: 90,
    tempShutdownCelsius: 95, tempMaxOperatingCelsius: null, clockMaxSmMhz: 3105, clockMaxMemMhz: 10501, pcieMaxGen: 4, pcieMaxWidth: 16, nvlinkCount: null, fanCount: 2,
    notReported: { tempMemCelsius: { code: 'not_supported', text: 'This board does not expose its memory temperature' } },
    ...changes,
  };
}

/** A frame of all tiers. */
export function makeFrame(seq: number, atMs: number, uuids: readonly string[], values: { util?: number | null; reasons?: number; temp?: number } = {}): GpuStreamItem {
  const { util = 50, reasons = 0, temp = 60 } = values;
  return {
    type: 'frame',
    frame: {
      seq, atMs, tookMs: 0.4,
      samples: uuids.map((uuid) => ({
        uuid,
        state: 'ok' as const,
        fast: { utilGpuPercent: util, utilMemPercent: 30, powerWatts: 300 + (seq % 7), clockSmMhz: 2700, clockMemMhz: 10501, eventReasons: reasons },
        medium: {
          memUsedBytes: 6 * 2 ** 30, memFreeBytes: null, memReservedBytes: null, tempCelsius: temp, tempMemCelsius: null, powerLimitWatts: 450, energyJoules: null,
          pcieRxBytesPerSecond: 1e9, pcieTxBytesPerSecond: 5e8, nvlinkRxBytesPerSecond: null, nvlinkTxBytesPerSecond: null, utilEncoderPercent: 0, utilDecoderPercent: 0,
          clockVideoMhz: null, pcieGen: 4, pcieWidth: 16, pstate: 2, powerCapSeconds: null, thermalSoftwareSeconds: null, thermalHardwareSeconds: null, powerBrakeSeconds: null,
        },
        slow: { fanPercent: 41, fanRpm: null, eccCorrected: null, eccUncorrected: null, remappedRows: null, rowRemapPending: null, pcieReplays: null, nvlinkActive: null, nvlinkErrors: null, xid: null, xidAtMs: null },
      })),
    },
  };
}

export function makeProcess(pid: number, changes: Partial<GpuProcess> = {}): GpuProcess {
  return {
    gpuUuid: 'GPU-0', pid, type: 'compute', memUsedBytes: pid * 2 ** 20, utilSmPercent: 10, utilMemPercent: null, utilEncoderPercent: null, utilDecoderPercent: null,
    identity: 'local', user: 'maria', command: `python job-${pid}.py`, executable: '/usr/bin/python3', hostMemBytes: 2 ** 30, startedAtMs: 1_790_000_000_000, startTicks: '123',
    canTerminate: true, whyNot: null, environment: null, torchVerdict: null, ...changes,
  };
}

export const makeReading = (processes: GpuProcess[]): ProcessReading => ({ atMs: 1_790_000_600_000, processes, notReported: {} });
