import { meanOf } from '../../statistics/mean-of.ts';
import { medianOf } from '../../statistics/median-interval.ts';
import type { Readings } from '../parts.ts';

/** One reading of a device. Null: not read this time, or not reported. */
export interface TimedReading {
  readonly atMs: number;
  readonly powerWatts: number | null;
  readonly smClockMhz: number | null;
  readonly eventReasons: number | null;
  readonly tempCelsius: number | null;
  readonly energyJoules: number | null;
  /** On this device, ours too; of a list that was read at this time. */
  readonly processes: number | null;
}

/** A reading so far away says nothing of a span, ms: temperature and energy are read once a second. */
const NEAR_MS = 1500;
/** The counter moves every 20 to 100 ms: a span in which it was read over a shorter time has no energy. */
const MIN_ENERGY_MS = 500;
/** Between two samples the process that measures is asked and answers: a list of that time belongs to the later one. */
const BETWEEN_SAMPLES_MS = 50;

/** What the device did from `fromMs` to `toMs`: of the readings within, else of those right before and after. */
export function decideReading(readings: readonly TimedReading[], fromMs: number, toMs: number): Awaited<ReturnType<Readings['between']>> {
  const pick = (key: Exclude<keyof TimedReading, 'atMs' | 'processes'>): number[] => {
    const known = readings.filter((one) => one[key] !== null);
    const within = known.filter((one) => one.atMs >= fromMs && one.atMs <= toMs);
    const before = known.findLast((one) => one.atMs < fromMs && one.atMs >= fromMs - NEAR_MS);
    const after = known.find((one) => one.atMs > toMs && one.atMs <= toMs + NEAR_MS);
    return (within.length > 0 ? within : [before, after]).flatMap((one) => one?.[key] ?? []);
  };
  const reasons = pick('eventReasons');
  const processes = readings.flatMap((one) => (one.processes !== null && one.atMs >= fromMs - BETWEEN_SAMPLES_MS && one.atMs <= toMs ? [one.processes] : []));
  return {
    powerWatts: meanOf(pick('powerWatts')),
    smClockMhz: orNull(medianOf(pick('smClockMhz'))),
    tempCelsius: pick('tempCelsius').at(-1) ?? null,
    eventReasons: reasons.length === 0 ? null : reasons.reduce((all, one) => all | one, 0),
    joules: decideJoules(readings, fromMs, toMs),
    otherProcesses: processes.length === 0 ? null : Math.max(...processes),
  };
}

/** Slope of the counter over its readings within the span, times the span. */
function decideJoules(readings: readonly TimedReading[], fromMs: number, toMs: number): number | null {
  const known = readings.filter((one) => one.energyJoules !== null && one.atMs >= fromMs && one.atMs <= toMs);
  const first = known[0];
  const last = known.at(-1);
  if (first === undefined || last === undefined || last.atMs - first.atMs < MIN_ENERGY_MS) return null;
  const rose = (last.energyJoules ?? 0) - (first.energyJoules ?? 0);
  return rose < 0 ? null : (rose * (toMs - fromMs)) / (last.atMs - first.atMs);
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
