import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { engineSettings, type GenerateRequest } from '../../../contract/inference.ts';
import { problemOf } from '../../../contract/problem.ts';
import { smolLm2, tinyModel } from '../../testing/models.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { collect, longPrompt, makeLoaded, modelAt, smolFacts, tinyFacts, until } from './fixtures/test-support.ts';

const folder = makeTestFolder('loaded');
const greedy: GenerateRequest['sampling'] = { temperature: 0, topK: 40, topP: 0.95, minP: 0.05, repeatPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, repeatLastTokens: 64, seed: 1 };
const asks = (content: string, more: Partial<GenerateRequest> = {}): Partial<GenerateRequest> => ({ turns: [{ role: 'user', content, toolCalls: [], toolCallId: null }], sampling: greedy, maxTokens: 24, ...more });
const smol = modelAt(smolLm2(), smolFacts);
const tiny = modelAt(await tinyModel(folder), tinyFacts);
const refused = async (work: Promise<unknown>): Promise<NonNullable<ReturnType<typeof problemOf>>> => {
  const problem = problemOf(await work.then(() => null, (error: unknown) => error));
  if (problem === null) throw new Error('It was not refused.');
  return problem;
};

describe('answers', () => {
  test('loads the model, answers with every figure, and says where it is', async () => {
    const { loaded, experience } = makeLoaded([smol]);
    const speeds: unknown[] = [];
    experience.recordSpeed = (entry) => { speeds.push(entry); };
    const answer = await collect(loaded.generate({}, asks('What is the capital of France?')));
    expect(answer.text).toContain('Paris');
    const { figures, reason, problem } = answer.end;
    expect({ reason, problem }).toEqual({ reason: 'stop', problem: null });
    expect(figures.answerTokens).toBeGreaterThan(4);
    expect(figures.promptTokens).toBeGreaterThan(8);
    expect(figures.firstTokenMs).toBeGreaterThan(0);
    expect(figures.decodeTokensPerSecond).toBeGreaterThan(0);
    expect(figures.seed).toBe(1);
    // No GPU is here: nothing is made up.
    expect({ joules: figures.joules, perToken: figures.joulesPerToken, share: figures.rooflineShare }).toEqual({ joules: null, perToken: null, share: null });
    const [model] = loaded.list();
    expect(model).toMatchObject({ state: 'ready', requestsActive: 0, requestsQueued: 0, backendId: 'cpu', restarts: 0, problem: null });
    expect(model?.settings).toMatchObject({ contextTokens: 8192, gpuLayers: 0 });
    expect(model?.truth).toMatchObject({ verdict: 'cpu_as_asked', colour: 'grey', layersOnGpu: 0 });
    expect(loaded.totals()).toMatchObject({ requests: 1, refused: 0, answerTokens: figures.answerTokens });
    expect(loaded.metrics().find((m) => m.name === 'warpdeck_inference_tokens_total' && m.labels['kind'] === 'answer')?.value).toBe(figures.answerTokens);
  });

  test('ten who ask for the same at the same time get one process, and all get their answer', async () => {
    const { loaded, supervisor } = makeLoaded([tiny]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => collect(loaded.generate({}, asks('one', { maxTokens: 16 })))));
    expect(new Set(answers.map((a) => a.text)).size).toBe(1);
    expect(loaded.list()).toHaveLength(1);
    expect(supervisor.statuses().filter((s) => s.name.startsWith('inference:'))).toHaveLength(1);
    expect(answers.filter((a) => a.events.some((e) => e.t === 'queued' && e.ahead > 0)).length).toBeGreaterThanOrEqual(8);
  });

  test('a request that says nothing is refused before a model is loaded', async () => {
    const { loaded } = makeLoaded([tiny]);
    expect(await refused(collect(loaded.generate({}, {})))).toMatchObject({ code: 'input.invalid' });
    expect(await refused(collect(loaded.generate({}, asks('a', { sampling: { ...greedy, temperature: Number.NaN } }))))).toMatchObject({ code: 'input.invalid' });
    expect(loaded.list()).toHaveLength(0);
  });

  test('a prompt that is longer than the context is refused with the numbers', async () => {
    const { loaded } = makeLoaded([tiny]);
    const problem = await refused(collect(loaded.generate({ settings: { contextTokens: 256 } }, asks(longPrompt(2000)))));
    expect(problem).toMatchObject({ code: 'generate.context_full' });
    expect(problem.facts['contextTokens']).toBe(256);
    expect(loaded.list()[0]?.state).toBe('ready');
  });
});

