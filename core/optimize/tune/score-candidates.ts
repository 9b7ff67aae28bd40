import { medianOf } from '../../statistics/median-interval.ts';
import { searchedKeys, type SearchSettings } from './parts.ts';

export interface Scored {
  readonly settings: SearchSettings;
  /** Tokens a second. */
  readonly values: readonly number[];
}

/** How many samples of its own the others' evidence is worth. */
const OTHERS_COUNT = 2;
const SWEEPS = 6;

/**
 * How fast each candidate is thought to be, as a logarithm; −Infinity where nothing was measured. Its own best sample
 * (what disturbs only slows) is joined with what its settings did elsewhere: each setting's part is a median over all
 * that share it (Tukey's median polish on the logarithms), so that one lucky or unlucky sample decides little. Pure.
 */
export function scoreCandidates(candidates: readonly Scored[]): readonly number[] {
  const own = candidates.map(({ values }) => (values.length === 0 ? Number.NEGATIVE_INFINITY : Math.log(Math.max(...values))));
  const measured = candidates.flatMap(({ settings }, at) => ((own[at] ?? Number.NEGATIVE_INFINITY) > Number.NEGATIVE_INFINITY ? [{ settings, at }] : []));
  const rest = new Map(measured.map(({ at }) => [at, own[at] ?? 0]));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const key of searchedKeys) {
      const levels = Map.groupBy(measured, ({ settings }) => JSON.stringify(settings[key]));
      // With one level there is nothing to tell apart.
      if (levels.size < 2) continue;
      for (const members of levels.values()) {
        const part = medianOf(members.map(({ at }) => rest.get(at) ?? 0));
        for (const { at } of members) rest.set(at, (rest.get(at) ?? 0) - part);
      }
    }
  }
  // What is left over is what the settings together do not explain.
  return candidates.map(({ values }, at) => {
    const value = own[at] ?? Number.NEGATIVE_INFINITY;
    return values.length === 0 ? value : value - (OTHERS_COUNT / (values.length + OTHERS_COUNT)) * (rest.get(at) ?? 0);
  });
}
