import type { FastReading } from '../../contract/gpu.ts';
import type { NvmlCall } from './nvml-library.ts';
import { judge, noteReason, within, type OpenDevice } from './open-device.ts';
import { NVML } from './trouble.ts';
import { readU32, readU64 } from './words.ts';

/** Memory that driver calls write into: one for the whole thread, read at once after each call. */
export const scratch = new Uint32Array(16);
export const scratch2 = new Uint32Array(4);

export const MAX_WATTS = 20_000;
export const MAX_MHZ = 20_000;
const DOMAIN = { sm: 1, memory: 2, video: 3 } as const;

/** The tier of up to 10 Hz: five driver calls a device. Null when the device is lost or must be reset. */
export function readFast(device: OpenDevice): FastReading | null {
  const { calls } = device;
  const reading: FastReading = { utilGpuPercent: null, utilMemPercent: null, powerWatts: null, clockSmMhz: null, clockMemMhz: null, eventReasons: null };
  if (calls.utilisation !== null) {
    const verdict = judge(device, 'utilGpuPercent', calls.utilisation(device.handle, scratch));
    if (verdict === 'ok') {
      reading.utilGpuPercent = within(device, 'utilGpuPercent', readU32(scratch, 0), 0, 100);
      reading.utilMemPercent = within(device, 'utilMemPercent', readU32(scratch, 1), 0, 100);
    } else if (verdict === 'off') {
      const reason = device.record.notReported['utilGpuPercent'];
      if (reason !== undefined) device.record.notReported['utilMemPercent'] = reason;
      calls.utilisation = null;
    }
  }
  if (device.state !== 'ok') return null;
  reading.powerWatts = readPower(device);
  if (device.state !== 'ok') return null;
  if (device.smClock) {
    const value = readClock(device, 'clockSmMhz', DOMAIN.sm);
    if (value === 'off') device.smClock = false;
    else reading.clockSmMhz = value;
  }
  if (device.memClock) {
    const value = readClock(device, 'clockMemMhz', DOMAIN.memory);
    if (value === 'off') device.memClock = false;
    else reading.clockMemMhz = value;
  }
  if (calls.reasons !== null) {
    const verdict = judge(device, 'eventReasons', calls.reasons(device.handle, scratch));
    if (verdict === 'ok') reading.eventReasons = within(device, 'eventReasons', readU64(scratch, 0), 0, Number.MAX_SAFE_INTEGER);
    else if (verdict === 'off') calls.reasons = null;
  }
  return device.state === 'ok' ? reading : null;
}

/** Instant power by field 186; where that is not there, nvmlDeviceGetPowerUsage (a 1 s mean on Ampere and later). */
function readPower(device: OpenDevice): number | null {
  const { calls, power } = device;
  if (calls.fields !== null && power.size > 0) {
    const own = power.read(calls.fields, device.handle);
    const code = own === NVML.ok ? power.code(0) : own;
    if (code === NVML.ok) return watts(device, 'powerWatts', power.value(0));
    if (code === NVML.notSupported || code === NVML.functionNotFound || code === 2) power.drop(0);
    else if (judge(device, 'powerWatts', code) !== 'off') return null;
  }
  if (calls.powerUsage === null) return null;
  const verdict = judge(device, 'powerWatts', calls.powerUsage(device.handle, scratch));
  if (verdict === 'ok') return watts(device, 'powerWatts', readU32(scratch, 0));
  if (verdict === 'off') calls.powerUsage = null;
  return null;
}

/** NVML's milliwatts as watts. */
export function watts(device: OpenDevice, field: string, milliwatts: number | null): number | null {
  return within(device, field, milliwatts === null ? null : milliwatts / 1000, 0, MAX_WATTS);
}

function readClock(device: OpenDevice, field: string, domain: number): number | null | 'off' {
  const call: NvmlCall | null = device.calls.clock;
  if (call === null) return 'off';
  const verdict = judge(device, field, call(device.handle, domain, scratch));
  if (verdict === 'off') return 'off';
  return verdict === 'ok' ? within(device, field, readU32(scratch, 0), 0, MAX_MHZ) : null;
}

export function readVideoClock(device: OpenDevice): number | null {
  if (!device.videoClock) return null;
  const value = readClock(device, 'clockVideoMhz', DOMAIN.video);
  if (value !== 'off') return value;
  device.videoClock = false;
  return null;
}

/** Fields that a missing function takes away, said before the first reading. */
export function noteMissingFast(device: OpenDevice): void {
  const { calls } = device;
  if (calls.utilisation === null) for (const field of ['utilGpuPercent', 'utilMemPercent']) noteReason(device, field, 'symbol_missing');
  if (calls.fields === null && calls.powerUsage === null) noteReason(device, 'powerWatts', 'symbol_missing');
  if (calls.clock === null) for (const field of ['clockSmMhz', 'clockMemMhz', 'clockVideoMhz']) noteReason(device, field, 'symbol_missing');
  if (calls.reasons === null) noteReason(device, 'eventReasons', 'symbol_missing');
}