describe('who may', () => {
  test('more than may wait are refused with a time, and those who wait go in order', async () => {
    const { loaded } = makeLoaded([tiny], { maxWaiting: 2 });
    await loaded.load({});
    const order: number[] = [];
    const running = [0, 1, 2].map((n) => collect(loaded.generate({}, asks('x', { maxTokens: 400 })), (event) => { if (event.t === 'text' && !order.includes(n)) order.push(n); }));
    await until(() => loaded.list()[0]?.requestsQueued === 2, 'two wait');
    const problem = await refused(collect(loaded.generate({}, asks('x'))));
    expect(problem).toMatchObject({ code: 'generate.too_many', retry: 'later' });
    expect(problem.facts['seconds']).toBeGreaterThanOrEqual(1);
    await Promise.all(running);
    expect(order).toEqual([0, 1, 2]);
    expect(loaded.totals().refused).toBe(1);
  });

  test('answers run beside each other when so many are allowed, and are not mixed', async () => {
    const { loaded } = makeLoaded([tiny], {}, {});
    const alone = await collect(loaded.generate({ settings: { parallel: 4, contextTokens: 1024 } }, asks('abc', { maxTokens: 48 })));
    const four = await Promise.all(Array.from({ length: 4 }, () => collect(loaded.generate({ settings: { parallel: 4, contextTokens: 1024 } }, asks('abc', { maxTokens: 48 })))));
    expect(four.every((a) => a.events.every((e) => e.t !== 'queued' || e.ahead === 0))).toBe(true);
    expect(new Set([alone, ...four].map((a) => a.end.figures.answerTokens)).size).toBe(1);
  });

  test('who waits and leaves makes room', async () => {
    const { loaded } = makeLoaded([tiny]);
    await loaded.load({});
    const first = collect(loaded.generate({}, asks('x', { maxTokens: 400 })));
    await until(() => loaded.list()[0]?.requestsActive === 1, 'it runs');
    const leaver = new AbortController();
    const second = collect(loaded.generate({}, asks('x'), leaver.signal));
    await until(() => loaded.list()[0]?.requestsQueued === 1, 'it waits');
    leaver.abort();
    expect((await second).end.reason).toBe('cancelled');
    expect(loaded.list()[0]?.requestsQueued).toBe(0);
    await first;
  });

  test('as many models as may be: the one that was left alone longest goes; busy ones stay', async () => {
    const other = modelAt(await tinyModel(folder, { fileName: 'other.gguf', seed: 2 }), tinyFacts);
    const third = modelAt(await tinyModel(folder, { fileName: 'third.gguf', seed: 3 }), tinyFacts);
    const { loaded } = makeLoaded([tiny, other, third], { maxLoaded: 2 });
    await loaded.load({ model: tiny.id });
    await loaded.load({ model: other.id });
    await loaded.load({ model: third.id });
    expect(loaded.list().map((m) => m.modelId).sort()).toEqual([other.id, third.id].sort());
    const stop = new AbortController();
    const busy = [other, third].map((model) => collect(loaded.generate({ model: model.id }, asks('x', { maxTokens: 3000 }), stop.signal)));
    await until(() => loaded.list().every((m) => m.requestsActive === 1), 'both answer');
    expect(await refused(loaded.load({ model: tiny.id }))).toMatchObject({ code: 'load.too_many' });
    stop.abort();
    await Promise.all(busy);
  });
});

