import { expect, test } from 'vitest';
import { decideRestart, FULL_BUDGET, type RestartBudget } from './restart-budget.ts';

function delaysOf(times: readonly number[]): (number | 'give-up')[] {
  let budget: RestartBudget = FULL_BUDGET;
  return times.map((at) => {
    const decision = decideRestart(budget, at);
    if (decision.kind === 'give-up') return 'give-up';
    budget = decision.budget;
    return decision.delayMs;
  });
}

test('backs off to 8 s and gives up after five failures in a row', () => {
  expect(delaysOf([0, 1000, 2000, 3000, 4000, 5000])).toEqual([500, 1000, 2000, 4000, 8000, 'give-up']);
});

test('two healthy minutes give one start back, a long calm all of them', () => {
  expect(delaysOf([0, 1, 2, 3, 4, 120_005])).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
  expect(delaysOf([0, 1, 2, 3, 4, 86_400_000])).toEqual([500, 1000, 2000, 4000, 8000, 500]);
});
