import type { MediumReading } from '../../contract/gpu.ts';
import { updateCounterRate, type CounterRate } from './counter-rate.ts';
import { readSystemMemory } from './driver-facts.ts';
import { COUNTER, judge, noteReason, within, type DeviceCalls, type OpenDevice } from './open-device.ts';
import { readVideoClock, scratch, scratch2, watts } from './read-fast.ts';
import { NVML } from './trouble.ts';
import { readI32, readU32, readU64, structVersion } from './words.ts';

const MEMORY_2 = structVersion(40, 2);
const TEMPERATURE_1 = structVersion(12, 1);
const MAX_BYTES = 2 ** 50;
const MAX_COUNT = Number.MAX_SAFE_INTEGER;
const MIN_CELSIUS = -60;
const MAX_CELSIUS = 250;
const MAX_BYTES_PER_SECOND = 1e13;

/**
 * The tier of up to 1 Hz. Memory and temperature are cheap; energy, link counters and reason times cost
 * milliseconds on some boards, so they are read only when `countersToo`, and held in between (the rates are means
 * over the time between two readings).
 */
export function readMedium(device: OpenDevice, countersToo: boolean): MediumReading {
  const memory = readMemory(device);
  if (countersToo) readCounters(device);
  const { held } = device;
  return {
    memUsedBytes: memory?.used ?? null,
    memFreeBytes: memory?.free ?? null,
    memReservedBytes: memory?.reserved ?? null,
    tempCelsius: readTemperature(device),
    tempMemCelsius: readMemoryTemperature(device),
    powerLimitWatts: readGauge(device, 'powerLimitWatts', 'limit', watts),
    energyJoules: held.energy,
    pcieRxBytesPerSecond: device.pcieRx.rate,
    pcieTxBytesPerSecond: device.pcieTx.rate,
    nvlinkRxBytesPerSecond: device.nvlinkRx.rate,
    nvlinkTxBytesPerSecond: device.nvlinkTx.rate,
    utilEncoderPercent: readGauge(device, 'utilEncoderPercent', 'encoder', percent),
    utilDecoderPercent: readGauge(device, 'utilDecoderPercent', 'decoder', percent),
    clockVideoMhz: readVideoClock(device),
    pcieGen: readGauge(device, 'pcieGen', 'gen', upTo32),
    pcieWidth: readGauge(device, 'pcieWidth', 'width', upTo32),
    pstate: readGauge(device, 'pstate', 'pstate', performanceState),
    powerCapSeconds: held.powerCap,
    thermalSoftwareSeconds: held.thermalSoftware,
    thermalHardwareSeconds: held.thermalHardware,
    powerBrakeSeconds: held.powerBrake,
  };
}

type Judge = (device: OpenDevice, field: string, value: number | null) => number | null;
const percent: Judge = (device, field, value) => within(device, field, value, 0, 100);
const upTo32: Judge = (device, field, value) => within(device, field, value, 0, 32);
/** 32 is NVML's "unknown state": no slip, just not known now. */
const performanceState: Judge = (device, field, value) => (value === 32 ? null : within(device, field, value, 0, 15));

/** One call that answers one unsigned int (a second, the sampling period, is ignored). */
function readGauge(device: OpenDevice, field: string, name: keyof DeviceCalls, judged: Judge): number | null {
  const call = device.calls[name];
  if (call === null || device.state !== 'ok') return null;
  const two = name === 'encoder' || name === 'decoder';
  const verdict = judge(device, field, two ? call(device.handle, scratch, scratch2) : call(device.handle, scratch));
  if (verdict === 'ok') return judged(device, field, readU32(scratch, 0));
  if (verdict === 'off') device.calls[name] = null;
  return null;
}

interface MemoryReading {
  readonly used: number | null;
  readonly free: number | null;
  readonly reserved: number | null;
}

