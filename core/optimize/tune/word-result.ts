import type { SearchOutcome } from './run-search.ts';

const percent = (ratio: number): string => `${Math.abs((ratio - 1) * 100).toFixed(Math.abs(ratio - 1) < 0.1 ? 1 : 0)} %`;

/** What came of it, with the figures and the interval. Pure. */
export function wordResult({ candidates, winner, effect, before, after, runs, outOfTime }: SearchOutcome, saved: boolean): string {
  const best = winner === null ? undefined : candidates[winner];
  if (best !== undefined && effect !== null && before !== null && after !== null) {
    return `${best.words}: ${after.toFixed(1)} instead of ${before.toFixed(1)} tok/s, ${percent(effect.ratio)} faster (95 % interval ${effect.low.toFixed(3)} to ${effect.high.toFixed(3)}).${saved ? ' Saved as the settings of this model.' : ''}`;
  }
  if (effect === null && outOfTime) return 'The time was over before anything could be measured side by side with the settings in use.';
  if (effect === null) return `Nothing faster was found in ${String(runs)} measurements.`;
  return `Nothing was proved faster: the best of ${String(candidates.length - 1)} is ${effect.ratio.toFixed(3)} times as fast as the settings in use (95 % interval ${effect.low.toFixed(3)} to ${effect.high.toFixed(3)}).`;
}
