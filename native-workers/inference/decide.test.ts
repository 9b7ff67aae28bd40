import { describe, expect, it } from 'vitest';
import { problemOf } from '../../contract/problem.ts';
import type { ChatTurn } from '../../contract/inference.ts';
import { createAnswerFilter, type FilterOptions } from './answer-filter.ts';
import { createCacheSegments } from './cache-segments.ts';
import { toChatHistory } from './chat-history.ts';
import { parseThinkingMarks } from './chat-template.ts';
import { decideLoadProblem } from './decide-load-problem.ts';
import { fitTurns } from './fit-turns.ts';
import { toGrammarSchema } from './grammar-schema.ts';
import { createJsonEnd } from './json-end.ts';
import { parseFlashAttention, parseOffloaded, pickSaid, sumCacheBytes } from './load-log.ts';
import { tokenBytes } from './token-bytes.ts';
import { tellProbabilities } from './tune-context.ts';

const turn = (role: ChatTurn['role'], content: string, more: Partial<ChatTurn> = {}): ChatTurn => ({ role, content, toolCalls: [], toolCallId: null, ...more });

describe('the filter of an answer', () => {
  const run = (pieces: readonly string[], options: Partial<FilterOptions>): { answer: string; thinking: string; stopped: boolean; tokens: number } => {
    const filter = createAnswerFilter({ stops: [], thinking: null, trimEnd: false, ...options });
    let stopped = false;
    const all = pieces.flatMap((piece) => {
      if (stopped) return [];
      const pushed = filter.push(piece, null);
      stopped = pushed.stopped;
      return pushed.pieces;
    });
    all.push(...filter.finish());
    const of = (channel: string): string => all.filter((piece) => piece.channel === channel).map((piece) => piece.text).join('');
    return { answer: of('answer'), thinking: of('thinking'), stopped, tokens: all.reduce((sum, piece) => sum + piece.tokens, 0) };
  };
  const think = { open: '<think>', close: '</think>', startsOpen: false };

  it.each<[string, string[], Partial<FilterOptions>, string, string, boolean]>([
    ['plain', ['a', 'b', 'c'], {}, 'abc', '', false],
    ['a stop over three pieces', ['ab', 'X', 'Y', 'Zc'], { stops: ['XYZ'] }, 'ab', '', true],
    ['a stop that only began', ['ab', 'XY', 'c'], { stops: ['XYZ'] }, 'abXYc', '', false],
    ['a stop that began twice', ['aaab'], { stops: ['aab'] }, 'a', '', true],
    ['thinking, then the answer', ['<th', 'ink>\nhm', 'm</', 'think>\n\n', 'yes'], { thinking: think }, 'yes', 'hmm', false],
    ['thinking that is open already', ['hmm', '</think>', '\nyes'], { thinking: { open: null, close: '</think>', startsOpen: true } }, 'yes', 'hmm', false],
    ['a stop within thinking is none', ['<think>STOP</think>go STOP on'], { thinking: think, stops: ['STOP'] }, 'go ', 'STOP', true],
    ['thinking that never ends', ['<think>a', 'b'], { thinking: think }, '', 'ab', false],
    ['blanks after JSON', ['{"a"', ': 1}', '\n', '  '], { trimEnd: true }, '{"a": 1}', '', false],
    ['a lone mark', ['<think>', '</think>', 'x'], { thinking: think }, 'x', '', false],
  ])('%s', (_, pieces, options, answer, thinking, stopped) => {
    expect(run(pieces, options)).toMatchObject({ answer, thinking, stopped });
    // Cut anywhere, it comes to the same.
    expect(run([...pieces.join('')], options)).toMatchObject({ answer, thinking, stopped });
  });

  it('counts every token that is shown', () => {
    expect(run(['a', '', 'b', 'c'], {}).tokens).toBe(4);
  });
});

describe('what of a cache may be reused', () => {
  it('is whole batches, and all of an answer', () => {
    const segments = createCacheSegments();
    expect(segments.reuse(0)).toBe(0);
    segments.fed(0, 128);
    segments.fed(128, 200);
    // The answer ran from 200 to 250; the next prompt has 240 of it.
    expect(segments.reuse(240)).toBe(240);
    segments.fed(240, 300);
    // The same request again: its last batch is computed as before.
    expect(segments.reuse(299)).toBe(240);
    expect(segments.reuse(150)).toBe(128);
    expect(segments.reuse(100)).toBe(0);
  });
});

