import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { z } from 'zod';
import { comparison as comparisonSchema, comparisonWish, type Comparison, type ComparisonWish } from '../../../contract/chat.ts';
import { applyComparisonChange } from '../../../contract/comparison-change.ts';
import { problemOf } from '../../../contract/problem.ts';
import { defaultSettings, type Settings } from '../../../contract/settings.ts';
import { createJobs, type Jobs } from '../../jobs/create-jobs.ts';
import { startOpenAiServer, type OpenAiServer, type ReceivedRequest, type Script } from '../../testing/openai-server/start-openai-server.ts';
import { silentLogger } from '../../testing/silent-logger.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { createProviders, type Providers } from '../providers/create-providers.ts';
import { createComparisons, type Comparisons, type ComparisonsOptions } from './create-comparisons.ts';

const resources = fileURLToPath(new URL('../../../resources', import.meta.url));
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface World { server: OpenAiServer; providers: Providers; jobs: Jobs; comparisons: Comparisons; wish(given: Partial<z.input<typeof comparisonWish>>): ComparisonWish }

/** A real server as llama-server answers; `fast` writes half as fast again as `slow`, with some scatter. */
async function makeWorld(options: Partial<ComparisonsOptions> = {}): Promise<World> {
  const server = await startOpenAiServer({ kind: 'llama-server', models: ['slow', 'fast', 'third'] });
  server.setScript(scriptFor);
  let inference: Settings['inference'] = { ...defaultSettings.inference, providers: [{ id: 'box', name: 'Box', baseUrl: server.url }] };
  const secrets = new Map<string, string>();
  const providers = createProviders({
    settings: () => inference, updateProviders: async (list) => { inference = { ...inference, providers: list }; },
    secrets: { get: async (name) => secrets.get(name) ?? null, set: async () => undefined }, log: silentLogger,
  });
  const jobs = createJobs({ folder: null, log: silentLogger });
  const comparisons = createComparisons({ jobs, folder: null, resources, log: silentLogger, answer: ({ provider, model }) => providers.open(provider ?? 'box', model), ...options });
  ends.push(() => server.kill(), () => providers.stop(), () => jobs.stopAll(), () => comparisons.stop());
  const box = { provider: 'box' };
  return { server, providers, jobs, comparisons, wish: (given) => comparisonWish.parse({ prompts: ['one', 'two', 'three'], contenders: [{ ...box, model: 'slow' }, { ...box, model: 'fast' }], ...given }) };
}

const lastTurn = ({ body }: ReceivedRequest): string => String((body?.['messages'] as { content: string }[]).at(-1)?.content);
const isWarmUp = (request: ReceivedRequest): boolean => request.body?.['max_tokens'] === 4;
const scatter: Readonly<Record<string, number>> = { one: 0, two: 4, three: -3 };
const scriptFor = (request: ReceivedRequest): Script => ({
  pieces: [{ text: `${String(request.body?.['model'])} says ` }, { text: lastTurn(request) }],
  usage: { prompt: 40, answer: (request.body?.['model'] === 'fast' ? 150 : 100) + (scatter[lastTurn(request)] ?? 0) },
});
/** Resolves when one has come that fits: put together from what is told, as a page does. */
async function until(comparisons: Comparisons, id: string, fits: (comparison: Comparison) => boolean): Promise<Comparison> {
  let shown: Comparison | null = null;
  for await (const change of comparisons.watch(id, AbortSignal.timeout(20_000))) {
    shown = applyComparisonChange(shown, change);
    if (shown !== null && fits(shown)) return shown;
  }
  throw new Error('It did not come.');
}
const ended = ({ state }: Comparison): boolean => state !== 'running';
const code = (work: Promise<unknown>): Promise<string | undefined> => work.then(() => undefined, (error: unknown) => problemOf(error)?.code ?? String(error));

