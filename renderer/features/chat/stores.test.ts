import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { ProblemError } from '../../../contract/problem.ts';
import type { Comparison } from '../../../contract/chat.ts';
import { answerer } from '../../../contract/chat.ts';
import { valueOf } from '../../connection/remote.ts';
import { source } from '../../app/test-support-engine.ts';
import { createChatStore, settingsOf, type ChatStore } from '../../stores/chat-store.ts';
import { createComparisonsStore } from '../../stores/comparisons-store.ts';
import { createLoadedStore, findLoaded } from '../../stores/loaded-store.ts';
import { makeAnswer, makeConversation, makeEngine, makeLoaded, makePage, makeUser, type TestEngine } from './test-support.tsx';

let engine: TestEngine;
let store: ChatStore;
beforeEach(() => {
  engine = makeEngine();
  store = createChatStore({ client: engine.client, source, clock: engine.clock, frame: engine.askFrame, now: engine.now });
});
afterEach(() => {
  store.getState().open(null);
  engine.clock.stop();
});

const writing = { state: 'writing' as const, reason: null, figures: null };
const text = (t: string, atMs = 0) => ({ t: 'text' as const, messageId: 'a1', text: t, channel: 'answer' as const, tokens: 1, atMs });

async function openWriting(): Promise<void> {
  engine.answer('chat.page', makePage('c', [makeUser('u1', null, 'Hi'), makeAnswer('a1', 'u1', '', writing)]));
  store.getState().open('c');
  await engine.settle();
}

describe('an answer that is written', () => {
  it('grows outside the store, and takes its place at the end', async () => {
    await openWriting();
    engine.events.send({ t: 'changed', conversation: makeConversation('c', { writingId: 'a1' }) });
    engine.events.send({ t: 'so_far', messageId: 'a1', content: 'One', thinking: '', tokens: 1 });
    await engine.settle();
    const thread = store.getState().thread;
    engine.events.send(text(' two'));
    engine.events.send(text(' three'));
    await engine.settle();
    engine.frame();
    expect(store.live.snapshot()?.content).toBe('One two three');
    expect(store.getState().thread).toBe(thread);
    engine.events.send({ t: 'end', message: makeAnswer('a1', 'u1', 'One two three') });
    await engine.settle();
    expect(store.live.snapshot()).toBeNull();
    expect(valueOf(store.getState().thread)?.messages[1]).toMatchObject({ content: 'One two three', answer: { state: 'done' } });
    expect(store.getState().ended?.id).toBe('a1');
    // A late piece does not begin it again.
    engine.events.send(text(' four'));
    await engine.settle();
    engine.frame();
    expect(store.live.snapshot()).toBeNull();
  });

  it('a page that was asked for before the end does not bring it back', async () => {
    await openWriting();
    let answer: (page: unknown) => void = () => undefined;
    engine.answer('chat.page', () => new Promise((resolve) => { answer = resolve; }));
    engine.events.send({ t: 'changed', conversation: makeConversation('c') });
    await engine.settle();
    engine.events.send({ t: 'end', message: makeAnswer('a1', 'u1', 'whole') });
    await engine.settle();
    answer(makePage('c', [makeUser('u1', null, 'Hi'), makeAnswer('a1', 'u1', 'half', writing)]));
    await engine.settle();
    expect(valueOf(store.getState().thread)?.messages[1]?.content).toBe('whole');
  });

  it('another conversation hears nothing of it', async () => {
    await openWriting();
    engine.events.send(text('x'));
    await engine.settle();
    engine.answer('chat.page', makePage('d', [makeUser('u9', null, 'Other')]));
    store.getState().open('d');
    await engine.settle();
    engine.frame();
    expect(store.live.snapshot()).toBeNull();
    expect(valueOf(store.getState().thread)?.conversation.id).toBe('d');
  });
});

