import { beforeAll, describe, expect, it, vi } from 'vitest';
import { problemFrom } from '../../supervisor/fixtures/test-support.ts';
import { smolLm2 } from '../../testing/models.ts';
import { greedy, startInference, turn, type TestWorker } from './fixtures/inference-worker.ts';

// Real models on a machine that may have other work.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let worker: TestWorker;
beforeAll(async () => {
  worker = startInference(smolLm2());
  await worker.load();
}, 180_000);

const weather = { name: 'get_weather', description: 'The weather of a city', parameters: { type: 'object', properties: { city: { type: 'string', maxLength: 30 } }, required: ['city'] } };

describe('an answer of SmolLM2', () => {
  it('comes as text with its figures', async () => {
    const { result, text, events } = await worker.ask({ turns: [turn('user', 'What is the capital of France? Answer in one word.')], maxTokens: 20 });
    expect(text).toContain('Paris');
    expect(text).not.toContain('<|im_end|>');
    expect(result).toMatchObject({ reason: 'stop', turnsDropped: 0, drafted: null });
    expect(result.contextUsed).toBe(result.promptTokens + result.answerTokens);
    expect(result.receivedAtMs).toBeLessThan(result.firstTokenAtMs ?? 0);
    expect(result.firstTokenAtMs).toBeLessThanOrEqual(result.lastTokenAtMs ?? 0);
    expect(events[0]).toMatchObject({ t: 'prompt', done: 0, total: result.promptTokens });
    expect(events.flatMap((event) => (event.t === 'text' ? [event.tokens] : [])).reduce((sum, count) => sum + count, 0)).toBe(result.answerTokens);
  });

  it('begins with no beginning-of-text token that the vocabulary does not ask for', async () => {
    const turns = [turn('system', 'Be brief.'), turn('user', 'Hi')];
    expect(await worker.count({ text: null, turns })).toBe(await worker.count({ text: '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n', turns: null }));
  });

  it('does not let a user write the marks of the template', async () => {
    const plain = await worker.count({ text: null, turns: [turn('user', '')] });
    expect(await worker.count({ text: null, turns: [turn('user', '<|im_end|>')] })).toBeGreaterThan(plain + 1);
  });

  it('reuses what is still in the context, and says how much', async () => {
    const first = [turn('system', 'You are a friendly guide.'), turn('user', 'Name a fruit.')];
    const one = await worker.ask({ turns: first, maxTokens: 12 });
    const two = await worker.ask({ turns: [...first, turn('assistant', one.text), turn('user', 'Another one.')], maxTokens: 4 });
    expect(two.result.cachedTokens).toBeGreaterThanOrEqual(one.result.promptTokens);
    expect(two.result.cachedTokens).toBeLessThan(two.result.promptTokens);
  });

  it('is the same twenty times with the same seed, another with another', async () => {
    const sampling = { ...greedy, temperature: 0.9, repeatPenalty: 1.1 };
    const run = async (seed: number): Promise<string> => (await worker.ask({ sampling, maxTokens: 24 }, { seed })).text;
    const answers = new Set<string>();
    for (let time = 0; time < 20; time += 1) {
      answers.add(await run(42));
      // Another conversation in between must change nothing.
      if (time % 5 === 0) await worker.ask({ turns: [turn('user', 'Tell me about the sky.')], maxTokens: 3 });
    }
    expect(answers.size).toBe(1);
    const others = new Set([await run(43), await run(44), await run(45)]);
    expect(others.size).toBeGreaterThan(1);
  }, 120_000);

  it('never cuts a character, however its bytes are spread over tokens', async () => {
    const { text, events } = await worker.ask({ prompt: 'x', grammar: 'root ::= "a👩‍🚀é漢字🏴󠁧󠁢󠁥󠁮󠁧󠁿z"', maxTokens: 100 });
    expect(text).toBe('a👩‍🚀é漢字🏴󠁧󠁢󠁥󠁮󠁧󠁿z');
    for (const event of events) if (event.t === 'text') expect(event.text).not.toContain('\uFFFD');
  });

  it.each([
    ['in the middle of tokens', 'hello wonderful world', ['derful w'], 'hello won'],
    ['at the start', 'hello world', ['hello'], ''],
    ['that never comes whole', 'hello world', ['world!'], 'hello world'],
    ['the first of two', 'one two three', ['three', 'two'], 'one '],
  ])('ends before a stop text %s', async (_, written, stop, expected) => {
    const { text, result } = await worker.ask({ prompt: 'x', grammar: `root ::= "${written}"`, stop, maxTokens: 50 });
    expect(text).toBe(expected);
    expect(result.reason).toBe('stop');
  });

  it('has at most the tokens that were asked for', async () => {
    expect((await worker.ask({ maxTokens: 3 })).result).toMatchObject({ reason: 'length', answerTokens: 3 });
  });

  it('ends when its time is up', async () => {
    const { result } = await worker.ask({ prompt: 'x', grammar: 'root ::= [a-z ]+', maxTokens: null, timeLimitSeconds: 1 });
    expect(result.reason).toBe('time_limit');
  });

  it('tells the probabilities of the model, likeliest first', async () => {
    const { events } = await worker.ask({ maxTokens: 4, topLogprobs: 3, sampling: { ...greedy, temperature: 1.5, topK: 5 } }, { seed: 7 });
    const told = events.flatMap((event) => (event.t === 'text' ? (event.logprobs ?? []) : []));
    expect(told).toHaveLength(4);
    for (const one of told) {
      expect(one.logprob).toBeLessThanOrEqual(0);
      expect(one.top).toHaveLength(3);
      expect(Buffer.from(one.bytes).toString()).toBe(one.token);
      const [first, second] = one.top;
      expect(first?.logprob).toBeGreaterThanOrEqual(second?.logprob ?? 0);
      // Of the whole vocabulary: the five that top-k leaves would come to 1.
      expect(one.top.reduce((sum, other) => sum + Math.exp(other.logprob), 0)).toBeLessThan(1);
    }
    const none = await worker.ask({ maxTokens: 2, topLogprobs: 0 });
    expect(none.events.flatMap((event) => (event.t === 'text' ? (event.logprobs ?? []) : []))[0]?.top).toEqual([]);
  });

  it('continues raw text', async () => {
    const { text } = await worker.ask({ prompt: 'One, two, three, four,', maxTokens: 4 });
    expect(text).toContain('five');
  });
});

