import { describe, expect, it, test } from 'vitest';
import { answerer } from '../../../contract/chat.ts';
import type { Provider } from '../../../contract/inference.ts';
import { parseChatPlace, hrefOfComparison, hrefOfConversation } from './chat-place.ts';
import { contextOf } from './chat-page.tsx';
import { parseTextFile, readAttachments } from './composer/read-attachments.ts';
import { decideFirst } from './first-model.tsx';
import { decideStrips } from './instruments/truth-badge.tsx';
import { cutWords, estimateHeight, rowsOf } from './messages/message-rows.ts';
import { choiceValue, describePlacement, listChoices, nameOfModel } from './model-choices.ts';
import { judgeSchema, withSampling, withSetting } from './settings/answer-settings.tsx';
import { makeAnswer, makeDownload, makeLoaded, makeModel, makeTruth, makeUser, smollm } from './test-support.tsx';

test.each<[string | null, ReturnType<typeof parseChatPlace>]>([
  [null, { kind: 'conversation', id: null }], ['abc', { kind: 'conversation', id: 'abc' }], ['compare', { kind: 'compare', id: null }], ['compare:x:y', { kind: 'compare', id: 'x:y' }],
])('the place %j', (section, place) => {
  expect(parseChatPlace(section)).toEqual(place);
});
it('places lead back to themselves', () => {
  expect(hrefOfConversation('a b', 'm/1')).toBe('#/chat/a%20b?message=m%2F1');
  expect(hrefOfConversation(null)).toBe('#/chat');
  expect(hrefOfComparison('x')).toBe('#/chat/compare%3Ax');
});

describe('models to choose from', () => {
  const provider: Provider = { id: 'p', name: 'Box', baseUrl: 'http://box', hasKey: false, state: 'fails', models: ['big'], checkedAtMs: null, software: null, problem: null };
  it('come by where they are; what is gone keeps its line', () => {
    const models = [makeModel('m1', { name: 'Tiny' }), makeModel('m2', { name: 'Small' }), makeModel('m3', { synthetic: true })];
    const groups = listChoices(models, [makeLoaded({ state: 'loading', progress: 0.45 })], [provider], { provider: null, model: 'gone' });
    expect(groups.map((g) => [g.title, g.choices.map((c) => c.text)])).toEqual([
      ['Default', ['The default model']],
      ['In memory', ['Tiny, loads, 45 %']],
      ['On this machine', ['Small, 98.4 MB']],
      ['Box', ['big, does not answer']],
      ['Not here', ['gone, not here']],
    ]);
    expect(listChoices(models, [], [], { provider: null, model: null }).map((g) => g.title)).toEqual(['Default', 'On this machine']);
  });
  it('a value tells a provider’s model from one of here', () => {
    expect(new Set([choiceValue({ provider: null, model: 'x' }), choiceValue({ provider: 'x', model: null }), choiceValue({ provider: 'x', model: 'x' })]).size).toBe(3);
  });
  test.each<[Parameters<typeof describePlacement>, string]>([
    [[null, null, null], 'not in memory; loaded with the first message'],
    [[makeLoaded(), null, null], 'RTX 4090, 33 of 33 layers'],
    [[makeLoaded({ truth: makeTruth({ layersOnGpu: 0, placed: [] }) }), null, null], 'processor, 4 threads'],
    [[makeLoaded({ state: 'starting' }), null, null], 'loads'],
    [[null, provider, 'p'], 'Box does not answer'],
    [[null, null, 'q'], 'the server is not known'],
  ])('%# where it is', (input, words) => {
    expect(describePlacement(...input)).toBe(words);
  });
  it('the quantisation is said once', () => {
    expect(nameOfModel({ name: 'A Q4_K_M', facts: null })).toBe('A Q4_K_M');
  });
});

describe('files', () => {
  test.each<[string, Uint8Array, string | null]>([
    ['UTF-8', new TextEncoder().encode('grün'), 'grün'],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x61, 0]), 'a'],
    ['a byte that is no text', new Uint8Array([0x61, 0xff, 0x62]), null],
    ['a program', new Uint8Array([0x7f, 0x45, 0, 1]), null],
    ['too large', new Uint8Array(4_000_001), null],
    ['empty', new Uint8Array(), ''],
  ])('%s', (_, bytes, text) => {
    const read = parseTextFile(bytes);
    expect('text' in read ? read.text : null).toBe(text);
  });
  it('as many as there is room for, and the first refusal', async () => {
    const read = await readAttachments(Array.from({ length: 4 }, (_, i) => new File([`${i}`], `${i}.txt`)), 30);
    expect(read.attachments.map((a) => a.name)).toEqual(['0.txt', '1.txt']);
    expect(read.problem).toMatchObject({ code: 'chat.attachment', cause: '2.txt: there are 32 files already.' });
  });
});

