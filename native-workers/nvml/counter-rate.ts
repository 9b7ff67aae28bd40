/** A counter at two times. Kept by the device between readings and changed in place: no garbage per reading. */
export interface CounterRate {
  value: number;
  atUs: number;
  seen: boolean;
  /** The last rate, units per second; null until two readings were made. */
  rate: number | null;
}

export function makeCounterRate(): CounterRate {
  return { value: 0, atUs: 0, seen: false, rate: null };
}

/**
 * What was counted between two readings. `bits` 32: the counter wraps at 2³² (PCIe byte counters do; read-pcie.ts
 * sees to it that it can be only once). A 64-bit counter that went backwards was reset: null.
 */
export function decideCounterDelta(before: number, now: number, bits: 32 | 64): number | null {
  if (now >= before) return now - before;
  return bits === 32 ? now - before + 4_294_967_296 : null;
}

/**
 * Takes a new reading, with the counter's own time in µs, and keeps the rate per second. The same time twice is
 * the same reading: the rate stays. A value of null (the driver did not answer) makes the rate null.
 */
export function updateCounterRate(counter: CounterRate, value: number | null, atUs: number, bits: 32 | 64): void {
  if (value === null) {
    counter.seen = false;
    counter.rate = null;
    return;
  }
  const elapsedUs = atUs - counter.atUs;
  if (counter.seen && elapsedUs === 0) return;
  if (counter.seen && elapsedUs > 0) {
    const delta = decideCounterDelta(counter.value, value, bits);
    counter.rate = delta === null ? null : (delta * 1e6) / elapsedUs;
  } else {
    counter.rate = null;
  }
  counter.value = value;
  counter.atUs = atUs;
  counter.seen = true;
}