describe('messages', () => {
  it('the first one makes a conversation with the draft settings', async () => {
    engine.answer('chat.create', makeConversation('new'));
    engine.answer('chat.send', { messageId: 'u', answerId: 'a' });
    await store.getState().change({ systemPrompt: 'Be brief.', answerer: answerer.parse({ model: 'm1' }) });
    expect(engine.calls).toEqual([]);
    expect(await store.getState().send({ content: 'Hi', attachments: [], replaces: null })).toBe('new');
    expect(engine.inputsOf('chat.create')).toMatchObject([{ systemPrompt: 'Be brief.', answerer: { model: 'm1' } }]);
    expect(engine.inputsOf('chat.send')).toEqual([{ conversationId: 'new', parentId: null, content: 'Hi', attachments: [] }]);
  });

  it('an edited one stands beside what it replaces, also the first', async () => {
    await openWriting();
    engine.answer('chat.send', { messageId: 'u', answerId: 'a' });
    await store.getState().send({ content: 'New', attachments: [], replaces: { message: makeUser('u5', 'a4', 'Old'), kept: [] } });
    await store.getState().send({ content: 'New', attachments: [], replaces: { message: makeUser('u1', null, 'Old'), kept: [0, 2] } });
    expect(engine.inputsOf('chat.send')).toEqual([{ conversationId: 'c', parentId: 'a4', content: 'New', attachments: [] }, { conversationId: 'c', parentId: '', content: 'New', attachments: [], kept: { messageId: 'u1', places: [0, 2] } }]);
  });

  it('what fails is told, and nothing else is sent meanwhile', async () => {
    await openWriting();
    engine.answer('chat.send', new ProblemError(makeProblem('chat.busy', { title: 'About c' })));
    const both = await Promise.all([store.getState().send({ content: 'a', attachments: [], replaces: null }), store.getState().send({ content: 'b', attachments: [], replaces: null })]);
    expect(both).toEqual([null, null]);
    expect(engine.inputsOf('chat.send')).toHaveLength(1);
    expect(store.getState()).toMatchObject({ sending: false, problem: { code: 'chat.busy' } });
    store.getState().dismiss();
    expect(store.getState().problem).toBeNull();
  });

  it('older ones are read a page at a time, and until a sought one is here', async () => {
    const all = Array.from({ length: 250 }, (_, i) => makeUser(`u${i}`, i === 0 ? null : `u${i - 1}`, `text ${i}`));
    engine.answer('chat.page', ({ before, limit }: { before: number | null; limit: number }) => {
      const end = before ?? all.length;
      const from = Math.max(0, end - limit);
      return makePage('c', all.slice(from, end), { from, total: all.length });
    });
    store.getState().open('c');
    await engine.settle();
    expect(valueOf(store.getState().thread)).toMatchObject({ from: 150, total: 250 });
    await store.getState().older();
    expect(valueOf(store.getState().thread)?.from).toBe(50);
    expect(await store.getState().reach('u3')).toBe(true);
    expect(valueOf(store.getState().thread)?.messages.map((m) => m.id)).toEqual(all.map((m) => m.id));
    engine.answer('chat.update', new ProblemError(makeProblem('chat.not_found', { what: 'The message nowhere' })));
    expect(await store.getState().reach('nowhere')).toBe(false);
    expect(store.getState().problem?.code).toBe('chat.not_found');
  });

  it('one that is sought in another branch brings that branch, once', async () => {
    const branches = { old: [makeUser('u1', null, 'Hi'), makeAnswer('a1', 'u1', 'kestrel'), makeUser('u2', 'a1', 'more'), makeAnswer('a2', 'u2', 'end')], shown: [makeUser('u1', null, 'Hi'), makeAnswer('a9', 'u1', 'otter')] };
    let head: keyof typeof branches = 'shown';
    engine.answer('chat.page', () => makePage('c', branches[head]));
    engine.answer('chat.update', ({ headId }: { headId: string }) => {
      head = headId === 'a1' ? 'old' : 'shown';
      return makeConversation('c', { headId });
    });
    store.getState().open('c');
    await engine.settle();
    expect(await store.getState().reach('a1')).toBe(true);
    expect(engine.inputsOf('chat.update')).toEqual([{ id: 'c', headId: 'a1' }]);
    expect(valueOf(store.getState().thread)?.messages.map((m) => m.id)).toEqual(['u1', 'a1', 'u2', 'a2']);
    // Who then walks back to the other branch is left there.
    await store.getState().showBranch('a9');
    expect(await store.getState().reach('a1')).toBe(true);
    expect(valueOf(store.getState().thread)?.messages.map((m) => m.id)).toEqual(['u1', 'a9']);
  });

  it('a long one is fetched whole when it is asked for', async () => {
    const cut = makeUser('u1', null, 'abc', { cut: { characters: 6, thinkingCharacters: 0 } });
    engine.answer('chat.page', ({ limit }: { limit: number }) => makePage('c', [limit === 1 ? makeUser('u1', null, 'abcdef') : cut]));
    store.getState().open('c');
    await engine.settle();
    expect((await store.getState().whole('u1'))?.content).toBe('abcdef');
    expect(engine.inputsOf('chat.page').at(-1)).toEqual({ id: 'c', before: 1, limit: 1 });
    expect(valueOf(store.getState().thread)?.messages[0]?.content).toBe('abcdef');
  });
});