describe('cancelling', () => {
  test('in the prompt phase the stream ends at once, and the model is soon there again', async () => {
    const { loaded } = makeLoaded([smol]);
    await loaded.load({});
    const stop = new AbortController();
    let abortedMs = 0;
    const answer = await collect(loaded.generate({}, asks(longPrompt(3000)), stop.signal), (event) => {
      if (event.t !== 'prompt' || event.done === 0 || abortedMs > 0) return;
      abortedMs = performance.now();
      stop.abort();
    });
    const endedMs = performance.now() - abortedMs;
    expect(answer.end).toMatchObject({ reason: 'cancelled', problem: null });
    expect(endedMs).toBeLessThan(100);
    const again = await collect(loaded.generate({}, asks('Say yes.', { maxTokens: 4 })));
    const freeMs = performance.now() - abortedMs;
    expect(again.end.figures.answerTokens).toBeGreaterThan(0);
    console.info(`cancel in the prompt phase: stream ended after ${endedMs.toFixed(1)} ms, next answer finished after ${freeMs.toFixed(0)} ms (restarts ${loaded.list()[0]?.restarts})`);
  });

  test('work that does not stop within a second is ended with its process, which is ready again soon; others wait through it', async () => {
    const { loaded } = makeLoaded([tiny]);
    const { id } = await loaded.load({});
    const pid = loaded.list()[0]?.pid ?? 0;
    const stop = new AbortController();
    let abortedMs = 0;
    const answer = await collect(loaded.generate({}, asks('x', { maxTokens: 3000 }), stop.signal), (event) => {
      if (event.t !== 'text' || abortedMs > 0) return;
      // A stopped process hears of nothing, as one in a long native call does.
      process.kill(pid, 'SIGSTOP');
      abortedMs = performance.now();
      stop.abort();
    });
    expect(answer.end.reason).toBe('cancelled');
    expect(performance.now() - abortedMs).toBeLessThan(100);
    const waiting = collect(loaded.generate({}, asks('x', { maxTokens: 4 })));
    await until(() => loaded.list()[0]?.state === 'ready' && loaded.list()[0]?.pid !== pid, 'it was replaced');
    console.info(`a process that does not stop: ready again ${(performance.now() - abortedMs - 1000).toFixed(0)} ms after the second it had`);
    expect((await waiting).end.reason).toBe('length');
    // Ended by us: that is no crash.
    expect(loaded.list()[0]).toMatchObject({ id, problem: null, restarts: 1 });
  });

  test('in the middle of an answer, by a reader who leaves', async () => {
    const { loaded } = makeLoaded([tiny]);
    await loaded.load({});
    for await (const event of loaded.generate({}, asks('x', { maxTokens: 3000 }))) if (event.t === 'text') break;
    await until(() => loaded.list()[0]?.requestsActive === 0, 'it is free');
    expect((await collect(loaded.generate({}, asks('x')))).end.reason).toBe('length');
  });

  test('one that was aborted before it began is over', async () => {
    const { loaded } = makeLoaded([tiny]);
    const answer = await collect(loaded.generate({}, asks('x'), AbortSignal.abort()));
    expect(answer.end.reason).toBe('cancelled');
  });
});

