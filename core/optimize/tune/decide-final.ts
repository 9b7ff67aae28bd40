import { makeLooks, pairedEffect, type PairedEffect } from '../../statistics/paired-effect.ts';

/** Rounds in which each finalist and the settings in use are measured side by side. */
export const LEAST_ROUNDS = 5;
export const MOST_ROUNDS = 8;
const STEP = 3;
/** A gain under this is not worth a longer search. */
const WORTH = 1.01;

export interface Finalist {
  readonly key: number;
  /** Log of its speed ÷ that of the settings in use, round by round. */
  readonly logRatios: readonly number[];
}
export interface FinalVerdict {
  /** It has come to an end: a look found an answer, or there are no more. */
  readonly over: boolean;
  /** The fastest whose interval is above 1; null: none is. */
  readonly winner: number | null;
  readonly effects: ReadonlyMap<number, PairedEffect>;
}

/**
 * Looks at the finalists after a round. What may be mistaken (5 %) is divided among them and among the looks, so that the
 * winner's interval holds although it was chosen. `last`: there will be no further round (the budget is over). Pure.
 */
export function decideFinal(finalists: readonly Finalist[], last: boolean): FinalVerdict {
  const rounds = Math.min(...finalists.map((one) => one.logRatios.length));
  const looks = makeLooks(LEAST_ROUNDS, MOST_ROUNDS, STEP);
  const due = looks.findLast((one) => one.pairs <= rounds);
  const isLook = looks.some((one) => one.pairs === rounds);
  const effects = new Map<number, PairedEffect>();
  if (finalists.length === 0 || due === undefined || (!isLook && !last)) return { over: last, winner: null, effects };
  for (const one of finalists) {
    const effect = pairedEffect(one.logRatios, due.alpha / finalists.length);
    if (effect !== null) effects.set(one.key, effect);
  }
  const faster = [...effects].filter(([, effect]) => effect.low > 1).toSorted(([, a], [, b]) => b.ratio - a.ratio)[0];
  const best = [...effects].toSorted(([, a], [, b]) => b.ratio - a.ratio)[0];
  const hopeless = [...effects.values()].every((effect) => effect.high < WORTH);
  const won = faster !== undefined && faster[0] === best?.[0];
  const over = last || rounds >= MOST_ROUNDS || won || hopeless;
  return { over, winner: over ? (faster?.[0] ?? null) : null, effects };
}
