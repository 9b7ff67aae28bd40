import { describe, expect, it, test } from 'vitest';
import { answerer, type Conversation, type ConversationPage, type Message } from '../../contract/chat.ts';
import { branchOf, mergeNewest, mergeOlder, replaceMessage, type Thread } from './chat-thread.ts';

const conversation: Conversation = { id: 'c', title: 't', titleIsOurs: true, createdAtMs: 0, changedAtMs: 0, messages: 0, systemPrompt: '', answerer: answerer.parse({}), headId: null, writingId: null };
const message = (n: number, content = `text ${n}`): Message => ({ id: `m${n}`, parentId: n === 0 ? null : `m${n - 1}`, role: n % 2 === 0 ? 'user' : 'assistant', content, thinking: '', attachments: [], atMs: n, answer: null });
const range = (from: number, to: number): Message[] => Array.from({ length: to - from }, (_, i) => message(from + i));
const page = (from: number, to: number, total = to): ConversationPage => ({ conversation, messages: range(from, to), from, total, branches: {} });
const ids = (t: Thread): string => t.messages.map((m) => m.id).join(' ');
const none = new Map<string, Message>();

describe('the newest page over what was here', () => {
  it('keeps what was loaded before it, and its identity', () => {
    const before = mergeOlder(mergeNewest(null, page(4, 8), none), page(0, 4));
    expect(before).toMatchObject({ from: 0, total: 8 });
    const after = mergeNewest(before, { ...page(6, 10), messages: range(6, 10) }, none);
    expect(ids(after)).toBe(range(0, 10).map((m) => m.id).join(' '));
    expect(after.from).toBe(0);
    expect(after.messages.slice(0, 8)).toEqual(before.messages);
    for (let i = 0; i < 8; i++) expect(after.messages[i]).toBe(before.messages[i]);
  });
  it('another branch replaces what followed another message', () => {
    const before = mergeOlder(mergeNewest(null, page(4, 8), none), page(0, 4));
    const other = range(4, 8).map((m) => ({ ...m, id: `x${m.id}`, parentId: `x${m.parentId ?? ''}` }));
    expect(mergeNewest(before, { ...page(4, 8), messages: other }, none)).toMatchObject({ from: 4, messages: other });
  });
  it('another conversation keeps nothing', () => {
    const before = mergeNewest(null, page(0, 4), none);
    expect(mergeNewest(before, { ...page(2, 4), conversation: { ...conversation, id: 'd' } }, none).messages).toHaveLength(2);
  });
  it('knows answers that ended while the page was on its way', () => {
    const writing: Message = { ...message(1, 'half'), answer: { state: 'writing', modelName: 'x', provider: null, reason: null, figures: null, truth: null, problem: null } };
    const done: Message = { ...writing, content: 'whole', answer: { state: 'done', modelName: 'x', provider: null, reason: 'stop', figures: null, truth: null, problem: null } };
    expect(mergeNewest(null, { ...page(0, 2), messages: [message(0), writing] }, new Map([[done.id, done]])).messages[1]).toBe(done);
  });
  it('a whole message is not cut again', () => {
    const whole = message(0, 'a'.repeat(1000));
    const before = { ...mergeNewest(null, page(0, 1), none), messages: [whole] };
    const cut = { ...whole, content: 'aaa', cut: { characters: 1000, thinkingCharacters: 0 } };
    expect(mergeNewest(before, { ...page(0, 1), messages: [cut] }, none).messages[0]).toBe(whole);
  });
});

test.each<[string, ConversationPage, number]>([
  ['fits', page(0, 4), 8],
  ['leaves a gap', page(0, 3), 4],
  ['of another conversation', { ...page(0, 4), conversation: { ...conversation, id: 'd' } }, 4],
  ['of another branch', { ...page(0, 4), messages: range(0, 4).map((m) => ({ ...m, id: `x${m.id}` })) }, 4],
])('an older page that %s', (_, older, count) => {
  expect(mergeOlder(mergeNewest(null, page(4, 8), none), older).messages).toHaveLength(count);
});

it('a message that ended takes its place; an unknown one none', () => {
  const thread = mergeNewest(null, page(0, 3), none);
  expect(replaceMessage(thread, message(1, 'new')).messages.map((m) => m.content)).toEqual(['text 0', 'new', 'text 2']);
  expect(replaceMessage(thread, message(9))).toBe(thread);
});

test.each<[string, readonly string[] | undefined, ReturnType<typeof branchOf>]>([
  ['b', ['a', 'b', 'c'], { at: 2, of: 3, before: 'a', after: 'c' }],
  ['a', ['a', 'b'], { at: 1, of: 2, before: null, after: 'b' }],
  ['a', ['a'], null],
  ['a', undefined, null],
  ['x', ['a', 'b'], null],
])('the branch of %s among %j', (id, siblings, branch) => {
  expect(branchOf({ branches: siblings === undefined ? {} : { [id]: siblings } }, id)).toEqual(branch);
});