describe('a comparison in turns', () => {
  it('asks in turns, warms up uncounted, and says which is faster', async () => {
    const { server, comparisons, jobs, wish } = await makeWorld();
    const started = await comparisons.start(wish({ systemPrompt: 'Be brief.' }));
    expect(started).toMatchObject({ state: 'running', title: 'one', names: ['slow at box', 'fast at box'], rows: expect.any(Array) });
    const done = await until(comparisons, started.id, ended);
    const asked = server.requests.filter((one) => one.path.endsWith('/chat/completions'));
    expect(asked.map((one) => `${isWarmUp(one) ? '(' : ''}${String(one.body?.['model'])}`).join(' ')).toBe('(slow slow (fast fast (fast fast (slow slow (fast fast (slow slow');
    // The same seed for one prompt, whoever answers; another for the next.
    const seeds = asked.filter((one) => !isWarmUp(one)).map((one) => [lastTurn(one), one.body?.['seed']]);
    expect(new Map(seeds as [string, number][]).size).toBe(3);
    expect(new Set(seeds.map((one) => one.join())).size).toBe(3);
    expect(asked.every((one) => JSON.stringify(one.body?.['messages']).includes('Be brief.'))).toBe(true);

    const whole = await comparisons.get(started.id);
    expect(comparisonSchema.parse(whole)).toEqual(whole);
    expect(whole).toMatchObject({ state: 'done', names: ['slow at Box', 'fast at Box'], problem: null, partAt: [0] });
    expect(whole.answers.map((one) => one.content)).toEqual(['slow says one', 'fast says one', 'slow says two', 'fast says two', 'slow says three', 'fast says three']);
    expect(whole.answers.every((one) => one.reason === 'stop' && one.truth?.verdict === 'remote' && one.figures !== null)).toBe(true);
    expect(whole.rows[0]).toMatchObject({ figure: 'decode', values: [{ n: 3 }, { n: 3 }], against: [{ words: 'faster', ratio: expect.closeTo(1.5, 1) }] });
    expect(whole.rows.find((row) => row.figure === 'memory')).toMatchObject({ values: [{ mean: null, n: 0 }, { n: 0 }], against: [{ words: 'unknown' }] });
    expect(whole.sentence).toMatch(/^fast at Box is faster than slow at Box: 1\.50× as many tokens a second/);
    expect(done.sentence).toBe(whole.sentence);
    await vi.waitFor(() => expect(jobs.list()[0]).toMatchObject({ id: whole.jobId, kind: 'compare', state: 'done', progress: 1, result: { comparison: started.id, answers: 6 } }));
    expect((await comparisons.list()).map((one) => [one.id, one.answers[0]?.content])).toEqual([[started.id, '']]);
  });

  it('counts the memory that is reported', async () => {
    const { providers, comparisons, wish } = await makeWorld({ answer: async ({ model }) => ({ ...(await open(model)), memoryBytes: () => (model === 'fast' ? 3e9 : 2e9) }) });
    const open = (model: string | null): ReturnType<Providers['open']> => providers.open('box', model);
    const { id } = await comparisons.start(wish({}));
    await until(comparisons, id, ended);
    expect((await comparisons.get(id)).rows.find((row) => row.figure === 'memory')).toMatchObject({ values: [{ mean: expect.closeTo(2e9, 0) }, { mean: expect.closeTo(3e9, 0) }], against: [{ ratio: expect.closeTo(1.5, 9), words: 'more' }] });
  });

  it('lets one comparison wait for the other, and be called off while it waits', async () => {
    const { server, comparisons, jobs, wish } = await makeWorld();
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => { go = resolve; });
    server.setScript((request) => ({ ...scriptFor(request), pieces: [{ until: gate }, { text: 'x' }] }));
    const first = await comparisons.start(wish({ prompts: ['first'] }));
    const second = await comparisons.start(wish({ prompts: ['second'] }));
    const third = await comparisons.start(wish({ prompts: ['third'] }));
    await jobs.cancel(second.jobId ?? '');
    expect(await until(comparisons, second.id, ended)).toMatchObject({ state: 'cancelled', answers: [{ state: 'waiting' }, { state: 'waiting' }] });
    expect((await comparisons.get(third.id)).state).toBe('running');
    expect(server.requests.some((one) => one.body !== null && lastTurn(one) === 'third')).toBe(false);
    go();
    expect((await until(comparisons, third.id, ended)).state).toBe('done');
    expect((await comparisons.get(first.id)).state).toBe('done');
  });
});

