import type { ComparisonChange } from '../../../contract/comparison-change.ts';
import { createGauge, type Gauge } from '../../engine/gauge.ts';
import { decideChange } from './decide-change.ts';
import type { KeptComparison } from './decide-view.ts';

export interface Watching {
  /** It has changed; asked for only when somebody looks. */
  tell(id: string, kept: () => KeptComparison): void;
  /** It is no more: those who look are let go. */
  end(id: string): void;
  /** All of it, then what changes. One who reads slowly is told of several changes in one. */
  watch(id: string, kept: KeptComparison, signal: AbortSignal | undefined): AsyncGenerator<ComparisonChange, void, void>;
}

/** Comparisons that somebody looks at. */
export function createWatching(): Watching {
  const watched = new Map<string, { readonly gauge: Gauge<KeptComparison | null>; watchers: number }>();
  return {
    tell(id, kept) {
      watched.get(id)?.gauge.publish(kept());
    },
    end(id) {
      watched.get(id)?.gauge.publish(null);
    },
    async *watch(id, kept, signal) {
      const entry = watched.get(id) ?? { gauge: createGauge<KeptComparison | null>(kept), watchers: 0 };
      watched.set(id, entry);
      entry.watchers += 1;
      let told: KeptComparison | null = null;
      try {
        for await (const now of entry.gauge.stream(signal)) {
          if (now === null) return;
          const change = decideChange(told, now);
          told = now;
          if (change !== null) yield change;
        }
      } finally {
        entry.watchers -= 1;
        if (entry.watchers === 0 && watched.get(id) === entry) watched.delete(id);
      }
    },
  };
}