describe('deaths', () => {
  test('killed in mid-answer: what was streamed stays, the cause is said, the next request loads anew under the same id', async () => {
    const { loaded } = makeLoaded([tiny]);
    const { id } = await loaded.load({});
    const pid = loaded.list()[0]?.pid ?? 0;
    let killed = false;
    const answer = await collect(loaded.generate({}, asks('x', { maxTokens: 3000 })), (event) => {
      if (event.t !== 'text' || killed) return;
      killed = true;
      process.kill(pid, 'SIGKILL');
    });
    expect(answer.text.length).toBeGreaterThan(0);
    expect(answer.end).toMatchObject({ reason: 'interrupted', problem: { code: 'generate.interrupted' } });
    expect(answer.end.problem?.cause).toContain('SIGKILL');
    expect(loaded.list()[0]).toMatchObject({ id, state: 'failed', restarts: 1, problem: { code: 'load.died' } });
    const startMs = performance.now();
    const again = await collect(loaded.generate({}, asks('x')));
    console.info(`after a kill: answered after ${(performance.now() - startMs).toFixed(0)} ms`);
    expect(again.end.reason).toBe('length');
    expect(loaded.list()[0]).toMatchObject({ id, state: 'ready', restarts: 1 });
    expect(loaded.list()[0]?.pid).not.toBe(pid);
  });

  test('twice in ten minutes: it is not loaded by itself any more, by hand it is', async () => {
    const { loaded } = makeLoaded([tiny]);
    for (let n = 1; n <= 2; n += 1) {
      await collect(loaded.generate({}, asks('x', { maxTokens: 2 })));
      process.kill(loaded.list()[0]?.pid ?? 0, 'SIGKILL');
      await until(() => loaded.list()[0]?.problem != null, 'it died');
    }
    expect(loaded.list()[0]).toMatchObject({ state: 'failed', problem: { code: 'load.crashed_twice' } });
    expect(await refused(collect(loaded.generate({}, asks('x'))))).toMatchObject({ code: 'load.crashed_twice' });
    expect(await loaded.load({})).toMatchObject({ state: 'ready', problem: null });
    expect((await collect(loaded.generate({}, asks('x', { maxTokens: 2 })))).end.reason).toBe('length');
  });

  test('a process that cannot even start is said with its cause', async () => {
    const { loaded } = makeLoaded([tiny], {}, { worker: { nodeArgs: ['--no-such-flag-of-node'] } });
    const problem = await refused(loaded.load({}));
    expect(problem.code).toBe('load.died');
    expect(problem.cause).toContain('no-such-flag');
  });
});

describe('reading', () => {
  test('a reader who stops reading ends the answer, not the engine', async () => {
    const { loaded } = makeLoaded([tiny]);
    await loaded.load({ settings: { contextTokens: 16_384 } });
    // Alternatives with each token make an answer large quickly: 8 MB are 6,000 tokens.
    const stream = loaded.generate({}, asks('x', { maxTokens: 16_000, topLogprobs: 20 }))[Symbol.asyncIterator]();
    await stream.next();
    await until(() => loaded.list()[0]?.requestsActive === 1, 'it answers');
    await until(() => loaded.list()[0]?.requestsActive === 0, 'it was ended', 60_000);
    let end: unknown = null;
    for (let next = await stream.next(); next.done !== true; next = await stream.next()) end = next.value;
    expect(end).toMatchObject({ t: 'end', reason: 'interrupted', problem: { code: 'generate.slow_reader' } });
  }, 90_000);
});

describe('leaving', () => {
  test('left alone it is unloaded, and nothing of it stays', async () => {
    const { loaded, supervisor } = makeLoaded([tiny], { unloadMinutes: 0.005 });
    await collect(loaded.generate({}, asks('x', { maxTokens: 2 })));
    const pid = loaded.list()[0]?.pid ?? 0;
    expect(pid).toBeGreaterThan(0);
    await until(() => loaded.list().length === 0, 'it left');
    expect(() => process.kill(pid, 0)).toThrow();
    expect(supervisor.statuses().filter((s) => s.name.startsWith('inference:'))).toEqual([]);
    expect((await collect(loaded.generate({}, asks('x', { maxTokens: 2 })))).end.reason).toBe('length');
  });

  test('unloaded in mid-answer: the answer ends as interrupted and says so', async () => {
    const { loaded } = makeLoaded([tiny]);
    const { id } = await loaded.load({});
    const unloading: Promise<void>[] = [];
    const answer = await collect(loaded.generate({}, asks('x', { maxTokens: 3000 })), (event) => { if (event.t === 'text' && unloading.length === 0) unloading.push(loaded.unload(id)); });
    expect(answer.end).toMatchObject({ reason: 'interrupted', problem: { code: 'generate.interrupted' } });
    await Promise.all(unloading);
    expect(loaded.list()).toEqual([]);
    expect(await refused(loaded.unload(id))).toMatchObject({ code: 'load.not_loaded' });
  });

  test('a file that is replaced under it is noticed; the next request has the new one', async () => {
    const path = await tinyModel(folder, { fileName: 'changing.gguf', seed: 4 });
    const { loaded } = makeLoaded([modelAt(path, tinyFacts)]);
    const before = await collect(loaded.generate({}, asks('x')));
    await tinyModel(folder, { fileName: 'changing.gguf', seed: 5 });
    expect(await refused(collect(loaded.generate({}, asks('x'))))).toMatchObject({ code: 'model.changed', retry: 'now' });
    const after = await collect(loaded.generate({}, asks('x')));
    expect(after.text).not.toBe(before.text);
  });
});