describe('rows', () => {
  it('of the same message are the same', () => {
    const message = makeAnswer('a', 'u', 'One\n\nTwo');
    expect(rowsOf(message, false)).toBe(rowsOf(message, false));
    expect(rowsOf(message, false).map((r) => r.kind)).toEqual(['head', 'block', 'block', 'foot']);
  });
  it('of 10,000 messages are made once, each in about no time', () => {
    for (let i = 0; i < 10_000; i++) for (const row of rowsOf(makeUser(`u${i}`, null, `text ${i}`), false)) expect(estimateHeight(row)).toBeGreaterThan(0);
  });
  it('a long message is folded, a cut one says how long it is', () => {
    expect(rowsOf(makeUser('u', null, 'a'.repeat(200_000)), false).find((r) => r.kind === 'more')).toMatchObject({ characters: 200_000 });
    expect(rowsOf(makeUser('u', null, 'a'.repeat(200_000)), true).some((r) => r.kind === 'more')).toBe(false);
    expect(rowsOf(makeUser('u', null, 'abc', { cut: { characters: 900_000, thinkingCharacters: 0 } }), true).find((r) => r.kind === 'more')).toMatchObject({ characters: 900_000 });
  });
  it('words are cut into pieces without losing one', () => {
    const text = Array.from({ length: 5000 }, (_, i) => `line ${i}`).join('\n');
    expect(cutWords(text).join('\n')).toBe(text);
    const solid = '😀'.repeat(20_000);
    expect(cutWords(solid).join('')).toBe(solid);
    for (const piece of cutWords(solid)) expect(piece.isWellFormed()).toBe(true);
  });
});

describe('layers', () => {
  const indexOf = (uuid: string): number | null => (uuid === 'a' ? 0 : 1);
  it('are coloured by GPU, the rest by none', () => {
    const placed = [{ uuid: 'a', name: 'A', bytes: 1, layers: 2 }, { uuid: 'b', name: 'B', bytes: 1, layers: 1 }, { uuid: null, name: 'cpu', bytes: 1, layers: 1 }];
    expect(decideStrips({ layers: 4, placed }, indexOf)).toEqual([0, 0, 1, null]);
  });
  it('stay few, whatever the file says', () => {
    expect(decideStrips({ layers: 1e9, placed: [{ uuid: 'a', name: 'A', bytes: 1, layers: 1e9 }] }, indexOf)).toHaveLength(128);
    expect(decideStrips({ layers: -5, placed: [] }, indexOf)).toEqual([]);
  });
});

describe('settings', () => {
  const before = answerer.parse({ settings: { threads: 2 }, sampling: { temperature: 1 } });
  it('a change leaves the rest, and undefined goes back to what is chosen', () => {
    expect(withSetting(before, 'contextTokens', 4096).settings).toEqual({ threads: 2, contextTokens: 4096 });
    expect(withSetting(before, 'threads', undefined).settings).toEqual({});
    expect(withSampling(before, 'temperature', undefined).sampling).toEqual({});
    expect(before.settings).toEqual({ threads: 2 });
  });
  test.each<[string, boolean]>([['', true], ['{"type":"object"}', true], ['[1]', false], ['{"a":', false], ['null', false]])('%j is a schema: %s', (text, fine) => {
    expect(judgeSchema(text) === null).toBe(fine);
  });
});

it('the first model: the smallest file, and its newest download', () => {
  const first = decideFirst([{ ...smollm, first: false, id: 'other' }, smollm], [makeDownload({ startedAtMs: 1 }), makeDownload({ id: 'd2', startedAtMs: 2, state: 'paused' }), makeDownload({ id: 'd3', startedAtMs: 3, state: 'cancelled' })]);
  expect(first).toMatchObject({ bytes: 98_362_432, download: { id: 'd2' } });
  expect(decideFirst([], [])).toBeNull();
});

test.each<[Parameters<typeof contextOf>, ReturnType<typeof contextOf>]>([
  [[null, null], null],
  [[{ contextUsed: 10, contextTokens: 100 }, null], { used: 10, of: 100 }],
  [[{ contextUsed: 10, contextTokens: 100 }, { contextTokens: 200, contextUsed: 1 }], { used: 10, of: 200 }],
  [[{ contextUsed: null, contextTokens: null }, { contextTokens: 200, contextUsed: 1 }], null],
])('%# the context that is used', (input, context) => {
  expect(contextOf(...input)).toEqual(context);
});