describe('an answer under rules', () => {
  it('is JSON of the schema, and ends with it', async () => {
    const jsonSchema = {
      type: 'object', title: 'Person', additionalProperties: false, required: ['name', 'age', 'colours', 'friend'],
      properties: { name: { type: 'string', maxLength: 20 }, age: { type: 'integer' }, colours: { type: 'array', items: { enum: ['red', 'blue'] }, minItems: 1, maxItems: 3 }, friend: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/friend' }] } },
      $defs: { friend: { type: 'object', properties: { name: { type: 'string', maxLength: 8 } } } },
    };
    const { text, result } = await worker.ask({ turns: [turn('user', 'Describe a person.')], jsonSchema, maxTokens: 300 });
    const value = JSON.parse(text) as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['name', 'age', 'colours', 'friend']);
    expect(Number.isInteger(value['age'])).toBe(true);
    expect(text.trim()).toBe(text);
    expect(result.reason).toBe('stop');
  });

  it.each<[string, { jsonSchema?: Record<string, unknown>; grammar?: string }]>([
    ['a pattern', { jsonSchema: { type: 'string', pattern: 'a+' } }],
    ['a reference that leads nowhere', { jsonSchema: { $ref: '#/$defs/none' } }],
    ['no schema', { jsonSchema: { properties: { a: 3 } } }],
    ['no grammar', { grammar: 'this is no grammar ::=' }],
    ['a grammar that refers to itself first', { grammar: 'root ::= root "a" | "b"' }],
  ])('%s is refused with what is wrong', async (_, wish) => {
    const problem = await problemFrom(worker.ask(wish));
    expect(problem.code).toBe('generate.schema');
    expect(problem.cause.length).toBeGreaterThan(10);
  });

  it('calls a tool when it must, with arguments of its schema', async () => {
    const { events, result, text } = await worker.ask({ turns: [turn('user', 'What is the weather in Paris?')], tools: [weather], toolChoice: 'required', maxTokens: 80 });
    const calls = events.flatMap((event) => (event.t === 'tool_call' ? [event.call] : []));
    expect(result.reason).toBe('tool_calls');
    expect(calls[0]?.name).toBe('get_weather');
    expect(typeof (JSON.parse(calls[0]?.arguments ?? '') as { city: string }).city).toBe('string');
    expect(calls[0]?.id).toMatch(/^call_/);
    expect(text).toBe('');
  });

  it('goes on after a tool has answered', async () => {
    const call = { id: 'call_1', name: 'get_weather', arguments: '{"city":"Paris"}' };
    const turns = [turn('user', 'What is the weather in Paris?'), turn('assistant', '', { toolCalls: [call] }), turn('tool', '{"sky":"sunny"}', { toolCallId: 'call_1' })];
    const { text, result } = await worker.ask({ turns, tools: [weather], maxTokens: 30 });
    expect(text.length + result.answerTokens).toBeGreaterThan(0);
    expect((await problemFrom(worker.ask({ turns: [turn('tool', '1')] }))).code).toBe('input.invalid');
  });

  it('without a choice of tools there are none', async () => {
    const { events } = await worker.ask({ tools: [weather], toolChoice: 'none', maxTokens: 5 });
    expect(events.some((event) => event.t === 'tool_call')).toBe(false);
  });
});

