import { LEAST_PAIRS, MOST_PAIRS } from './decide-interval.ts';

/** ABBA: what changes evenly with time falls out. */
const SMALL = 2;
const LARGE = 4;
/** So many small ones first: a large effect is then found after eight pairs. */
const SMALL_ONES = 4;
/** Where the pairs of a large one take less than this share of starting, it is large from the beginning: they calm what a generation says for little. */
const CHEAP_SHARE = 1 / 2;
/** Fewer generations say nothing of how much processes differ. */
const LEAST_GENERATIONS = 2;

export interface Costs {
  /** Generations that have ended, and pairs that count. */
  readonly generations: number;
  readonly kept: number;
  /** Of the slowest generation so far, s: starting and warming up both processes, and one pair. 0: not known yet. */
  readonly startSeconds: number;
  readonly pairSeconds: number;
  readonly secondsLeft: number;
  /** By so much the time may be passed for a second generation, s. */
  readonly graceSeconds: number;
}

/** Pairs of the next generation; 0: there is no time (or need) for another. */
export function planGeneration({ generations, kept, startSeconds, pairSeconds, secondsLeft, graceSeconds }: Costs): number {
  const room = MOST_PAIRS - kept;
  if (room <= 0) return 0;
  if (generations === 0) return SMALL;
  const isCheap = LARGE * pairSeconds <= CHEAP_SHARE * startSeconds;
  const usual = Math.min(room, generations < SMALL_ONES && !isCheap ? SMALL : LARGE);
  const more = Math.floor(secondsLeft / Math.max(1e-3, startSeconds + usual * pairSeconds));
  // A second generation is taken a little over the time too: with one nothing can be said, and the wait would be for nothing.
  const possible = Math.max(more, LEAST_GENERATIONS - generations);
  if (possible <= 0) return 0;
  // Where starting is dear, the few generations that fit hold more pairs each.
  const needed = Math.ceil((LEAST_PAIRS - kept) / possible);
  const fits = (pairs: number): boolean => startSeconds + pairs * pairSeconds <= secondsLeft + graceSeconds;
  return [Math.min(room, Math.max(usual, needed + (needed % 2))), usual].find(fits) ?? 0;
}

/** Whether B goes first: in turn within a generation (ABBA), and its beginning in turn over generations. */
export function isBFirst(generation: number, pair: number): boolean {
  const flipped = pair % 4 === 1 || pair % 4 === 2;
  return (generation % 2 === 1) !== flipped;
}