describe('settings', () => {
  test('a profile is used, a wish goes over it, and what is loaded serves whoever asks for no more', async () => {
    const { loaded } = makeLoaded([tiny]);
    await loaded.setProfile(tiny.id, { contextTokens: 512, cacheTypeK: 'q8_0' });
    const first = await loaded.load({ settings: { contextTokens: 1024 } });
    expect(first.settings).toMatchObject({ contextTokens: 1024, cacheTypeK: 'q8_0' });
    expect(first.contextTokens).toBe(1024);
    expect((await loaded.load({})).id).toBe(first.id);
    expect((await loaded.load({ settings: { contextTokens: 512 } })).id).not.toBe(first.id);
    expect(loaded.list()).toHaveLength(2);
  });

  test('what does not fit is refused with numbers and what would help', async () => {
    const { loaded } = makeLoaded([smol], {}, { freeBytes: 200e6 });
    const problem = await refused(loaded.load({ settings: { contextTokens: 8192 } }));
    expect(problem.code).toBe('load.no_memory');
    expect(problem.facts['needBytes']).toBeGreaterThan(200e6);
    expect(problem.remedy).toContain('smaller quantisation');
    expect(loaded.list()).toEqual([]);
  });

  test('what cannot go together is refused before anything starts', async () => {
    const { loaded, supervisor } = makeLoaded([tiny]);
    expect(await refused(loaded.load({ settings: { cacheTypeV: 'q8_0', flashAttention: 'off' } }))).toMatchObject({ code: 'load.settings' });
    expect(await refused(loaded.load({ settings: { devices: ['GPU-of-somebody-else'] } }))).toMatchObject({ code: 'load.settings' });
    expect(supervisor.statuses()).toEqual([]);
  });

  test('a file that llama.cpp refuses: its own reason, and nothing is kept', async () => {
    const path = `${folder}/cut.gguf`;
    writeFileSync(path, readFileSync(tiny.path).subarray(0, 200_000));
    const { loaded } = makeLoaded([modelAt(path, tinyFacts)]);
    const problem = await refused(loaded.load({}));
    expect(problem.code).toBe('model.damaged');
    expect(problem.cause).not.toBe('');
    await until(() => loaded.list().length === 0, 'it is forgotten');
  });
});

test('a worker that answers nonsense: the load fails and says so', async () => {
  const { loaded } = makeLoaded([tiny], {}, { worker: { entry: { path: fileURLToPath(new URL('fixtures/wrong-worker.mjs', import.meta.url)) } } });
  const problem = await refused(loaded.load({}));
  expect(problem.code).toBe('load.failed');
  expect(problem.chain[0]).toContain('worker.protocol');
});

describe('other uses', () => {
  test('embeds, counts and measures', async () => {
    const { loaded } = makeLoaded([tiny]);
    const { vectors, tokens } = await loaded.embed({}, ['one', 'two']);
    expect(vectors).toHaveLength(2);
    expect(Math.hypot(...(vectors[0] ?? []))).toBeCloseTo(1, 3);
    expect(tokens).toBeGreaterThan(1);
    expect(await loaded.count({}, { text: 'one two three' })).toBeGreaterThan(2);
    const id = loaded.list()[0]?.id ?? '';
    const measured = await loaded.measure(id, { promptTokens: 32, decodeTokens: 8, depth: 0, repeats: 2 });
    expect(measured.decode).toHaveLength(2);
    expect(await refused(loaded.measure('nothing', { promptTokens: 1, decodeTokens: 1, depth: 0, repeats: 1 }))).toMatchObject({ code: 'load.not_loaded' });
  });

  test('every engine setting has its note', async () => {
    const { loaded } = makeLoaded([]);
    expect(loaded.settingNotes().map((note) => note.key).sort()).toEqual(Object.keys(engineSettings.shape).sort());
  });
});
