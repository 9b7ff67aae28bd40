import type { Resolution } from '../../../contract/history.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Each divides or is divided by the second and the minute, so that samples of every tier fall whole into a step. */
const steps: readonly number[] = [
  100, 200, 250, 500, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 20 * SECOND, 30 * SECOND,
  MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY,
];

/** Steps of a width that begin between two times, both included. */
export const stepsBetween = (fromMs: number, toMs: number, stepMs: number): number => Math.floor(toMs / stepMs) - Math.ceil(fromMs / stepMs) + 1;

/** The finest step, ms, with which a span has at most `maxPoints` points. */
export function chooseStep(fromMs: number, toMs: number, maxPoints: number): number {
  const fits = (step: number): boolean => stepsBetween(fromMs, toMs, step) <= maxPoints;
  let step = steps.find(fits);
  for (let days = 2; step === undefined; days *= 2) if (fits(days * DAY)) step = days * DAY;
  return step;
}

/** Which tier a step is drawn from where all are there. */
export function resolutionOf(stepMs: number): Resolution {
  if (stepMs < SECOND) return 'raw';
  return stepMs < MINUTE ? 'second' : 'minute';
}