/** Version 2 keeps what the system reserves apart; version 1 counts it as used. Unified memory is the system's. */
function readMemory(device: OpenDevice): MemoryReading | null {
  if (device.record.unifiedMemory) return readUnified();
  const { calls } = device;
  if (calls.memory2 !== null) {
    scratch[0] = MEMORY_2;
    const code = calls.memory2(device.handle, scratch);
    if (code === NVML.ok) return { reserved: bytes(device, 'memReservedBytes', 4), free: bytes(device, 'memFreeBytes', 6), used: bytes(device, 'memUsedBytes', 8) };
    if (code !== NVML.notSupported && code !== NVML.versionRefused && code !== NVML.functionNotFound) {
      judge(device, 'memUsedBytes', code);
      return null;
    }
    calls.memory2 = null;
    if (code !== NVML.notSupported) noteReason(device, 'memReservedBytes', 'symbol_missing');
  }
  if (calls.memory1 === null) return null;
  const verdict = judge(device, 'memUsedBytes', calls.memory1(device.handle, scratch));
  if (verdict === 'ok') return { reserved: null, free: bytes(device, 'memFreeBytes', 2), used: bytes(device, 'memUsedBytes', 4) };
  if (verdict === 'off') {
    for (const field of ['memFreeBytes', 'memReservedBytes']) noteReason(device, field, NVML.notSupported);
    calls.memory1 = null;
  }
  return null;
}

function bytes(device: OpenDevice, field: string, at: number): number | null {
  return within(device, field, readU64(scratch, at), 0, MAX_BYTES);
}

function readUnified(): MemoryReading | null {
  const memory = readSystemMemory();
  return memory === null ? null : { used: memory.totalBytes - memory.availableBytes, free: memory.availableBytes, reserved: null };
}

/** nvmlDeviceGetTemperatureV where the driver has it (R590 and later have both), else the older function. */
function readTemperature(device: OpenDevice): number | null {
  const { calls } = device;
  if (device.state !== 'ok') return null;
  if (calls.temperatureV !== null) {
    scratch[0] = TEMPERATURE_1;
    scratch[1] = 0; // NVML_TEMPERATURE_GPU
    const code = calls.temperatureV(device.handle, scratch);
    if (code === NVML.ok) return celsius(device, 'tempCelsius', readI32(scratch, 2));
    if (code !== NVML.notSupported && code !== NVML.versionRefused && code !== NVML.functionNotFound && code !== 2) {
      judge(device, 'tempCelsius', code);
      return null;
    }
    calls.temperatureV = null;
  }
  if (calls.temperature === null) return null;
  const verdict = judge(device, 'tempCelsius', calls.temperature(device.handle, 0, scratch));
  if (verdict === 'ok') return celsius(device, 'tempCelsius', readI32(scratch, 0));
  if (verdict === 'off') calls.temperature = null;
  return null;
}

function celsius(device: OpenDevice, field: string, value: number | null): number | null {
  // All ones is "not available" here, too, though it reads as −1.
  return within(device, field, value === -1 ? null : value, MIN_CELSIUS, MAX_CELSIUS);
}

function readMemoryTemperature(device: OpenDevice): number | null {
  const { temps, calls } = device;
  if (calls.fields === null || temps.size === 0 || device.state !== 'ok') return null;
  const own = temps.read(calls.fields, device.handle);
  const verdict = judge(device, 'tempMemCelsius', own === NVML.ok ? temps.code(0) : own);
  if (verdict === 'ok') return celsius(device, 'tempMemCelsius', temps.value(0));
  if (verdict === 'off') temps.drop(0);
  return null;
}

