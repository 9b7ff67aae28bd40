export interface SpeedMeter {
  add(bytes: number): void;
  /** Moving mean, bytes a second; null until a first second has passed. */
  rate(): number | null;
  reset(): void;
}

/** Older speed counts half after this, ms. */
const HALF_LIFE_MS = 4000;
const STEP_MS = 500;

/** Bytes a second as people expect it: quick to begin, steady afterwards. */
export function createSpeedMeter(now: () => number = () => performance.now()): SpeedMeter {
  let since = now();
  let bytes = 0;
  let mean: number | null = null;
  const settle = (): void => {
    const passed = now() - since;
    if (passed < (mean === null ? 2 * STEP_MS : STEP_MS)) return;
    const rate = (bytes / passed) * 1000;
    const weight = 0.5 ** (passed / HALF_LIFE_MS);
    mean = mean === null ? rate : mean * weight + rate * (1 - weight);
    since = now();
    bytes = 0;
  };
  return {
    add(more) {
      bytes += more;
      settle();
    },
    rate() {
      settle();
      return mean;
    },
    reset() {
      since = now();
      bytes = 0;
      mean = null;
    },
  };
}
