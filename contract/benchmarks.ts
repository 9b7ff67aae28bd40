import { z } from 'zod';
import { problem } from './problem.ts';

/** Where a benchmark runs: `cpu` or the UUID of a GPU. */
export const benchmarkPlace = z.object({ key: z.string().max(128), name: z.string() });
export type BenchmarkPlace = z.infer<typeof benchmarkPlace>;

/** What one unit of work is, for joules per unit. */
export const workUnit = z.enum(['FLOP', 'byte', 'token', 'step', 'image', 'call']);
export type WorkUnit = z.infer<typeof workUnit>;

/** Rows of resources/data/gpu-hardware.json with which a figure is compared. `bytes` is the memory's bandwidth. */
export const peakName = z.enum(['fp32', 'tf32', 'fp16', 'bf16', 'fp8', 'int8', 'bytes', 'pcie', 'nvlink']);
export type PeakName = z.infer<typeof peakName>;

/** One figure of a benchmark. */
export const benchmarkCase = z.object({
  /** Stable: `bf16-8192`. */
  id: z.string().max(80),
  title: z.string(),
  unit: z.enum(['TFLOPS', 'GB/s', 'tok/s', 'step/s', 'image/s', 'call/s', 'µs', 'ms']),
  higherIsBetter: z.boolean(),
  workUnit,
  /** Work units of one repetition (2n³ FLOP, bytes read and written, tokens). */
  workPerRepetition: z.number().positive(),
  peak: peakName.nullable(),
  /** FLOP per byte of memory traffic, for the roofline; null: it has no place there. */
  intensity: z.number().positive().nullable(),
  /** Runs on a processor too. */
  onCpu: z.boolean(),
});
export type BenchmarkCase = z.infer<typeof benchmarkCase>;

export const benchmarkInfo = z.object({
  name: z.string().max(40),
  title: z.string(),
  /** One sentence: what is measured, and how. */
  what: z.string(),
  engine: z.enum(['torch', 'llama']),
  cases: z.array(benchmarkCase),
  /** Of one run on a GPU, s. */
  aboutSeconds: z.number(),
});
export type BenchmarkInfo = z.infer<typeof benchmarkInfo>;

/** Whether a benchmark runs on this machine now: where, and with what; else why not. */
export const benchmarkOutlook = z.object({
  name: z.string(),
  /** Null: it has no place here. */
  place: benchmarkPlace.nullable(),
  /** Environment, model or NumPy. Null: it does not run. */
  with: z.string().nullable(),
  why: z.string().nullable(),
});
export type BenchmarkOutlook = z.infer<typeof benchmarkOutlook>;

/** Why a sample does not count. `throttled`: hardware or thermal slow-down, or the SM clock under 90 % of its first second. */
export const setAsideReason = z.enum(['throttled', 'disturbed']);

/** One measured repetition (or group of them), joined with what the GPU did meanwhile. */
export const benchmarkSample = z.object({
  /** In the unit of its case. */
  value: z.number(),
  atMs: z.number(),
  /** Wall time that it took, s. */
  seconds: z.number(),
  powerWatts: z.number().nullable(),
  smClockMhz: z.number().nullable(),
  tempCelsius: z.number().nullable(),
  /** Bits of NVML's clocks event reasons that were set at any time. Null: not reported. */
  eventReasons: z.int().nullable(),
  setAside: setAsideReason.nullable(),
});
export type BenchmarkSample = z.infer<typeof benchmarkSample>;

/** `power_capped` is normal at full load and only said; the others cast doubt on the figure. */
export const benchmarkMark = z.enum(['power_capped', 'throttled', 'disturbed', 'unsteady', 'few_samples']);
export type BenchmarkMark = z.infer<typeof benchmarkMark>;

