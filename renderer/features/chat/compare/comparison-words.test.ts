import { expect, it, test } from 'vitest';
import { answerer, type Comparison } from '../../../../contract/chat.ts';
import { beginWith } from './compare-page.tsx';
import { decideDots, decideMark, decideSaid, describeParting, describeRun, formatChange, formatChangeInterval, formatRowValue, isBlindNow, parsePrompts } from './comparison-words.ts';
import { describeCell } from './results-table.tsx';

test.each([[0.655, '−34.5 %'], [1.079, '+7.9 %'], [1, '+0.0 %'], [153.2, '+15220 %']])('a ratio of %d is %s', (ratio, words) => {
  expect(formatChange(ratio)).toBe(words);
});
it('an interval is of the change', () => {
  expect(formatChangeInterval(0.649, 0.662)).toBe('[−35.1, −33.8]');
});

test.each<[Parameters<typeof formatRowValue>[0], number, string]>([['decode', 141.2, '141 tok/s'], ['first_token', 38.2, '38 ms'], ['memory', 6.02 * 2 ** 30, '6.02 GiB'], ['energy', 2.04, '2.04 J/tok']])('%s of %d is %s', (figure, value, words) => {
  const { text, unit } = formatRowValue(figure, value);
  expect(`${text} ${unit}`).toBe(words);
});

it('dots stand on one axis from zero; what is not known has none', () => {
  const dots = decideDots({ values: [{ mean: 100, low: 90, high: 110, n: 5 }, { mean: 50, low: null, high: null, n: 1 }, { mean: null, low: null, high: null, n: 0 }] });
  expect(dots[0]?.high).toBeCloseTo(1 / 1.04);
  expect(dots[1]).toEqual({ at: 50 / 114.4, low: 50 / 114.4, high: 50 / 114.4 });
  expect(dots[2]).toBeNull();
  expect(decideDots({ values: [{ mean: null, low: null, high: null, n: 0 }] })).toEqual([null]);
});

test.each<[string, number, string | null]>([
  ['Index the time column alone; and more', 17, 'column alone; and more'],
  ['Index the time column alone; and more', 15, 'column alone; and more'],
  ['same start\nand then', 3, 'same start'],
  ['short', 5, null],
  ['', 0, null],
])('in %j the answers part at %d', (text, at, marked) => {
  const mark = decideMark(text, at);
  expect(mark === null ? null : text.slice(mark.from, mark.to)).toBe(marked);
});
it('a mark is short, and never splits a character', () => {
  const text = 'word '.repeat(100);
  const mark = decideMark(text, 50);
  expect((mark?.to ?? 0) - (mark?.from ?? 0)).toBeLessThanOrEqual(80);
});

const wish = { title: null, prompts: ['a', 'b'], systemPrompt: '', contenders: [answerer.parse({}), answerer.parse({})], repeats: 1, order: 'turns' as const, blind: true };
test.each<[boolean, Pick<Comparison, 'wish' | 'votes'>]>([
  [true, { wish, votes: [] }],
  [true, { wish, votes: [{ prompt: 0, contender: 1 }] }],
  [false, { wish, votes: [{ prompt: 0, contender: 1 }, { prompt: 1, contender: null }] }],
  [false, { wish: { ...wish, blind: false }, votes: [] }],
  [false, { wish: { ...wish, contenders: [answerer.parse({})] }, votes: [] }],
])('names are hidden: %s', (hidden, comparison) => {
  expect(isBlindNow(comparison)).toBe(hidden);
});

it('where they part, in words', () => {
  expect(describeParting({ partAt: [96, null], answers: [] })).toBe('A and B part at character 96. A and C gave the same answer.');
  expect(describeParting({ partAt: [], answers: [] })).toBe('');
});

test.each<[string, readonly string[]]>([['One?', ['One?']], ['One?\n---\nTwo\nlines\n-----\n\n', ['One?', 'Two\nlines']], ['', []], ['a -- b', ['a -- b']]])('%j has the prompts %j', (text, prompts) => {
  expect(parsePrompts(text)).toEqual(prompts);
});

