import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { sampling, type GenerateRequest, type GenerationEvent } from '../../../contract/inference.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { defaultSettings, type Settings } from '../../../contract/settings.ts';
import { startOpenAiServer, type OpenAiServer, type OpenAiServerOptions } from '../../testing/openai-server/start-openai-server.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import type { Answer } from '../parts.ts';
import { createProviders, type Providers, type ProvidersOptions } from './create-providers.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function server(options?: OpenAiServerOptions): Promise<OpenAiServer> {
  const started = await startOpenAiServer(options);
  ends.push(() => started.kill());
  return started;
}

interface Kept { inference: Settings['inference']; secrets: Map<string, string> }
function makeProviders(options: Partial<ProvidersOptions> = {}, kept: Kept = { inference: defaultSettings.inference, secrets: new Map() }): Providers & { kept: Kept } {
  const providers = createProviders({
    settings: () => kept.inference,
    updateProviders: async (entries) => { kept.inference = { ...kept.inference, providers: entries }; },
    secrets: {
      get: async (name) => kept.secrets.get(name) ?? null,
      set: async (name, value) => void (value === null ? kept.secrets.delete(name) : kept.secrets.set(name, value)),
    },
    log: silentLogger,
    ...options,
  });
  ends.push(() => providers.stop());
  return { ...providers, kept };
}

const request = (change: Partial<GenerateRequest> = {}): GenerateRequest => ({
  turns: [{ role: 'system', content: 'Be short.', toolCalls: [], toolCallId: null }, { role: 'user', content: 'Hello?', toolCalls: [], toolCallId: null }],
  prompt: null, sampling: sampling.parse({ seed: 7 }), maxTokens: 64, stop: [], jsonSchema: null, grammar: null, tools: [], toolChoice: 'auto', topLogprobs: null, timeLimitSeconds: 60, mayShift: false, ...change,
});

interface Collected { text: string; thinking: string; events: GenerationEvent[]; end: Extract<GenerationEvent, { t: 'end' }> | undefined; problem: Problem | null; thrown: Problem | null }
async function collect(answer: Answer, given = request(), signal?: AbortSignal, onEvent: (event: GenerationEvent) => void = () => undefined): Promise<Collected> {
  const events: GenerationEvent[] = [];
  let thrown: Problem | null = null;
  try {
    for await (const event of answer(given, signal)) {
      events.push(event);
      onEvent(event);
    }
  } catch (error) {
    thrown = problemOf(error);
    if (thrown === null) throw error;
  }
  const of = (channel: string): string => events.flatMap((one) => (one.t === 'text' && one.channel === channel ? [one.text] : [])).join('');
  const end = events.find((one) => one.t === 'end');
  return { text: of('answer'), thinking: of('thinking'), events, end, problem: end?.problem ?? null, thrown };
}

/** Added, with its answers. */
async function added(started: OpenAiServer, options: Partial<ProvidersOptions> = {}, key: string | null = null): Promise<Answer> {
  const providers = makeProviders(options);
  const { id } = await providers.add({ name: 'Bench', baseUrl: started.url, key });
  return providers.answer(id, null);
}

