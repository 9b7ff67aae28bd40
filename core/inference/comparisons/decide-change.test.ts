import { expect, it } from 'vitest';
import { comparisonWish, type Comparison, type ComparisonAnswer } from '../../../contract/chat.ts';
import { applyComparisonChange, comparisonChange, type ComparisonChange } from '../../../contract/comparison-change.ts';
import { decideChange } from './decide-change.ts';
import { decideView, type KeptComparison } from './decide-view.ts';

const answer = (contender: number, more: Partial<ComparisonAnswer> = {}): ComparisonAnswer => ({ contender, prompt: 0, repeat: 0, state: 'waiting', content: '', thinking: '', reason: null, figures: null, truth: null, problem: null, ...more });
const keep = (answers: ComparisonAnswer[], more: Partial<Comparison> = {}, blind = false): KeptComparison => ({
  comparison: { id: 'x', title: 't', createdAtMs: 0, jobId: 'j', state: 'running', wish: comparisonWish.parse({ prompts: ['p'], contenders: [{ model: 'secret' }, { model: 'other' }], blind }), names: ['secret', 'other'], answers, rows: [], sentence: '0 of 2', partAt: [], votes: [], problem: null, ...more },
  memory: [],
  places: blind ? [[1, 0]] : [],
});
const waiting = [answer(0), answer(1)];

/** As it comes through the contract. */
const told = (change: ComparisonChange | null): ComparisonChange => comparisonChange.parse(change);

it('all of it comes first, then what was added, then nothing', () => {
  const begun = keep(waiting);
  expect(decideChange(null, begun)).toMatchObject({ t: 'whole', comparison: { answers: [{}, {}] } });
  const first = keep([answer(0, { state: 'writing', content: 'One', thinking: 'hm' }), ...waiting.slice(1)]);
  expect(decideChange(begun, first)).toEqual({ t: 'change', answers: [{ ...answer(0, { state: 'writing', content: 'One', thinking: 'hm' }), contentFrom: 0, thinkingFrom: 0 }], rest: {} });
  const second = keep([answer(0, { state: 'writing', content: 'One two', thinking: 'hm' }), ...waiting.slice(1)], { sentence: '1 of 2' });
  const change = told(decideChange(first, second));
  expect(change).toMatchObject({ answers: [{ content: ' two', contentFrom: 3, thinking: '', thinkingFrom: 2 }], rest: { sentence: '1 of 2' } });
  const shown = applyComparisonChange(applyComparisonChange(null, told(decideChange(null, first))), change);
  expect(shown).toEqual(second.comparison);
  // What did not change is the same object: nothing of it is drawn again.
  const before = decideView(first, 'watch');
  expect(applyComparisonChange(before, change)?.answers[1]).toBe(before.answers[1]);
  expect(decideChange(second, second)).toBeNull();
});

it('a text that was cut at its end comes whole', () => {
  const before = keep([answer(0, { state: 'writing', content: 'abcdef' }), ...waiting.slice(1)]);
  const after = keep([answer(0, { state: 'done', content: 'abc …' }), ...waiting.slice(1)]);
  expect(decideChange(before, after)).toMatchObject({ answers: [{ content: 'abc …', contentFrom: 0 }] });
});

it('nothing is told that is hidden, until it is shown: then all of it', () => {
  const begun = keep(waiting, {}, true);
  const written = keep([answer(0, { state: 'done', content: 'Yes', reason: 'stop', problem: null }), ...waiting.slice(1)], { names: ['secret 7B', 'other'], sentence: '1 of 2' }, true);
  const change = told(decideChange(begun, written));
  // The first contender stands at the second place.
  expect(change).toMatchObject({ t: 'change', answers: [{ contender: 1, content: 'Yes' }], rest: { sentence: '1 of 2' } });
  expect(JSON.stringify(change)).not.toContain('secret');
  const shown = applyComparisonChange(decideView(begun, 'watch'), change);
  expect(shown).toEqual(decideView(written, 'all'));
  const done = keep(written.comparison.answers.map((one) => ({ ...one, state: 'done' as const })), { state: 'done', names: ['secret 7B', 'other'] }, true);
  expect(JSON.stringify(decideChange(written, done))).not.toContain('secret');
  const voted: KeptComparison = { ...done, comparison: { ...done.comparison, votes: [{ prompt: 0, contender: 0 }] } };
  expect(decideChange(done, voted)).toMatchObject({ t: 'whole', comparison: { names: ['secret 7B', 'other'] } });
});

it('a vote on one that is over brings no answers again, though they were read anew', () => {
  const done = keep([answer(0, { state: 'done', content: 'long' }), answer(1, { state: 'done' })], { state: 'done' });
  const again = structuredClone(done);
  expect(decideChange(done, { ...again, comparison: { ...again.comparison, votes: [{ prompt: 0, contender: 1 }] } })).toEqual({ t: 'change', answers: [], rest: { votes: [{ prompt: 0, contender: 1 }] } });
});

it('a change of something that never came is nothing', () => {
  expect(applyComparisonChange(null, { t: 'change', answers: [], rest: { sentence: 'x' } })).toBeNull();
});
