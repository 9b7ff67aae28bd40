import { isBFirst } from '../../optimize/effects/plan-generation.ts';
import { pickIndex } from './make-random.ts';
import type { EffectSeries, RecordedGeneration } from './recorded-series.ts';

/**
 * `length` places in a series of `of`, made of runs of neighbours of `block` (the series taken as a ring; Politis and
 * Romano 1992, with blocks of one length): figures that follow each other stay together, so that what a machine is like
 * for a while is in the sample too.
 */
export function drawBlocks(of: number, length: number, block: number, random: () => number): number[] {
  if (of < 1 || block < 1) throw new RangeError(`There are no blocks of ${block} in ${of}.`);
  const drawn: number[] = [];
  while (drawn.length < length) {
    const from = pickIndex(random, of);
    for (let i = 0; i < block && drawn.length < length; i++) drawn.push((from + i) % of);
  }
  return drawn;
}

/** What a recorded pair of processes says again, as arm `a` and arm `b` of another generation. */
export interface Slice {
  readonly startSeconds: number;
  readonly pairSeconds: number;
  /** By the number of the pair, from 0. */
  pair(at: number): { readonly a: number; readonly b: number };
}

/**
 * A recorded generation, from a random even place on, neighbours in their order. Which of the two processes is B follows
 * from the place: the one that went first when it was recorded goes first in `number` too.
 */
export function sliceGeneration(recorded: RecordedGeneration, number: number, random: () => number): Slice {
  const { pairs, startSeconds, pairSeconds } = recorded;
  const from = 2 * pickIndex(random, pairs.length / 2);
  // Both orders turn with a period of four: where they agree once they agree throughout, or are opposite throughout.
  const isSwapped = isBFirst(recorded.number, from) !== isBFirst(number, 0);
  return {
    startSeconds, pairSeconds,
    pair(at) {
      const [first, second] = pairs[(from + at) % pairs.length] ?? [Number.NaN, Number.NaN];
      return isSwapped ? { a: second, b: first } : { a: first, b: second };
    },
  };
}

/** Each generation is a block by itself: what a process is like for its whole life stays in it. */
export const drawGeneration = (series: EffectSeries, number: number, random: () => number): Slice => {
  const recorded = series.generations[pickIndex(random, series.generations.length)];
  if (recorded === undefined) throw new RangeError('The series is empty.');
  return sliceGeneration(recorded, number, random);
};