describe('other ways to compare', () => {
  it('asks all at once, and then says nothing of times', async () => {
    const { server, comparisons, wish } = await makeWorld();
    let waiting = 0, go = (): void => undefined;
    const gate = new Promise<void>((resolve) => { go = resolve; });
    // Nobody is answered before all three are asked.
    server.setScript((request) => {
      if (++waiting === 3) go();
      return { ...scriptFor(request), pieces: [{ until: gate }, { text: 'x' }] };
    });
    const { id } = await comparisons.start(wish({ order: 'together', prompts: ['one'], contenders: ['slow', 'fast', 'third'].map((model) => ({ provider: 'box', model })) }));
    const done = await until(comparisons, id, ended);
    expect(done).toMatchObject({ state: 'done', partAt: [null, null], rows: [{ figure: 'decode', against: [{ words: 'unknown', ratio: null }, { words: 'unknown' }] }, {}, {}, {}, {}] });
    expect(done.sentence).toMatch(/^All answered at the same time/);
    expect(server.requests.filter((one) => one.body !== null)).toHaveLength(3);
  });

  it('hides who is who until each prompt has a vote', async () => {
    const { comparisons, wish } = await makeWorld();
    const { id } = await comparisons.start(wish({ blind: true, prompts: ['one', 'two'] }));
    await until(comparisons, id, ended);
    const hidden = await comparisons.get(id);
    expect(hidden).toMatchObject({ names: ['Answer 1', 'Answer 2'], rows: [], answers: [{ figures: null }, {}, {}, {}] });
    expect(hidden.wish.contenders[0]).toMatchObject({ provider: null, model: null });
    // The texts of this server say who wrote them: so the test knows, and may vote for the fast one.
    const fastAt = hidden.answers.find((one) => one.prompt === 0 && one.content.startsWith('fast'))?.contender ?? -1;
    expect((await comparisons.vote(id, 0, fastAt)).votes).toEqual([{ prompt: 0, contender: fastAt }]);
    expect(await code(comparisons.vote(id, 2, 0))).toBe('input.invalid');
    expect(await code(comparisons.vote(id, 1, 2))).toBe('input.invalid');
    const shown = await comparisons.vote(id, 1, null);
    expect(shown).toMatchObject({ names: ['slow at Box', 'fast at Box'], votes: [{ prompt: 0, contender: 1 }, { prompt: 1, contender: null }] });
    expect(shown.answers[0]?.figures).not.toBeNull();
    expect(await code(comparisons.vote(id, 0, 0))).toBe('input.invalid');
    expect(await comparisons.get(id)).toEqual(shown);
  });

  it('exports, votes openly, and removes', async () => {
    const { comparisons, wish } = await makeWorld();
    const { id } = await comparisons.start(wish({ title: 'Mine', prompts: ['one'] }));
    await until(comparisons, id, ended);
    expect((await comparisons.vote(id, 0, 0)).votes).toEqual([{ prompt: 0, contender: 0 }]);
    expect((await comparisons.vote(id, 0, 1)).votes).toEqual([{ prompt: 0, contender: 1 }]);
    expect((await comparisons.export(id, 'csv')).text.split('\r\n')).toHaveLength(4);
    expect((await comparisons.export(id, 'markdown')).fileName).toMatch(/^Mine-\d{4}-\d\d-\d\d\.md$/);
    expect(JSON.parse((await comparisons.export(id, 'json')).text)).toMatchObject({ schemaVersion: 1, comparison: { id } });
    const watched = comparisons.watch(id, undefined)[Symbol.asyncIterator]();
    expect((await watched.next()).value).toMatchObject({ t: 'whole', comparison: { id } });
    await comparisons.remove(id);
    expect(await watched.next()).toEqual({ done: true, value: undefined });
    for (const work of [comparisons.get(id), comparisons.remove(id), comparisons.vote(id, 0, 0), comparisons.export('../../etc/passwd', 'json')]) expect(await code(work)).toBe('compare.not_found');
    expect(await comparisons.list()).toEqual([]);
  });

  it('refuses what is too much or cannot be asked', async () => {
    const { comparisons, wish } = await makeWorld();
    expect(await code(comparisons.start(wish({ prompts: Array.from({ length: 1000 }, () => 'x'), repeats: 2 })))).toBe('input.invalid');
    expect(await code(comparisons.start(wish({ prompts: Array.from({ length: 9 }, () => 'x'.repeat(1_000_000)) })))).toBe('input.invalid');
    expect(await code(comparisons.start(wish({ contenders: [{ jsonSchema: 'no' }] })))).toBe('generate.schema');
    expect(await comparisons.list()).toEqual([]);
  });
});

