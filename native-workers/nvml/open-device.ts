import type { Device, DeviceState, NotReportedReason } from '../../contract/gpu.ts';
import { WORD } from './shared-state.ts';
import { makeCounterRate, type CounterRate } from './counter-rate.ts';
import { makeFieldBatch, type FieldBatch } from './field-batch.ts';
import type { Handle, NvmlCall, NvmlLibrary } from './nvml-library.ts';
import { decideReason, type ReasonContext } from './not-reported.ts';
import { NVML } from './trouble.ts';

/** Driver functions of one device, resolved once: the newest form that this driver has and that answered. */
export interface DeviceCalls {
  utilisation: NvmlCall | null;
  powerUsage: NvmlCall | null;
  clock: NvmlCall | null;
  reasons: NvmlCall | null;
  fields: NvmlCall | null;
  memory2: NvmlCall | null;
  memory1: NvmlCall | null;
  temperatureV: NvmlCall | null;
  temperature: NvmlCall | null;
  energy: NvmlCall | null;
  encoder: NvmlCall | null;
  decoder: NvmlCall | null;
  gen: NvmlCall | null;
  width: NvmlCall | null;
  pstate: NvmlCall | null;
  limit: NvmlCall | null;
  fan: NvmlCall | null;
  fanRpm: NvmlCall | null;
  ecc: NvmlCall | null;
  nvlinkState: NvmlCall | null;
  nvlinkErrors: NvmlCall | null;
}

/** One device while the driver is open: handle, preallocated memory, what is asked and what was found. */
export interface OpenDevice {
  readonly handle: Handle;
  readonly uuid: string;
  record: Device;
  state: DeviceState;
  readonly calls: DeviceCalls;
  readonly context: Omit<ReasonContext, 'field' | 'unifiedMemory'>;
  smClock: boolean;
  memClock: boolean;
  videoClock: boolean;
  readonly power: FieldBatch;
  readonly temps: FieldBatch;
  readonly counters: FieldBatch;
  readonly pcie: FieldBatch;
  readonly health: FieldBatch;
  readonly linkErrorCounts: (number | null)[];
  nextLink: number;
  readonly pcieTx: CounterRate;
  readonly pcieRx: CounterRate;
  readonly nvlinkTx: CounterRate;
  readonly nvlinkRx: CounterRate;
  readonly held: { energy: number | null; powerCap: number | null; thermalSoftware: number | null; thermalHardware: number | null; powerBrake: number | null };
  xid: number | null;
  xidAtMs: number | null;
  mediumDueMs: number;
  slowDueMs: number;
  countersDueMs: number;
  /** Field → how often in a row it was out of range or failed. */
  readonly bad: Map<string, number>;
  /** The record changed since it was told. */
  changed: boolean;
  readonly words: Int32Array;
}

const ALL_LINKS = 0xffff_ffff;
export const COUNTER = { energy: 0, nvlinkTx: 1, nvlinkRx: 2, powerCap: 3, thermalSoftware: 4, thermalHardware: 5, powerBrake: 6 } as const;
export const HEALTH = { replays: 0, remappedCorrected: 1, remappedUncorrected: 2, remapPending: 3 } as const;

