import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answerer, comparisonWish, type Comparison, type ComparisonAnswer } from '../../../contract/chat.ts';
import type { GenerationFigures } from '../../../contract/inference.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import { parseCsv } from '../../testing/parse-csv.ts';
import { decideOrder } from './decide-order.ts';
import { decideRows } from './decide-rows.ts';
import { decideSentence } from './decide-sentence.ts';
import { contenderAt, decideView, isHidden, type KeptComparison } from './decide-view.ts';
import { exportComparison } from './export-comparison.ts';
import { findParting } from './find-parting.ts';
import { makeRequest } from './make-request.ts';
import { nameContenders } from './name-contenders.ts';
import { readShippedSets } from './prompt-sets.ts';
import { summariseRatios, summariseValues } from './summarise-values.ts';

describe('summariseValues', () => {
  it.each([
    [[], { mean: null, low: null, high: null, n: 0 }],
    [[4], { mean: 4, low: null, high: null, n: 1 }],
    [[2, 8], { mean: 4, n: 2 }],
    [[5, 5, 5], { mean: 5, low: 5, high: 5, n: 3 }],
    [[0, -1, Number.NaN, Infinity, 3], { mean: 3, low: null, n: 1 }],
  ])('of %j', (values, expected) => {
    const found = summariseValues(values);
    for (const [key, value] of Object.entries(expected)) {
      if (value === null) expect(found[key as keyof typeof found]).toBeNull();
      else expect(found[key as keyof typeof found]).toBeCloseTo(value, 9);
    }
  });

  it('makes the interval on logarithms, by hand', () => {
    // ln: 0, ln 2, ln 4; mean ln 2, deviation ln 2; half width 4.302652… · ln 2 / √3.
    const half = (4.302652729911275 * Math.LN2) / Math.sqrt(3);
    const { mean, low, high } = summariseValues([1, 2, 4]);
    expect([mean, low, high].map((one) => Math.log(one ?? 0) - Math.LN2)).toEqual([expect.closeTo(0, 9), expect.closeTo(-half, 9), expect.closeTo(half, 9)]);
  });

  it('covers the truth in about 95 of 100 cases', () => {
    let state = 12345;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
    const hits = Array.from({ length: 2000 }, () => {
      // Pairs share a disturbance that is far larger than the effect.
      const { low, high } = summariseRatios(Array.from({ length: 5 }, () => { const shared = Math.exp(normal()); return [100 * shared * Math.exp(0.05 * normal()), 130 * shared * Math.exp(0.05 * normal())] as const; }));
      return low !== null && high !== null && low < 1.3 && 1.3 < high && high - low < 1;
    }).filter(Boolean).length;
    expect(hits / 2000).toBeGreaterThan(0.93);
    expect(hits / 2000).toBeLessThan(0.97);
  });
});

describe('decideOrder', () => {
  it('goes A B B A, and asks each prompt in each order', () => {
    expect(decideOrder(2, 2, 2).map((one) => 'AB'[one.contender]).join('')).toBe('ABBABABA');
    expect(decideOrder(1, 2, 2).map(({ prompt, repeat }) => [prompt, repeat])).toEqual([[0, 0], [1, 0], [0, 1], [1, 1]]);
    expect(decideOrder(3, 2, 1).map((one) => 'ABC'[one.contender]).join('')).toBe('ABCCBA');
  });

  it.each([[2, 4], [3, 6]])('a steady drift favours none of %i', (contenders, prompts) => {
    const turns = decideOrder(contenders, prompts, 1);
    const places = Array.from({ length: contenders }, (_, who) => turns.flatMap((one, at) => (one.contender === who ? [at] : [])).reduce((sum, at) => sum + at, 0));
    expect(new Set(places).size).toBe(1);
    expect(new Set(turns.map((one) => `${one.contender} ${one.prompt}`)).size).toBe(turns.length);
  });
});

const usual: GenerationFigures = { promptTokens: 20, cachedTokens: 0, answerTokens: 100, firstTokenMs: 50, queuedMs: 0, promptTokensPerSecond: 400, decodeTokensPerSecond: 100, seconds: 1, joules: null, joulesPerToken: null, rooflineShare: null, contextTokens: 4096, contextUsed: 120, turnsDropped: 0, seed: 1, drafted: null, accepted: null };
const answer = (contender: number, prompt: number, figures: Partial<GenerationFigures> = {}, change: Partial<ComparisonAnswer> = {}): ComparisonAnswer => ({ contender, prompt, repeat: 0, state: 'done', content: `${contender}-${prompt}`, thinking: '', reason: 'stop', figures: { ...usual, ...figures }, truth: null, problem: null, ...change });
const two = { order: 'turns', contenders: [answerer.parse({}), answerer.parse({})] } as const;
const decode = (first: readonly number[], second: readonly number[]): ComparisonAnswer[] => [...first.map((value, at) => answer(0, at, { decodeTokensPerSecond: value })), ...second.map((value, at) => answer(1, at, { decodeTokensPerSecond: value }))];