describe('faults', () => {
  it('keeps what was written when the server is killed in mid-answer, and goes on with the other', async () => {
    const other = await startOpenAiServer({ models: ['steady'] });
    ends.push(() => other.kill());
    const { server, providers, comparisons, wish } = await makeWorld();
    const { id: otherId } = await providers.add({ name: 'Other', baseUrl: other.url, key: null });
    let killed = false;
    server.setScript((request) => (isWarmUp(request) ? { pieces: [{ text: 'ok' }] } : { pieces: [{ text: 'half an ' }, { text: 'answer' }, { until: new Promise(() => undefined) }] }));
    const { id } = await comparisons.start(wish({ prompts: ['1', '2', '3', '4', '5'], contenders: [{ provider: 'box', model: 'slow' }, { provider: otherId, model: 'steady' }] }));
    await until(comparisons, id, (one) => {
      if (!killed && one.answers.some((it) => it.content === 'half an answer')) {
        killed = true;
        void server.kill();
      }
      return ended(one);
    });
    const done = await comparisons.get(id);
    expect(done.state).toBe('done');
    expect(done.answers[0]).toMatchObject({ content: 'half an answer', reason: 'interrupted', problem: { code: 'provider.no_answer' } });
    expect(done.answers.filter((one) => one.contender === 0).every((one) => one.state === 'done' && one.problem?.code === 'provider.no_answer')).toBe(true);
    expect(done.answers.filter((one) => one.contender === 1).map((one) => one.content)).toEqual(Array.from({ length: 5 }, () => 'Hello.'));
    expect(done.sentence).toContain('5 of 10 answers failed');
  });

  it('fails when nobody answers, without asking a dead server for ever', async () => {
    const { server, comparisons, jobs, wish } = await makeWorld();
    await server.kill();
    const { id } = await comparisons.start(wish({ prompts: Array.from({ length: 200 }, (_, at) => String(at)) }));
    expect(await until(comparisons, id, ended)).toMatchObject({ state: 'failed', problem: { code: 'provider.no_answer' } });
    await vi.waitFor(() => expect(jobs.list()[0]?.state).toBe('done'));
  });

  it('keeps what is there when it is called off', async () => {
    const { server, comparisons, jobs, wish } = await makeWorld();
    server.setScript((request) => (lastTurn(request) === 'two' ? { pieces: [{ text: 'so far' }], then: 'stall' } : scriptFor(request)));
    const { id, jobId } = await comparisons.start(wish({}));
    await until(comparisons, id, (one) => one.answers.some((it) => it.content === 'so far'));
    await jobs.cancel(jobId ?? '');
    const done = await until(comparisons, id, ended);
    expect(done.state).toBe('cancelled');
    expect(done.answers.filter((one) => one.prompt === 0).map((one) => one.content)).toEqual(['slow says one', 'fast says one']);
    expect(done.answers.find((one) => one.content === 'so far')).toMatchObject({ state: 'done', reason: 'cancelled' });
    expect(done.answers.filter((one) => one.state === 'waiting')).toHaveLength(3);
    expect(done.sentence).toContain('3 of 6 answers were not made.');
    await vi.waitFor(() => expect(jobs.list()[0]?.state).toBe('cancelled'));
    await server.requests.at(-1)?.left;
  });

  it('what is told is what was added: ten times a second at most, and each word once', async () => {
    const { server, comparisons, wish } = await makeWorld();
    const words = Array.from({ length: 3000 }, (_, at) => `word ${at} `);
    server.setScript((request) => (isWarmUp(request) ? { pieces: [{ text: 'ok' }] } : { pieces: words.map((text) => ({ text })) }));
    const startedAt = performance.now();
    const { id } = await comparisons.start(wish({ prompts: ['a', 'b', 'c', 'd'] }));
    let told = 0, bytes = 0, shown: Comparison | null = null;
    for await (const change of comparisons.watch(id, AbortSignal.timeout(20_000))) {
      told += 1;
      bytes += JSON.stringify(change).length;
      shown = applyComparisonChange(shown, change);
      if (shown !== null && ended(shown)) break;
    }
    // The first, the last, and ten a second between.
    expect(told).toBeLessThanOrEqual(2 + Math.ceil((performance.now() - startedAt) / 100));
    const written = 8 * words.join('').length;
    // Each word once; around it, with each message, the answers that it is of, and the figures of those that ended.
    expect(bytes).toBeLessThan(written * 1.05 + told * 2500 + 8 * 4000);
    const { answers } = await comparisons.get(id);
    expect(answers.map((one) => one.content.length)).toEqual(answers.map(() => words.join('').length));
    expect(shown?.answers).toEqual(answers);
  });

  it('thousands of answers that fail at once do not hold up the engine', async () => {
    const { server, comparisons, wish } = await makeWorld();
    await server.kill();
    const { id } = await comparisons.start(wish({ prompts: Array.from({ length: 50 }, (_, at) => String(at)), repeats: 30 }));
    let told = 0;
    await until(comparisons, id, (one) => (told += 1, ended(one)));
    expect(told).toBeLessThan(200);
    expect((await comparisons.get(id)).answers.filter((one) => one.problem?.code === 'provider.no_answer')).toHaveLength(3000);
  });
});

