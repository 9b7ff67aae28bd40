import type { BenchmarkSample } from '../../../contract/benchmarks.ts';

/** Hardware slowdown, software thermal, hardware thermal, power brake (nvml.h): the figure is not the GPU's own. */
export const SLOWED_BITS = 0x8 | 0x20 | 0x40 | 0x80;
/** Software power cap: normal at full load. */
export const CAPPED_BIT = 0x4;
/** Under this share of the first second's clock a sample does not count (performance.md section 7). */
const CLOCK_SHARE = 0.9;

export interface SampleContext {
  /** Median SM clock of the case's first second; null: not known (yet). */
  readonly firstClockMhz: number | null;
  /** Processes on the GPU when the case began, and during this sample; null: not known. */
  readonly processesBefore: number | null;
  readonly processes: number | null;
}

/** Why a sample does not count; null: it counts. */
export function decideSetAside(sample: Pick<BenchmarkSample, 'smClockMhz' | 'eventReasons'>, { firstClockMhz, processesBefore, processes }: SampleContext): BenchmarkSample['setAside'] {
  if (sample.eventReasons !== null && (sample.eventReasons & SLOWED_BITS) !== 0) return 'throttled';
  if (sample.smClockMhz !== null && firstClockMhz !== null && sample.smClockMhz < CLOCK_SHARE * firstClockMhz) return 'throttled';
  if (processesBefore !== null && processes !== null && processes > processesBefore) return 'disturbed';
  return null;
}