it('says what a run does', () => {
  expect(describeRun(2, 1, 5)).toBe('A and B, 5 answers each');
  expect(describeRun(3, 12, 1)).toBe('A, B, C, 12 prompts, one answer each');
});

it('begins with the same seed on both sides, unless one was set', () => {
  expect(beginWith(answerer.parse({ model: 'm' })).map((a) => a.sampling)).toEqual([{ temperature: 0, seed: 1 }, { temperature: 0, seed: 1 }]);
  expect(beginWith(answerer.parse({ sampling: { temperature: 0.7 } }))[0]?.sampling).toEqual({ temperature: 0.7, seed: 1 });
});

it('a cell of the results says speed and length, and nothing of it while names are hidden', () => {
  const done = { contender: 0, prompt: 0, repeat: 0, state: 'done' as const, content: 'x', thinking: '', reason: 'length' as const, figures: { promptTokens: 1, cachedTokens: 0, answerTokens: 20, firstTokenMs: 1, queuedMs: 0, promptTokensPerSecond: 1, decodeTokensPerSecond: 100, seconds: 1, joules: null, joulesPerToken: null, rooflineShare: null, contextTokens: 1, contextUsed: 1, turnsDropped: 0, seed: 1, drafted: null, accepted: null }, truth: null, problem: null };
  expect(describeCell([done], false)).toBe('100 tok/s, 20 tokens, ended at the longest length that was set');
  expect(describeCell([done], true)).toBe('1 of 1');
  expect(describeCell([{ ...done, state: 'waiting' }], false)).toBe('waits');
  expect(describeCell([], false)).toBe('—');
});

const against = (words: Comparison['rows'][number]['against'][number]['words']) => ({ ratio: 1, low: null, high: null, words });
const speed = (...words: Parameters<typeof against>[0][]): Comparison['rows'] => [{ figure: 'decode', unit: 'tokens/s', values: [{ mean: 1, low: null, high: null, n: 1 }], against: words.map(against) }];
const done = { state: 'done', problem: null } as Comparison['answers'][number];
const contenders = (n: number) => Array.from({ length: n }, () => answerer.parse({}));
test.each<[string, Parameters<typeof decideSaid>[0], ReturnType<typeof decideSaid>]>([
  ['a difference', { state: 'done', wish: { order: 'turns', contenders: contenders(2) } as Comparison['wish'], rows: speed('faster'), answers: [done] }, 'fine'],
  ['no difference is a finding, too', { state: 'done', wish: { order: 'turns', contenders: contenders(2) } as Comparison['wish'], rows: speed('no_difference'), answers: [done] }, 'fine'],
  ['too few pairs', { state: 'done', wish: { order: 'turns', contenders: contenders(2) } as Comparison['wish'], rows: speed('unknown'), answers: [done] }, 'unknown'],
  ['one pair known, one not', { state: 'done', wish: { order: 'turns', contenders: contenders(3) } as Comparison['wish'], rows: speed('faster', 'unknown'), answers: [done] }, 'attention'],
  ['times of answers made together', { state: 'done', wish: { order: 'together', contenders: contenders(2) } as Comparison['wish'], rows: speed('unknown'), answers: [done] }, 'unknown'],
  ['no row', { state: 'failed', wish: { order: 'turns', contenders: contenders(2) } as Comparison['wish'], rows: [], answers: [] }, 'unknown'],
  ['one alone', { state: 'done', wish: { order: 'turns', contenders: contenders(1) } as Comparison['wish'], rows: speed(), answers: [done] }, 'fine'],
  ['answers are missing', { state: 'cancelled', wish: { order: 'turns', contenders: contenders(2) } as Comparison['wish'], rows: speed('slower'), answers: [done, { ...done, state: 'waiting' }] }, 'attention'],
  ['it runs', { state: 'running', wish: { order: 'turns', contenders: contenders(2) } as Comparison['wish'], rows: speed('slower'), answers: [done] }, null],
])('%s is marked as it should be', (_, comparison, mark) => {
  expect(decideSaid(comparison)).toBe(mark);
});
