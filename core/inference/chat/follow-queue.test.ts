import { describe, expect, it } from 'vitest';
import type { Message } from '../../../contract/chat.ts';
import { createFollowQueue, type FollowQueue } from './follow-queue.ts';

const message = (id: string): Message => ({ id, parentId: null, role: 'assistant', content: '', thinking: '', attachments: [], atMs: 0, answer: null });
const text = (piece: string, channel: 'answer' | 'thinking' = 'answer') => ({ t: 'text' as const, messageId: 'm', text: piece, channel, tokens: 1, atMs: 0 });
const state = (done: number) => ({ t: 'state' as const, messageId: 'm', state: 'prompt' as const, done, total: 9 });
function drain(queue: FollowQueue): string[] {
  const seen: string[] = [];
  for (let event = queue.take(); event !== null; event = queue.take()) {
    seen.push(event.t === 'text' ? `${event.channel}:${event.text}/${event.tokens}` : event.t === 'state' ? `state:${event.done}` : event.t);
  }
  return seen;
}

describe('createFollowQueue', () => {
  it('begins with the list and the answer so far; what comes before they are taken is in them', () => {
    const queue = createFollowQueue();
    queue.push(text('a'));
    expect(drain(queue)).toEqual(['changed', 'snapshot']);
    queue.push(text('b'));
    expect(drain(queue)).toEqual(['answer:b/1']);
  });
  it('joins what waits, channel by channel, in order', () => {
    const queue = createFollowQueue();
    drain(queue);
    for (const event of [state(1), state(2), text('a', 'thinking'), text('b', 'thinking'), text('c'), text('d'), text('e', 'thinking')]) queue.push(event);
    expect(drain(queue)).toEqual(['state:2', 'thinking:ab/2', 'answer:cd/2', 'thinking:e/1']);
  });
  it('a reader that lets too much wait gets the answer so far instead', () => {
    const queue = createFollowQueue(10);
    drain(queue);
    for (let i = 0; i < 1000; i++) queue.push(text('xxxxxx'));
    expect(drain(queue)).toEqual(['snapshot']);
    queue.push(text('y'));
    expect(drain(queue)).toEqual(['answer:y/1']);
  });
  it('pieces that cannot be joined do not pile up either', () => {
    const queue = createFollowQueue();
    drain(queue);
    for (let i = 0; i < 5000; i++) queue.push(text('x', i % 2 === 0 ? 'answer' : 'thinking'));
    expect(drain(queue).length).toBeLessThanOrEqual(1001);
  });
  it('an end comes after its pieces, or in place of the snapshot', () => {
    const queue = createFollowQueue(10);
    drain(queue);
    queue.push(text('abc'));
    queue.push({ t: 'end', message: message('m') });
    expect(drain(queue)).toEqual(['answer:abc/1', 'end']);
    for (let i = 0; i < 10; i++) queue.push(text('xxxxxx'));
    queue.push({ t: 'end', message: { ...message('m'), content: 'the whole' } });
    expect(queue.take()).toMatchObject({ t: 'so_far', messageId: 'm', content: 'the whole' });
    expect(drain(queue)).toEqual(['end']);
  });
  it('many ends that nobody reads become one look at the list', () => {
    const queue = createFollowQueue();
    drain(queue);
    for (let i = 0; i < 100; i++) queue.push({ t: 'end', message: message(String(i)) });
    expect(drain(queue).length).toBeLessThanOrEqual(6);
  });
  it('changes are told once', () => {
    const queue = createFollowQueue();
    drain(queue);
    queue.pushChanged();
    queue.pushChanged();
    expect(drain(queue)).toEqual(['changed']);
  });
  it('wait settles with an event, a close and an abort', async () => {
    const queue = createFollowQueue();
    drain(queue);
    const event = queue.wait(undefined);
    queue.pushChanged();
    await event;
    drain(queue);
    const abort = new AbortController();
    const aborted = queue.wait(abort.signal);
    abort.abort();
    await aborted;
    const closed = queue.wait(undefined);
    queue.close();
    await closed;
    expect(queue.closed()).toBe(true);
  });
});