describe('what is stored', () => {
  it('is there after a new start, and what was running is brought to an end', async () => {
    const folder = join(makeTestFolder('comparisons'), 'comparisons');
    const { comparisons, wish } = await makeWorld({ folder });
    const { id } = await comparisons.start(wish({ blind: true }));
    await until(comparisons, id, ended);
    const before = await comparisons.get(id);
    await comparisons.stop();
    // As an engine leaves it that is killed in mid-answer.
    const path = join(folder, `${id}.json`);
    const file = JSON.parse(readFileSync(path, 'utf8'));
    const other = id.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    const answers = file.comparison.answers.map((one: object, at: number) => (at < 2 ? one : { ...one, state: at === 2 ? 'writing' : 'waiting', content: at === 2 ? 'half' : '', figures: null, reason: null }));
    writeFileSync(join(folder, `${other}.json`), JSON.stringify({ ...file, comparison: { ...file.comparison, id: other, state: 'running', answers } }));
    writeFileSync(join(folder, 'compare-1-00000000.json'), '{"schemaVersion":1,"comp');
    writeFileSync(join(folder, 'notes.txt'), 'not ours');

    const again = (await makeWorld({ folder })).comparisons;
    expect((await again.list()).map((one) => [one.id, one.state]).sort()).toEqual([[id, 'done'], [other, 'failed']].sort());
    expect(await again.get(id)).toEqual(before);
    expect(await again.get(other)).toMatchObject({ state: 'failed', problem: { code: 'job.interrupted' } });
    for (const prompt of [0, 1, 2]) await again.vote(id, prompt, null);
    expect((await again.get(id)).names).toEqual(['slow at Box', 'fast at Box']);
    await again.remove(id);
    await again.remove(other);
    expect(readdirSync(folder).sort()).toEqual(['compare-1-00000000.json', 'notes.txt']);
  });

  it('goes on in memory and says so when it cannot be written', async () => {
    const folder = join(makeTestFolder('comparisons'), 'comparisons');
    writeFileSync(folder, 'a file where the folder should be');
    const { comparisons, wish } = await makeWorld({ folder });
    const { id } = await comparisons.start(wish({}));
    const done = await until(comparisons, id, ended);
    expect(done).toMatchObject({ state: 'done', problem: { code: expect.stringMatching(/^file\./) } });
    expect((await comparisons.get(id)).answers).toHaveLength(6);
    expect((await comparisons.list()).map((one) => one.id)).toEqual([id]);
    // The disk is there again: what is kept in memory is stored with the next change.
    rmSync(folder);
    mkdirSync(folder);
    await comparisons.vote(id, 0, 0);
    expect(readdirSync(folder)).toContain(`${id}.json`);
    await comparisons.remove(id);
    expect(await comparisons.list()).toEqual([]);
  });
});