export function makeOpenDevice(library: NvmlLibrary, handle: Handle, record: Device, context: OpenDevice['context'], words: Int32Array): OpenDevice {
  const c = library.calls;
  const links = record.nvlinkCount ?? 0;
  return {
    handle,
    uuid: record.uuid,
    record,
    state: 'ok',
    calls: {
      utilisation: c.nvmlDeviceGetUtilizationRates,
      powerUsage: c.nvmlDeviceGetPowerUsage,
      clock: c.nvmlDeviceGetClockInfo,
      reasons: c.nvmlDeviceGetCurrentClocksEventReasons ?? c.nvmlDeviceGetCurrentClocksThrottleReasons,
      fields: c.nvmlDeviceGetFieldValues,
      memory2: c.nvmlDeviceGetMemoryInfo_v2,
      memory1: c.nvmlDeviceGetMemoryInfo,
      temperatureV: c.nvmlDeviceGetTemperatureV,
      temperature: c.nvmlDeviceGetTemperature,
      energy: c.nvmlDeviceGetTotalEnergyConsumption,
      encoder: c.nvmlDeviceGetEncoderUtilization,
      decoder: c.nvmlDeviceGetDecoderUtilization,
      gen: c.nvmlDeviceGetCurrPcieLinkGeneration,
      width: c.nvmlDeviceGetCurrPcieLinkWidth,
      pstate: c.nvmlDeviceGetPerformanceState,
      limit: c.nvmlDeviceGetEnforcedPowerLimit,
      fan: c.nvmlDeviceGetFanSpeed_v2,
      fanRpm: c.nvmlDeviceGetFanSpeedRPM,
      ecc: c.nvmlDeviceGetTotalEccErrors,
      nvlinkState: c.nvmlDeviceGetNvLinkState,
      nvlinkErrors: c.nvmlDeviceGetNvLinkErrorCounter,
    },
    context,
    smClock: true,
    memClock: true,
    videoClock: true,
    power: makeFieldBatch([{ id: 186, scope: 0 }]),
    temps: makeFieldBatch([{ id: 82, scope: 0 }]),
    counters: makeFieldBatch([
      { id: 83, scope: 0 }, { id: 138, scope: ALL_LINKS }, { id: 139, scope: ALL_LINKS },
      { id: 74, scope: 0 }, { id: 269, scope: 0 }, { id: 270, scope: 0 }, { id: 271, scope: 0 },
    ]),
    pcie: makeFieldBatch([{ id: 197, scope: 0 }, { id: 198, scope: 0 }]),
    health: makeFieldBatch([{ id: 94, scope: 0 }, { id: 142, scope: 0 }, { id: 143, scope: 0 }, { id: 144, scope: 0 }]),
    linkErrorCounts: Array.from({ length: links }, () => null),
    nextLink: 0,
    pcieTx: makeCounterRate(),
    pcieRx: makeCounterRate(),
    nvlinkTx: makeCounterRate(),
    nvlinkRx: makeCounterRate(),
    held: { energy: null, powerCap: null, thermalSoftware: null, thermalHardware: null, powerBrake: null },
    xid: null,
    xidAtMs: null,
    mediumDueMs: 0,
    slowDueMs: 0,
    countersDueMs: 0,
    bad: new Map(),
    changed: false,
    words,
  };
}

/** Stands in the record once, not in every sample. */
export function noteReason(device: OpenDevice, field: string, code: Parameters<typeof decideReason>[0]): void {
  const reason = decideReason(code, { ...device.context, field, unifiedMemory: device.record.unifiedMemory });
  if (device.record.notReported[field]?.code === reason.code) return;
  setReason(device, field, reason);
}

export function setReason(device: OpenDevice, field: string, reason: NotReportedReason): void {
  device.record.notReported[field] = reason;
  device.changed = true;
}

/** How often in a row before it is called trouble of the field, not a slip. */
const SLIPS = 3;

function countBad(device: OpenDevice, field: string, code: number | 'out_of_range'): void {
  const count = (device.bad.get(field) ?? 0) + 1;
  device.bad.set(field, count);
  if (count === SLIPS) noteReason(device, field, code);
}

function forgiveBad(device: OpenDevice, field: string): void {
  if (!device.bad.delete(field) || device.record.notReported[field] === undefined) return;
  delete device.record.notReported[field];
  device.changed = true;
}

/**
 * What a code means for the device. True: the value counts. `off`: not supported here, the caller stops asking.
 * Lost and reset-required change the device's state; anything else is a slip until it happens again and again.
 */
export function judge(device: OpenDevice, field: string, code: number): 'ok' | 'off' | 'slip' {
  if (code === NVML.ok) return 'ok';
  if (code === NVML.lost) device.state = 'lost';
  else if (code === NVML.resetRequired) device.state = 'reset_required';
  else if (code === NVML.notSupported || code === NVML.noPermission || code === NVML.functionNotFound || code === NVML.versionRefused || code === NVML.deprecated || code === 2) {
    noteReason(device, field, code === 2 ? NVML.notSupported : code);
    return 'off';
  } else countBad(device, field, code);
  return 'slip';
}

/** A value in its range, else null and one bad sample counted. null stays null and counts as bad, too. */
export function within(device: OpenDevice, field: string, value: number | null, low: number, high: number): number | null {
  if (value !== null && value >= low && value <= high) {
    if (device.bad.size > 0) forgiveBad(device, field);
    return value;
  }
  Atomics.add(device.words, WORD.badSamples, 1);
  countBad(device, field, 'out_of_range');
  return null;
}
