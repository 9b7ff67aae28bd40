import { problemError } from '../../../contract/problem-catalogue.ts';

/** Two measurements at once would disturb each other: benchmarks, effects, the canary and the search for settings share one of these. */
export interface MeasuringLock {
  /** Answers how to let go. @throws ProblemError `bench.busy` */
  take(holder: { readonly title: string; readonly place: string }): () => void;
  holder(): { readonly title: string; readonly place: string } | null;
}

export function createMeasuringLock(): MeasuringLock {
  let held: { readonly title: string; readonly place: string } | null = null;
  return {
    take(holder) {
      if (held !== null) throw problemError('bench.busy', { title: held.title, place: held.place });
      const mine = { ...holder };
      held = mine;
      return () => {
        if (held === mine) held = null;
      };
    },
    holder: () => held,
  };
}
