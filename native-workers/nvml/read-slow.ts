import type { SlowReading } from '../../contract/gpu.ts';
import { COUNTER, HEALTH, judge, noteReason, setReason, within, type OpenDevice } from './open-device.ts';
import { scratch } from './read-fast.ts';
import { NVML } from './trouble.ts';
import { readU32, readU64, structVersion } from './words.ts';

const FAN_SPEED_1 = structVersion(12, 1);
const MAX_COUNT = Number.MAX_SAFE_INTEGER;

/** The tier of every few seconds. */
export function readSlow(device: OpenDevice): SlowReading {
  const health = readHealth(device);
  return {
    ...readFans(device),
    eccCorrected: readEcc(device, 'eccCorrected', 0),
    eccUncorrected: readEcc(device, 'eccUncorrected', 1),
    ...health,
    nvlinkActive: readActiveLinks(device),
    nvlinkErrors: readLinkErrors(device),
    xid: device.xid,
    xidAtMs: device.xidAtMs,
  };
}

/** The fastest fan. */
function readFans(device: OpenDevice): Pick<SlowReading, 'fanPercent' | 'fanRpm'> {
  const count = device.record.fanCount ?? 0;
  let percent: number | null = null;
  let rpm: number | null = null;
  for (let fan = 0; fan < count && device.state === 'ok'; fan++) {
    if (device.calls.fan !== null) {
      const verdict = judge(device, 'fanPercent', device.calls.fan(device.handle, fan, scratch));
      if (verdict === 'off') device.calls.fan = null;
      else if (verdict === 'ok') percent = larger(percent, within(device, 'fanPercent', readU32(scratch, 0), 0, 300));
    }
    if (device.calls.fanRpm !== null) {
      scratch[0] = FAN_SPEED_1;
      scratch[1] = fan;
      const verdict = judge(device, 'fanRpm', device.calls.fanRpm(device.handle, scratch));
      if (verdict === 'off') device.calls.fanRpm = null;
      else if (verdict === 'ok') rpm = larger(rpm, within(device, 'fanRpm', readU32(scratch, 2), 0, 100_000));
    }
  }
  return { fanPercent: percent, fanRpm: rpm };
}

function larger(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

/** Volatile counts: since the driver was loaded, as nvidia-smi's main table shows them. */
function readEcc(device: OpenDevice, field: 'eccCorrected' | 'eccUncorrected', type: 0 | 1): number | null {
  const { ecc } = device.calls;
  if (ecc === null || device.state !== 'ok' || device.record.notReported[field] !== undefined) return null;
  const verdict = judge(device, field, ecc(device.handle, type, 0, scratch));
  return verdict === 'ok' ? within(device, field, readU64(scratch, 0), 0, MAX_COUNT) : null;
}

function readHealth(device: OpenDevice): Pick<SlowReading, 'remappedRows' | 'rowRemapPending' | 'pcieReplays'> {
  const { calls, health } = device;
  if (calls.fields === null || device.state !== 'ok') return { remappedRows: null, rowRemapPending: null, pcieReplays: null };
  const own = health.read(calls.fields, device.handle);
  const take = (index: number, field: string): number | null => {
    const code = own === NVML.ok ? health.code(index) : own;
    const verdict = code === NVML.notSupported && device.record.notReported[field] !== undefined ? 'off' : judge(device, field, code);
    if (verdict === 'off') health.drop(index);
    return verdict === 'ok' ? within(device, field, health.value(index), 0, MAX_COUNT) : null;
  };
  const replays = take(HEALTH.replays, 'pcieReplays');
  const corrected = take(HEALTH.remappedCorrected, 'remappedRows');
  const uncorrected = take(HEALTH.remappedUncorrected, 'remappedRows');
  const pending = take(HEALTH.remapPending, 'rowRemapPending');
  return { remappedRows: corrected === null || uncorrected === null ? null : corrected + uncorrected, rowRemapPending: pending === null ? null : pending !== 0, pcieReplays: replays };
}

function readActiveLinks(device: OpenDevice): number | null {
  const count = device.record.nvlinkCount ?? 0;
  let active = 0;
  for (let link = 0; link < count; link++) {
    if (device.calls.nvlinkState === null || device.state !== 'ok') return null;
    const verdict = judge(device, 'nvlinkActive', device.calls.nvlinkState(device.handle, link, scratch));
    if (verdict === 'off') device.calls.nvlinkState = null;
    if (verdict !== 'ok') return null;
    active += scratch[0] === 1 ? 1 : 0;
  }
  return count === 0 ? null : active;
}

/** nvml.h: replay, recovery, CRC of flits. */
const LINK_ERRORS = [0, 1, 2] as const;

/**
 * The sum over all links, once each of them was read: one link at a time, because one counter takes 0.9 ms on an
 * H200. With 18 links that is a little over a minute.
 */
function readLinkErrors(device: OpenDevice): number | null {
  const { calls, linkErrorCounts } = device;
  const call = calls.nvlinkErrors;
  if (call === null || linkErrorCounts.length === 0 || device.state !== 'ok') return null;
  const link = device.nextLink;
  device.nextLink = (link + 1) % linkErrorCounts.length;
  let sum = 0;
  for (const counter of LINK_ERRORS) {
    const verdict = judge(device, 'nvlinkErrors', call(device.handle, link, counter, scratch));
    if (verdict === 'off') calls.nvlinkErrors = null;
    if (verdict !== 'ok') return null;
    const count = within(device, 'nvlinkErrors', readU64(scratch, 0), 0, MAX_COUNT);
    if (count === null) return null;
    sum += count;
  }
  linkErrorCounts[link] = sum;
  let total = 0;
  for (const count of linkErrorCounts) {
    if (count === null) return null;
    total += count;
  }
  return total;
}

/** Fields that a missing function or part takes away, said before the first reading. */
export function noteMissingSlow(device: OpenDevice): void {
  const { calls, record } = device;
  const missing = (absent: boolean, ...fields: string[]): void => {
    if (absent) for (const field of fields) noteReason(device, field, 'symbol_missing');
  };
  if ((record.fanCount ?? 0) === 0) for (const field of ['fanPercent', 'fanRpm']) noteReason(device, field, NVML.notSupported);
  else {
    missing(calls.fan === null, 'fanPercent');
    missing(calls.fanRpm === null, 'fanRpm');
  }
  missing(calls.ecc === null, 'eccCorrected', 'eccUncorrected');
  missing(calls.fields === null, 'remappedRows', 'rowRemapPending', 'pcieReplays');
  if ((record.nvlinkCount ?? 0) === 0 && record.kind === 'gpu') {
    for (const field of ['nvlinkActive', 'nvlinkErrors', 'nvlinkCount', 'nvlinkRxBytesPerSecond', 'nvlinkTxBytesPerSecond']) {
      setReason(device, field, { code: 'not_supported', text: 'This GPU has no NVLink.' });
    }
    device.counters.drop(COUNTER.nvlinkTx);
    device.counters.drop(COUNTER.nvlinkRx);
  } else {
    missing(calls.nvlinkState === null, 'nvlinkActive');
    missing(calls.nvlinkErrors === null, 'nvlinkErrors');
  }
}
