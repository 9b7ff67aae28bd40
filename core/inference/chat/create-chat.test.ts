import { describe, expect, it, onTestFinished } from 'vitest';
import type { ChatEvent } from '../../../contract/chat.ts';
import { chatEvent, conversation as conversationSchema, conversationHit, conversationPage } from '../../../contract/chat.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import { makeTestFolder } from '../../testing/test-folder.ts';
import type { ChatOptions } from './create-chat.ts';
import { ask, databaseIn, endEvent, figures, followUntil, openChat, readyModel, scriptedModel, seedMessages, textEvent, textsOf, until, type OpenChat } from './fixtures/chat-fixtures.ts';

function open(answer: ChatOptions['answer'], path: string | null = databaseIn(makeTestFolder('chat')), more: Partial<ChatOptions> = {}): OpenChat {
  const opened = openChat(path, answer, more);
  onTestFinished(() => opened.close());
  return opened;
}
const codeOf = (promise: Promise<unknown>): Promise<string | undefined> => promise.then(() => 'fine', (error: unknown) => problemOf(error)?.code);
const say = { parentId: null, attachments: [] };

describe('a conversation', () => {
  it('is stored as it comes, with all that belongs to an answer', async () => {
    const path = databaseIn(makeTestFolder('chat'));
    const first = open(readyModel('Hello ', 'there.'), path);
    const made = await first.chat.create({ systemPrompt: 'Be short.', answerer: { provider: null, model: 'm', settings: { contextTokens: 512 }, sampling: { seed: 3 }, maxTokens: null, jsonSchema: null, grammar: null } });
    expect(made).toMatchObject({ title: 'New conversation', titleIsOurs: true, messages: 0, headId: null, answerer: { settings: { contextTokens: 512 }, sampling: { seed: 3 } } });
    const { messageId, answerId } = await ask(first.chat, made.id, 'How are you?', { attachments: [{ name: 'a.txt', text: 'text of a' }] });
    await first.close();

    const { chat } = open(readyModel('x'), path);
    const page = conversationPage.parse(await chat.page(made.id, null, 100));
    expect(page).toMatchObject({ total: 2, from: 0, branches: {}, conversation: { title: 'How are you?', titleIsOurs: true, messages: 2, headId: answerId, writingId: null, systemPrompt: 'Be short.' } });
    // What was not given is not filled in: a profile of the model decides it.
    expect((await chat.page(made.id, null, 1)).conversation.answerer).toEqual(made.answerer);
    expect(page.messages).toMatchObject([
      { id: messageId, parentId: null, role: 'user', content: 'How are you?', attachments: [{ name: 'a.txt', characters: 9 }], answer: null },
      { id: answerId, parentId: messageId, role: 'assistant', content: 'Hello there.', answer: { state: 'done', modelName: 'ready', reason: 'stop', figures, problem: null } },
    ]);
  });

  it('gives the model the branch with files, without what was thought', async () => {
    const model = scriptedModel();
    const { chat } = open(model.options);
    const { id } = await chat.create({ systemPrompt: 'Be short.' });
    await chat.send({ conversationId: id, ...say, content: 'one', attachments: [{ name: 'f.txt', text: 'inside' }] });
    await until('the model is asked', () => model.requests.length === 1);
    model.say(textEvent('hm', 'thinking'), textEvent('two'), endEvent());
    await until('it ends', () => chat.activeCount() === 0);
    await chat.send({ conversationId: id, ...say, content: 'three' });
    await until('the model is asked', () => model.requests.length === 2);
    model.say(endEvent());
    expect((await chat.page(id, null, 10)).messages[1]).toMatchObject({ content: 'two', thinking: 'hm', thinkingTokens: 1 });
    expect(model.requests[1]?.turns?.map((t) => `${t.role}: ${t.content}`)).toEqual(['system: Be short.', 'user: File "f.txt":\n```\ninside\n```\n\none', 'assistant: two', 'user: three']);
    expect(model.requests[1]).toMatchObject({ maxTokens: 64, timeLimitSeconds: 300, prompt: null });
  });

  it('is a tree: edit, regenerate, look at another branch', async () => {
    const { chat } = open(readyModel('answer'));
    const { id } = await chat.create({});
    const first = await ask(chat, id, 'a');
    const second = await ask(chat, id, 'b');
    // Another answer beside the second one.
    const { answerId: other } = await chat.regenerate(id, second.answerId);
    await until('it ends', () => chat.activeCount() === 0);
    let page = await chat.page(id, null, 100);
    expect(textsOf(page)).toEqual(['a', 'answer', 'b', 'answer']);
    expect(page.messages.at(-1)?.id).toBe(other);
    expect(page.branches).toEqual({ [other]: [second.answerId, other] });
    // The second question edited: it follows the first answer.
    const edited = await ask(chat, id, 'b2', { parentId: first.answerId });
    page = await chat.page(id, null, 100);
    expect(textsOf(page)).toEqual(['a', 'answer', 'b2', 'answer']);
    expect(page.branches).toEqual({ [edited.messageId]: [second.messageId, edited.messageId] });
    // The first question edited: it follows nothing.
    const begun = await ask(chat, id, 'a2', { parentId: '' });
    page = await chat.page(id, null, 100);
    expect(textsOf(page)).toEqual(['a2', 'answer']);
    expect(page.branches).toEqual({ [begun.messageId]: [first.messageId, begun.messageId] });
    // Back, by any message of the branch: down to its newest end.
    expect(await chat.update(id, { headId: first.messageId })).toMatchObject({ headId: edited.answerId });
    expect(textsOf(await chat.page(id, null, 100))).toEqual(['a', 'answer', 'b2', 'answer']);
    await chat.update(id, { headId: second.messageId });
    expect((await chat.page(id, null, 100)).messages.map((m) => m.id)).toEqual([first.messageId, first.answerId, second.messageId, other]);
    expect((await chat.list())[0]).toMatchObject({ messages: 9, title: 'a' });
    // A question without an answer is answered.
    const { answerId: third } = await chat.regenerate(id, second.messageId);
    await until('it ends', () => chat.activeCount() === 0);
    expect((await chat.page(id, null, 1)).messages[0]).toMatchObject({ id: third, parentId: second.messageId });
  });

  it('what is not there: chat.not_found', async () => {
    const { chat } = open(readyModel('x'));
    const { id } = await chat.create({});
    const other = await ask(chat, (await chat.create({})).id, 'elsewhere');
    expect(await codeOf(chat.page('no', null, 1))).toBe('chat.not_found');
    expect(await codeOf(chat.send({ conversationId: 'no', ...say, content: 'x' }))).toBe('chat.not_found');
    expect(await codeOf(chat.send({ conversationId: id, ...say, content: 'x', parentId: other.messageId }))).toBe('chat.not_found');
    expect(await codeOf(chat.regenerate(id, other.answerId))).toBe('chat.not_found');
    expect(await codeOf(chat.update(id, { headId: other.answerId }))).toBe('chat.not_found');
    expect(await codeOf(chat.restore(id))).toBe('chat.not_found');
    expect(await codeOf(chat.remove("' OR 1=1 --"))).toBe('chat.not_found');
    expect(await codeOf(chat.export('no', 'json'))).toBe('chat.not_found');
    expect(await codeOf(followUntil(chat, 'no', () => true))).toBe('chat.not_found');
    await chat.stop('no');
    // A refused message leaves nothing behind, and does not keep the conversation busy.
    expect((await chat.page(id, null, 10)).total).toBe(0);
    await ask(chat, id, 'fine');
  });

  it('has one answer at a time: chat.busy', async () => {
    const model = scriptedModel();
    const { chat } = open(model.options);
    const { id } = await chat.create({ title: 'Mine' });
    const both = await Promise.allSettled([chat.send({ conversationId: id, ...say, content: 'a' }), chat.send({ conversationId: id, ...say, content: 'b' })]);
    expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await codeOf(chat.send({ conversationId: id, ...say, content: 'c' }))).toBe('chat.busy');
    await chat.send({ conversationId: (await chat.create({})).id, ...say, content: 'elsewhere is fine' });
    await chat.stop(id);
    expect((await chat.page(id, null, 10)).messages).toHaveLength(2);
  });

  it('files that are no texts: chat.attachment', async () => {
    const { chat } = open(readyModel('x'));
    const { id } = await chat.create({});
    expect(await codeOf(chat.send({ conversationId: id, parentId: null, content: 'x', attachments: [{ name: 'a.bin', text: 'PK\0\0' }] }))).toBe('chat.attachment');
  });

  it('goes to the bin, and comes back; after 30 days it is gone, also when the clock jumps back', async () => {
    const clock = { ms: 1_790_000_000_000 };
    const { chat } = open(readyModel('word'), undefined, { now: () => clock.ms });
    const { id } = await chat.create({});
    await ask(chat, id, 'binnable');
    await chat.remove(id);
    expect(await chat.list()).toEqual([]);
    expect(await chat.search('binnable', 10)).toEqual([]);
    expect(await codeOf(chat.page(id, null, 1))).toBe('chat.not_found');
    clock.ms -= 3_600_000;
    expect(await chat.restore(id)).toMatchObject({ id, messages: 2 });
    expect(await chat.search('binnable', 10)).toHaveLength(2);
    await chat.remove(id);
    clock.ms += 29 * 86_400_000;
    await chat.list();
    await chat.restore(id);
    await chat.remove(id);
    clock.ms += 31 * 86_400_000;
    await chat.list();
    expect(await codeOf(chat.restore(id))).toBe('chat.not_found');
  });

  it('reads forwards and stays first in the list when the clock goes back', async () => {
    const clock = { ms: 1_790_000_000_000 };
    const { chat } = open(readyModel('x'), undefined, { now: () => clock.ms });
    const old = await chat.create({ title: 'old' });
    await ask(chat, old.id, 'a');
    clock.ms -= 86_400_000;
    const fresh = await chat.create({ title: 'new' });
    expect((await chat.list()).map((c) => c.title)).toEqual(['new', 'old']);
    await ask(chat, old.id, 'b');
    const times = (await chat.page(old.id, null, 10)).messages.map((m) => m.atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect((await chat.list()).map((c) => c.id)).toEqual([old.id, fresh.id]);
  });

  it('an engine that keeps nothing keeps it in memory', async () => {
    const { chat } = open(readyModel('x'), null);
    const { id } = await chat.create({});
    await ask(chat, id, 'hello');
    expect(textsOf(await chat.page(id, null, 10))).toEqual(['hello', 'x']);
    expect(await chat.search('hello', 10)).toHaveLength(2);
  });
});

