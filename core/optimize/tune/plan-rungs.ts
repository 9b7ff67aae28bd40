/** One round of the tournament: so many more samples of each, then so many stay. */
export interface Rung {
  readonly samples: number;
  readonly keep: number;
}

/** Of four candidates one stays (Jamieson and Talwalkar 2016 halve; what is plainly slower shows in one sample). */
const ETA = 4;
/** How many are compared with the settings in use at the end: each costs a round as much again. */
export const FINALISTS = 1;
/** So few that a second sample of each costs little. */
const FEW = 8;

/** Rounds for `count` candidates, until `FINALISTS` is left. Pure. */
export function planRungs(count: number): readonly Rung[] {
  const rungs: Rung[] = [];
  for (let left = count; left > FINALISTS;) {
    const keep = Math.max(FINALISTS, Math.ceil(left / ETA));
    rungs.push({ samples: rungs.length === 0 && count > FEW ? 1 : 2, keep });
    left = keep;
  }
  return rungs;
}