describe('sets of prompts', () => {
  it('has built-in ones, keeps the user’s, and lets only those be changed', async () => {
    const folder = join(makeTestFolder('comparisons'), 'comparisons');
    const { comparisons } = await makeWorld({ folder });
    const builtIn = await comparisons.promptSets();
    expect(builtIn.map((one) => one.id)).toEqual(['short-answers', 'summaries', 'code', 'json', 'long-prompt']);
    const [mine] = await Promise.all([comparisons.savePromptSet({ id: null, name: 'Zebra', prompts: ['z'] }), comparisons.savePromptSet({ id: null, name: 'Ant', prompts: ['a'] })]);
    await comparisons.savePromptSet({ id: mine.id, name: 'Bee', prompts: ['b', 'c'] });
    const again = (await makeWorld({ folder })).comparisons;
    expect((await again.promptSets()).filter((one) => !one.builtIn)).toMatchObject([{ name: 'Ant' }, { id: mine.id, name: 'Bee', prompts: ['b', 'c'] }]);
    expect(await code(again.savePromptSet({ id: 'code', name: 'x', prompts: ['x'] }))).toBe('input.invalid');
    expect(await code(again.removePromptSet('code'))).toBe('input.invalid');
    expect(await code(again.removePromptSet('nothing'))).toBe('compare.not_found');
    expect(await code(again.savePromptSet({ id: 'nothing', name: 'x', prompts: ['x'] }))).toBe('compare.not_found');
    expect(await code(again.savePromptSet({ id: null, name: 'x', prompts: Array.from({ length: 9 }, () => 'x'.repeat(1_000_000)) }))).toBe('input.invalid');
    await again.removePromptSet(mine.id);
    expect((await again.promptSets()).filter((one) => !one.builtIn)).toHaveLength(1);
    // A damaged file is not lost: it stays beside the next one.
    writeFileSync(join(folder, 'prompt-sets.json'), '{"sets":');
    const damaged = (await makeWorld({ folder })).comparisons;
    expect((await damaged.promptSets()).every((one) => one.builtIn)).toBe(true);
    await damaged.savePromptSet({ id: null, name: 'New', prompts: ['n'] });
    expect(readFileSync(join(folder, 'prompt-sets.json.previous'), 'utf8')).toBe('{"sets":');
  });
});
