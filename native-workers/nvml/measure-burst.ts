import type { DeviceSample, GpuFrame } from '../../contract/gpu.ts';
import { nowMs } from './clock.ts';
import type { OpenDevice } from './open-device.ts';
import { readFast } from './read-fast.ts';
import { readMedium } from './read-medium.ts';
import { readSlow } from './read-slow.ts';

export interface BurstResult {
  readonly readings: number;
  readonly tookMs: number;
  /** The fast tier of all devices, µs. */
  readonly fastMedianUs: number;
  readonly fastP99Us: number;
  /** Medium and slow tier of all devices together, µs, mean. */
  readonly mediumMeanUs: number;
  readonly slowMeanUs: number;
  readonly heapUsedBytes: number;
}
/** Reads these devices `readings` times without waiting, the tiers as often as at 10 Hz; for benchmarks. */
export function measureBurst(devices: readonly OpenDevice[], readings: number, emit: ((reading: Omit<GpuFrame, 'seq'>) => void) | null): BurstResult {
  const fast = new Float64Array(readings);
  let mediumMs = 0;
  let mediums = 0;
  let slowMs = 0;
  let slows = 0;
  const began = performance.now();
  for (let n = 0; n < readings; n++) {
    const atMs = nowMs();
    const samples: DeviceSample[] = [];
    const a = performance.now();
    for (const device of devices) samples.push({ uuid: device.uuid, state: device.state, fast: readFast(device) });
    fast[n] = (performance.now() - a) * 1000;
    // The slower tiers as often as at 10 Hz.
    if (n % 10 === 0) {
      const b = performance.now();
      devices.forEach((device, i) => Object.assign(samples[i] ?? {}, { medium: readMedium(device, true) }));
      mediumMs += performance.now() - b;
      mediums++;
    }
    if (n % 40 === 0) {
      const b = performance.now();
      devices.forEach((device, i) => Object.assign(samples[i] ?? {}, { slow: readSlow(device) }));
      slowMs += performance.now() - b;
      slows++;
    }
    if (emit !== null) emit({ atMs, tookMs: nowMs() - atMs, samples });
  }
  const tookMs = performance.now() - began;
  fast.sort();
  return {
    readings,
    tookMs,
    fastMedianUs: fast[Math.floor(readings / 2)] ?? 0,
    fastP99Us: fast[Math.floor(readings * 0.99)] ?? 0,
    mediumMeanUs: mediums === 0 ? 0 : (mediumMs / mediums) * 1000,
    slowMeanUs: slows === 0 ? 0 : (slowMs / slows) * 1000,
    heapUsedBytes: process.memoryUsage().heapUsed,
  };
}
