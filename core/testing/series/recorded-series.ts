import { z } from 'zod';

/** What e2e/bench/record-series.ts writes: figures that the product's own processes gave on a real machine, for resampling. */
const origin = {
  /** Machine, place and conditions in one sentence. */
  what: z.string().max(400),
  recordedAt: z.string().max(40),
  machine: z.object({ processor: z.string().max(200), threads: z.int(), gpu: z.string().max(200).nullable(), driver: z.string().max(60).nullable() }),
  torch: z.string().max(60),
  cuda: z.string().max(60).nullable(),
  /** Of the machine over one minute, at the beginning and at the end. */
  load: z.tuple([z.number(), z.number()]),
};

const figure = z.number().positive();

/** Two processes of one workload that lived at the same time, sampled as an effect card does: in ABBA order, by `isBFirst`. */
const recordedGeneration = z.object({
  /** Its number when it was recorded: who went first hangs on it. */
  number: z.int().nonnegative(),
  /** Starting and warming up both, s. */
  startSeconds: figure,
  /** Of one pair, mean, s. */
  pairSeconds: figure,
  /** A figure of the first process and one of the second; their count is a multiple of four, so that the order goes round. */
  pairs: z.array(z.tuple([figure, figure])).min(4).max(400).refine((pairs) => pairs.length % 4 === 0),
});
export type RecordedGeneration = z.infer<typeof recordedGeneration>;

const effectSeries = z.object({
  workload: z.string().max(80),
  arm: z.string().max(400),
  unit: z.string().max(20),
  higherIsBetter: z.boolean(),
  variables: z.record(z.string().max(60), z.string().max(60)),
  generations: z.array(recordedGeneration).min(2).max(400),
});
export type EffectSeries = z.infer<typeof effectSeries>;

export const recordedEffects = z.object({ kind: z.literal('effects'), ...origin, series: z.array(effectSeries).min(1).max(40) });
export type RecordedEffects = z.infer<typeof recordedEffects>;

/** Canaries one after the other: for each case the median of each run, oldest first. */
export const recordedCanaries = z.object({
  kind: z.literal('canaries'),
  ...origin,
  caseSeconds: figure,
  cases: z.array(z.object({ id: z.string().max(80), title: z.string().max(120), unit: z.string().max(20), higherIsBetter: z.boolean(), values: z.array(figure).min(12).max(2000) })).min(1).max(20),
}).refine((one) => one.cases.every((other) => other.values.length === one.cases[0]?.values.length));
export type RecordedCanaries = z.infer<typeof recordedCanaries>;

export const countSamples = (series: EffectSeries): number => series.generations.reduce((sum, one) => sum + 2 * one.pairs.length, 0);
