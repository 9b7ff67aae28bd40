/** `retry`: no driver; `lost`: a device is lost, so that NVML is initialised anew; `topology`: did GPUs come or go. */
export interface SamplerTimes {
  readonly retryMs: number;
  readonly lostMs: number;
  readonly topologyMs: number;
}
export const defaultTimes: SamplerTimes = { retryMs: 10_000, lostMs: 30_000, topologyMs: 10_000 };

/** Share of one core that reading may take, ms per second, and what one device's fast reading may take. */
export const BUDGET_MS_PER_SECOND = 20;
const SLOW_DEVICE_MS = 1;
const ladder = [10, 5, 2, 1, 0.5, 0.2, 0.1] as const;

export interface RateDecision {
  readonly rateHz: number;
  /** In words, why it is fewer than wanted; null when it is not. */
  readonly note: string | null;
}

/**
 * How often the fast tier is read: as wanted, or less where the driver is slow. Over 1 ms per device at the
 * median: at most 5 Hz; over 5 ms: 1 Hz. In all at most 20 ms per second (reference: drivers differ 3–100 times).
 */
export function decideRate(wantedHz: number, medianTickMs: number, devices: number): RateDecision {
  const perDeviceMs = devices > 0 ? medianTickMs / devices : 0;
  const most = perDeviceMs > 5 * SLOW_DEVICE_MS ? 1 : perDeviceMs > SLOW_DEVICE_MS ? 5 : 10;
  const fits = (hz: number): boolean => hz <= most && hz * medianTickMs <= BUDGET_MS_PER_SECOND;
  if (fits(wantedHz)) return { rateHz: wantedHz, note: null };
  const rateHz = ladder.find((hz) => hz < wantedHz && fits(hz)) ?? ladder[ladder.length - 1] ?? 0.1;
  return { rateHz: Math.min(rateHz, wantedHz), note: `The driver takes ${medianTickMs.toFixed(1)} ms for one reading of ${devices === 1 ? 'one GPU' : `${devices} GPUs`}, so it is read ${rateHz} times a second instead of ${wantedHz}.` };
}

/** Of that, what counters may take that cost milliseconds each. */
const COUNTERS_MS_PER_SECOND = 2;

/**
 * How often counters that cost milliseconds are read: every second, or less often so that they stay in the budget.
 * (One H200 takes 5.6 ms for energy, NVLink counters and reason times: read every 2.8 s; eight of them every 10 s.)
 */
export function decideCounterPeriodMs(costOfAllMs: number): number {
  return Math.min(10_000, Math.max(1000, (costOfAllMs / COUNTERS_MS_PER_SECOND) * 1000));
}

/** When the next tick is: on the grid of its start, so that lateness does not add up; late ticks are left out. */
export function decideNextTick(previousMs: number, nowMs: number, periodMs: number): number {
  const next = previousMs + periodMs;
  if (next > nowMs) return next;
  return previousMs + Math.ceil((nowMs - previousMs + 0.001) / periodMs) * periodMs;
}

/** Is a tier due? Up to half a tick early, so that a tier of 1 s keeps to every tenth tick of 10 Hz. */
export function isDue(dueMs: number, nowMs: number, tickMs: number): boolean {
  return nowMs >= dueMs - Math.min(tickMs / 2, 250);
}

/** Durations of the last readings, and their median without allocating. */
export function makeDurationWindow(size: number): { add(ms: number): void; median(): number; full(): boolean; clear(): void } {
  const values = new Float64Array(size);
  const sorted = new Float64Array(size);
  let count = 0;
  return {
    add(ms) {
      values[count % size] = ms;
      count++;
    },
    median() {
      const n = Math.min(count, size);
      if (n === 0) return 0;
      sorted.fill(Infinity);
      for (let i = 0; i < n; i++) sorted[i] = values[i] ?? 0;
      sorted.sort();
      return sorted[Math.floor(n / 2)] ?? 0;
    },
    full: () => count >= size,
    clear() {
      count = 0;
    },
  };
}
