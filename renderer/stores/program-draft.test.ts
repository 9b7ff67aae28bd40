import { afterEach, expect, it } from 'vitest';
import { emptyProgram, recallProgram, rememberProgram } from './program-draft.ts';

afterEach(() => { localStorage.clear(); });

it('what was entered is recalled', () => {
  const draft = { command: 'python a.py', pattern: '(x)', higherIsBetter: false, unit: 'ms', folder: '/lab', timeoutSeconds: 9, budgetSeconds: 60 };
  rememberProgram(draft);
  expect(recallProgram()).toEqual(draft);
});

it.each([['', emptyProgram], ['{', emptyProgram], ['null', emptyProgram], ['[1]', emptyProgram], ['{"command":5,"timeoutSeconds":"x","unit":"ms"}', { ...emptyProgram, unit: 'ms' }], ['{"budgetSeconds":1e9,"timeoutSeconds":0}', emptyProgram], [JSON.stringify({ pattern: 'x'.repeat(501) }), emptyProgram]])('%s is as if never entered', (stored, expected) => {
  localStorage.setItem('warpdeck.program', stored);
  expect(recallProgram()).toEqual(expected);
});
