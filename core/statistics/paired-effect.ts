import { describeSample } from './describe-sample.ts';
import { normalTail } from './normal.ts';
import { tQuantile } from './student-t.ts';

/** z of half of 5 %: the false alarms of a whole measurement, however often it is looked at. */
const Z_ALPHA = 1.959963984540054;
const LEAST_PAIRS = 3;

/**
 * What may be spent of the 5 % until the share `fraction` of the most pairs is reached: O'Brien and Fleming's boundary as
 * a spending function (Lan and DeMets 1983). Early looks need overwhelming evidence, the last one about what a single
 * look needs.
 */
export const spentUntil = (fraction: number): number => (fraction <= 0 ? 0 : 2 * normalTail(Z_ALPHA / Math.sqrt(Math.min(1, fraction))));

/** Pairs after which a measurement is looked at, and what each look may spend. Their sum is ≤ ALPHA (union bound). */
export function makeLooks(least: number, most: number, step: number): readonly { readonly pairs: number; readonly alpha: number }[] {
  const looks: { pairs: number; alpha: number }[] = [];
  let spent = 0;
  for (let pairs = least; ; pairs = Math.min(most, pairs + step)) {
    const until = spentUntil(pairs / most);
    looks.push({ pairs, alpha: until - spent });
    spent = until;
    if (pairs >= most) return looks;
  }
}

export interface PairedEffect {
  /** Geometric mean of b ÷ a. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly pairs: number;
  /** Of neighbouring log ratios; null: fewer than four pairs. */
  readonly autocorrelation: number | null;
  /** Pairs that the interval counts with: fewer where neighbours resemble each other. */
  readonly effectivePairs: number;
}

/** Student's interval on the mean of the log ratios, at confidence 1 − alpha, of the pairs that count (`describeSample`). Null: fewer than three. */
export function pairedEffect(logRatios: readonly number[], alpha: number): PairedEffect | null {
  if (logRatios.length < LEAST_PAIRS) return null;
  const { n, mean, deviation, autocorrelation, effectiveCount } = describeSample(logRatios);
  const half = (tQuantile(1 - alpha / 2, effectiveCount - 1) * deviation) / Math.sqrt(effectiveCount);
  return { ratio: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half), pairs: n, autocorrelation, effectivePairs: effectiveCount };
}
