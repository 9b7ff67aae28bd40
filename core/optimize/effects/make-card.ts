import { randomUUID } from 'node:crypto';
import type { EffectCard, MeasureWish } from '../../../contract/optimize.ts';
import { MOST_PAIRS, type EffectInterval } from './decide-interval.ts';
import type { EffectSubject } from './effects-deps.ts';
import type { Measured, MeasureState } from './measure-effect.ts';
import type { Prepared } from './prepare-measurement.ts';
import { wordSoFar, wordVerdict } from './word-verdict.ts';

const nothing = { memoryBytes: null, joulesPerUnit: null, error: null };

/** A card before its first pair. */
export function beginCard(wish: Pick<MeasureWish, 'profileId' | 'workload'>, subject: EffectSubject, prepared: Prepared, atMs: number): EffectCard {
  const { name, title, unit, higherIsBetter, engine } = prepared.workload;
  const environment = engine === 'llama' ? null : subject.environment;
  return {
    id: randomUUID(), toggles: [...prepared.toggles], profileId: wish.profileId, workload: { name, title, unit, higherIsBetter, engine }, program: typeof wish.workload === 'string' ? null : wish.workload, place: subject.place,
    environmentId: environment?.id ?? null, environmentName: environment?.name ?? null, atMs,
    verdict: null, sentence: wordSoFar(null, 0, MOST_PAIRS), ratio: null, low: null, high: null, pairs: [], setAside: 0, autocorrelation: null, effectivePairs: null, resolvesPercent: null,
    a: nothing, b: nothing,
    identity: { gpu: subject.place.name, driver: subject.driver, torch: environment?.torch ?? null, engine: engine === 'llama' ? subject.llama : null },
    stale: null, notes: [...prepared.notes], problem: null,
  };
}

/** After a pair. */
export const growCard = (card: EffectCard, { pairs, kept, ratio }: MeasureState): EffectCard => ({ ...card, pairs: [...pairs], setAside: pairs.length - kept, ratio, sentence: wordSoFar(ratio, kept, MOST_PAIRS) });

/**
 * A change as large as the half interval is found in one of two measurements only. Found in nine of ten is one that is
 * larger by the 90 % quantile of the error: 1 + 1.2816 / 1.9600 half intervals (normal; with few pairs Student's t asks
 * for a little less).
 */
const POWER_90 = 1 + 1.2816 / 1.96;

/** Smallest change that such a measurement shows in nine of ten cases, %. */
export const resolvesPercentOf = (interval: EffectInterval): number => Math.expm1(interval.half * POWER_90) * 100;

/** With its verdict. */
export function endCard(card: EffectCard, measured: Measured): EffectCard {
  const { verdict, interval, pairs, problem } = measured;
  const kept = pairs.filter((one) => one.kept).length;
  const ran = verdict !== 'could_not_run';
  const ratio = interval === null ? null : Math.exp(interval.mean);
  const resolvesPercent = interval === null || !ran ? null : resolvesPercentOf(interval);
  return {
    ...card, verdict, problem, pairs: [...pairs], setAside: pairs.length - kept,
    ratio: ran ? ratio : null,
    low: interval === null || !ran ? null : Math.exp(interval.mean - interval.half),
    high: interval === null || !ran ? null : Math.exp(interval.mean + interval.half),
    autocorrelation: interval?.autocorrelation ?? null, effectivePairs: interval?.effectivePairs ?? null, resolvesPercent,
    sentence: wordVerdict(verdict, ratio, resolvesPercent),
    a: measured.a.facts(), b: measured.b.facts(),
    notes: [...card.notes, ...measured.notes],
  };
}
