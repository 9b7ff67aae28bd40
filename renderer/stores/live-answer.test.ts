import { expect, it } from 'vitest';
import { createLiveAnswer, liveSpeed, type LiveAnswer } from './live-answer.ts';

function start(): { readonly live: LiveAnswer; frame(): void; readonly clock: { ms: number }; readonly heard: (string | null)[] } {
  let waiting: (() => void)[] = [];
  const clock = { ms: 0 };
  const live = createLiveAnswer({ frame: (work) => waiting.push(work), now: () => clock.ms });
  const heard: (string | null)[] = [];
  live.subscribe(() => heard.push(live.snapshot()?.content ?? null));
  return {
    live, clock, heard,
    frame() {
      const now = waiting;
      waiting = [];
      for (const work of now) work();
    },
  };
}
const text = (t: string, atMs = 0, channel: 'answer' | 'thinking' = 'answer') => ({ t: 'text' as const, messageId: 'm', text: t, channel, tokens: 1, atMs });

it('joins all that came in a frame into one', () => {
  const { live, frame, heard } = start();
  for (let i = 0; i < 500; i++) live.take(text('x'));
  expect(heard).toEqual([]);
  frame();
  expect(heard).toEqual(['x'.repeat(500)]);
  frame();
  expect(heard).toHaveLength(1);
});

it('attaching in the middle replaces what was known, and goes on without gap or double', () => {
  const { live, frame, heard } = start();
  live.take(text('lost '));
  live.take({ t: 'so_far', messageId: 'm', content: 'One two', thinking: 'hm', tokens: 9 });
  live.take(text(' three', 100));
  live.take(text(' four', 1100));
  frame();
  expect(heard).toEqual(['One two three four']);
  expect(live.snapshot()).toMatchObject({ thinking: 'hm', thinkingTokens: null, tokens: 11, state: 'writing' });
  const snapshot = live.snapshot();
  expect(snapshot === null ? null : liveSpeed(snapshot)).toBe(1);
});

it('counts the tokens of thinking apart', () => {
  const { live, frame } = start();
  live.take({ t: 'state', messageId: 'm', state: 'prompt', done: 1, total: 4 });
  live.take(text('let me', 0, 'thinking'));
  live.take(text(' see', 5, 'thinking'));
  live.take(text('Yes', 9));
  frame();
  expect(live.snapshot()).toMatchObject({ thinking: 'let me see', content: 'Yes', thinkingTokens: 2, tokens: 3, done: null });
});

it('another answer begins empty', () => {
  const { live, frame, heard } = start();
  live.take(text('old'));
  live.take({ ...text('new'), messageId: 'n' });
  frame();
  expect(heard).toEqual(['new']);
});

it('the end is heard at once, without a frame', () => {
  const { live, frame, heard } = start();
  live.take(text('a'));
  frame();
  live.clear();
  expect(heard).toEqual(['a', null]);
  frame();
  expect(heard).toHaveLength(2);
});

it('slow drawing leaves the page free for three times as long', () => {
  const { live, frame, clock, heard } = start();
  live.take(text('a'));
  frame();
  live.spent(20);
  live.take(text('b'));
  for (clock.ms = 10; clock.ms < 60; clock.ms += 10) frame();
  expect(heard).toEqual(['a']);
  frame();
  expect(heard).toEqual(['a', 'ab']);
});