describe('adding servers', () => {
  it.each([
    ['llama-server', 'llama-server'],
    ['vLLM', 'vLLM'],
    ['Ollama', 'Ollama'],
    ['LM Studio', 'LM Studio'],
    ['plain', null],
  ] as const)('knows %s by its answers', async (kind, software) => {
    const { url } = await server({ kind, models: ['one', 'two'] });
    const provider = await makeProviders().add({ name: `My ${kind}`, baseUrl: url, key: null });
    expect(provider).toMatchObject({ state: 'answers', software, models: ['one', 'two'], hasKey: false, problem: null });
    expect(provider.id).toMatch(/^my-/);
  });

  it('finds the API with or without /v1, and below a path', async () => {
    const plain = await server();
    const deep = await server({ base: '/proxy/api' });
    const providers = makeProviders();
    for (const url of [`127.0.0.1:${plain.port}`, `http://127.0.0.1:${plain.port}/`, `${plain.url}/chat/completions`]) expect(await providers.add({ name: 'x', baseUrl: url, key: null })).toMatchObject({ state: 'answers', baseUrl: plain.url });
    expect(await providers.add({ name: 'x', baseUrl: `${deep.url}/`, key: null })).toMatchObject({ state: 'answers', baseUrl: deep.url });
    expect(new Set(providers.list().map((one) => one.id)).size).toBe(4);
  });

  it('keeps a server that is not there yet, and finds it when it is', async () => {
    const gone = await startOpenAiServer();
    await gone.kill();
    const providers = makeProviders();
    const provider = await providers.add({ name: 'Later', baseUrl: `http://127.0.0.1:${gone.port}`, key: null });
    expect(provider).toMatchObject({ state: 'fails', problem: { code: 'provider.no_answer', retry: 'later' } });
    expect(provider.problem?.cause).toContain('Nothing listens there');
    expect((await collect(providers.answer(provider.id, 'm'))).thrown?.code).toBe('provider.no_answer');
    const back = await startOpenAiServer({ port: gone.port });
    ends.push(() => back.kill());
    expect(await providers.check(provider.id)).toMatchObject({ state: 'answers', models: ['test-model'], problem: null });
  });

  it('is looked at when the list is first asked for, and told', async () => {
    const { url } = await server();
    const kept: Kept = { inference: { ...defaultSettings.inference, providers: [{ id: 'a', name: 'A', baseUrl: url }] }, secrets: new Map([['provider:a', 'key']]) };
    const providers = makeProviders({}, kept);
    expect(providers.list()).toMatchObject([{ state: 'unknown', hasKey: false }]);
    for await (const list of providers.gauge.stream(AbortSignal.timeout(10_000))) {
      // The first tells what stands in the settings.
      if (list[0]?.state === 'unknown') continue;
      expect(list).toMatchObject([{ state: 'answers', hasKey: true }]);
      break;
    }
    kept.secrets.clear();
    await providers.refresh();
    expect(providers.list()).toMatchObject([{ hasKey: false }]);
  });

  it('refuses what is no address, and names of servers that are not there', async () => {
    const providers = makeProviders();
    for (const baseUrl of ['ftp://host', 'http://user:pw@host/v1', 'http://host/v1?x=1', 'http://', '::::::::']) expect(await providers.add({ name: 'x', baseUrl, key: null }).catch((error: unknown) => problemOf(error)?.code), baseUrl).toBe('input.invalid');
    expect(await providers.add({ name: 'x', baseUrl: 'http://127.0.0.1:1', key: 'a\nb' }).catch((error: unknown) => problemOf(error)?.code)).toBe('input.invalid');
    for (const work of [providers.remove('x'), providers.check('x'), providers.open('x', null)]) expect(await work.catch((error: unknown) => problemOf(error)?.code)).toBe('provider.not_found');
    expect(() => providers.answer('x', null)).toThrow('provider.not_found');
    expect(providers.list()).toEqual([]);
  });

  it('sends the key in its header only, forgets it with the server, and never shows it', async () => {
    const started = await server({ key: 'sk-very-secret' });
    const providers = makeProviders();
    const wrong = await providers.add({ name: 'Wrong', baseUrl: started.url, key: 'sk-not-that-one' });
    expect(wrong).toMatchObject({ state: 'fails', hasKey: true, problem: { code: 'provider.refused' } });
    expect(wrong.problem?.cause).toContain('401 Incorrect API key provided: ….');
    expect(JSON.stringify(wrong)).not.toContain('sk-not');
    expect((await providers.add({ name: 'None', baseUrl: started.url, key: '' })).problem?.remedy).toMatch(/Give its key/);
    const right = await providers.add({ name: 'Right', baseUrl: started.url, key: ' sk-very-secret ' });
    expect(right).toMatchObject({ state: 'answers', hasKey: true, problem: null });
    expect(JSON.stringify(providers.kept.inference)).not.toContain('sk-');
    expect([...providers.kept.secrets.keys()]).toEqual(['provider:wrong', 'provider:right']);
    await providers.remove(right.id);
    expect([...providers.kept.secrets.keys()]).toEqual(['provider:wrong']);
    expect(providers.list().map((one) => one.name)).toEqual(['Wrong', 'None']);
  });

  it('says when a key goes unencrypted to another machine', async () => {
    const started = await server({ key: 'key' });
    // The address of another machine, served here: what goes out is what a real one would see.
    const elsewhere: typeof fetch = (url, init) => fetch((url as string).replace('http://192.0.2.7', started.url.replace('/v1', '')), init);
    const provider = await makeProviders({ fetch: elsewhere }).add({ name: 'Far', baseUrl: 'http://192.0.2.7', key: 'key' });
    expect(provider).toMatchObject({ state: 'answers', problem: { code: 'provider.key_in_clear', severity: 'attention' } });
  });

  it('does not follow a redirect with the key', async () => {
    const thief = await server();
    const started = await server({ key: 'key' });
    started.setScript({ status: { code: 307, body: '', headers: { location: `${thief.url}/chat/completions` } } });
    const { thrown } = await collect(await added(started, {}, 'key'));
    expect(thrown).toMatchObject({ code: 'provider.refused', facts: { status: 307 } });
    expect(thrown?.cause).toContain(thief.url);
    expect(thief.requests).toEqual([]);
  });
});

