import { connect } from 'node:net';
import { once } from 'node:events';
import OpenAI, { APIError, NotFoundError, RateLimitError } from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GenerateRequest, GenerationEvent, GenerationFigures } from '../../../contract/inference.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { createRouter } from '../../engine/router.ts';
import { makeTestServices } from '../../testing/make-test-services.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { openWebFace, type WebFace } from '../web-face.ts';
import type { OpenAiParts } from './register-openai.ts';

const figures: GenerationFigures = {
  promptTokens: 7, cachedTokens: 2, answerTokens: 3, firstTokenMs: 12, queuedMs: 0, promptTokensPerSecond: 900, decodeTokensPerSecond: 50, seconds: 0.1, joules: null, joulesPerToken: null, rooflineShare: null,
  contextTokens: 512, contextUsed: 10, turnsDropped: 0, seed: 5, drafted: null, accepted: null,
};
const end = (reason: 'stop' | 'length' | 'tool_calls' = 'stop'): GenerationEvent => ({ t: 'end', reason, figures, problem: null });
const text = (piece: string, channel: 'answer' | 'thinking' = 'answer'): GenerationEvent => ({ t: 'text', text: piece, channel, tokens: 1, atMs: 0 });

/** What the server was asked last, and what it answers. */
let asked: Partial<GenerateRequest> | null = null;
let script: () => AsyncIterable<GenerationEvent> = () => events([end()]);
async function* events(list: readonly GenerationEvent[]): AsyncGenerator<GenerationEvent> {
  for (const event of list) yield await Promise.resolve(event);
}

const parts: OpenAiParts = {
  models: () => Promise.resolve([{ id: 'smollm2-135m-instruct', createdAtMs: 1_700_000_000_000, ownedBy: 'warpdeck' }]),
  answer: (model) => (model === 'missing' ? Promise.reject(problemError('model.not_found', { what: model })) : Promise.resolve({ model: model ?? 'smollm2-135m-instruct', answer: (request) => {
    asked = request;
    return script();
  } })),
  embed: (model, texts) => Promise.resolve({ model: model ?? 'smollm2-135m-instruct', vectors: texts.map((t) => [t.length, 0.5]), tokens: 4 }),
  log: silentLogger,
};

let face: WebFace;
let client: OpenAI;
let base = '';
beforeEach(async () => {
  asked = null;
  face = await openWebFace({ host: '127.0.0.1', port: 0, insecure: false, cert: null, key: null, token: null }, { router: createRouter(makeTestServices()), rendererFolder: null, onConnection: () => undefined, metricsText: () => '', metricsOn: () => false, openai: parts, log: silentLogger });
  base = `http://127.0.0.1:${String(face.status.port)}/v1`;
  client = new OpenAI({ baseURL: base, apiKey: face.token, maxRetries: 0 });
});
afterEach(async () => { await face.close(); });

const user = [{ role: 'user' as const, content: 'Hello' }];
const failure = (run: Promise<unknown>): Promise<APIError> => run.then(() => { throw new Error('it was accepted'); }, (error: unknown) => {
  if (error instanceof APIError) return error;
  throw error;
});

