import { act, cleanup, fireEvent, render } from '@testing-library/react';
import { Profiler } from 'react';
import { flushSync } from 'react-dom';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GpuStreamItem } from '../../../contract/gpu.ts';
import type { GpuFeed } from '../../connection/gpu-feed.ts';
import { createCommitClock, type CommitClock } from '../../connection/commit-clock.ts';
import { GpuCard } from './gpu-card.tsx';
import { createMonitorBoard, type MonitorBoard } from './monitor-board.ts';
import { monitorParts } from './monitor-parts.ts';
import { makeDevice, makeFrame } from './test-devices.ts';

const T0 = 1_790_000_000_000;

/** A feed that is driven by hand. */
function createHandFeed(): { readonly feed: GpuFeed; send(item: GpuStreamItem): void } {
  const listeners = new Set<(item: GpuStreamItem) => void>();
  return {
    send: (item) => {
      for (const l of listeners) l(item);
    },
    feed: {
      onFrame: (l) => {
        listeners.add(l);
        return () => {
          listeners.delete(l);
        };
      },
      onTrouble: () => () => undefined,
      setRateHz: () => undefined,
      stop: () => undefined,
    },
  };
}

const devices = Array.from({ length: 4 }, (_, i) => makeDevice(i));
const uuids = devices.map((d) => d.uuid);
let clock: CommitClock;
let board: MonitorBoard;
let hand: ReturnType<typeof createHandFeed>;
let commits = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date', 'requestAnimationFrame', 'cancelAnimationFrame'], now: T0 });
  // jsdom has no canvas: the painter draws nothing, everything else is as in a browser.
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
  hand = createHandFeed();
  clock = createCommitClock(flushSync);
  const { series } = monitorParts(hand.feed);
  board = createMonitorBoard({ series, feed: hand.feed, clock, root: document.documentElement });
  commits = 0;
});
afterEach(() => {
  cleanup();
  board.stop();
  clock.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const show = (): ReturnType<typeof render> =>
  render(
    <Profiler id="cards" onRender={() => { commits += 1; }}>
      {devices.map((d) => (
        <GpuCard key={d.uuid} device={d} parent={null} simulated={false} board={board} />
      ))}
    </Profiler>,
  );
/** Ten frames a second for so many seconds. */
const play = (seconds: number, from: number, values: (i: number) => Parameters<typeof makeFrame>[3]): void => {
  for (let i = 0; i < seconds * 10; i++) {
    act(() => {
      const at = T0 + (from + i) * 100;
      hand.send(makeFrame(from + i, at, uuids, values(from + i)));
      vi.advanceTimersByTime(100);
    });
  }
};

describe('cards at ten frames a second', () => {
  test('commit at most twice a second, and write the numbers all the same', () => {
    const view = show();
    play(2, 0, (i) => ({ util: i % 100 }));
    commits = 0;
    // Throttling comes and goes, temperature crosses the mark: the worst case for the words.
    play(10, 20, (i) => ({ util: i % 100, reasons: i % 20 < 10 ? 0x20 : 0, temp: i % 40 < 20 ? 88 : 60 }));
    expect(commits).toBeLessThanOrEqual(20);
    expect(view.container.querySelector('[data-now="utilGpuPercent"]')?.textContent).toMatch(/^\d+%$/);
    expect(view.container.querySelector('[data-at="powerWatts"]')?.textContent).toMatch(/^30\dW$/);
    expect(view.container.querySelector('[data-meta="fan"]')?.textContent).toBe('fan 41 %');
  });

  test('a calm machine commits nothing', () => {
    show();
    play(2, 0, () => ({}));
    commits = 0;
    play(5, 20, () => ({}));
    expect(commits).toBe(0);
  });

  test('null is an em dash with its reason, never 0', () => {
    const view = show();
    play(1, 0, () => ({ util: null }));
    const tile = view.container.querySelector('[data-tile="utilGpuPercent"] [data-now]');
    expect(tile?.textContent?.startsWith('—')).toBe(true);
    expect(tile?.getAttribute('title')).toBe('Not reported at this time');
    expect(view.getAllByLabelText('not reported: This board does not expose its memory temperature')).toHaveLength(4);
  });

  test('a lost device says so, with the time of its last reading', () => {
    const view = show();
    play(1, 0, () => ({}));
    act(() => {
      hand.send({ type: 'frame', frame: { seq: 11, atMs: T0 + 1100, tookMs: 1, samples: [{ uuid: 'GPU-2', state: 'lost', fast: null }] } });
      vi.advanceTimersByTime(1000);
    });
    const card = view.getByLabelText('GPU 2: RTX 4090');
    expect(card.className).toContain('gone');
    expect(card.textContent).toContain('lost');
    expect(card.querySelector('.advice')?.textContent).toMatch(/Last reading at \d\d:\d\d:\d\d\. The driver says/);
  });

  test('keys: Space pauses, arrows move the crosshair of all cards, Escape takes it away', () => {
    const view = show();
    play(2, 0, () => ({}));
    const [plot] = view.getAllByRole('slider');
    if (!plot) throw new Error('no plot');
    fireEvent.keyDown(plot, { key: 'ArrowLeft' });
    act(() => void vi.advanceTimersByTime(50));
    expect(view.container.querySelectorAll('.stack[data-at]')).toHaveLength(4);
    expect(plot.getAttribute('aria-valuetext')).toMatch(/utilisation/);
    fireEvent.keyDown(plot, { key: ' ' });
    expect(board.view().toMs).not.toBeNull();
    fireEvent.keyDown(plot, { key: 'Escape' });
    act(() => void vi.advanceTimersByTime(50));
    expect(view.container.querySelectorAll('.stack[data-at]')).toHaveLength(0);
  });
});