describe('answers', () => {
  it.each(['llama-server', 'vLLM', 'Ollama', 'LM Studio', 'plain'] as const)('streams from %s: text, thinking apart, counts', async (kind) => {
    const started = await server({ kind });
    started.setScript({ pieces: [{ thinking: 'Hm. ' }, { thinking: 'Yes.' }, ...[...'Grüße, 世界 👋'].map((text) => ({ text }))], usage: { prompt: 30, answer: 14, cached: 10 } });
    const { text, thinking, end, events } = await collect(await added(started));
    expect({ text, thinking }).toEqual({ text: 'Grüße, 世界 👋', thinking: 'Hm. Yes.' });
    expect(events.slice(0, -1).every((one) => one.t === 'text')).toBe(true);
    expect(end).toMatchObject({ reason: 'stop', problem: null, figures: { promptTokens: 30, cachedTokens: 10, answerTokens: 14, contextUsed: 44, seed: 7, joules: null, rooflineShare: null, queuedMs: 0, contextTokens: kind === 'llama-server' ? 4096 : kind === 'vLLM' ? 16_384 : null } });
    expect(end?.figures.firstTokenMs).toBeGreaterThan(0);
    if (kind === 'llama-server') expect(end?.figures).toMatchObject({ promptTokensPerSecond: 1000, decodeTokensPerSecond: 140 });
    else expect(end?.figures.promptTokensPerSecond).toBeNull();
  });

  it('leaves null what is not reported', async () => {
    const started = await server();
    started.setScript({ pieces: [{ text: 'a' }, { text: 'b' }], usage: null });
    const { end } = await collect(await added(started));
    expect(end?.figures).toMatchObject({ promptTokens: null, cachedTokens: null, answerTokens: null, contextTokens: null, contextUsed: null, promptTokensPerSecond: null, decodeTokensPerSecond: null });
  });

  it('takes <think> out of the answer, wherever it is cut', async () => {
    const started = await server();
    started.setScript({ pieces: [{ text: '\n<th' }, { text: 'ink>\nWell <b' }, { text: '> </thi' }, { text: 'nk>' }, { text: '\n\nNo <think> here.' }] });
    expect(await collect(await added(started))).toMatchObject({ thinking: 'Well <b> ', text: 'No <think> here.' });
    started.setScript({ pieces: [{ text: '<thin' }] });
    expect((await collect(await added(started))).text).toBe('<thin');
  });

  it('asks in the words of that server, and only in those', async () => {
    const bodyFor = async (kind: 'llama-server' | 'vLLM' | 'plain', change: Partial<GenerateRequest> = {}): Promise<Record<string, unknown>> => {
      const started = await server({ kind });
      await collect(await added(started), request(change));
      return started.requests.at(-1)?.body ?? {};
    };
    expect(await bodyFor('plain')).toEqual({
      model: 'test-model', messages: [{ role: 'system', content: 'Be short.' }, { role: 'user', content: 'Hello?' }], stream: true, stream_options: { include_usage: true }, temperature: 0.8, top_p: 0.95, seed: 7, max_tokens: 64,
    });
    expect(await bodyFor('llama-server', { grammar: 'root ::= "a"', stop: ['x'] })).toMatchObject({ top_k: 40, min_p: 0.05, repeat_penalty: 1, repeat_last_n: 64, grammar: 'root ::= "a"', stop: ['x'] });
    expect(await bodyFor('vLLM', { grammar: 'root ::= "a"', sampling: sampling.parse({ topK: 0 }) })).toMatchObject({ top_k: -1, repetition_penalty: 1, structured_outputs: { grammar: 'root ::= "a"' } });
    expect(await bodyFor('plain', { jsonSchema: { type: 'object' }, topLogprobs: 2, tools: [{ name: 'f', description: null, parameters: null }], toolChoice: 'required' })).toMatchObject({
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' } } }, logprobs: true, top_logprobs: 2, tool_choice: 'required', tools: [{ type: 'function', function: { name: 'f' } }],
    });
  });

  it('says that a grammar cannot be given to a server that takes none', async () => {
    expect((await collect(await added(await server({ kind: 'Ollama' })), request({ grammar: 'root ::= "a"' }))).thrown?.code).toBe('generate.schema');
  });

  it('asks again without what a server does not take and nobody asked for', async () => {
    const started = await server();
    const refuse = (text: string): { status: { code: number; body: string } } => ({ status: { code: 400, body: JSON.stringify({ error: { message: text } }) } });
    started.setScript(({ body }) => {
      if (body !== null && 'max_tokens' in body) return refuse("Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead.");
      if (body !== null && 'temperature' in body) return refuse("Unsupported value: 'temperature' does not support 0.8.");
      if (body !== null && 'seed' in body) return refuse('seed: Extra inputs are not permitted');
      return { pieces: [{ text: 'ok' }] };
    });
    const answer = await added(started);
    const fine = await collect(answer, request({ sampling: sampling.parse({}) }));
    expect(fine).toMatchObject({ text: 'ok', end: { figures: { seed: null } } });
    expect(started.requests.at(-1)?.body).toMatchObject({ max_completion_tokens: 64 });
    // What was asked for is not left out silently.
    expect((await collect(answer, request({ sampling: sampling.parse({ temperature: 0 }) }))).thrown).toMatchObject({ code: 'provider.refused', facts: { status: 400 } });
    expect((await collect(answer, request())).thrown?.cause).toContain('seed');
  });

  it('puts calls of tools together and sends their answers back', async () => {
    const started = await server();
    const { tool } = { tool: (value: object) => ({ tool: { arguments: '', ...value } }) };
    started.setScript({ finish: 'tool_calls', pieces: [tool({ index: 0, id: 'c1', name: 'add' }), tool({ index: 0, arguments: '{"a":' }), tool({ index: 1, id: 'c2', name: 'now', arguments: '{}' }), tool({ index: 0, arguments: '1}' })] });
    const answer = await added(started);
    const first = await collect(answer, request({ tools: [{ name: 'add', description: 'Adds.', parameters: { type: 'object' } }] }));
    expect(first.events.filter((one) => one.t === 'tool_call')).toEqual([{ t: 'tool_call', call: { id: 'c1', name: 'add', arguments: '{"a":1}' } }, { t: 'tool_call', call: { id: 'c2', name: 'now', arguments: '{}' } }]);
    expect(first.end?.reason).toBe('tool_calls');
    // As Ollama sends it: whole, without place or id.
    started.setScript({ finish: 'tool_calls', pieces: [tool({ name: 'add', arguments: '{"a":2}' })] });
    expect((await collect(answer)).events.find((one) => one.t === 'tool_call')).toMatchObject({ call: { id: expect.stringMatching(/^call_/), name: 'add', arguments: '{"a":2}' } });
    await collect(answer, request({ turns: [
      { role: 'assistant', content: '', toolCalls: [{ id: 'c1', name: 'add', arguments: '{"a":1}' }], toolCallId: null },
      { role: 'tool', content: '3', toolCalls: [], toolCallId: 'c1' },
    ] }));
    expect(started.requests.at(-1)?.body?.['messages']).toEqual([
      { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }] },
      { role: 'tool', content: '3', tool_call_id: 'c1' },
    ]);
  });

  it('continues a raw prompt, reads probabilities, knows why an answer ended', async () => {
    const started = await server({ kind: 'llama-server' });
    const answer = await added(started);
    started.setScript({ pieces: [{ text: ' upon' }], finish: 'length' });
    expect(await collect(answer, request({ turns: null, prompt: 'Once' }))).toMatchObject({ text: ' upon', end: { reason: 'length' } });
    expect(started.requests.at(-1)).toMatchObject({ path: '/v1/completions', body: { prompt: 'Once' } });
    started.setScript({ pieces: [{ raw: `data: ${JSON.stringify({ choices: [{ delta: { content: 'ä' }, logprobs: { content: [{ token: 'ä', logprob: -0.5, bytes: null, top_logprobs: [{ token: 'a', logprob: -1, bytes: [97] }] }] } }] })}\n\n` }], finish: 'length', usage: { prompt: 4000, answer: 96 } });
    const full = await collect(answer, request({ topLogprobs: 1 }));
    expect(full.events[0]).toMatchObject({ text: 'ä', logprobs: [{ token: 'ä', bytes: [195, 164], logprob: -0.5, top: [{ token: 'a', bytes: [97], logprob: -1 }] }] });
    expect(full.end?.reason).toBe('context_full');
    started.setScript({ pieces: [{ text: 'a' }], finish: 'content_filter' });
    expect((await collect(answer)).end).toMatchObject({ reason: 'interrupted', problem: { code: 'provider.refused' } });
  });

  it('takes an answer that is not streamed, and a stream without [DONE]', async () => {
    const started = await server();
    const answer = await added(started);
    started.setScript({ pieces: [{ text: 'All at ' }, { text: 'once.' }], whole: true });
    expect(await collect(answer)).toMatchObject({ text: 'All at once.', end: { reason: 'stop', figures: { answerTokens: 2, decodeTokensPerSecond: null } } });
    started.setScript({ pieces: [{ text: 'a' }, { raw: 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}' }], then: 'end' });
    expect(await collect(answer)).toMatchObject({ text: 'a', problem: null, end: { reason: 'stop' } });
  });
});

describe('stopping and failing', () => {
  it('ends at once when it is called off and closes the socket', async () => {
    const started = await server();
    const answer = await added(started);
    started.setScript({ pieces: [{ text: 'begun' }], then: 'stall' });
    const abort = new AbortController();
    let at = 0;
    const { text, end, thrown } = await collect(answer, request(), abort.signal, (event) => {
      if (event.t === 'text') {
        at = performance.now();
        abort.abort();
      }
    });
    expect(performance.now() - at).toBeLessThan(1000);
    expect({ text, reason: end?.reason, problem: end?.problem, thrown }).toEqual({ text: 'begun', reason: 'cancelled', problem: null, thrown: null });
    await started.requests.at(-1)?.left;
  });

  it('ends at once while the server has not even begun, and when it was called off before', async () => {
    const started = await server();
    const answer = await added(started);
    const before = started.requests.length;
    expect((await collect(answer, request(), AbortSignal.abort())).end?.reason).toBe('cancelled');
    expect(started.requests.length).toBe(before);
    const abort = new AbortController();
    started.setScript(() => {
      queueMicrotask(() => abort.abort());
      return { then: 'stall' };
    });
    expect((await collect(answer, request(), abort.signal)).end?.reason).toBe('cancelled');
    await started.requests.at(-1)?.left;
  });

  it('closes the socket when the reader goes away', async () => {
    const started = await server();
    const answer = await added(started);
    started.setScript({ pieces: [{ text: 'a' }], then: 'stall' });
    for await (const event of answer(request())) {
      expect(event.t).toBe('text');
      break;
    }
    await started.requests.at(-1)?.left;
  });

  it('keeps what came when the server is killed in mid-answer', async () => {
    const started = await server();
    const providers = makeProviders();
    const { id } = await providers.add({ name: 'Bench', baseUrl: started.url, key: null });
    started.setScript({ pieces: [{ text: 'What was ' }, { text: 'said' }, { until: new Promise(() => undefined) }] });
    let text = '';
    const killed = await collect(providers.answer(id, null), request(), undefined, (event) => {
      if (event.t === 'text') text += event.text;
      if (text === 'What was said') void started.kill();
    });
    expect(killed).toMatchObject({ text: 'What was said', thrown: null, end: { reason: 'interrupted', problem: { code: 'provider.no_answer' } } });
    const again = await startOpenAiServer({ port: started.port });
    ends.push(() => again.kill());
    expect(await collect(providers.answer(id, null))).toMatchObject({ text: 'Hello.', end: { reason: 'stop' } });
  });

  it('keeps what came when the stream is cut, ends early, breaks or turns into an error', async () => {
    const started = await server();
    const answer = await added(started);
    for (const [last, then, code] of [
      [[], 'cut', 'provider.no_answer'],
      [[], 'end', 'provider.no_answer'],
      [[{ raw: 'data: {"choices": [{"del\n\n' }], 'done', 'provider.refused'],
      [[{ raw: 'data: {"error":{"message":"CUDA out of memory","code":500}}\n\n' }], 'done', 'provider.refused'],
      [[{ raw: `data: ${'x'.repeat(9 * 1024 * 1024)}` }], 'done', 'provider.refused'],
    ] as const) {
      started.setScript({ pieces: [{ text: 'kept' }, ...last], then });
      const { text, end, thrown } = await collect(answer);
      expect({ text, thrown, reason: end?.reason, code: end?.problem?.code }, `${then} ${code}`).toEqual({ text: 'kept', thrown: null, reason: 'interrupted', code });
    }
  });

  it('ends after a silence, and when its time is up', async () => {
    const started = await server();
    const answer = await added(started, { limits: { firstWordMs: 300, silenceMs: 200 } });
    started.setScript({ pieces: [{ text: 'kept' }], then: 'stall' });
    expect(await collect(answer)).toMatchObject({ text: 'kept', end: { reason: 'interrupted', problem: { code: 'provider.no_answer' } } });
    started.setScript({ then: 'stall' });
    expect((await collect(answer)).thrown?.cause).toContain('It said nothing');
    const slow = await added(started);
    started.setScript({ pieces: [{ text: 'kept' }], then: 'stall' });
    expect(await collect(slow, request({ timeLimitSeconds: 1 }))).toMatchObject({ text: 'kept', end: { reason: 'time_limit', problem: null } });
  });

  it.each([
    [401, '{"error":{"message":"No key."}}', 'No key.', /Give its key/],
    [403, '{"detail":"Forbidden"}', 'Forbidden', /key/],
    [404, '{"error":{"message":"model \\"x\\" not found"}}', 'model "x" not found', /Choose a model/],
    [404, '<!DOCTYPE html><html>nginx</html>', 'web page', /correct its address/],
    [413, 'too big', 'too big', /Shorten/],
    [429, '{"error":"slow down"}', 'slow down', /Try again in 17 s/],
    [422, '{"detail":[{"msg":"field required"}]}', 'field required', /Change what it names/],
    [500, '', 'It gave no reason.', /log of that server/],
    [503, '{"error":{"message":"Loading model"}}', 'Loading model', /still loading/],
    [200, '<html>Sign in</html>', 'web page', /address/],
    [200, 'hello', 'something that is not an answer: "hello"', /address/],
    [200, '{"error":"Unexpected endpoint or method. (POST /v1/chat/completions)"}', 'Unexpected endpoint', /address/],
  ])('says what a %i with %s means', async (code, body, cause, remedy) => {
    const started = await server();
    started.setScript({ status: { code, body, contentType: body.startsWith('<') ? 'text/html' : 'application/json', headers: { 'retry-after': '17' } } });
    const { thrown } = await collect(await added(started));
    expect(thrown).toMatchObject({ code: 'provider.refused', facts: { status: code } });
    expect(thrown?.cause).toContain(cause);
    expect(thrown?.remedy).toMatch(remedy);
  });

  it('says when what listens there does not speak HTTP', async () => {
    const tcp = createTcpServer((socket) => {
      // A client that resets is what is expected here.
      socket.on('error', () => undefined);
      socket.write('SSH-2.0-OpenSSH_9.6\r\n', () => socket.destroySoon());
    });
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => tcp.close(resolve)));
    const provider = await makeProviders().add({ name: 'ssh', baseUrl: `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`, key: null });
    expect(provider.problem).toMatchObject({ code: 'provider.no_answer' });
    expect(provider.problem?.cause).toContain('does not speak HTTP');
  });

  it('ends answers when the engine ends', async () => {
    const started = await server();
    const providers = makeProviders();
    const { id } = await providers.add({ name: 'Bench', baseUrl: started.url, key: null });
    started.setScript({ pieces: [{ text: 'a' }], then: 'stall' });
    const { end } = await collect(providers.answer(id, null), request(), undefined, () => void providers.stop());
    expect(end?.reason).toBe('cancelled');
  });

  it('offers what chat and comparisons need', async () => {
    const started = await server({ models: ['first', 'second'] });
    const providers = makeProviders();
    const { id } = await providers.add({ name: 'Bench', baseUrl: started.url, key: null });
    const opened = await providers.open(id, null, { maxTokens: 5 });
    expect(opened).toMatchObject({ modelName: 'first', provider: 'Bench' });
    expect(opened.truth()).toMatchObject({ verdict: 'remote', colour: 'grey', problem: null });
    expect((await collect(opened.answer, request({ maxTokens: null }))).text).toBe('Hello.');
    expect(started.requests.at(-1)?.body).toMatchObject({ model: 'first', max_tokens: 5 });
    started.setModels([]);
    await providers.check(id);
    expect(await providers.open(id, null).catch((error: unknown) => problemOf(error)?.cause)).toContain('It offers no model.');
  });
});
