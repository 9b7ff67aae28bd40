import type { ReactNode } from 'react';
import { formatAge } from './format.ts';

export interface AgeProps {
  readonly atMs: number;
  readonly nowMs: number;
  /** Two of these without a new value, and the age is said. */
  readonly periodMs: number;
}

/** Whether a value is older than two of its periods: it greys and says its age. Pure. */
export function isOld(atMs: number, nowMs: number, periodMs: number): boolean {
  return nowMs - atMs > 2 * periodMs;
}

/** `3 s ago`, once a value is older than two periods; nothing before. */
export function Age({ atMs, nowMs, periodMs }: AgeProps): ReactNode {
  return isOld(atMs, nowMs, periodMs) ? <span className="age q">{formatAge((nowMs - atMs) / 1000)}</span> : null;
}