describe('everything else that is asked', () => {
  it('embeds: vectors of length 1, nearer where the meaning is', async () => {
    const { vectors, tokens } = await worker.embed(['A cat sleeps on the sofa.', 'A kitten naps on the couch.', 'Stock prices fell sharply.', '']);
    const [cat = [], kitten = [], stocks = [], empty = []] = vectors;
    const dot = (a: number[], b: number[]): number => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
    expect(dot(cat, cat)).toBeCloseTo(1, 5);
    expect(dot(cat, kitten)).toBeGreaterThan(dot(cat, stocks));
    expect(empty).toHaveLength(cat.length);
    expect(tokens).toBeGreaterThan(10);
    expect((await problemFrom(worker.embed(['word '.repeat(3000)]))).code).toBe('generate.context_full');
  });

  it('measures prompt and decode at a depth', async () => {
    const { prompt, decode } = await worker.measure({ promptTokens: 64, decodeTokens: 8, depth: 32, repeats: 2 });
    expect(prompt).toHaveLength(2);
    expect(decode).toHaveLength(2);
    for (const speed of [...prompt, ...decode]) expect(speed).toBeGreaterThan(0);
    expect((await problemFrom(worker.measure({ promptTokens: 4000, decodeTokens: 0, depth: 0, repeats: 1 }))).code).toBe('generate.context_full');
  });

  it('refuses what is no request', async () => {
    expect((await problemFrom(worker.handle.call('generate', { requestId: 'x', seed: NaN }))).code).toBe('input.invalid');
    expect((await problemFrom(worker.ask({ sampling: { ...greedy, temperature: NaN } }))).code).toBe('input.invalid');
    expect((await problemFrom(worker.load())).code).toBe('input.invalid');
    expect((await problemFrom(worker.ask({ turns: null }))).code).toBe('input.invalid');
    expect((await problemFrom(worker.ask({ grammar: 'root ::= "a"', jsonSchema: {} }))).code).toBe('input.invalid');
    expect((await problemFrom(worker.ask({ grammar: 'root ::= "a"', tools: [weather] }))).code).toBe('generate.schema');
    expect((await problemFrom(worker.ask({ prompt: ' '.repeat(5_000_000) }))).code).toBe('generate.context_full');
  });
});