describe('the official client of Node', () => {
  it('lists models', async () => {
    expect((await client.models.list()).data).toEqual([{ id: 'smollm2-135m-instruct', object: 'model', created: 1_700_000_000, owned_by: 'warpdeck' }]);
    expect(await client.models.retrieve('smollm2-135m-instruct')).toMatchObject({ id: 'smollm2-135m-instruct' });
    expect(await failure(client.models.retrieve('x'))).toBeInstanceOf(NotFoundError);
  });

  it('gets a whole answer with usage, thinking apart', async () => {
    script = () => events([{ t: 'queued', ahead: 0 }, { t: 'prompt', done: 7, total: 7 }, text('hm', 'thinking'), text('Hel'), text('lo'), end('length')]);
    const answer = await client.chat.completions.create({ model: 'a', messages: [{ role: 'developer', content: 'Be brief.' }, { role: 'user', content: [{ type: 'text', text: 'Hel' }, { type: 'text', text: 'lo' }] }], temperature: 0, top_p: 0.5, stop: '\n', max_completion_tokens: 9 });
    expect(answer).toMatchObject({ object: 'chat.completion', model: 'a', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello', reasoning_content: 'hm' }, finish_reason: 'length' }], usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10, prompt_tokens_details: { cached_tokens: 2 } } });
    expect(asked).toMatchObject({ sampling: { temperature: 0, topP: 0.5 }, stop: ['\n'], maxTokens: 9, mayShift: false, topLogprobs: null, tools: [] });
    expect(asked?.turns?.map((t) => [t.role, t.content])).toEqual([['system', 'Be brief.'], ['user', 'Hello']]);
  });

  it('reads a stream to its end, with usage when asked for', async () => {
    script = () => events([text('a'), text('b'), end()]);
    const stream = await client.chat.completions.create({ model: 'a', messages: user, stream: true, stream_options: { include_usage: true } });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.flatMap((c) => c.choices.map((o) => o.delta.content ?? '')).join('')).toBe('ab');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 10 } });
    expect(new Set(chunks.map((c) => c.id)).size).toBe(1);
  });

  it('sees tool calls, whole and streamed, each in its place', async () => {
    const call = (id: string, name: string): GenerationEvent => ({ t: 'tool_call', call: { id, name, arguments: '{"at":"x"}' } });
    script = () => events([call('c1', 'weather'), call('c2', 'clock'), end('tool_calls')]);
    const tools = ['weather', 'clock'].map((name) => ({ type: 'function' as const, function: { name, parameters: { type: 'object', properties: { at: { type: 'string' } } } } }));
    const whole = await client.chat.completions.create({ model: 'a', messages: user, tools, tool_choice: 'required' });
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"at":"x"}' } }, { id: 'c2' }] } });
    expect(asked).toMatchObject({ toolChoice: 'required', tools: [{ name: 'weather' }, { name: 'clock' }] });
    const runner = client.chat.completions.stream({ model: 'a', messages: [...user, { role: 'assistant', tool_calls: [{ id: 'c0', type: 'function', function: { name: 'clock', arguments: '{}' } }] }, { role: 'tool', tool_call_id: 'c0', content: '12:00' }], tools, tool_choice: { type: 'function', function: { name: 'clock' } } });
    const final = await runner.finalChatCompletion();
    expect(final.choices[0]?.message.tool_calls?.map((c) => c.id)).toEqual(['c1', 'c2']);
    expect(asked?.tools?.map((t) => t.name)).toEqual(['clock']);
    expect(asked?.turns?.slice(1)).toMatchObject([{ role: 'assistant', toolCalls: [{ id: 'c0', name: 'clock' }] }, { role: 'tool', toolCallId: 'c0', content: '12:00' }]);
  });

  it('asks for JSON by schema, log probabilities and several choices', async () => {
    script = () => events([{ t: 'text', text: '{}', channel: 'answer', tokens: 1, atMs: 0, logprobs: [{ token: '{}', bytes: [123, 125], logprob: -0.1, top: [{ token: '[', bytes: [91], logprob: -2 }] }] }, end()]);
    const answer = await client.chat.completions.create({ model: 'a', messages: user, n: 2, logprobs: true, top_logprobs: 1, response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', required: ['a'] } } } });
    expect(asked).toMatchObject({ jsonSchema: { type: 'object', required: ['a'] }, topLogprobs: 1 });
    expect(answer.choices.map((c) => c.index)).toEqual([0, 1]);
    expect(answer.choices[1]?.logprobs?.content?.[0]).toMatchObject({ token: '{}', logprob: -0.1, top_logprobs: [{ token: '[', logprob: -2 }] });
    expect(answer.usage?.completion_tokens).toBe(6);
  });

  it('completes plain text, also several prompts at once', async () => {
    script = () => events([text(' there'), end()]);
    const answer = await client.completions.create({ model: 'a', prompt: ['Hi', 'Ho'], max_tokens: 4 });
    expect(answer.choices.map((c) => [c.index, c.text])).toEqual([[0, ' there'], [1, ' there']]);
    expect(asked).toMatchObject({ prompt: 'Ho', maxTokens: 4 });
  });

  it('gets embeddings, as numbers and as base64', async () => {
    expect((await client.embeddings.create({ model: 'a', input: ['ab', 'c'] })).data.map((d) => d.embedding)).toEqual([[2, 0.5], [1, 0.5]]);
    expect((await client.embeddings.create({ model: 'a', input: 'abc', encoding_format: 'float' })).data[0]?.embedding).toEqual([3, 0.5]);
  });

  it('is told what is wrong in its own words', async () => {
    expect(await failure(client.chat.completions.create({ model: 'missing', messages: user }))).toMatchObject({ status: 404, code: 'model_not_found' });
    expect(await failure(client.chat.completions.create({ model: 'a', messages: user, temperature: 9 }))).toMatchObject({ status: 400, param: 'temperature' });
    expect(await failure(client.chat.completions.create({ model: 'a', messages: user, logit_bias: { 5: 1 } }))).toMatchObject({ status: 400, code: 'unsupported_parameter' });
    expect(await failure(client.chat.completions.create({ model: 'a', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }] }))).toMatchObject({ status: 400, param: 'messages.0.content.0.type' });
    expect(await failure(client.chat.completions.create({ model: 'a', messages: user, tools: [], tool_choice: { type: 'function', function: { name: 'x' } } }))).toMatchObject({ status: 400, param: 'tool_choice' });
    expect(await failure(client.completions.create({ model: 'a', prompt: 'x', suffix: 'y' }))).toMatchObject({ status: 400, param: 'suffix' });
    const refused = async function* (): AsyncGenerator<GenerationEvent> { yield await Promise.reject(problemError('generate.too_many', { waiting: 32, name: 'a', seconds: 3 })); };
    script = refused;
    for (const stream of [false, true]) {
      const busy = await failure(client.chat.completions.create({ model: 'a', messages: user, stream }));
      expect(busy).toBeInstanceOf(RateLimitError);
      expect(busy.headers?.get('retry-after')).toBe('3');
    }
    script = async function* () { yield await Promise.reject(problemError('generate.context_full', { tokens: 9000, contextTokens: 512 })); };
    expect(await failure(client.chat.completions.create({ model: 'a', messages: user }))).toMatchObject({ status: 400, code: 'context_length_exceeded' });
    const stranger = new OpenAI({ baseURL: base, apiKey: 'wrong', maxRetries: 0 });
    expect(await failure(stranger.models.list())).toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  it('hears in the stream of what goes wrong in the middle', async () => {
    script = () => events([text('half'), { t: 'end', reason: 'interrupted', figures, problem: makeProblem('generate.interrupted', { detail: 'The process was killed.' }) }]);
    const stream = await client.chat.completions.create({ model: 'a', messages: user, stream: true });
    const read = async (): Promise<void> => { for await (const chunk of stream) expect(chunk.choices[0]?.delta.content ?? '').toMatch(/^(half)?$/); };
    expect(await failure(read())).toMatchObject({ code: 'generate.interrupted' });
  });
});