export const benchmarkResult = z.object({
  caseId: z.string(),
  title: z.string(),
  unit: benchmarkCase.shape.unit,
  higherIsBetter: z.boolean(),
  workUnit,
  intensity: z.number().nullable(),
  /** Null: it ran. */
  problem: problem.nullable(),
  /** Of the samples that count. */
  median: z.number().nullable(),
  /** 95 % interval of the median. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  n: z.int(),
  setAside: z.int(),
  /** Share of the hardware table's peak, and of the peak at the mean SM clock of the run; null: not known for this GPU. */
  peakShare: z.number().nullable(),
  peakShareAtClock: z.number().nullable(),
  /** By the energy counter where there is one, else by power × time. */
  joulesPerUnit: z.number().nullable(),
  powerWatts: z.number().nullable(),
  smClockMhz: z.number().nullable(),
  tempCelsius: z.number().nullable(),
  /** Peak that the allocator reserved, bytes. */
  memoryBytes: z.number().nullable(),
  /** Largest error against FP64, relative to the largest true value. */
  error: z.number().nullable(),
  marks: z.array(benchmarkMark),
});
export type BenchmarkResult = z.infer<typeof benchmarkResult>;

/** With which environment, or which model, it ran. */
export const benchmarkSubject = z.object({
  environment: z.object({ id: z.string(), name: z.string(), torch: z.string().nullable(), cuda: z.string().nullable(), python: z.string().nullable() }).nullable(),
  model: z.object({ id: z.string(), name: z.string(), backend: z.string(), release: z.string().nullable() }).nullable(),
});

export const benchmarkRun = z.object({
  id: z.string(),
  name: z.string(),
  title: z.string(),
  startedAtMs: z.number(),
  endedAtMs: z.number().nullable(),
  state: z.enum(['running', 'done', 'failed', 'cancelled', 'interrupted']),
  place: benchmarkPlace,
  ...benchmarkSubject.shape,
  driverVersion: z.string().nullable(),
  /** What could explain a difference later: power limit, link under load, precision flags, display, other processes. */
  conditions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  results: z.array(benchmarkResult),
  notes: z.array(z.string()),
  problem: problem.nullable(),
  /** `llama-bench`: read from its output. */
  importedFrom: z.enum(['llama-bench']).nullable(),
  /** For a canary: not in the ordinary history. */
  canary: z.boolean(),
});
export type BenchmarkRun = z.infer<typeof benchmarkRun>;

/** A stored run as lists and lines over time need it: a hundred of them are read at once. */
export const pastRun = benchmarkRun.pick({ id: true, name: true, title: true, startedAtMs: true, state: true, place: true, environment: true, model: true, driverVersion: true, importedFrom: true }).extend({
  /** Of the cases that have one. */
  figures: z.array(benchmarkResult.pick({ caseId: true, title: true, unit: true, low: true, high: true }).extend({ median: z.number() })),
});
export type PastRun = z.infer<typeof pastRun>;

/** What a run is in a list. Pure. */
export function thinRun({ id, name, title, startedAtMs, state, place, environment, model, driverVersion, importedFrom, results }: Omit<PastRun, 'figures'> & { readonly results: readonly Pick<BenchmarkResult, 'caseId' | 'title' | 'unit' | 'median' | 'low' | 'high'>[] }): PastRun {
  const figures = results.flatMap(({ caseId, title: of, unit, median, low, high }) => (median === null ? [] : [{ caseId, title: of, unit, median, low, high }]));
  return { id, name, title, startedAtMs, state, place, environment, model, driverVersion, importedFrom, figures };
}

const figureColumn = z.array(z.number().nullable());
/** What is known of a benchmark from earlier. Some hundred runs have thousands of figures: they are told by columns. */
export const benchmarkPast = z.object({
  /** What the columns of a run are about, in their order. */
  cases: z.array(benchmarkResult.pick({ caseId: true, title: true, unit: true })),
  /** Newest first. The n-th number is of the n-th case, to six digits; null, or a column that ends before it: the run has none. */
  runs: z.array(pastRun.omit({ figures: true }).extend({ median: figureColumn, low: figureColumn, high: figureColumn })),
  /** Of each place the newest run that has figures, whole. */
  newest: z.array(benchmarkRun),
});
export type BenchmarkPast = z.infer<typeof benchmarkPast>;

