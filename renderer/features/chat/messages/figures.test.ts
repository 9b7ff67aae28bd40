import { expect, it, test } from 'vitest';
import type { GenerationFigures } from '../../../../contract/inference.ts';
import { describeEnd, describeFigures, describeProgress, formatMs, formatSpeed } from './figures.ts';

const figures: GenerationFigures = { promptTokens: 40, cachedTokens: 12, answerTokens: 186, firstTokenMs: 38, queuedMs: 0, promptTokensPerSecond: 2400, decodeTokensPerSecond: 141.2, seconds: 1.36, joules: 372, joulesPerToken: 2, rooflineShare: 0.648, contextTokens: 8192, contextUsed: 2114, turnsDropped: 0, seed: 7, drafted: null, accepted: null };

it('the quiet line has every figure that was measured', () => {
  expect(describeFigures(figures, false).map((f) => f.text)).toEqual(['141 tok/s', 'first token 38 ms', '186 tokens', 'prompt 2,400 tok/s', '1.36 s', '2.00 J/tok', '65 % of the roofline']);
});

it('what is not reported is a dash with its reason, never a zero', () => {
  const none = describeFigures({ ...figures, decodeTokensPerSecond: null, firstTokenMs: null, answerTokens: null, promptTokens: null, promptTokensPerSecond: null, joulesPerToken: null, joules: null, rooflineShare: null }, true);
  expect(none.map((f) => f.text)).toEqual(['— tok/s', 'first token —', '— tokens', 'prompt —', '1.36 s', 'energy —', 'roofline —']);
  for (const f of none) expect(f.title.length).toBeGreaterThan(10);
});

it('what was left out and guessed is said', () => {
  expect(describeFigures({ ...figures, turnsDropped: 3, drafted: 100, accepted: 61 }, false).slice(-2).map((f) => f.text)).toEqual(['3 old turns left out', '61 % of the draft taken']);
});

test.each<[Parameters<typeof describeProgress>[0], number | null, string]>([
  [{ state: 'queued', done: 2, total: null, tokens: 0 }, null, 'waits for 2 requests'],
  [{ state: 'loading', done: 0.45, total: 1, tokens: 0 }, null, 'loads the model, 45 %'],
  [{ state: 'prompt', done: 300, total: 1400, tokens: 0 }, null, 'reads the prompt, 300 of 1,400 tokens'],
  [{ state: 'writing', done: null, total: null, tokens: 118 }, 141, '141 tok/s, 118 tokens so far'],
  [{ state: 'writing', done: null, total: null, tokens: 1 }, null, '1 token so far'],
])('%j', (live, speed, words) => {
  expect(describeProgress(live, speed)).toBe(words);
});

test.each([[11.34, '11.3'], [141.2, '141'], [2.345, '2.35']])('%d tok/s is %s', (value, text) => {
  expect(formatSpeed(value).text).toBe(text);
});

it('times change their unit at a second', () => {
  expect([formatMs(38.4), formatMs(2900)]).toEqual([{ text: '38', unit: 'ms' }, { text: '2.90', unit: 's' }]);
});

it('the end is said once, in a sentence', () => {
  expect(describeEnd({ reason: 'stop', figures, problem: null })).toBe('The answer is complete: 186 tokens.');
  expect(describeEnd({ reason: 'cancelled', figures, problem: null })).toBe('Stopped: 186 tokens.');
  expect(describeEnd({ reason: 'length', figures: null, problem: null })).toBe('The answer ended at the longest length that was set.');
  expect(describeEnd({ reason: 'interrupted', figures: null, problem: { title: 'The answer was interrupted', cause: 'It ended.' } })).toBe('The answer was interrupted. It ended.');
});