describe('turns', () => {
  const counted = (turns: readonly ChatTurn[]): { tokens: unknown[]; roles: string } => ({ tokens: Array.from({ length: turns.reduce((sum, one) => sum + one.content.length, 0) }), roles: turns.map((one) => one.role.charAt(0)).join('') });
  const talk = [turn('system', 'ss'), ...Array.from({ length: 10 }, (_, index) => turn(index % 2 === 0 ? 'user' : 'assistant', 'x'.repeat(10))), turn('user', 'last')];

  it.each([[106, 0], [105, 2], [60, 6], [26, 8], [6, 10]])('of which %i tokens fit: %i go, the fewest that must', (most, dropped) => {
    const fitted = fitTurns(talk, most, counted);
    expect(fitted?.dropped).toBe(dropped);
    expect(fitted?.turns[0]?.role).toBe('system');
    expect(fitted?.turns.at(-1)?.content).toBe('last');
  });
  it('where even the last does not fit, none do', () => {
    expect(fitTurns(talk, 5, counted)).toBeNull();
  });

  it('with calls of tools become one item with what was answered', () => {
    const call = { id: 'a', name: 'f', arguments: '{"x":1}' };
    expect(toChatHistory([turn('user', 'q'), turn('assistant', 'so', { toolCalls: [call] }), turn('tool', 'r', { toolCallId: 'a' }), turn('user', 'next')])).toEqual([
      { type: 'user', text: 'q' },
      { type: 'model', response: ['so', { type: 'functionCall', name: 'f', params: { x: 1 }, result: 'r', startsNewChunk: true }] },
      { type: 'user', text: 'next' },
      { type: 'model', response: [] },
    ]);
    expect(() => toChatHistory([turn('tool', 'r')])).toThrow();
  });
});

describe('a failed load', () => {
  const decide = (lines: string[], message: string, step: 'engine' | 'model' | 'context' = 'model'): string => {
    const problem = problemOf(decideLoadProblem({ name: 'm.gguf', path: '/m.gguf', release: 'b1', contextTokens: 4096, step, error: new Error(message), lines, place: 'the GPU', freeBytes: 2e9, onGpu: true }));
    return `${problem?.code}: ${problem?.cause}`;
  };
  it.each([
    [["llama_model_load: error loading model: unknown model architecture: 'newkind'"], 'Failed to load model', 'model', /^model\.unsupported: m\.gguf \(newkind\) is not known to llama\.cpp b1/],
    [["llama_model_load: error loading model: error loading model vocabulary: unknown pre-tokenizer type: 'odd'"], 'Failed to load model', 'model', /^model\.unsupported: m\.gguf \(odd\)/],
    [["error loading model: tensor 'blk.1' data is not within the file bounds, model is corrupted or incomplete"], 'Failed to load model', 'model', /^model\.damaged: .*not within the file bounds/],
    [['ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4096.00 MiB on device 0: cudaMalloc failed: out of memory'], 'Failed to load model', 'model', /^load\.no_memory: m\.gguf with 4096 tokens of context needs 4\.29 GB on the GPU; 2\.00 GB are free/],
    [['llama_kv_cache: failed to allocate buffer for kv cache'], 'Failed to create context', 'context', /^load\.no_memory/],
    [['llama_init: something failed oddly'], 'Failed to create context', 'context', /^load\.failed: .*something failed oddly/],
    [[], 'Failed to load model', 'model', /^load\.failed/],
    [[], 'NoBinaryFoundError', 'engine', /^load\.failed: .*could not be loaded on this system/],
    [[], 'Invalid GGUF magic. Expected "GGUF" but got "PK"', 'model', /^model\.not_gguf/],
  ] as const)('said as %j', (lines, message, step, expected) => {
    expect(decide([...lines], message, step)).toMatch(expected);
  });
});

describe('the log of a load', () => {
  const lines = ['load_tensors: offloading 32 repeating layers to GPU', 'load_tensors: offloaded 33/33 layers to GPU', 'load_tensors:        CUDA0 model buffer size =  4095.05 MiB', 'llama_kv_cache:      CUDA0 KV buffer size =   512.00 MiB', 'llama_kv_cache:        CPU KV buffer size =    16.00 MiB', 'resolve_fused_ops: Flash Attention enabled', 'print_info: n_layer = 32'];
  it('tells layers, cache and flash attention', () => {
    expect(parseOffloaded(lines)).toEqual({ on: 33, of: 33 });
    expect(parseOffloaded([])).toBeNull();
    expect(sumCacheBytes(lines)).toBe(528 * 1024 * 1024);
    expect(parseFlashAttention(lines, 'auto')).toBe(true);
    expect([parseFlashAttention([], 'on'), parseFlashAttention([], 'auto')]).toEqual([true, false]);
    expect(pickSaid(lines)).not.toContain('print_info: n_layer = 32');
  });
});