describe('an answer that is written', () => {
  it('is followed in the middle by many: so far, then each piece once and in order', async () => {
    const model = scriptedModel();
    const { chat } = open(model.options);
    const { id } = await chat.create({});
    const { answerId } = await chat.send({ conversationId: id, ...say, content: 'go' });
    await until('the model is asked', () => model.requests.length === 1);
    const pieces = Array.from({ length: 200 }, (_, i) => `${i} `);
    const readers: Promise<ChatEvent[]>[] = [];
    for (const [i, piece] of pieces.entries()) {
      model.say(textEvent(piece, i % 50 < 5 ? 'thinking' : 'answer'));
      if (i % 20 === 0) readers.push(followUntil(chat, id, (event) => event.t === 'end'));
      if (i % 7 === 0) await new Promise((resolve) => { setImmediate(resolve); });
    }
    model.say(endEvent());
    const wanted = (channel: string): string => pieces.filter((_, i) => (i % 50 < 5 ? 'thinking' : 'answer') === channel).join('');
    for (const events of await Promise.all(readers)) {
      events.forEach((event) => chatEvent.parse(event));
      expect(events[0]).toMatchObject({ t: 'changed', conversation: { id } });
      const read = { answer: '', thinking: '' };
      for (const event of events) {
        if (event.t === 'so_far') Object.assign(read, { answer: event.content, thinking: event.thinking });
        else if (event.t === 'text') read[event.channel] += event.text;
      }
      expect(read).toEqual({ answer: wanted('answer'), thinking: wanted('thinking') });
      expect(events.at(-1)).toMatchObject({ t: 'end', message: { id: answerId, content: wanted('answer'), thinking: wanted('thinking'), answer: { reason: 'stop' } } });
    }
    expect(readers).toHaveLength(10);
  });

  it('shows on the page as it is, and in the list that it is written', async () => {
    const model = scriptedModel();
    const { chat } = open(model.options, undefined, { flushMs: 3_600_000 });
    const { id } = await chat.create({});
    const { answerId } = await chat.send({ conversationId: id, ...say, content: 'go' });
    await until('the model is asked', () => model.requests.length === 1);
    model.say({ t: 'queued', ahead: 1 });
    await until('it is queued', async () => (await chat.page(id, null, 9)).messages.at(-1)?.answer?.state === 'queued');
    model.say({ t: 'prompt', done: 1, total: 2 }, textEvent('half'));
    await until('a half is there', async () => (await chat.page(id, null, 9)).messages.at(-1)?.content === 'half');
    expect((await chat.page(id, null, 9)).messages.at(-1)?.answer).toMatchObject({ state: 'writing', modelName: 'scripted' });
    expect((await chat.list())[0]).toMatchObject({ writingId: answerId });
    const { text } = await chat.export(id, 'markdown');
    expect(text).toContain('half');
    await chat.stop(id);
    expect((await chat.list())[0]).toMatchObject({ writingId: null });
  });

  it('goes on when its followers leave; one that reads nothing does not hold it up', async () => {
    const model = scriptedModel();
    const { chat } = open(model.options);
    const { id } = await chat.create({});
    await chat.send({ conversationId: id, ...say, content: 'go' });
    await until('the model is asked', () => model.requests.length === 1);
    const lazy = chat.follow(id, undefined)[Symbol.asyncIterator]();
    await lazy.next();
    await lazy.next();
    await lazy.next();
    // Far more than may wait for one reader.
    for (let i = 0; i < 40; i++) model.say(textEvent('x'.repeat(20_000)));
    await followUntil(chat, id, (event) => event.t === 'so_far');
    await until('it is written', async () => (await chat.page(id, null, 1)).messages[0]?.content.length === 800_000);
    expect((await lazy.next()).value).toMatchObject({ t: 'so_far', content: 'x'.repeat(800_000) });
    model.say(endEvent());
    await until('it ends', () => chat.activeCount() === 0);
    const rest: (string | undefined)[] = [];
    while (rest.at(-1) !== 'end') rest.push(((await lazy.next()).value as ChatEvent | undefined)?.t);
    expect(rest).not.toContain('text');
    await lazy.return?.();
    expect((await chat.page(id, null, 1)).messages[0]).toMatchObject({ answer: { state: 'done', reason: 'stop' } });
  });

  it('stops at once though the model does not hear it, and keeps what is there', async () => {
    const model = scriptedModel();
    const { chat } = open(model.options);
    const { id } = await chat.create({});
    await chat.send({ conversationId: id, ...say, content: 'go' });
    await until('the model is asked', () => model.requests.length === 1);
    model.say(textEvent('beginning'));
    await until('it has begun', async () => (await chat.page(id, null, 1)).messages[0]?.content === 'beginning');
    await chat.stop(id);
    expect(model.signals[0]?.aborted).toBe(true);
    expect((await chat.page(id, null, 1)).messages[0]).toMatchObject({ content: 'beginning', answer: { state: 'done', reason: 'cancelled', problem: null } });
    // What the model says after that is nobody's.
    model.say(textEvent('late'), endEvent());
    await chat.list();
    expect((await chat.page(id, null, 1)).messages[0]?.content).toBe('beginning');
  });

  it.each<[string, ChatOptions['answer'], string]>([
    ['no model', () => Promise.reject(problemError('model.none')), 'model.none'],
    ['no end', () => Promise.resolve({ modelName: 'm', provider: null, truth: () => null, async *answer() { yield textEvent('a'); } }), 'generate.interrupted'],
    ['a fault', () => Promise.resolve({ modelName: 'm', provider: null, truth: () => null, async *answer() { yield textEvent('a'); throw new RangeError('oops'); } }), 'generate.interrupted'],
    ['its process died', () => Promise.resolve({ modelName: 'm', provider: null, truth: () => null, async *answer() { yield textEvent('a'); throw problemError('load.died', { name: 'm', detail: 'SIGKILL' }); } }), 'generate.interrupted'],
  ])('%s: the Problem stands at the message, and it can be asked again', async (_, answer, code) => {
    let good = false;
    const { chat } = open((who) => (good ? readyModel('fine')(who) : answer(who)));
    const { id } = await chat.create({});
    const { answerId } = await ask(chat, id, 'go');
    expect((await chat.page(id, null, 1)).messages[0]).toMatchObject({ content: code === 'model.none' ? '' : 'a', answer: { state: 'done', reason: 'interrupted', problem: { code } } });
    good = true;
    await chat.regenerate(id, answerId);
    await until('it ends', () => chat.activeCount() === 0);
    expect((await chat.page(id, null, 1)).messages[0]).toMatchObject({ content: 'fine', answer: { reason: 'stop' } });
  });

  it('a schema that is none: generate.schema at the message', async () => {
    const { chat } = open(readyModel('x'));
    const { id, answerer } = await chat.create({});
    await chat.update(id, { answerer: { ...answerer, jsonSchema: '{' } });
    await ask(chat, id, 'go');
    expect((await chat.page(id, null, 1)).messages[0]?.answer?.problem?.code).toBe('generate.schema');
  });

  it('is ended with the engine, and says so', async () => {
    const path = databaseIn(makeTestFolder('chat'));
    const model = scriptedModel();
    const first = openChat(path, model.options, { flushMs: 3_600_000 });
    const { id } = await first.chat.create({});
    await first.chat.send({ conversationId: id, ...say, content: 'go' });
    await until('the model is asked', () => model.requests.length === 1);
    model.say(textEvent('half'));
    await until('a half is there', async () => (await first.chat.page(id, null, 1)).messages[0]?.content === 'half');
    await first.close();
    const { chat } = open(readyModel('x'), path);
    expect((await chat.page(id, null, 1)).messages[0]).toMatchObject({ content: 'half', answer: { state: 'done', reason: 'interrupted', problem: { code: 'generate.interrupted' } } });
  });

  it('conversation removed while it is written: it stops, and who follows is let go', async () => {
    const model = scriptedModel();
    const { chat } = open(model.options);
    const { id } = await chat.create({});
    await chat.send({ conversationId: id, ...say, content: 'go' });
    await until('the model is asked', () => model.requests.length === 1);
    const following = followUntil(chat, id, () => false);
    await chat.remove(id);
    await following;
    expect(chat.activeCount()).toBe(0);
  });
});

