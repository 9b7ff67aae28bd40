import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createBlockStream, joinCode, splitBlocks, withDefinitions } from './block-stream.ts';

const texts = (text: string): readonly string[] => splitBlocks(text).blocks.map((b) => `${b.kind === 'code' ? `[${b.language ?? ''}${b.place === 'only' ? '' : ` ${b.place}`}]` : ''}${b.text}`);

test.each<[string, string, readonly string[]]>([
  ['paragraphs', 'One\nline\n\nTwo\n\n\nThree', ['One\nline', 'Two', 'Three']],
  ['nothing', '\n \n', []],
  ['a fence in the middle of a paragraph', 'See:\n```ts\nconst a = 1;\n\nb\n```\nafter', ['See:', '[ts]const a = 1;\n\nb', 'after']],
  ['a fence that is never closed', '```\nx\n\ny', ['[]x\n\ny']],
  ['a longer fence holds a shorter one', '````md\n```\nx\n```\n````\ny', ['[md]```\nx\n```', 'y']],
  ['tildes', '~~~\n```\n~~~', ['[]```']],
  ['code in a line is no fence', '```not`a fence\nx', ['```not`a fence\nx']],
  ['a list with its paragraphs is one block', '1. a\n\n   more\n\n2. b\n\n- c\n\nafter', ['1. a\n\n   more\n\n2. b\n\n- c', 'after']],
  ['code in a list stays in the list', '- a\n\n  ```js\n  x\n  ```\n- b', ['- a\n\n  ```js\n  x\n  ```\n- b']],
  ['a list right behind words', 'Steps:\n1. a\n\n   more\n\nend', ['Steps:\n1. a\n\n   more', 'end']],
  ['lines of Windows', 'a\r\n\r\nb\r\n```\r\nx\r\n```\r\n', ['a', 'b', '[]x\r']],
  ['quotes', '> a\n> b\n\n> c', ['> a\n> b', '> c']],
])('%s', (_, text, blocks) => {
  expect(texts(text)).toEqual(blocks);
});

describe('however it arrives', () => {
  const piece = fc.constantFrom('a', 'word ', '\n', '\n\n', '```', '```ts\n', '- ', '1. ', '  ', '    ', '> ', '|a|b|\n', '|-|-|\n', '~~~', '[x]: https://a.b\n', '[x] ', '😀', '*', '`', '\r\n', 'x'.repeat(9000));
  it('gives the same blocks, and none of them ever changes', () => {
    fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.nat({ max: 40 }), { maxLength: 40 }), (pieces, cuts) => {
      const text = pieces.join('');
      const stream = createBlockStream();
      let at = 0;
      let seen: readonly unknown[] = [];
      for (const cut of cuts) {
        at = Math.min(text.length, at + cut);
        stream.feed(text.slice(0, at));
        const now = stream.done().slice();
        expect(now.slice(0, seen.length)).toEqual(seen);
        seen = now;
      }
      stream.feed(text);
      stream.finish();
      expect(stream.done()).toEqual(splitBlocks(text).blocks);
    }), { numRuns: 300 });
  });
  it('loses no word', () => {
    fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      // A word of its own behind each piece, that no other piece can make up.
      const words = pieces.map((_, i) => `w${i}w`);
      const kept = new Set(splitBlocks(pieces.map((p, i) => `${p} w${i}w `).join('')).blocks.flatMap((b) => b.text.match(/w\d+w/g) ?? []));
      // The line of a fence holds words too; they are not code.
      const missing = words.filter((w, i) => !kept.has(w) && !pieces.slice(0, i + 1).some((p) => p.includes('`') || p.includes('~')));
      expect(missing).toEqual([]);
    }), { numRuns: 200 });
  });
  it('the growing block keeps its place when it is finished', () => {
    const stream = createBlockStream();
    stream.feed('One\n\nTwo is');
    expect(stream.done().map((b) => b.start)).toEqual([]);
    expect(stream.open()).toMatchObject({ start: 0, text: 'One\n\nTwo is' });
    stream.feed('One\n\nTwo is here\n\nThree\n');
    expect(stream.done().map((b) => b.text)).toEqual(['One', 'Two is here']);
    expect(stream.open()).toMatchObject({ start: 18, text: 'Three' });
    stream.finish();
    expect(stream.done().at(-1)).toMatchObject({ start: 18, text: 'Three' });
    expect(stream.open()).toBeNull();
  });
});

describe('long things come in pieces', () => {
  it('code, drawn as one and copied whole', () => {
    const code = Array.from({ length: 2000 }, (_, i) => `line ${i}`).join('\n');
    const { blocks } = splitBlocks(`\`\`\`py\n${code}\n\`\`\`\nafter`);
    expect(blocks.length).toBeGreaterThan(3);
    expect(blocks.map((b) => b.place).slice(0, 2)).toEqual(['first', 'middle']);
    expect(blocks.at(-2)?.place).toBe('last');
    expect(joinCode(blocks, 0)).toBe(code);
    expect(Math.max(...blocks.map((b) => b.text.length))).toBeLessThan(12_100);
  });
  it('a table repeats its head', () => {
    const { blocks } = splitBlocks(`|a|b|\n|-|-|\n${'|1|2|\n'.repeat(3000)}`);
    expect(blocks.length).toBeGreaterThan(2);
    for (const b of blocks) expect(b.text.startsWith('|a|b|\n|-|-|\n')).toBe(true);
  });
  it('a list is cut between its items', () => {
    const { blocks } = splitBlocks(Array.from({ length: 3000 }, (_, i) => `${i + 1}. item`).join('\n'));
    expect(blocks.length).toBeGreaterThan(3);
    for (const b of blocks) expect(b.text).toMatch(/^\d+\. /);
  });
  it('a line without end is cut between characters', () => {
    const { blocks } = splitBlocks('😀'.repeat(20_000));
    expect(blocks.length).toBeGreaterThan(3);
    expect(blocks.map((b) => b.text).join('')).toBe('😀'.repeat(20_000));
    for (const b of blocks) expect(b.text.isWellFormed()).toBe(true);
  });
});

it('a link finds its address in another block', () => {
  const { blocks, definitions } = splitBlocks('See [the paper][1] and [home].\n\nWords.\n\n[1]: https://example.org/paper\n[Home]: https://example.org');
  expect(withDefinitions(blocks[0]?.text ?? '', definitions)).toContain('[1]: https://example.org/paper\n[Home]: https://example.org');
  expect(withDefinitions('Words.', definitions)).toBe('Words.');
});