describe('a schema', () => {
  const refusal = (schema: Record<string, unknown>, mode: 'strict' | 'lenient'): string | null => {
    try {
      toGrammarSchema(schema, mode);
      return null;
    } catch (error) {
      const problem = problemOf(error);
      return `${problem?.code}: ${problem?.cause}`;
    }
  };
  it.each<[unknown, unknown]>([
    [{ type: 'object', title: 'T', properties: { a: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null } }, required: ['a'], additionalProperties: false }, { type: 'object', required: ['a'], properties: { a: { oneOf: [{ type: 'string' }, { type: 'null' }] } } }],
    [{ type: 'object' }, { type: 'object', additionalProperties: true }],
    [{ allOf: [{ $ref: '#/definitions/x' }], definitions: { x: { type: 'integer' } } }, { $ref: '#/$defs/x', $defs: { x: { type: 'integer' } } }],
    [{ type: ['array', 'null'], items: { type: 'number' } }, { oneOf: [{ type: 'array', items: { type: 'number' } }, { type: 'null', items: { type: 'number' } }] }],
  ])('%j is made fit', (schema, expected) => {
    expect(toGrammarSchema(schema as Record<string, unknown>, 'strict')).toEqual(expected);
  });
  it.each<[string, Record<string, unknown>]>([['minimum', { type: 'integer', minimum: 3 }], ['pattern', { type: 'string', pattern: 'x' }], ['allOf', { allOf: [{}, {}] }]])('%s is refused, or left out for tools', (key, schema) => {
    expect(refusal(schema, 'strict')).toMatch(new RegExp(`^generate\\.schema: .*"${key}"`));
    expect(refusal(schema, 'lenient')).toBeNull();
  });
  it('too deep or too large is refused', () => {
    let deep: Record<string, unknown> = { type: 'string' };
    for (let level = 0; level < 100; level += 1) deep = { type: 'array', items: deep };
    expect(refusal(deep, 'lenient')).toMatch(/levels deep/);
    expect(refusal({ oneOf: Array.from({ length: 30_000 }, () => ({ type: 'null' })) }, 'lenient')).toMatch(/parts/);
  });
});

describe('small readings', () => {
  it.each([
    ["{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}", { open: '<think>', close: '</think>', opens: true }],
    ["{{ content.split('</think>')[-1] }}<think>{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% if not think %}{{ '<think>\\n\\n</think>' }}{% endif %}{% endif %}", { open: '<think>', close: '</think>', opens: false }],
    ["[THINK]{{ x }}[/THINK]", { open: '[THINK]', close: '[/THINK]', opens: false }],
    ["{% if add_generation_prompt %}{{ '<|im_start|>assistant' }}{% endif %}", null],
    ['', null],
  ])('the thinking of the template %j', (template, expected) => {
    expect(parseThinkingMarks(template)).toEqual(expected);
  });
  it.each([
    [['{"a": "}"', ', "b": [1]', '}', ' '], 2],
    [['[', ']'], 1],
    [['"\\"}"'], -1],
    [['{"a":"\\\\"}'], 0],
  ])('JSON %j ends with piece %i', (pieces, end) => {
    const json = createJsonEnd();
    expect(pieces.findIndex((piece) => json.push(piece))).toBe(end);
  });
  it.each([
    ['Ġhello', 'gpt2', [32, 104, 101, 108, 108, 111]], ['ðŁĺ', 'gpt2', [0xf0, 0x9f, 0x98]], ['<0xE2>', 'llama', [0xe2]], ['▁a', 'llama', [32, 97]], ['é', 'bert', [0xc3, 0xa9]],
  ])('the bytes of %s (%s)', (entry, tokenizer, bytes) => {
    expect(tokenBytes(entry, tokenizer, entry)).toEqual(bytes);
  });
  it('probabilities come of logits and their weight', () => {
    // Three tokens with logits 2, 1, 0: the sum of exp(logit − 2) is 1.5032.
    const weight = 1 + Math.exp(-1) + Math.exp(-2);
    const [token, probabilities = [], confidence] = tellProbabilities(7, [5, 2, 7, 1, 9, 0, 7, 1], weight);
    expect(token).toBe(7);
    expect(probabilities.filter((_, index) => index % 2 === 0)).toEqual([5, 7, 9]);
    expect(probabilities.filter((_, index) => index % 2 === 1).reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 6);
    expect(confidence).toBeCloseTo(Math.exp(-1) / weight, 6);
  });
});
