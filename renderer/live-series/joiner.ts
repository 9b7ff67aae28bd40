import type { Metric } from '../../contract/metrics.ts';

/** Readings on their way to one value of a coarser step. A bucket without any reading is NaN. */
export interface Joiner {
  clear(): void;
  add(value: number): void;
  value(): number;
}

/** Joins as the history does: the mean, the highest, or the bits seen at any time. */
export function createJoiner(join: Metric['join']): Joiner {
  let count = 0;
  let total = 0;
  return {
    clear() {
      count = 0;
      total = 0;
    },
    add(value) {
      if (Number.isNaN(value)) return;
      if (join === 'mean') total += value;
      else if (join === 'max') total = count === 0 ? value : Math.max(total, value);
      else total |= value;
      count += 1;
    },
    value: () => (count === 0 ? Number.NaN : join === 'mean' ? total / count : total),
  };
}
