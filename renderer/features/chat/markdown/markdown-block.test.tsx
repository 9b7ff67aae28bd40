import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, test, vi } from 'vitest';
import { BlockBoundary } from './block-boundary.tsx';
import { splitBlocks } from './block-stream.ts';
import { isPlainParagraph, isSafeMarkdown } from './decide-safe.ts';
import { LinkOpener, webAddress } from './external-link.tsx';
import { MarkdownBlock } from './markdown-block.tsx';

afterEach(cleanup);

function draw(text: string): HTMLElement {
  const { blocks, definitions } = splitBlocks(text);
  return render(<div className="body">{blocks.map((b) => <MarkdownBlock key={b.start} block={b} definitions={definitions} />)}</div>).container;
}

/** Nothing that runs, fetches, posts or styles. */
function expectHarmless(page: HTMLElement): void {
  expect(page.querySelectorAll('script, iframe, img, svg image, style, form, object, embed, link, meta, video, audio, base, [onerror], [onclick], [onload], [srcset], [style*="url"]')).toHaveLength(0);
  for (const a of page.querySelectorAll('a')) expect(a.getAttribute('href')).toMatch(/^https?:\/\//);
  for (const e of page.querySelectorAll('[src], [background], [action], [formaction], [poster], [id], [name]')) expect(e.outerHTML).toBe('');
}

describe('hostile answers', () => {
  test.each([
    '<script>alert(1)</script>',
    'a <img src=x onerror=alert(1)> b',
    '<svg onload=alert(1)><image href="https://evil.example/x.png"/></svg>',
    '<iframe src="https://evil.example"></iframe>',
    '<style>* { background: url(https://evil.example) }</style>',
    '<form action="https://evil.example"><button>x</button></form>',
    '[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](data:text/html,x) [f](file:///etc/passwd) [v](vbscript:x) [c](warpdeck://x)',
    '[x](\u0000javascript:alert(1)) [x]( java\nscript:alert(1) )',
    '<javascript:alert(1)> <https://ok.example>',
    '![remote](https://evil.example/track.png) and ![ref][r] and [![in](https://evil.example/a.png)](https://ok.example)\n\n[r]: https://evil.example/ref.png',
    '![][r]\n\n[r]: data:image/png;base64,AAAA',
    '[r]: javascript:alert(1)\n\n[click][r]',
    '<a href="https://ok.example" onclick="x()" style="position:fixed">x</a>',
    '# <b id="main">x</b>',
    '| <img src=x> | [a](javascript:x) |\n|-|-|\n| ![p](https://evil.example/x.png) | b |',
    '[^1] and\n\n[^1]: note ![x](https://evil.example/y.png)',
    '<!-- hidden --> shown <![CDATA[x]]>',
  ])('%j', (text) => {
    expectHarmless(draw(text));
  });
  it('says what a picture showed, with its address as a link', () => {
    const page = draw('![a cat](https://ok.example/cat.png) ![b][r]\n\n[r]: https://ok.example/b.png');
    expect(page.textContent).toContain('[picture: a cat]');
    expect(page.textContent).toContain('[picture: b]');
    expect(page.querySelector('a')?.getAttribute('href')).toBe('https://ok.example/cat.png');
  });
  it('loses no words: HTML and footnotes stay text', () => {
    const page = draw('Use <div class="a"> here.\n\n<section>\nhidden?\n</section>\n\nA note[^n].\n\n[^n]: The note.');
    expect(page.textContent).toContain('Use <div class="a"> here.');
    expect(page.textContent).toContain('<section>');
    expect(page.textContent).toContain('hidden?');
    expect(page.textContent).toContain('The note.');
  });
});

describe('bombs', () => {
  test.each<[string, string]>([
    ['quotes', `${'>'.repeat(3000)} a`],
    ['emphasis', '*a'.repeat(20_000)],
    ['strong and underscores', '**a_b'.repeat(8000)],
    ['nested lists by indent', Array.from({ length: 800 }, (_, i) => `${' '.repeat(2 * i)}- a`).join('\n')],
    ['nested lists in a line', `${'- '.repeat(3000)}a`],
    ['nested numbers in a line', `${'1. '.repeat(3000)}a`],
    ['mixed nesting', `${'> - '.repeat(2000)}a`],
    ['brackets', '['.repeat(50_000)],
    ['links', '[a]('.repeat(20_000)],
    ['pictures', '!['.repeat(20_000)],
    ['ticks', Array.from({ length: 400 }, (_, i) => '`'.repeat(i)).join(' ')],
    ['a wide table', `${'|a'.repeat(5000)}\n${'|-'.repeat(5000)}\n${'|b\n'.repeat(1000)}`],
    ['a long table', `|a|b|\n|-|-|\n${'|a|b|\n'.repeat(2000)}`],
    ['angle brackets', '<'.repeat(50_000)],
    ['comments', '<!--'.repeat(10_000)],
    ['definitions', Array.from({ length: 5000 }, (_, i) => `[a${i}]: https://x.example/${i}\n`).join('')],
    ['one line of 400 KB', 'word '.repeat(80_000)],
    ['addresses', 'www.a.b '.repeat(5000)],
  ])('%s: every block is safe to parse or shown as written', (_, text) => {
    // What is drawn at once is what is in sight: a few blocks of each.
    const { blocks, definitions } = splitBlocks(text);
    expect(Math.max(...blocks.map((b) => b.text.length))).toBeLessThan(18_000);
    const few = blocks.filter((__, i) => i < 3 || i === blocks.length - 1);
    const { container } = render(<div>{few.map((b) => <MarkdownBlock key={b.start} block={b} definitions={definitions} />)}</div>);
    expectHarmless(container);
    expect(container.textContent.length).toBeGreaterThan(0);
  });
  test.each<[string, boolean, string]>([
    ['prose', true, 'Some *words* with `code` and a [link](https://a.example).\n'.repeat(60)],
    ['a nested list as people write it', true, '- a\n  - b\n    - c\n      - d\n'.repeat(20)],
    ['a table as people write it', true, `|a|b|c|d|e|f|\n|-|-|-|-|-|-|\n${'|1|2|3|4|5|6|\n'.repeat(60)}`],
    ['sixteen quotes', true, `${'> '.repeat(16)}a`],
    ['seventeen quotes', false, `${'> '.repeat(17)}a`],
    ['a date is no list', true, '2024 was a year\n'.repeat(200)],
    ['too many marks', false, '*'.repeat(1000)],
    ['too long', false, 'a'.repeat(30_000)],
  ])('%s: %s', (_, safe, text) => {
    expect(isSafeMarkdown(text)).toBe(safe);
  });
});

test.each<[string, boolean]>([
  ['Plain words, and a number: 3.5 (about).', true],
  ['a *b*', false], ['- a', false], ['1. a', false], ['# a', false], ['see https://a.b', false], ['www.a.b', false], ['a\nb', false], ['a|b', false], ['a & b', false], [' a', false], ['me@a.b', false], ['> a', false], ['---', false], ['3 apples', true],
])('%j needs no parser: %s', (text, plain) => {
  expect(isPlainParagraph(text)).toBe(plain);
});

test.each<[string | undefined, string | null]>([
  ['https://a.example/x?y=1#z', 'https://a.example/x?y=1#z'], ['http://a.example', 'http://a.example/'], ['javascript:alert(1)', null], ['//a.example', null], ['#x', null], ['/x', null], ['mailto:a@b.c', null], [undefined, null], [`https://a.example/${'x'.repeat(3000)}`, null],
])('%s leads to %s', (href, address) => {
  expect(webAddress(href)).toBe(address);
});

it('a link is opened outside, by a click and by the middle button, and never by itself', () => {
  const open = vi.fn();
  const { blocks, definitions } = splitBlocks('[paper](https://a.example/p)');
  render(<LinkOpener value={open}>{blocks.map((b) => <MarkdownBlock key={b.start} block={b} definitions={definitions} />)}</LinkOpener>);
  const link = screen.getByRole('link', { name: 'paper' });
  expect(fireEvent.click(link)).toBe(false);
  fireEvent(link, new MouseEvent('auxclick', { bubbles: true, cancelable: true, button: 1 }));
  expect(open.mock.calls).toEqual([['https://a.example/p'], ['https://a.example/p']]);
});

it('draws what people write', () => {
  const page = draw('# Title\n\n1. one\n2. two\n\n- [x] done\n- [ ] open\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n~~old~~ **new** `code`\n\n```ts\nconst a = 1;\n```');
  expect(page.querySelector('h4')?.textContent).toBe('Title');
  expect(page.querySelectorAll('ol > li')).toHaveLength(2);
  expect([...page.querySelectorAll('input')].map((i) => [i.checked, i.disabled])).toEqual([[true, true], [false, true]]);
  expect(page.querySelectorAll('td')).toHaveLength(2);
  expect(page.querySelector('del')?.textContent).toBe('old');
  expect(page.querySelector('.code pre code')?.textContent).toBe('const a = 1;');
  expect(page.querySelector('.codehead')?.textContent).toContain('ts');
});

it('what cannot be drawn is shown as written, and the next text is tried again', () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const Fragile = ({ text }: { readonly text: string }): string => {
    if (text.includes('bad')) throw new Error('no');
    return `drawn ${text}`;
  };
  const at = (text: string) => <BlockBoundary text={text}><Fragile text={text} /></BlockBoundary>;
  const { container, rerender } = render(at('a bad one'));
  expect(container.textContent).toBe('a bad one');
  rerender(at('a good one'));
  expect(container.textContent).toBe('drawn a good one');
  error.mockRestore();
});
