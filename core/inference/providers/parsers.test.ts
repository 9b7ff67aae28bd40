import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemOf } from '../../../contract/problem.ts';
import { decideSoftware } from './decide-software.ts';
import { parseChunk } from './parse-chunk.ts';
import { isLoopback, isReadableOnTheWay, listBaseUrls } from './parse-base-url.ts';
import { createSseParser } from './sse-parser.ts';
import { createThinkingSplitter } from './split-thinking.ts';

/** Cuts bytes at these places. */
function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set([0, ...at.map((one) => one % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return places.slice(1).map((to, index) => bytes.subarray(places[index], to));
}

describe('createSseParser', () => {
  const stream = '\uFEFF: hello\r\ndata: {"a":"Grüße 👋"}\r\n\r\ndata:second\ndata: line\n\nevent: x\rid: 1\r\rdata\n\ndata: last';
  it('reads the same wherever the bytes are cut', () => {
    fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 30 }), (at) => {
      const parser = createSseParser();
      const events = cut(Buffer.from(stream), at).flatMap((piece) => parser.push(piece));
      expect([...events, ...parser.end()]).toEqual(['{"a":"Grüße 👋"}', 'second\nline', '', 'last']);
    }), { seed: 5, numRuns: 300 });
  });

  it('holds no more than its bound, in one line or in many, and forgets what it does not need', () => {
    for (const text of ['data: ' + 'x'.repeat(200), 'data: x\n'.repeat(50), ': ' + 'x'.repeat(200)]) expect(() => createSseParser(100).push(Buffer.from(text)), text.slice(0, 20)).toThrow(RangeError);
    const parser = createSseParser(100);
    expect(parser.push(Buffer.from(`: ${'c'.repeat(60)}\n`.repeat(100)))).toEqual([]);
    expect(parser.push(Buffer.from('data: 1\n\n'.repeat(1000)))).toHaveLength(1000);
  });

  it('never throws anything else, whatever comes', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (pieces) => {
      const parser = createSseParser();
      for (const data of [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()]) parseChunk(data);
    }), { seed: 6, numRuns: 300 });
  });
});

describe('createThinkingSplitter', () => {
  it.each([
    ['<think>a</think>b', 'a', 'b'],
    [' \n<think>\na\n</think>\n\nb', 'a\n', 'b'],
    ['[THINK]a[/THINK]b', 'a', 'b'],
    ['<thinking>a</think></thinking>b', 'a</think>', 'b'],
    ['a <think>b</think>', '', 'a <think>b</think>'],
    ['<think>never ends </thi', 'never ends </thi', ''],
    ['  <the', '', '  <the'],
    ['<think></think>', '', ''],
  ])('of %j', (text, thinking, answer) => {
    fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 10 }), (at) => {
      const splitter = createThinkingSplitter();
      const pieces = cut(Buffer.from(text), at).flatMap((piece) => splitter.push(Buffer.from(piece).toString()));
      const of = (channel: string): string => [...pieces, ...rest].flatMap((one) => (one.channel === channel ? [one.text] : [])).join('');
      const rest = splitter.end();
      // A line break after the mark is dropped only when it comes with it: never more than that differs.
      expect([of('thinking').replace(/^\n/, ''), of('answer')]).toEqual([thinking, answer]);
    }), { seed: 7, numRuns: 100 });
  });
});

describe('parseChunk', () => {
  it('takes what odd servers send, and no more than fits', () => {
    const empty = { answer: '', thinking: '', tools: [], logprobs: null, finish: null };
    for (const odd of ['{}', '{"choices":[]}', '{"choices":"no"}', '{"choices":[{"delta":{"content":5,"tool_calls":[1]}}]}', '{"usage":{"prompt_tokens":-1}}', '{"choices":null,"usage":null,"error":null}']) expect(parseChunk(odd), odd).toMatchObject({ t: 'chunk', chunk: { ...empty, figures: { promptTokens: null } } });
    for (const garbage of ['', '5', '[]', 'null', '{"a"', 'x']) expect(parseChunk(garbage), garbage).toEqual({ t: 'garbage' });
    expect(parseChunk(' [DONE] ')).toEqual({ t: 'done' });
    expect(parseChunk('{"error":{"message":"no"}}')).toEqual({ t: 'error', text: 'no' });
    expect(parseChunk('{"choices":[{"delta":{"content":[{"type":"text","text":"a"},{"type":"image","text":"b"}]}}]}')).toMatchObject({ chunk: { answer: 'a' } });
  });

  it('takes the timings of Ollama and of LM Studio', () => {
    expect(parseChunk('{"prompt_eval_count":20,"prompt_eval_duration":40000000,"eval_count":100,"eval_duration":2000000000}')).toMatchObject({ chunk: { figures: { promptTokens: 20, answerTokens: 100, promptTokensPerSecond: 500, decodeTokensPerSecond: 50, cachedTokens: null } } });
    expect(parseChunk('{"stats":{"tokens_per_second":51.5}}')).toMatchObject({ chunk: { figures: { decodeTokensPerSecond: 51.5 } } });
  });
});

describe('addresses and software', () => {
  it.each([
    ['localhost:1234', ['http://localhost:1234/v1']],
    ['https://api.openai.com/v1/', ['https://api.openai.com/v1']],
    ['http://h/v1/models', ['http://h/v1']],
    ['https://h/v1beta/openai', ['https://h/v1beta/openai']],
    ['https://h/api', ['https://h/api/v1', 'https://h/api']],
    ['[::1]:8080', ['http://[::1]:8080/v1']],
  ])('%s', (given, expected) => expect(listBaseUrls(given)).toEqual(expected));

  it('refuses hostile addresses with input.invalid and nothing else', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ maxLength: 60 }), fc.webUrl()), (text) => {
      try {
        for (const url of listBaseUrls(text)) expect(new URL(url).protocol).toMatch(/^https?:$/);
      } catch (error) {
        expect(problemOf(error)?.code).toBe('input.invalid');
      }
    }), { seed: 8, numRuns: 500 });
  });

  it.each([['http://127.0.0.1/v1', true], ['http://127.8.9.1/v1', true], ['http://[::1]/v1', true], ['http://a.localhost/v1', true], ['http://10.0.0.1/v1', false], ['http://127.0.0.1.evil.example/v1', false], ['https://h/v1', false]])('%s on this machine: %s', (url, expected) => {
    expect(isLoopback(url)).toBe(expected);
    expect(isReadableOnTheWay(url)).toBe(!expected && url.startsWith('http:'));
  });

  it.each([
    [{ server: 'llama.cpp' }, 'llama-server'], [{ ownedBy: ['llamacpp'] }, 'llama-server'], [{ ownedBy: ['vllm'] }, 'vLLM'], [{ ownedBy: ['organization_owner'] }, null],
    [{ ownedBy: ['organization_owner'], poweredBy: 'Express' }, 'LM Studio'], [{ ollamaVersion: true }, 'Ollama'], [{ ownedBy: ['openai'] }, null],
  ])('%j is %s', (signs, expected) => expect(decideSoftware({ server: null, poweredBy: null, ownedBy: [], ollamaVersion: false, ...signs })).toBe(expected));
});