/** Runs with their figures, to be sent. Pure. */
export function packPast(runs: readonly PastRun[], newest: readonly BenchmarkRun[]): BenchmarkPast {
  const cases: BenchmarkPast['cases'] = [];
  const places = new Map<string, number>();
  const short = (value: number | null): number | null => (value === null ? null : Number(value.toPrecision(6)));
  const packed = runs.map(({ figures, ...run }) => {
    const columns = { median: [] as (number | null)[], low: [] as (number | null)[], high: [] as (number | null)[] };
    for (const { caseId, title, unit, median, low, high } of figures) {
      const key = `${caseId}\n${title}\n${unit}`;
      const at = places.get(key) ?? cases.push({ caseId, title, unit }) - 1;
      places.set(key, at);
      for (const column of Object.values(columns)) while (column.length < at) column.push(null);
      columns.median[at] = short(median);
      columns.low[at] = short(low);
      columns.high[at] = short(high);
    }
    return { ...run, ...columns };
  });
  return { cases, runs: packed, newest: [...newest] };
}

/** The runs of what was sent. Pure. */
export function unpackPast({ cases, runs }: Pick<BenchmarkPast, 'cases' | 'runs'>): PastRun[] {
  return runs.map(({ median: medians, low, high, ...run }) => ({
    ...run,
    figures: medians.flatMap((median, at) => {
      const about = cases[at];
      return median === null || about === undefined ? [] : [{ ...about, median, low: low[at] ?? null, high: high[at] ?? null }];
    }),
  }));
}

/** With all samples, by case. */
export const benchmarkDetail = benchmarkRun.extend({ samples: z.record(z.string(), z.array(benchmarkSample)) });
export type BenchmarkDetail = z.infer<typeof benchmarkDetail>;

export const benchmarkWish = z.object({
  name: z.string().min(1).max(40),
  /** Null: all that fit the place. */
  cases: z.array(z.string().max(80)).max(200).nullable().default(null),
  /** Null: the first GPU, else the processor. */
  place: z.string().max(128).nullable().default(null),
  /** For torch: an environment's id; null: the best one of this machine for the place. */
  environmentId: z.string().max(4096).nullable().default(null),
  /** For llama: null: the default model. */
  modelId: z.string().max(4096).nullable().default(null),
  /** Time after which no more samples are taken for a case, s. */
  caseSeconds: z.number().min(0.5).max(600).nullable().default(null),
});
export type BenchmarkWish = z.infer<typeof benchmarkWish>;

/** `cannot_tell`: the interval crosses 1 and is wider than what would matter. */
export const comparedWord = z.enum(['faster', 'slower', 'no_difference', 'cannot_tell', 'not_comparable']);
export type ComparedWord = z.infer<typeof comparedWord>;

export const comparedRow = z.object({
  caseId: z.string(),
  title: z.string(),
  unit: z.string(),
  a: z.number().nullable(),
  b: z.number().nullable(),
  /** b ÷ a in the sense of better: over 1 is better. 95 % interval, wide enough for all rows together. */
  ratio: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  word: comparedWord,
});
export type ComparedRow = z.infer<typeof comparedRow>;

export const runComparison = z.object({
  a: benchmarkRun,
  b: benchmarkRun,
  rows: z.array(comparedRow),
  /** What differs between the two besides their figures. */
  differ: z.array(z.object({ what: z.string(), a: z.string(), b: z.string() })),
  sentence: z.string(),
});
export type RunComparison = z.infer<typeof runComparison>;

export const canaryState = z.object({
  /** `learning`: not enough history to judge by. */
  state: z.enum(['never', 'learning', 'running', 'calm', 'alarm', 'failed']),
  atMs: z.number().nullable(),
  /** What had changed, or `asked`. */
  because: z.string().nullable(),
  place: benchmarkPlace.nullable(),
  rows: z.array(comparedRow),
  sentence: z.string(),
  /** With actions, where a way back exists. */
  problem: problem.nullable(),
});
export type CanaryState = z.infer<typeof canaryState>;