describe('long and many', () => {
  it('pages of 10,000 messages and one of 20 MB', async () => {
    const path = databaseIn(makeTestFolder('chat'));
    const { chat } = open(readyModel('short'), path);
    const { id } = await chat.create({});
    seedMessages(path, id, 10_000, (i) => `message ${i}`);
    const huge = '0123456789'.repeat(2_000_000);
    const { messageId } = await ask(chat, id, huge);
    const newest = conversationPage.parse(await chat.page(id, null, 100));
    expect(newest).toMatchObject({ from: 9902, total: 10_002 });
    expect(newest.messages[0]?.content).toBe('message 9902');
    const cut = newest.messages.find((m) => m.id === messageId);
    expect(cut?.cut).toEqual({ characters: 20_000_000, thinkingCharacters: 0 });
    expect(cut?.content).toBe(huge.slice(0, 65_536));
    // Whole, by a page of one.
    const whole = (await chat.page(id, 10_001, 1)).messages[0];
    expect(whole?.content === huge).toBe(true);
    expect(whole?.cut).toBeUndefined();
    // From the newest to the oldest, without a gap.
    let before: number | null = null;
    let seen = 0;
    do {
      const page: Awaited<ReturnType<typeof chat.page>> = await chat.page(id, before, 500);
      seen += page.messages.length;
      before = page.from;
    } while (before > 0);
    expect(seen).toBe(10_002);
    expect(await chat.page(id, 0, 10)).toMatchObject({ messages: [], from: 0, total: 10_002 });
    expect((await chat.export(id, 'json')).text.length).toBeGreaterThan(20_000_000);
  }, 60_000);

  it('a page stays small however long its messages are', async () => {
    const path = databaseIn(makeTestFolder('chat'));
    const { chat } = open(readyModel('short'), path);
    const { id } = await chat.create({});
    seedMessages(path, id, 300, () => 'y'.repeat(60_000));
    const page = await chat.page(id, null, 300);
    expect(page.messages.at(-1)?.content).toHaveLength(60_000);
    expect(page.messages[0]).toMatchObject({ cut: { characters: 60_000 } });
    expect(JSON.stringify(page).length).toBeLessThan(6_000_000);
  });

  it('a long answer is stored whole, in head and rest', async () => {
    const path = databaseIn(makeTestFolder('chat'));
    const words = Array.from({ length: 100_000 }, (_, i) => `word${i} `);
    const first = open(readyModel(...words), path);
    const { id } = await first.chat.create({});
    await ask(first.chat, id, 'go');
    await first.close();
    const { chat } = open(readyModel('x'), path);
    expect((await chat.page(id, null, 1)).messages[0]?.content === words.join('')).toBe(true);
    expect(await chat.search('word99999', 10)).toMatchObject([{ hit: 'word99999' }]);
  });

  it('the list is told when it changes, with short system prompts', async () => {
    const { chat } = open(readyModel('x'));
    await chat.list();
    const stop = new AbortController();
    const stream = chat.gauge.stream(stop.signal)[Symbol.asyncIterator]();
    expect((await stream.next()).value).toEqual([]);
    const { id } = await chat.create({ title: 't', systemPrompt: 's'.repeat(500_000) });
    const told = (await stream.next()).value ?? [];
    told.forEach((one) => conversationSchema.parse(one));
    expect(told[0]?.systemPrompt).toHaveLength(2000);
    expect((await chat.page(id, null, 1)).conversation.systemPrompt).toHaveLength(500_000);
    stop.abort();
  });
});