describe('decideRows', () => {
  const wordsOf = (answers: readonly ComparisonAnswer[], figure: string, wish: Pick<Comparison['wish'], 'order' | 'contenders'> = { ...two, contenders: [...two.contenders] }): unknown => decideRows(answers, [], wish).find((row) => row.figure === figure)?.against[0]?.words;
  it.each([
    ['faster', [100, 110, 90], [150, 166, 136]],
    ['slower', [150, 166, 136], [100, 110, 90]],
    ['no_difference', [100, 110, 90], [101, 108, 92]],
    ['no_difference', [100, 100, 100], [100, 100, 100]],
    ['unknown', [100, 110], [150, 166]],
    ['unknown', [], []],
  ])('%s: %j against %j', (words, first, second) => expect(wordsOf(decode(first, second), 'decode')).toBe(words));

  it('takes a later first token for slower, more memory and energy for more', () => {
    const all = [0, 1, 2].flatMap((prompt) => [answer(0, prompt, { firstTokenMs: 50 + prompt, joulesPerToken: 2 }), answer(1, prompt, { firstTokenMs: 100 + prompt, joulesPerToken: 1 })]);
    expect(wordsOf(all, 'first_token')).toBe('slower');
    expect(wordsOf(all, 'energy')).toBe('less');
    const memory = all.map(({ contender, prompt, repeat }) => ({ contender, prompt, repeat, bytes: 1000 + contender }));
    expect(decideRows(all, memory, { ...two, contenders: [...two.contenders] }).find((row) => row.figure === 'memory')).toMatchObject({ unit: 'bytes', values: [{ mean: expect.closeTo(1000, 6), n: 3 }, { n: 3 }], against: [{ words: 'more' }] });
  });

  it('pairs by prompt, and counts only answers that ended well, long enough, with their prompt read', () => {
    const broken = [answer(0, 0, {}, { problem: makeProblem('job.interrupted') }), answer(1, 0), answer(0, 1, {}, { reason: 'cancelled' }), answer(1, 1), answer(0, 2, { answerTokens: 3 }), answer(1, 2), answer(0, 3, { cachedTokens: 19 }), answer(1, 3), answer(0, 4, {}, { figures: null }), answer(1, 4)];
    const rows = decideRows(broken, [], { ...two, contenders: [...two.contenders] });
    expect(rows[0]).toMatchObject({ figure: 'decode', values: [{ n: 1 }, { n: 5 }], against: [{ ratio: 1, low: null, words: 'unknown' }] });
    expect(rows.find((row) => row.figure === 'prompt')?.values.map((one) => one.n)).toEqual([1, 5]);
  });

  it('compares no times of answers that were made together', () => {
    expect(decideRows(decode([100, 110, 90], [150, 166, 136]), [], { ...two, contenders: [...two.contenders], order: 'together' })[0]).toMatchObject({ values: [{ n: 3 }, { n: 3 }], against: [{ ratio: null, words: 'unknown' }] });
  });
});

