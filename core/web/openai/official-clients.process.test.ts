import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { attachEngine, type AttachedEngine } from '../../engine/attach-engine.ts';
import { smolLm2 } from '../../testing/models.ts';
import { pythonWith } from '../../testing/python-tools.ts';

const run = promisify(execFile);
let dir: string;
let python: string;
let engine: AttachedEngine;
let client: OpenAI;
let base: string;
let token: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'wd-openai-'));
  python = pythonWith('openai==3.54.0');
  process.env['WARPDECK_MODELS_DIR'] = dirname(smolLm2());
  process.env['HOME'] = dir;
  engine = await attachEngine({ dataDir: dir, gpus: 'none', whenGpusDiffer: 'problem' });
  const web = await engine.client.engine.startWeb({ port: 0 });
  ({ token } = web);
  base = `${web.url ?? ''}v1`;
  client = new OpenAI({ baseURL: base, apiKey: token, maxRetries: 0, timeout: 120_000 });
}, 180_000);
afterAll(async () => {
  await engine.client.engine.stop({ cancelJobs: true });
  engine.close();
  await engine.closed;
  rmSync(dir, { recursive: true, force: true });
});

const schema = { type: 'object', properties: { city: { type: 'string' }, people: { type: 'integer' } }, required: ['city', 'people'], additionalProperties: false };

it('the official client of Node: models, chat, stream, schema, tools, completion, embeddings', async () => {
  const model = (await client.models.list()).data[0]?.id ?? '';
  expect(model).not.toBe('');
  const greedy = { model, temperature: 0 };
  const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
  const whole = await client.chat.completions.create({ ...greedy, messages, max_completion_tokens: 24 });
  expect(whole.choices[0]?.message.content).toMatch(/Paris/);
  expect(whole.usage?.completion_tokens).toBeGreaterThan(2);
  const pieces: string[] = [];
  let usage = 0;
  for await (const chunk of await client.chat.completions.create({ ...greedy, messages, max_completion_tokens: 24, stream: true, stream_options: { include_usage: true } })) {
    pieces.push(chunk.choices[0]?.delta.content ?? '');
    usage = chunk.usage?.completion_tokens ?? usage;
  }
  expect(pieces.join('')).toBe(whole.choices[0]?.message.content);
  expect(usage).toBe(whole.usage?.completion_tokens);
  const cut = await client.chat.completions.create({ ...greedy, messages, stop: ['Paris'] });
  expect(cut.choices[0]?.message.content).not.toContain('Paris');
  const json = await client.chat.completions.create({ ...greedy, messages: [{ role: 'user', content: 'Give the capital of France and its number of people as JSON.' }], response_format: { type: 'json_schema', json_schema: { name: 'city', schema } }, max_completion_tokens: 60 });
  expect(JSON.parse(json.choices[0]?.message.content ?? '')).toMatchObject({ city: expect.any(String) as string, people: expect.any(Number) as number });
  const completed = await client.completions.create({ ...greedy, prompt: 'One, two, three, four,', max_tokens: 8 });
  expect(completed.choices[0]?.text).toMatch(/five/);
  const [one, two] = (await client.embeddings.create({ model, input: ['a red fox', 'a red fox'] })).data;
  expect(one?.embedding.length).toBeGreaterThan(100);
  expect(one?.embedding).toEqual(two?.embedding);
  expect(Math.hypot(...(one?.embedding ?? []))).toBeCloseTo(1, 3);
  const called = await client.chat.completions.create({ ...greedy, messages: [{ role: 'user', content: 'What is the weather in Paris? Use the tool.' }], tools: [{ type: 'function', function: { name: 'weather', description: 'Weather of a city.', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }], tool_choice: 'required', max_completion_tokens: 120 });
  const call = called.choices[0]?.message.tool_calls?.[0];
  expect(call?.type === 'function' ? [call.function.name, typeof (JSON.parse(call.function.arguments) as { city: unknown }).city] : null).toEqual(['weather', 'string']);
}, 180_000);

it('the official client of Python: chat, stream, usage, errors', async () => {
  const script = `
import json, sys
from openai import OpenAI, NotFoundError, AuthenticationError
base, key = sys.argv[1:3]
client = OpenAI(base_url=base, api_key=key, max_retries=0)
model = client.models.list().data[0].id
messages = [{"role": "user", "content": "What is the capital of France?"}]
whole = client.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=24)
stream = client.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=24, stream=True, stream_options={"include_usage": True})
pieces, usage = [], None
for chunk in stream:
    if chunk.choices: pieces.append(chunk.choices[0].delta.content or "")
    usage = chunk.usage or usage
errors = []
for make in (lambda: client.chat.completions.create(model="missing", messages=messages), lambda: OpenAI(base_url=base, api_key="wrong", max_retries=0).models.list()):
    try: make()
    except (NotFoundError, AuthenticationError) as error: errors.append([type(error).__name__, error.status_code])
print(json.dumps({"whole": whole.choices[0].message.content, "stream": "".join(pieces), "usage": usage.completion_tokens, "whole_usage": whole.usage.completion_tokens, "embedding": len(client.embeddings.create(model=model, input="fox").data[0].embedding), "errors": errors}))
`;
  const { stdout } = await run(python, ['-c', script, base, token], { timeout: 120_000 });
  const said = JSON.parse(stdout) as Record<string, unknown>;
  expect(said['whole']).toMatch(/Paris/);
  expect(said).toMatchObject({ stream: said['whole'], usage: said['whole_usage'], errors: [['NotFoundError', 404], ['AuthenticationError', 401]] });
  expect(said['embedding']).toBeGreaterThan(100);
}, 240_000);