describe('search', () => {
  it('finds words as people write them, and takes nothing in a query for an order', async () => {
    const { chat } = open(readyModel('no'));
    const { id } = await chat.create({ title: 'Cold' });
    await ask(chat, id, 'Grüße vom winter im Café, 今天天气很好, 안녕하세요, warm-up %_\\ done');
    const cases: [string, string, string | null][] = [
      ['a word', 'grüße', 'Grüße'],
      ['without its marks', 'grusse GRÜßE', null],
      ['a beginning', 'wint', 'wint'],
      ['marks left out', 'cafe', 'Café'],
      ['Chinese, in the middle', '天气', '天气'],
      ['Korean', '안녕', '안녕'],
      ['all words must be there', 'winter summer', null],
      ['two of them', 'winter cafe', 'winter'],
      ['operators are words', 'winter OR', null],
      ['quotes', '"winter"', 'winter'],
      ['a hyphen', 'warm-up', 'warm-up'],
      ['nothing but signs', '%_\\', '%_\\'],
      ['SQL', "'; DROP TABLE chat_messages; --", null],
      ['NUL and half a character', 'win\0 \uD800', 'win'],
      ['FTS5 columns and brackets', 'text:{a b} ^c NEAR(d, 5)', null],
    ];
    for (const [what, query, hit] of cases) {
      const hits = (await chat.search(query, 10)).map((one) => conversationHit.parse(one));
      expect(hits.map((one) => one.hit), what).toEqual(hit === null ? [] : [hit]);
      expect(hits.every((one) => one.title === 'Cold' && one.conversationId === id)).toBe(true);
    }
  });

  it('titles first, then messages, newest first; a new title replaces the old one', async () => {
    const { chat } = open(readyModel('about ships'));
    const a = await chat.create({ title: 'On ships' });
    await ask(chat, a.id, 'first');
    await ask(chat, a.id, 'ships again');
    const hits = await chat.search('ships', 10);
    expect(hits.map((hit) => [hit.messageId === null, hit.before, hit.hit])).toEqual([[true, 'On ', 'ships'], [false, 'about ', 'ships'], [false, '', 'ships'], [false, 'about ', 'ships']]);
    expect(await chat.search('ships', 2)).toHaveLength(2);
    await chat.update(a.id, { title: 'On boats' });
    expect((await chat.search('ships', 10)).some((hit) => hit.messageId === null)).toBe(false);
    expect((await chat.search('boats', 10))[0]).toMatchObject({ title: 'On boats', messageId: null });
  });
});

