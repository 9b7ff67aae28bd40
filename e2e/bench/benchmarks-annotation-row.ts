import { createReadings } from '../../core/benchmarks/readings/create-readings.ts';
import { canaryRecipe } from '../../core/benchmarks/catalogue/canary-recipe.ts';
import type { Arm, Readings } from '../../core/benchmarks/parts.ts';
import { runCase } from '../../core/benchmarks/runner/run-case.ts';
import { createGpuService } from '../../core/gpu/gpu-service.ts';
import { medianOf } from '../../core/statistics/median-interval.ts';
import { pairedEffect } from '../../core/statistics/paired-effect.ts';
import { makeNvmlTestDriver } from '../../core/testing/nvml-driver/nvml-test-driver.ts';
import { noReadings, quiet, waitForGpus, wishOf, type BenchBase } from './benchmarks-place.ts';
import type { Row } from './row.ts';

const MOST_SHARE = 0.005;
const SECONDS = 1;
/** Untimed work before each, s: a span that comes after a pause would find a cooler GPU with power to spare. */
const LEAD_IN_SECONDS = 0.5;

interface JoinedPlace {
  readonly key: string;
  readonly what: string;
  readonly readings: Readings;
  stop(): Promise<void>;
}

/** On a processor the readings are those of a test driver that plays back an H200 at the real driver's cost, through the same reader. */
async function openReadings(base: BenchBase): Promise<JoinedPlace> {
  if (base.key !== 'cpu') return { key: base.key, what: base.name, readings: base.readings, stop: () => Promise.resolve() };
  const driver = await makeNvmlTestDriver({ recording: 'h200-two', control: { cost_us: 'measured' } });
  const gpus = createGpuService({ spec: 'nvml', supervisor: base.supervisor, log: quiet, worker: { env: driver.env } });
  gpus.start();
  await waitForGpus(gpus);
  const uuid = gpus.list().devices[0]?.uuid;
  const stop = async (): Promise<void> => {
    await gpus.stop();
    await driver.dispose();
  };
  if (uuid === undefined) {
    await stop();
    throw new Error('The test driver names no GPU.');
  }
  return { key: uuid, what: 'a recorded H200 beside work of the processor', readings: createReadings(gpus), stop };
}

interface Span {
  readonly median: number;
  /** Of the time from the first sample to the last: what lies between samples. */
  readonly gapShare: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** One benchmark of a second, by the product's runner. */
async function runSpan(arm: Arm, place: string, readings: Readings, recipe: Parameters<typeof runCase>[2]['recipe'], signal: AbortSignal): Promise<Span> {
  let busyMs = 0;
  let firstMs = Infinity;
  let lastMs = 0;
  const watched: Arm = {
    ...arm,
    // One process for all: it is warm, and how exact it is has been asked before.
    warmUp: () => Promise.resolve(),
    error: () => Promise.resolve(null),
    async sample() {
      const sample = await arm.sample();
      busyMs += sample.endedAtMs - sample.startedAtMs;
      firstMs = Math.min(firstMs, sample.startedAtMs);
      lastMs = sample.endedAtMs;
      return sample;
    },
  };
  const release = readings.hold();
  await arm.warmUp(LEAD_IN_SECONDS);
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  try {
    const { result } = await runCase(watched, readings, { recipe, place, budgetSeconds: SECONDS, warmUpSeconds: 0, peak: null, signal, progress: () => undefined });
    const cpu = process.cpuUsage(cpuBefore);
    return { median: result.median ?? Number.NaN, gapShare: 1 - busyMs / (lastMs - firstMs), cpuSeconds: (cpu.user + cpu.system) / 1e6, wallSeconds: (performance.now() - began) / 1000 };
  } finally {
    release();
  }
}

/** From differences of neighbours, each a share of a second. */
function makeRow(what: string, differences: readonly number[], detail: Row['detail']): Row {
  const cost = pairedEffect(differences, 0.05);
  if (cost === null) throw new Error('Too few pairs.');
  const share = Math.log(cost.ratio);
  const half = Math.log(cost.high / cost.low) / 2;
  // More than is allowed lies in the interval, and nothing at all does too.
  const isVague = share - half <= 0 && share + half > MOST_SHARE;
  return {
    what, must: '≤ 0.5 %', value: 100 * share, unit: '%', ok: isVague ? null : share <= MOST_SHARE,
    detail: { ...detail, halfInterval: 100 * half, ...(isVague ? { why: `this machine is too busy to tell: ${(100 * share).toFixed(2)} ± ${(100 * half).toFixed(2)} %` } : {}) },
  };
}

/**
 * Benchmarks of a second with their samples joined with readings at 10 Hz and without, in turned order in one process:
 * what it costs the figure, and what time it takes between samples.
 */
export async function annotationRows(base: BenchBase, { pairs, variables, signal }: { readonly pairs: number; readonly variables: Readonly<Record<string, string>>; readonly signal: AbortSignal }): Promise<Row[]> {
  const recipe = canaryRecipe.cases.find((one) => (base.key === 'cpu' ? one.id === 'fp32-1024' : one.id === 'bf16-4096'));
  if (recipe === undefined) throw new Error('The canary has no product.');
  const place = await openReadings(base);
  try {
    const arm = await base.startArm(wishOf(base, recipe.workload, variables), signal, () => undefined);
    try {
      await arm.warmUp(3);
      const joined: Span[] = [];
      const bare: Span[] = [];
      for (let pair = 0; pair < pairs; pair++) {
        const order = pair % 4 === 0 || pair % 4 === 3 ? [joined, bare] : [bare, joined];
        for (const list of order) list.push(await runSpan(arm, place.key, list === joined ? place.readings : noReadings, recipe, signal));
      }
      const of = (list: readonly Span[], key: keyof Span): number => medianOf(list.map((one) => one[key]));
      const logs = joined.map((one, at) => Math.log((bare[at]?.median ?? Number.NaN) / one.median));
      const gaps = joined.map((one, at) => one.gapShare - (bare[at]?.gapShare ?? Number.NaN));
      const detail = { place: place.what, pairs, cpuMsPerSecond: (1000 * (of(joined, 'cpuSeconds') - of(bare, 'cpuSeconds'))) / SECONDS, wallSecondsJoined: of(joined, 'wallSeconds'), wallSecondsBare: of(bare, 'wallSeconds'), gapJoined: 100 * of(joined, 'gapShare'), gapBare: 100 * of(bare, 'gapShare') };
      return [
        makeRow('Annotation: what a benchmark of 1 s loses of its figure', logs, detail),
        makeRow('Annotation: time between samples that it adds to a benchmark of 1 s', gaps, detail),
      ];
    } finally {
      await arm.end();
    }
  } finally {
    await place.stop();
  }
}
