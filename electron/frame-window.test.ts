import { expect, test } from 'vitest';
import { afterAck, afterFrame, EMPTY_WINDOW, HIGH_FRAMES, type FrameWindow } from './frame-window.ts';

const filled = (frames: number): FrameWindow => Array.from({ length: frames }).reduce<FrameWindow>((w) => afterFrame(w), EMPTY_WINDOW);

test('pauses above the high mark and goes on below the low one, not in between', () => {
  expect(filled(HIGH_FRAMES).paused).toBe(false);
  const full = filled(HIGH_FRAMES + 1);
  expect(full.paused).toBe(true);
  const less = afterAck(full, 32);
  expect(less).toEqual({ onTheWay: 97, paused: true });
  expect(afterAck(less, 33)).toEqual({ onTheWay: 64, paused: false });
});

test.each([[-5], [Number.NaN], [1.5], [Number.POSITIVE_INFINITY]])('an acknowledgement of %s counts nothing', (count) => {
  expect(afterAck(filled(3), count)).toEqual({ onTheWay: 3, paused: false });
});

test('acknowledging more than was sent is not credit', () => {
  expect(afterAck(filled(3), 1_000_000).onTheWay).toBe(0);
});
