import type { BenchmarkResult, BenchmarkSample } from '../../../contract/benchmarks.ts';
import { medianOf } from '../../statistics/median-interval.ts';
import type { Arm, ArmSample, CaseRecipe, Readings } from '../parts.ts';
import { decideEnough, halfWidthOf, LEAST_SAMPLES, WANTED_HALF_WIDTH } from './decide-enough.ts';
import type { Peak } from './decide-peak.ts';
import { decideResult } from './decide-result.ts';
import { decideSetAside } from './decide-set-aside.ts';
import { untilAborted } from './until-aborted.ts';

export interface CaseRun {
  readonly recipe: CaseRecipe;
  readonly place: string;
  readonly budgetSeconds: number;
  readonly warmUpSeconds: number;
  readonly peak: Peak | null;
  readonly signal: AbortSignal;
  /** Share of this case that is done, 0 to 1, with its newest figure. */
  progress(fraction: number, figure: { readonly median: number; readonly halfWidth: number | null; readonly n: number } | null): void;
}

export interface CaseOutcome {
  readonly result: BenchmarkResult;
  readonly samples: readonly BenchmarkSample[];
}

type Read = Awaited<ReturnType<Readings['between']>>;
interface Taken {
  readonly raw: ArmSample;
  readonly read: Read;
}

/** Readings that are waited for at once; a case goes on meanwhile, so that the GPU does not cool down between samples. */
const MOST_PENDING = 64;
/** Each of the first samples is looked at, later every tenth: sorting thousands between samples would be heard in them. */
const LOOK_AT_EACH = 100;
const LOOK_EVERY = 10;
/** Over a longer idle time between samples the counter's energy is not that of the work. */
const MOST_IDLE_SHARE = 0.1;

/**
 * Measures one case with an arm that has been started: warms it up, takes samples until the median is known to ±0.5 % or
 * the time is over, and joins each with what the GPU did meanwhile.
 * @throws what the arm throws; the signal's reason
 */
export async function runCase(arm: Arm, readings: Readings, run: CaseRun): Promise<CaseOutcome> {
  const { recipe, place, budgetSeconds, signal } = run;
  run.progress(0, null);
  await untilAborted(arm.warmUp(run.warmUpSeconds), signal);
  const warmShare = run.warmUpSeconds / (run.warmUpSeconds + budgetSeconds);
  const begun = performance.now();
  const taken: Taken[] = [];
  const pending = new Set<Promise<void>>();
  let count = 0;

  for (;;) {
    const raw = await untilAborted(arm.sample(), signal);
    count++;
    const joined = readings.between(place, raw.startedAtMs, raw.endedAtMs).then((read) => void taken.push({ raw, read })).finally(() => pending.delete(joined));
    pending.add(joined);
    if (pending.size >= MOST_PENDING) await untilAborted(Promise.race(pending), signal);
    if (count > LOOK_AT_EACH && count % LOOK_EVERY !== 0) continue;
    const seconds = (performance.now() - begun) / 1000;
    const values = joinSamples(taken).flatMap((one) => (one.setAside === null ? [one.value] : []));
    const half = halfWidthOf(values);
    run.progress(warmShare + (1 - warmShare) * doneShare(values.length, half, seconds / budgetSeconds), values.length === 0 ? null : { median: medianOf(values), halfWidth: half, n: values.length });
    if (decideEnough({ values, taken: count, seconds, budgetSeconds })) break;
  }
  await untilAborted(Promise.all(pending), signal);
  taken.sort((a, b) => a.raw.startedAtMs - b.raw.startedAtMs);
  const samples = joinSamples(taken);
  const joulesPerUnit = await untilAborted(readJoules(taken, readings, run), signal);
  const error = await untilAborted(arm.error(), signal);
  const memoryBytes = taken.reduce<number | null>((most, { raw }) => (raw.memoryBytes === null ? most : Math.max(most ?? 0, raw.memoryBytes)), null);
  run.progress(1, null);
  return { samples, result: decideResult(recipe, { samples, memoryBytes, error, joulesPerUnit, peak: run.peak }) };
}

/** By the time, or by how near the interval is to what is wanted (it narrows with the square root of the samples). */
function doneShare(n: number, half: number | null, timeShare: number): number {
  const narrowed = half === null || half === 0 ? 0 : Math.min(1, (WANTED_HALF_WIDTH / half) ** 2);
  return Math.min(1, Math.max(timeShare, n < LEAST_SAMPLES ? 0 : narrowed));
}

/** Processes are listed every other second: a sample has the count of the last list since the case began. */
function joinSamples(taken: readonly Taken[]): BenchmarkSample[] {
  const inOrder = taken.toSorted((a, b) => a.raw.startedAtMs - b.raw.startedAtMs);
  const startMs = inOrder[0]?.raw.startedAtMs ?? 0;
  const firstClock = medianOf(inOrder.flatMap(({ raw, read }) => (raw.startedAtMs < startMs + 1000 ? (read.smClockMhz ?? []) : [])));
  const firstClockMhz = Number.isFinite(firstClock) ? firstClock : null;
  const processesBefore = inOrder.find(({ read }) => read.otherProcesses !== null)?.read.otherProcesses ?? null;
  let processes: number | null = null;
  return inOrder.map(({ raw, read }) => {
    const { powerWatts, smClockMhz, tempCelsius, eventReasons } = read;
    processes = read.otherProcesses ?? processes;
    const setAside = decideSetAside({ smClockMhz, eventReasons }, { firstClockMhz, processesBefore, processes });
    return { value: raw.value, atMs: raw.startedAtMs, seconds: (raw.endedAtMs - raw.startedAtMs) / 1000, powerWatts, smClockMhz, tempCelsius, eventReasons, setAside };
  });
}

/** By the energy counter over the whole case where the GPU was busy all the time, else by power × time of each sample. */
async function readJoules(taken: readonly Taken[], readings: Readings, { recipe, place }: CaseRun): Promise<number | null> {
  const first = taken[0];
  const last = taken.at(-1);
  if (first === undefined || last === undefined) return null;
  const work = taken.reduce((sum, { raw }) => sum + (raw.ran ?? raw.repetitions), 0) * recipe.workPerRepetition;
  const spanMs = last.raw.endedAtMs - first.raw.startedAtMs;
  const busyMs = taken.reduce((sum, { raw }) => sum + raw.endedAtMs - raw.startedAtMs, 0);
  if (!(work > 0) || !(spanMs > 0)) return null;
  const { joules } = await readings.between(place, first.raw.startedAtMs, last.raw.endedAtMs);
  if (joules !== null && joules > 0 && busyMs >= (1 - MOST_IDLE_SHARE) * spanMs) return joules / work;
  if (taken.some(({ read }) => read.powerWatts === null)) return null;
  return taken.reduce((sum, { raw, read }) => sum + ((read.powerWatts ?? 0) * (raw.endedAtMs - raw.startedAtMs)) / 1000, 0) / work;
}
