import { describe, expect, it } from 'vitest';
import { lastLine, parseFaultFrame } from './last-words.ts';
import { createLineSplitter, parseScriptLine } from './script-lines.ts';

const dump = `Traceback (most recent call last):
Fatal Python error: Segmentation fault

Thread 0x00007f11 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 1 in wait

Current thread 0x00007f22 (most recent call first):
  File "/env/lib/python3.11/site-packages/torch/__init__.py", line 229 in <module>
  File "<frozen importlib._bootstrap>", line 241 in _call_with_frames_removed

Extension modules: numpy.core._multiarray_umath (total: 1)
`;

describe('last words', () => {
  it('the innermost frame of the thread that died', () => {
    expect(parseFaultFrame(dump)).toBe('/env/lib/python3.11/site-packages/torch/__init__.py, line 229, in <module>');
    expect(parseFaultFrame('Segmentation fault')).toBeNull();
    expect(parseFaultFrame('Current thread 0x1 (most recent call first):\n  <no Python frame>\n')).toBeNull();
  });
  it('the line that says it', () => {
    expect(lastLine(dump)).toBe('Fatal Python error: Segmentation fault');
    expect(lastLine('Traceback (most recent call last):\n  File "x", line 1, in <module>\nImportError: no\n\n')).toBe('ImportError: no');
    expect(lastLine(' \n')).toBeNull();
    expect(lastLine('x'.repeat(10_000))).toHaveLength(300);
  });
});

describe('lines', () => {
  const split = (limit: number, ...chunks: string[]): { lines: string[]; tooLong: string[] } => {
    const lines: string[] = [], tooLong: string[] = [];
    const splitter = createLineSplitter(limit, (line) => lines.push(line), (start) => tooLong.push(start));
    for (const chunk of chunks) splitter.push(chunk);
    splitter.end();
    return { lines, tooLong };
  };
  it.each([
    ['in pieces', ['a', 'b\nc\r', '\n\nd'], ['ab', 'c', 'd'], 0],
    ['one too long, then a good one', ['x'.repeat(6), 'yyyyyyy', 'z\ngood\n'], ['good'], 1],
    ['too long without an end', ['x'.repeat(11)], [], 1],
    ['exactly the limit', ['x'.repeat(10), '\n'], ['x'.repeat(10)], 0],
    ['nothing', [''], [], 0],
  ])('%s', (_, chunks, lines, tooLong) => {
    const result = split(10, ...chunks);
    expect(result.lines).toEqual(lines);
    expect(result.tooLong).toHaveLength(tooLong);
  });
  it.each([
    ['{"t":"item","data":{"a":[1]}}', 'message'],
    ['{"t":"progress","fraction":null,"doing":"x","more":1}', 'message'],
    ['{"t":"progress","fraction":"half","doing":"x"}', 'misfit'],
    ['{"t":"unheard"}', 'misfit'],
    ['{"loss": 0.1}', 'text'],
    ['{', 'text'],
    ['[1]', 'text'],
    ['Loading …', 'text'],
  ])('%s is %s', (line, kind) => {
    expect(parseScriptLine(line).kind).toBe(kind);
  });
});
