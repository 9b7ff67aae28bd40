import { updateCounterRate, type CounterRate } from './counter-rate.ts';
import { judge, noteReason, within, type OpenDevice } from './open-device.ts';
import { NVML } from './trouble.ts';

/**
 * PCIe byte counters (fields 197, 198) are 32 bits wide on an H200: at the 55 GB/s of a Gen 5 link they wrap
 * thirteen times a second, so a difference over a second says nothing. They are therefore read twice, this long
 * apart; 65 ms is where a wrap could hide at 63 GB/s, the most that such a link carries.
 */
export const PCIE_WINDOW_MS = 40;
const LONGEST_WINDOW_US = 65_000;
const FIELDS = ['pcieTxBytesPerSecond', 'pcieRxBytesPerSecond'] as const;

/** One reading of both counters. The first of a window only sets the start; the second makes the rate. */
export function readPcie(device: OpenDevice, part: 'start' | 'end'): void {
  const { calls, pcie } = device;
  if (calls.fields === null || pcie.size === 0 || device.state !== 'ok') return;
  const own = pcie.read(calls.fields, device.handle);
  take(device, own, 0, device.pcieTx, part);
  take(device, own, 1, device.pcieRx, part);
}

function take(device: OpenDevice, own: number, index: 0 | 1, rate: CounterRate, part: 'start' | 'end'): void {
  const field = FIELDS[index];
  const { pcie } = device;
  const verdict = judge(device, field, own === NVML.ok ? pcie.code(index) : own);
  if (verdict === 'off') pcie.drop(index);
  const value = verdict === 'ok' ? within(device, field, pcie.value(index), 0, Number.MAX_SAFE_INTEGER) : null;
  if (value === null) {
    updateCounterRate(rate, null, 0, 32);
    return;
  }
  const atUs = pcie.atUs(index);
  if (part === 'start' || (pcie.bits(index) === 32 && atUs - rate.atUs > LONGEST_WINDOW_US)) {
    // The last rate stands until the window is over; a window that took too long makes none.
    rate.value = value;
    rate.atUs = atUs;
    rate.seen = part === 'start';
    return;
  }
  if (rate.seen) updateCounterRate(rate, value, atUs, pcie.bits(index));
  rate.seen = false;
}

export function noteMissingPcie(device: OpenDevice): void {
  if (device.calls.fields === null) for (const field of FIELDS) noteReason(device, field, 'symbol_missing');
}