/** One call for all counters; each field answers its own code and carries its own time. */
function readCounters(device: OpenDevice): void {
  const { calls, counters, held } = device;
  if (device.state !== 'ok') return;
  if (calls.fields !== null) {
    const own = counters.read(calls.fields, device.handle);
    if (own !== NVML.ok) {
      judge(device, 'energyJoules', own);
      return;
    }
    takeRate(device, COUNTER.nvlinkTx, 'nvlinkTxBytesPerSecond', device.nvlinkTx, 1024);
    takeRate(device, COUNTER.nvlinkRx, 'nvlinkRxBytesPerSecond', device.nvlinkRx, 1024);
    held.powerCap = takeSeconds(device, COUNTER.powerCap, 'powerCapSeconds');
    held.thermalSoftware = takeSeconds(device, COUNTER.thermalSoftware, 'thermalSoftwareSeconds');
    held.thermalHardware = takeSeconds(device, COUNTER.thermalHardware, 'thermalHardwareSeconds');
    held.powerBrake = takeSeconds(device, COUNTER.powerBrake, 'powerBrakeSeconds');
    const code = counters.code(COUNTER.energy);
    if (code === NVML.ok) {
      held.energy = joules(device, counters.value(COUNTER.energy));
      return;
    }
    if (code === NVML.notSupported) counters.drop(COUNTER.energy);
  }
  held.energy = null;
  if (calls.energy === null) return;
  const verdict = judge(device, 'energyJoules', calls.energy(device.handle, scratch));
  if (verdict === 'ok') held.energy = joules(device, readU64(scratch, 0));
  else if (verdict === 'off') calls.energy = null;
}

function joules(device: OpenDevice, millijoules: number | null): number | null {
  return within(device, 'energyJoules', millijoules === null ? null : millijoules / 1000, 0, MAX_COUNT);
}

/** A counter of one field as units of `scale` bytes per second. */
function takeRate(device: OpenDevice, index: number, field: string, rate: CounterRate, scale: number): void {
  const { counters } = device;
  const code = counters.code(index);
  const verdict = code === NVML.notSupported && device.record.notReported[field] !== undefined ? 'off' : judge(device, field, code);
  if (verdict === 'off') {
    counters.drop(index);
    rate.rate = null;
    return;
  }
  const value = verdict === 'ok' ? within(device, field, counters.value(index), 0, MAX_COUNT) : null;
  updateCounterRate(rate, value === null ? null : value * scale, counters.atUs(index), counters.bits(index));
  if (rate.rate !== null && rate.rate > MAX_BYTES_PER_SECOND) rate.rate = within(device, field, null, 0, 0);
}

/** Nanoseconds in a reason, as seconds. */
function takeSeconds(device: OpenDevice, index: number, field: string): number | null {
  const { counters } = device;
  const code = counters.code(index);
  const verdict = code === NVML.notSupported && device.record.notReported[field] !== undefined ? 'off' : judge(device, field, code);
  if (verdict === 'off') counters.drop(index);
  if (verdict !== 'ok') return null;
  const value = within(device, field, counters.value(index), 0, MAX_COUNT);
  return value === null ? null : value / 1e9;
}

/** Fields that a missing function takes away, said before the first reading. */
export function noteMissingMedium(device: OpenDevice): void {
  const { calls } = device;
  const missing = (absent: boolean, ...fields: string[]): void => {
    if (absent) for (const field of fields) noteReason(device, field, 'symbol_missing');
  };
  missing(calls.memory2 === null && calls.memory1 === null, 'memUsedBytes', 'memFreeBytes');
  missing(calls.memory2 === null, 'memReservedBytes');
  missing(calls.temperatureV === null && calls.temperature === null, 'tempCelsius');
  missing(calls.fields === null, 'tempMemCelsius', 'nvlinkRxBytesPerSecond', 'nvlinkTxBytesPerSecond', 'powerCapSeconds', 'thermalSoftwareSeconds', 'thermalHardwareSeconds', 'powerBrakeSeconds');
  missing(calls.fields === null && calls.energy === null, 'energyJoules');
  missing(calls.limit === null, 'powerLimitWatts');
  missing(calls.encoder === null, 'utilEncoderPercent');
  missing(calls.decoder === null, 'utilDecoderPercent');
  missing(calls.gen === null, 'pcieGen');
  missing(calls.width === null, 'pcieWidth');
  missing(calls.pstate === null, 'pstate');
}
