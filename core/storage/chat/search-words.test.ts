import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findHit, foldUnits, makeMatch, splitQuery } from './search-words.ts';
import { cleanText, splitText } from './split-text.ts';

describe('findHit', () => {
  it.each<[string, string, [string, string, string] | null]>([
    ['The quick brown fox', 'quick', ['The ', 'quick', ' brown fox']],
    ['The Café is open', 'cafe', ['The ', 'Café', ' is open']],
    ['The cafe is open', 'CAFÉ', ['The ', 'cafe', ' is open']],
    ['今日は日本語を話します', '日本語', ['今日は', '日本語', 'を話します']],
    ['안녕하세요 여러분', '여러', ['안녕하세요 ', '여러', '분']],
    ['written in C++ mostly', 'c++', ['written in ', 'C++', ' mostly']],
    ['a foo bar here', 'foo-bar', ['a ', 'foo bar', ' here']],
    ['unrelated', 'quick', null],
    ['inside aword, then word', 'word', ['inside aword, then ', 'word', '']],
  ])('%s / %s', (text, query, wanted) => {
    const hit = findHit(text, splitQuery(query));
    expect(hit === null ? null : [hit.before, hit.hit, hit.after]).toEqual(wanted);
  });
  it('shows a line around it, cut at both ends', () => {
    const hit = findHit(`${'x '.repeat(500)}needle\n\n${'y '.repeat(500)}`, ['needle']);
    expect(hit?.before).toMatch(/^…/);
    expect(hit?.after).toMatch(/^ y y.*…$/);
    expect((hit?.before.length ?? 0) + (hit?.after.length ?? 0)).toBeLessThan(130);
  });
  it('any text and any query: no throw, and a hit that is in the text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: 'binary', maxLength: 30 }), (text, query) => {
      expect(foldUnits(text).length).toBe(text.length);
      const hit = findHit(text, splitQuery(query));
      if (hit !== null) expect(text.toWellFormed().replace(/\s+/gu, ' ')).toContain(hit.hit);
    }), { numRuns: 500 });
  });
});

it('nothing in a query is an operator', () => {
  expect(makeMatch(splitQuery('a" OR b* NEAR(c) -d ^e {f} "'))).toBe('"a"* "OR"* "b*"* "NEAR(c)"* "-d"* "^e"* "{f}"*');
  expect(splitQuery('\0\u0001 +++ " \t')).toEqual([]);
  expect(splitQuery('w '.repeat(5000))).toHaveLength(16);
});

it('texts are split between characters, and stored without what SQLite or JSON cannot hold', () => {
  expect(splitText('ab👍cd', 3)).toEqual({ head: 'ab', rest: '👍cd' });
  expect(splitText('abcd', 4)).toEqual({ head: 'abcd', rest: '' });
  expect(cleanText('a\0b\uD800')).toBe('a\uFFFDb\uFFFD');
});
