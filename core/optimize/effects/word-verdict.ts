import type { EffectVerdict } from '../../../contract/optimize.ts';

/** `+4.2 %`, with a true minus sign. */
export function wordPercent(ratio: number): string {
  const percent = (ratio - 1) * 100;
  return `${percent < 0 ? '−' : '+'}${digits(Math.abs(percent))} %`;
}
const digits = (percent: number): string => (percent < 10 ? percent.toFixed(1) : percent.toFixed(0));
const times = (ratio: number): string => (ratio >= 100 ? ratio.toFixed(0) : ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2));

/** The card's sentence. `resolves`: smallest change that would have shown, %. */
export function wordVerdict(verdict: EffectVerdict, ratio: number | null, resolves: number | null): string {
  switch (verdict) {
    case 'helps': return ratio === null ? 'helps' : ratio >= 1.1 ? `helps: ${times(ratio)}× faster` : `helps: ${digits((ratio - 1) * 100)} % faster`;
    case 'hurts': return ratio === null ? 'hurts' : ratio <= 0.9 ? `hurts: ${times(ratio)}× as fast` : `hurts: ${digits((1 - ratio) * 100)} % slower`;
    case 'no_effect': return ratio === null ? 'no significant effect' : `no significant effect: ${wordPercent(ratio)}`;
    case 'cannot_resolve': return resolves === null ? 'cannot tell: too few pairs count' : resolves >= 100 ? 'cannot tell: the figures vary too much here' : `cannot resolve less than ${digits(resolves)} % here`;
    case 'could_not_run': return 'could not run';
  }
}

/** While it is being measured. */
export const wordSoFar = (ratio: number | null, kept: number, most: number): string => (ratio === null || kept < 2 ? `measuring: ${kept} of at most ${most} pairs` : `≈ ${times(ratio)}× so far, ${kept} of at most ${most} pairs`);