describe('export', () => {
  it('Markdown of the shown branch, JSON of everything', async () => {
    const clock = { ms: Date.UTC(2026, 10, 21, 12) };
    const { chat } = open(readyModel('An **answer**.'), undefined, { now: () => clock.ms });
    const { id } = await chat.create({ title: 'Title *with* signs', systemPrompt: 'Be short.' });
    const { answerId } = await ask(chat, id, 'A question', { attachments: [{ name: 'notes.txt', text: 'secret text' }] });
    await chat.regenerate(id, answerId);
    await until('it ends', () => chat.activeCount() === 0);
    const markdown = await chat.export(id, 'markdown');
    expect(markdown.fileName).toBe('chat-title-with-signs.md');
    expect(markdown.text).toBe(`# Title \\*with\\* signs

- Begun: 2026-11-21 12:00:00 UTC
- Last changed: 2026-11-21 12:00:00 UTC
- Exported: 2026-11-21 12:00:00 UTC
- Model: the default one

## System prompt

Be short.

## User, 2026-11-21 12:00:00 UTC

- Attached: \`notes.txt\`, 11 characters

A question

## Assistant (ready), 2026-11-21 12:00:00 UTC

An **answer**.

*first token after 42 ms · 12 prompt tokens · prompt 800.0 tokens/s · 3 tokens · 92.4 tokens/s · seed 7*
`);
    const json = JSON.parse((await chat.export(id, 'json')).text) as { schemaVersion: number; messages: { role: string; attachments: { text: string }[] }[] };
    expect(json).toMatchObject({ schemaVersion: 1, kind: 'warpdeck-conversation', conversation: { id }, messages: [{ role: 'user', attachments: [{ name: 'notes.txt', text: 'secret text' }] }, { role: 'assistant' }, { role: 'assistant' }] });
    const empty = await chat.create({});
    expect(JSON.parse((await chat.export(empty.id, 'json')).text)).toMatchObject({ messages: [] });
    expect((await chat.export(empty.id, 'markdown')).text).toContain('# New conversation');
  });
});
