import { beforeAll, describe, expect, it, vi } from 'vitest';
import { problemFrom, until } from '../../supervisor/fixtures/test-support.ts';
import { smolLm2, tinyModel } from '../../testing/models.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import { greedy, startInference, turn, type TestWorker } from './fixtures/inference-worker.ts';

// Real models on a machine that may have other work.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let path: string;
beforeAll(async () => {
  path = await tinyModel(makeTestFolder('inference-limits'));
});
const ready = async (...load: Parameters<TestWorker['load']>): Promise<TestWorker> => {
  const worker = startInference(path);
  await worker.load(...load);
  return worker;
};

describe('a text that is too long for the context', () => {
  /** One token a letter. */
  const long = (letters: number): string => 'a'.repeat(letters);

  it('is refused with numbers, drops the oldest turns where it may, never the system turn', async () => {
    const worker = await ready({ contextTokens: 512 });
    const turns = [turn('system', 'Speak like a pirate.'), ...Array.from({ length: 6 }, (_, index) => turn(index % 2 === 0 ? 'user' : 'assistant', long(100))), turn('user', 'Say hi.')];
    const refused = await problemFrom(worker.ask({ turns, maxTokens: 4 }));
    expect(refused.code).toBe('generate.context_full');
    expect(refused.facts).toMatchObject({ contextTokens: 512 });
    expect(refused.facts['tokens']).toBeGreaterThan(600);
    const whole = await worker.count({ text: null, turns });
    const { result } = await worker.ask({ turns, maxTokens: 4, mayShift: true });
    expect(result.turnsDropped).toBe(4);
    expect(result.promptTokens).toBe(await worker.count({ text: null, turns: turns.filter((_, index) => index === 0 || index > 4) }));
    expect(result.promptTokens).toBeLessThan(whole);
    // The last turn alone is too long: nothing can be left out for it.
    expect((await problemFrom(worker.ask({ turns: [turn('user', 'x'), turn('user', long(600))], mayShift: true }))).code).toBe('generate.context_full');
  });

  it('in mid-answer ends it, or lets it go on without the oldest turns', async () => {
    const worker = await ready({ contextTokens: 512 });
    const turns = [turn('user', long(150)), turn('assistant', long(150)), turn('user', 'Go on.')];
    const ended = await worker.ask({ turns, maxTokens: null });
    expect(ended.result).toMatchObject({ reason: 'context_full', turnsDropped: 0, contextUsed: 512 });
    const went = await worker.ask({ turns, maxTokens: ended.result.answerTokens + 40, mayShift: true });
    expect(went.result).toMatchObject({ reason: 'length', turnsDropped: 2, answerTokens: ended.result.answerTokens + 40 });
    // Raw text has no turns that could go.
    expect((await worker.ask({ prompt: long(200), maxTokens: null, mayShift: true })).result.reason).toBe('context_full');
  });
});

