import type { CommitClock } from './commit-clock.ts';

/** Keeps the newest item of a stream until the next beat, so that it is committed together with everything else. */
export function keepNewest<T>(clock: CommitClock, apply: (item: T, nowMs: number) => void): { take(item: T): void; drop(): void } {
  let newest: { readonly item: T } | null = null;
  clock.onTick((nowMs) => {
    if (newest === null) return;
    const { item } = newest;
    newest = null;
    apply(item, nowMs);
  });
  return {
    take: (item) => {
      newest = { item };
    },
    drop: () => {
      newest = null;
    },
  };
}