describe('decideSentence', () => {
  const say = (answers: ComparisonAnswer[], change: { state?: Comparison['state']; order?: 'turns' | 'together'; names?: string[] } = {}): string => {
    const names = change.names ?? ['A', 'B'], order = change.order ?? 'turns';
    return decideSentence({ state: change.state ?? 'done', names, answers, order, rows: decideRows(answers, [], { order, contenders: names.map(() => answerer.parse({})) }) });
  };
  it.each([
    [say(decode([100, 110, 90], [150, 166, 136])), /^B is faster than A: 1\.51× as many tokens a second \(95 % interval 1\.49× to 1\.52×\)\. Before each answer a short one was made that is not counted\.$/],
    [say(decode([150, 166, 136], [100, 110, 90])), /^B is slower than A: 0\.66×/],
    [say(decode([100, 110, 90], [101, 108, 92])), /^No difference in speed between B and A can be shown: the ratio lies between 0\.9/],
    [say(decode([100], [150])), /one pair of answers is too few, 3 are needed/],
    [say([]), /there is no pair of answers/],
    [say(decode([100, 110, 90], [150, 166, 136]), { order: 'together' }), /^All answered at the same time/],
    [say(decode([100, 110, 90], []), { names: ['A'] }), /^A writes 99\.\d tokens a second \(95 % interval/],
    [say([answer(0, 0), answer(1, 0, {}, { state: 'waiting' })], { state: 'running' }), /^1 of 2 answers are there\.$/],
    [say([...decode([100], [100]), answer(0, 1, {}, { problem: makeProblem('job.interrupted') }), answer(1, 1, {}, { state: 'waiting' })], { state: 'cancelled' }), /1 of 4 answers failed and are not counted\. 1 of 4 answers were not made\./],
  ])('%s', (sentence, expected) => expect(sentence).toMatch(expected));
});

describe('what is hidden', () => {
  const wish = comparisonWish.parse({ prompts: ['one', 'two'], contenders: [{ model: 'secret-a' }, { model: 'secret-b', provider: 'p' }], blind: true });
  const kept = (votes: Comparison['votes'] = [], state: Comparison['state'] = 'done'): KeptComparison => ({
    comparison: {
      id: 'compare-1-00000000', title: 'one', createdAtMs: 0, jobId: null, state, wish, names: ['secret-a', 'secret-b'], rows: decideRows(decode([1], [1]), [], wish), sentence: 'secret-a is faster', partAt: [3], votes, problem: null,
      answers: [answer(0, 0), answer(1, 0), answer(0, 1), answer(1, 1, {}, { content: '', problem: makeProblem('provider.no_answer', { name: 'secret-b', url: 'secret', detail: 'secret' }) })],
    },
    memory: [], places: [[1, 0], [0, 1]],
  });
  it('hides names, figures and the order until each prompt has a vote', () => {
    const shown = decideView(kept(), 'all');
    expect(JSON.stringify(shown)).not.toContain('secret');
    expect(shown).toMatchObject({ names: ['Answer 1', 'Answer 2'], rows: [], partAt: [], answers: [{ contender: 0, content: '1-0', figures: null, truth: null }, { contender: 1, content: '0-0' }, { contender: 0, content: '0-1' }, { contender: 1 }] });
    for (const format of ['json', 'markdown', 'csv'] as const) expect(exportComparison(shown, format).text).not.toContain('secret');
    expect(contenderAt(kept(), 0, 0)).toBe(1);
    const voted = kept([{ prompt: 0, contender: 1 }]);
    expect(decideView(voted, 'watch').votes).toEqual([{ prompt: 0, contender: 0 }]);
    expect(isHidden(voted)).toBe(true);
    const all = kept([{ prompt: 0, contender: 1 }, { prompt: 1, contender: null }]);
    expect(isHidden(all)).toBe(false);
    expect(decideView(all, 'all')).toBe(all.comparison);
  });

  it('asks for no vote where there is nothing to vote on', () => {
    const cancelled = kept([{ prompt: 0, contender: 1 }], 'cancelled');
    const answers = cancelled.comparison.answers.map((one): ComparisonAnswer => (one.prompt === 1 ? { ...one, state: 'waiting' } : one));
    expect(isHidden({ comparison: { ...cancelled.comparison, answers } })).toBe(false);
    expect(isHidden({ comparison: { ...cancelled.comparison, answers, wish: { ...wish, contenders: wish.contenders.slice(0, 1) }, votes: [] } })).toBe(false);
  });

  it('bounds what is sent several times a second', () => {
    const long = 'x'.repeat(100_000);
    const { comparison, ...rest } = kept([{ prompt: 0, contender: 1 }, { prompt: 1, contender: 1 }]);
    const many = Array.from({ length: 900 }, (_, prompt) => answer(0, prompt, {}, { content: long }));
    const view = decideView({ ...rest, comparison: { ...comparison, wish: { ...wish, blind: false, prompts: [long, long, long] }, answers: [...many, answer(1, 0, {}, { state: 'writing', content: long })] } }, 'watch');
    expect(view.answers.filter((one) => one.content !== '').map((one) => one.prompt)).toEqual([898, 899, 0]);
    expect(view.wish.prompts[0]).toHaveLength(202);
    expect(JSON.stringify(decideView({ ...rest, comparison }, 'list'))).not.toContain('0-0');
  });
});

describe('small decisions', () => {
  it.each([['abc', 'abd', 2], ['abc', 'abc', null], ['abc', 'abcd', 3], ['', 'a', 0], ['a👋', 'a👍', 1], ['', '', null], ['x', 'y', 0]])('%j and %j part at %j', (a, b, at) => expect(findParting(a, b)).toBe(at));

  it.each([
    [[{}, {}], [['m', null], ['n', null]], ['m', 'n']],
    [[{}, {}], [['m', null], ['m', 'Box']], ['m', 'm at Box']],
    [[{ settings: { contextTokens: 2048 } }, { settings: { contextTokens: 4096, threads: 4 } }], [['m', null], ['m', null]], ['m (context 2048)', 'm (context 4096, threads 4)']],
    [[{}, { sampling: { temperature: 0 } }], [['m', null], ['m', null]], ['m (as usual)', 'm (temperature 0)']],
    [[{}, {}, { sampling: { seed: 1 } }], [['m', null], ['m', null], ['m', null]], ['m (as usual) #1', 'm (as usual) #2', 'm (seed 1)']],
    [[{}, {}], [['m', null], ['m', null]], ['m #1', 'm #2']],
  ])('names %j', (answerers, found, names) => expect(nameContenders(answerers.map((one) => answerer.parse(one)), found.map(([model, provider]) => ({ model: model ?? '', provider: provider ?? null })))).toEqual(names));

  it('makes requests, with a seed for those that name none', () => {
    const made = makeRequest(answerer.parse({ sampling: { temperature: 0 }, maxTokens: 9, jsonSchema: '{"type":"object"}' }), 'sys', 'ask', 42, 60);
    expect(made).toMatchObject({ turns: [{ role: 'system', content: 'sys' }, { role: 'user', content: 'ask' }], sampling: { temperature: 0, topK: 40, seed: 42 }, maxTokens: 9, jsonSchema: { type: 'object' }, timeLimitSeconds: 60 });
    expect(makeRequest(answerer.parse({ sampling: { seed: 7 } }), '', 'ask', 42, 60)).toMatchObject({ turns: [{ role: 'user' }], sampling: { seed: 7 } });
    for (const bad of [{ jsonSchema: '{' }, { jsonSchema: '[]' }, { jsonSchema: '{}', grammar: 'root ::= "a"' }]) {
      try {
        makeRequest(answerer.parse(bad), '', 'ask', 1, 60);
        expect.fail();
      } catch (error) {
        expect(problemOf(error)?.code).toBe('generate.schema');
      }
    }
  });

  it('ships sets of prompts that fit', async () => {
    const sets = await readShippedSets(fileURLToPath(new URL('../../../resources', import.meta.url)));
    expect(new Set(sets.map((one) => one.id)).size).toBe(sets.length);
    for (const set of sets) expect(set.prompts.every((one) => one.length > 20 && one.length < 50_000), set.id).toBe(true);
    expect(sets.find((one) => one.id === 'long-prompt')?.prompts[1]).toMatch(/^Read .*window hangs.*window hangs.*One sentence\.$/s);
  });
});

describe('exports', () => {
  const wish = comparisonWish.parse({ prompts: ['Say ```\nhi\n``` "now", please', '=2+5'], systemPrompt: 'Be brief.', contenders: [{}, {}] });
  const comparison: Comparison = {
    id: 'compare-1-00000000', title: '../=Näme | "x"', createdAtMs: Date.UTC(2026, 0, 2), jobId: null, state: 'done', wish, names: ['A | one', '@B'], votes: [{ prompt: 0, contender: 1 }], problem: null, partAt: [0], sentence: 'B is faster.',
    answers: [answer(0, 0, {}, { content: '=HYPERLINK("http://evil")' }), answer(1, 0, { decodeTokensPerSecond: null }, { content: '-1+cmd|x' }), answer(0, 1, {}, { content: '\t=1' }), answer(1, 1, {}, { content: 'line\r\n"two"', problem: makeProblem('job.interrupted') })], rows: [],
  };
  comparison.rows = decideRows([...comparison.answers, ...decode([100, 110, 90], [150, 166, 136]).map((one) => ({ ...one, repeat: 1 }))], [], wish);

  it('writes CSV that reads back and that no spreadsheet runs', () => {
    const { fileName, text } = exportComparison(comparison, 'csv');
    expect(fileName).toBe('Na-me-x-2026-01-02.csv');
    const rows = parseCsv(text);
    expect(rows).toHaveLength(5);
    expect(new Set(rows.map((row) => row.length))).toEqual(new Set([18]));
    expect(rows.flat().filter((cell) => /^\s*[=+@]|^\s*-[^0-9]/.test(cell))).toEqual([]);
    expect(rows[1]?.[16]).toBe('\'=HYPERLINK("http://evil")');
    expect(rows[4]?.[16]).toBe('line\r\n"two"');
    expect(rows[1]?.[2]).toBe('A | one');
    expect(rows[2]?.[2]).toBe("'@B");
  });

  it('writes Markdown in which texts stay texts', () => {
    const { text } = exportComparison(comparison, 'markdown');
    expect(text).toContain('| A \\| one | @B |');
    expect(text).toContain('| Writing, tokens/s |');
    expect(text).toMatch(/× \(\d\.\d+–\d\.\d+\): (faster|no difference shown)/);
    expect(text).toContain('````\nSay ```\nhi\n``` "now", please\n````');
    expect(text).toContain('- @B: 1');
  });

  it('writes JSON with everything', () => expect(JSON.parse(exportComparison(comparison, 'json').text)).toEqual(JSON.parse(JSON.stringify({ schemaVersion: 1, comparison }))));
});