describe('a client that is wrong, huge or goes away', () => {
  const post = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> => fetch(`${base}/chat/completions`, { method: 'POST', body: body as string, headers: { authorization: `Bearer ${face.token}`, 'content-type': 'application/json', ...headers } });
  it.each([
    ['no JSON', '{', 400], ['no object', '[]', 400], ['no messages', '{}', 400], ['empty messages', '{"messages":[]}', 400], ['NaN', '{"messages":[{"role":"user","content":"x"}],"temperature":"NaN"}', 400], ['a role of its own', '{"messages":[{"role":"root","content":"x"}]}', 400],
    ['prototype', '{"messages":[{"role":"user","content":"x"}],"__proto__":{"n":9}}', 200],
  ])('%s', async (_, body, status) => {
    script = () => events([end()]);
    const answer = await post(body);
    expect(answer.status).toBe(status);
    if (status !== 200) expect((await answer.json() as { error: { message: string } }).error.message.length).toBeGreaterThan(5);
  });
  it('a body over the limit, and another content type', async () => {
    expect((await post(Buffer.alloc(17 * 1024 * 1024, 32))).status).toBe(413);
    expect((await post('{}', { 'content-type': 'text/plain' })).status).toBe(415);
  });
  it('hangs up: the answer is told to end', async () => {
    let signalled = (): void => undefined;
    const gone = new Promise<void>((resolve) => { signalled = resolve; });
    const answer = parts.answer.bind(parts);
    Object.assign(parts, { answer: async (model: string | null) => ({ model: model ?? '', answer: (_request: Partial<GenerateRequest>, signal: AbortSignal) => (async function* () {
      yield text('a');
      await new Promise<void>((resolve) => { signal.addEventListener('abort', () => { resolve(); }); });
      signalled();
    })() }) });
    try {
      const socket = connect(face.status.port ?? 0, '127.0.0.1');
      const body = JSON.stringify({ messages: user, stream: true });
      socket.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:${String(face.status.port)}\r\nAuthorization: Bearer ${face.token}\r\nContent-Type: application/json\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`);
      await once(socket, 'data');
      socket.destroy();
      await gone;
    } finally {
      Object.assign(parts, { answer });
    }
  });
});