describe('a stop', () => {
  it('in the prompt is heard at the next part, and the place is free again', async () => {
    const worker = await ready({ contextTokens: 4096, promptChunk: 32 });
    const stops: Promise<unknown>[] = [];
    let askedAtMs = 0;
    const { result, events } = await worker.ask({ prompt: 'a'.repeat(4000) }, {
      id: 'long',
      onEvent(event) {
        if (event.t !== 'prompt' || event.done === 0 || stops.length > 0) return;
        askedAtMs = performance.now();
        stops.push(worker.stop('long'));
      },
    });
    await Promise.all(stops);
    const last = events.at(-1);
    expect(result).toMatchObject({ reason: 'cancelled', answerTokens: 0, firstTokenAtMs: null });
    expect(last?.t === 'prompt' ? last.done : null).toBeLessThan(4000);
    expect(performance.now() - askedAtMs).toBeLessThan(5000);
    expect((await worker.ask({ maxTokens: 2 })).result.reason).toBe('length');
  });

  it('in the answer ends it; nothing comes after the reply', async () => {
    const worker = await ready();
    const stops: Promise<unknown>[] = [];
    const { result, events } = await worker.ask({ maxTokens: null }, { id: 'one', onEvent: (event) => { if (event.t === 'text' && stops.length === 0) stops.push(worker.stop('one')); } });
    const { length } = events;
    await Promise.all(stops);
    expect(result.reason).toBe('cancelled');
    expect(result.answerTokens).toBeGreaterThan(0);
    await worker.ask({ maxTokens: 3 });
    expect(events).toHaveLength(length);
  });

  it('while it waits for its turn takes it out of the queue; of a stranger it is no error', async () => {
    const worker = await ready();
    let began = false;
    const first = worker.ask({ maxTokens: null }, { id: 'first', onEvent: () => { began = true; } });
    await until(() => began);
    const second = worker.ask({}, { id: 'second' });
    const third = worker.ask({ maxTokens: 2 }, { id: 'third' });
    await worker.stop('second');
    expect((await second).result).toMatchObject({ reason: 'cancelled', answerTokens: 0 });
    await worker.stop('first');
    await first;
    expect((await third).result.reason).toBe('length');
    expect(await worker.stop('nobody')).toBeNull();
  });
});

describe('several at once', () => {
  it('are answered side by side without a word of another', async () => {
    const worker = await ready({ parallel: 4 });
    const texts = Array.from({ length: 8 }, (_, index) => `This is answer ${String(index).repeat(6)} and nothing else. ${'abcdefgh'.charAt(index).repeat(40)}`);
    const answers = await Promise.all(texts.map((text, index) => worker.ask({ prompt: text.slice(0, 10 + index), grammar: `root ::= "${text}"`, maxTokens: 200 })));
    expect(answers.map((answer) => answer.text)).toEqual(texts);
    const begins = answers.map((answer) => answer.result.firstTokenAtMs ?? 0);
    const ends = answers.map((answer) => answer.result.lastTokenAtMs ?? 0);
    // Four at a time: some began before others had ended, and the last four after one had.
    expect(Math.max(...begins.slice(0, 4))).toBeLessThan(Math.min(...ends.slice(0, 4)));
    expect(Math.min(...begins.slice(4))).toBeGreaterThanOrEqual(Math.min(...ends.slice(0, 4)));
  });

  it('give what each gives alone, with probabilities and penalties', async () => {
    const worker = await ready({ parallel: 3 });
    const wishes = [{ sampling: greedy }, { topLogprobs: 2 }, { sampling: { ...greedy, repeatPenalty: 1.3, temperature: 0.7 } }].map((wish, index) => ({ ...wish, prompt: 'xyz'.repeat(index + 1), maxTokens: 20 }));
    const together = await Promise.all(wishes.map((wish) => worker.ask(wish)));
    for (const { result } of together) expect(result).toMatchObject({ reason: 'length', answerTokens: 20 });
    expect(together[1]?.events.flatMap((event) => (event.t === 'text' ? (event.logprobs ?? []) : []))).toHaveLength(20);
  });
});

describe('a draft model', () => {
  it('guesses, and changes no token', async () => {
    // Random weights are never sure of anything, and a draft that is not sure guesses nothing.
    const plain = startInference(smolLm2());
    const drafted = startInference(smolLm2());
    await plain.load({ contextTokens: 512 });
    await drafted.load({ contextTokens: 512, draft: { modelPath: smolLm2(), gpuLayers: 0, tokens: 4 } });
    const wish = { prompt: 'One, two, three, four, five, six, seven, eight, nine, ten, eleven,', maxTokens: 24 };
    const [one, two] = await Promise.all([plain.ask(wish), drafted.ask(wish)]);
    expect(two.text).toBe(one.text);
    expect(one.result).toMatchObject({ drafted: null, accepted: null });
    expect(two.result.drafted).toBeGreaterThan(0);
    // It is the same model: nearly all of its guesses are right.
    expect(two.result.accepted).toBeGreaterThan(0);
  });
});
