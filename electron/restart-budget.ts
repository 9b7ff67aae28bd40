/** Failures that still count, as times. */
export interface RestartBudget {
  readonly failedAtMs: readonly number[];
}

export const FULL_BUDGET: RestartBudget = { failedAtMs: [] };
/** Five starts in a row may fail; each two minutes without a failure give one back. */
const BUDGET = 5;
const REGAIN_MS = 120_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8_000;

export type RestartDecision = { readonly kind: 'wait'; readonly delayMs: number; readonly budget: RestartBudget } | { readonly kind: 'give-up' };

/** What to do after the engine ended or did not start: wait 0.5 to 8 s and start it again, or stop trying. */
export function decideRestart(budget: RestartBudget, nowMs: number): RestartDecision {
  const last = budget.failedAtMs.at(-1);
  const regained = last === undefined ? 0 : Math.floor((nowMs - last) / REGAIN_MS);
  const counting = budget.failedAtMs.slice(regained);
  if (counting.length >= BUDGET) return { kind: 'give-up' };
  return { kind: 'wait', delayMs: Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** counting.length), budget: { failedAtMs: [...counting, nowMs] } };
}
