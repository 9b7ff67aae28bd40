import type { BenchmarkCase, BenchmarkMark, BenchmarkResult, BenchmarkSample } from '../../../contract/benchmarks.ts';
import type { Problem } from '../../../contract/problem.ts';
import { meanOf } from '../../statistics/mean-of.ts';
import { medianInterval } from '../../statistics/median-interval.ts';
import { decidePeakShares, type Peak } from './decide-peak.ts';
import { CAPPED_BIT } from './decide-set-aside.ts';
import { halfWidthOf, LEAST_SAMPLES } from './decide-enough.ts';

/** A figure whose interval is wider than this (half of it, as a share) is called unsteady. */
const UNSTEADY = 0.02;
/** Marked as throttled or disturbed when more than this share of the samples had to be set aside. */
const MARKED_SHARE = 0.05;

export interface Measured {
  readonly samples: readonly BenchmarkSample[];
  readonly memoryBytes: number | null;
  readonly error: number | null;
  /** Over all samples together; null: no counter, or too short. */
  readonly joulesPerUnit: number | null;
  readonly peak: Peak | null;
}

type Described = Pick<BenchmarkCase, 'id' | 'title' | 'unit' | 'higherIsBetter' | 'workUnit' | 'intensity'>;

/** A case that could not be run. */
export function failedResult(recipe: Described, problem: Problem): BenchmarkResult {
  return { ...decideResult(recipe, { samples: [], memoryBytes: null, error: null, joulesPerUnit: null, peak: null }), marks: [], problem };
}

/** What is said of a case, from all its samples. */
export function decideResult({ id, title, unit, higherIsBetter, workUnit, intensity }: Described, { samples, memoryBytes, error, joulesPerUnit, peak }: Measured): BenchmarkResult {
  const counting = samples.filter((one) => one.setAside === null);
  const values = counting.map((one) => one.value);
  const { median, low, high, n } = medianInterval(values);
  const smClockMhz = meanOf(counting.map((one) => one.smClockMhz));
  const shares = n === 0 ? { peakShare: null, peakShareAtClock: null } : decidePeakShares(median, smClockMhz, peak);
  return {
    caseId: id, title, unit, higherIsBetter, workUnit, intensity, problem: null,
    median: n === 0 ? null : median, low, high, n, setAside: samples.length - n, ...shares,
    joulesPerUnit, powerWatts: meanOf(counting.map((one) => one.powerWatts)), smClockMhz, tempCelsius: meanOf(counting.map((one) => one.tempCelsius)),
    memoryBytes, error, marks: decideMarks(samples, values),
  };
}

function decideMarks(samples: readonly BenchmarkSample[], values: readonly number[]): BenchmarkMark[] {
  const share = (fits: (one: BenchmarkSample) => boolean): number => (samples.length === 0 ? 0 : samples.filter(fits).length / samples.length);
  const half = halfWidthOf(values);
  const marks: [BenchmarkMark, boolean][] = [
    ['power_capped', share((one) => one.setAside === null && one.eventReasons !== null && (one.eventReasons & CAPPED_BIT) !== 0) > 0],
    ['throttled', share((one) => one.setAside === 'throttled') > MARKED_SHARE],
    ['disturbed', share((one) => one.setAside === 'disturbed') > MARKED_SHARE],
    ['unsteady', half !== null && half > UNSTEADY],
    ['few_samples', values.length < LEAST_SAMPLES],
  ];
  return marks.flatMap(([mark, set]) => (set ? [mark] : []));
}