describe('conversations', () => {
  it('are listed, renamed, binned and restored', async () => {
    store.getState().wake();
    engine.conversations.send([makeConversation('a'), makeConversation('b')]);
    await engine.settle();
    expect(valueOf(store.getState().conversations)).toHaveLength(2);
    engine.answer('chat.update', makeConversation('a', { title: 'Better' }));
    await store.getState().rename('a', '  Better ');
    await store.getState().rename('a', '   ');
    expect(engine.inputsOf('chat.update')).toEqual([{ id: 'a', title: 'Better' }]);
    engine.answer('chat.remove', { ok: true });
    await store.getState().bin(makeConversation('a'));
    expect(valueOf(store.getState().conversations)?.map((c) => c.id)).toEqual(['b']);
    expect(store.getState().binned?.id).toBe('a');
    engine.answer('chat.restore', makeConversation('a'));
    expect(await store.getState().restore()).toBe('a');
    expect(store.getState().binned).toBeNull();
  });

  it('the newest search counts, whatever order the answers come in', async () => {
    const waiting: ((hits: unknown) => void)[] = [];
    engine.answer('chat.search', () => new Promise((resolve) => waiting.push(resolve)));
    void store.getState().search('old');
    void store.getState().search('new');
    await engine.settle();
    waiting[1]?.([{ title: 'new' }]);
    waiting[0]?.([{ title: 'old' }]);
    await engine.settle();
    expect(store.getState().hits).toMatchObject({ text: 'new', found: { value: [{ title: 'new' }] } });
    await store.getState().search(' ');
    expect(store.getState().hits).toBeNull();
  });

  it('settings of the open one change at once, and are the draft of the next', async () => {
    await openWriting();
    engine.answer('chat.update', ({ answerer: next }: { answerer: unknown }) => makeConversation('c', { answerer: next as ReturnType<typeof answerer.parse> }));
    const changing = store.getState().change({ answerer: answerer.parse({ model: 'm2' }) });
    expect(settingsOf(store.getState()).answerer.model).toBe('m2');
    await changing;
    store.getState().open(null);
    expect(settingsOf(store.getState()).answerer.model).toBe('m2');
  });
});

it('loaded models: the newest state on the beat, speeds as they come', async () => {
  const loaded = createLoadedStore({ client: engine.client, source, clock: engine.clock });
  for (const v of [10, 20, null, 30]) {
    engine.loaded.send([makeLoaded({ tokensPerSecondNow: v })]);
    await engine.settle();
  }
  await engine.settle();
  expect(valueOf(loaded.getState().loaded)?.[0]?.tokensPerSecondNow).toBe(30);
  expect(loaded.speeds('l1')).toEqual([10, 20, 30]);
  engine.loaded.send([]);
  await engine.settle();
  expect(loaded.speeds('l1')).toEqual([]);
  engine.answer('inference.load', new ProblemError(makeProblem('load.failed', { name: 'x', detail: 'y', remedy: 'z' })));
  expect(await loaded.getState().load({ model: 'x' })).toBeNull();
  expect(loaded.getState().problem?.code).toBe('load.failed');
  expect(findLoaded([makeLoaded({ id: 'old', lastUsedAtMs: 1 }), makeLoaded({ id: 'new', lastUsedAtMs: 2 }), makeLoaded({ id: 'other', modelId: 'm2', lastUsedAtMs: 3 })], 'm1')?.id).toBe('new');
});

it('a comparison is watched while it runs, and read whole when it is over', async () => {
  const wish = { title: null, prompts: ['p'], systemPrompt: '', contenders: [answerer.parse({})], repeats: 1, order: 'turns' as const, blind: false };
  const running: Comparison = { id: 'x', title: 't', createdAtMs: 0, jobId: 'j', state: 'running', wish, names: ['A'], answers: [], rows: [], sentence: '0 of 1', partAt: [], votes: [], problem: null };
  const comparisons = createComparisonsStore({ client: engine.client, source, frame: engine.askFrame });
  engine.answer('comparisons.start', running);
  engine.answer('comparisons.list', [running]);
  expect(await comparisons.getState().start({ prompts: ['p'], contenders: [] })).toBe('x');
  await engine.settle();
  engine.comparison.send({ t: 'whole', comparison: running });
  engine.comparison.send({ t: 'change', answers: [], rest: { sentence: 'half' } });
  await engine.settle();
  engine.frame();
  expect(valueOf(comparisons.getState().open)?.sentence).toBe('half');
  await comparisons.getState().cancel();
  expect(engine.inputsOf('jobs.cancel')).toEqual([{ id: 'j' }]);
  engine.answer('comparisons.get', { ...running, state: 'done', sentence: 'whole' });
  engine.comparison.send({ t: 'change', answers: [], rest: { state: 'done', sentence: 'cut' } });
  await engine.settle();
  engine.frame();
  expect(valueOf(comparisons.getState().open)?.sentence).toBe('whole');
  engine.answer('comparisons.vote', { ...running, state: 'done', votes: [{ prompt: 0, contender: null }] });
  await comparisons.getState().vote(0, null);
  expect(valueOf(comparisons.getState().open)?.votes).toHaveLength(1);
  comparisons.getState().show(null);
});
