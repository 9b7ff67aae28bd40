import type { ReadinessLine } from '../../contract/system.ts';
import { createGauge, type Gauge } from './gauge.ts';

/** The lines at the top of the first page: one of each area that has something to say. */
export interface ReadinessBoard {
  readonly gauge: Gauge<readonly ReadinessLine[]>;
  /** One of them may be another. */
  publish(): void;
}

/** @param lines of the areas, in their order; null: nothing to say */
export function createReadinessBoard(lines: () => readonly (ReadinessLine | null)[]): ReadinessBoard {
  const gauge = createGauge<readonly ReadinessLine[]>();
  return { gauge, publish: () => { gauge.publish(lines().filter((line) => line !== null)); } };
}
