import type { GpuStreamItem } from '../../contract/gpu.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from './client.ts';
import { consumeStream, type StreamSource } from './consume-stream.ts';

/**
 * The page's only subscription to live readings. Listeners run outside React, once per item, in the order in which
 * they were added; they must be cheap. What must show on screen as text is committed on `onTick` instead.
 */
export interface GpuFeed {
  /** Every frame and every gap. A gap is also sent when the connection came back. Returns the remover. */
  onFrame(listener: (item: GpuStreamItem) => void): () => void;
  /** The subscription broke; readings shown from now on are old. */
  onTrouble(listener: (problem: Problem) => void): () => void;
  /** Readings a second that are asked for while the page is visible. */
  setRateHz(rateHz: number): void;
  stop(): void;
}

/** While the page is hidden nobody sees more than this. */
const HIDDEN_HZ = 1;

export interface Visibility {
  readonly hidden: boolean;
  addEventListener(type: 'visibilitychange', listener: () => void): void;
  removeEventListener(type: 'visibilitychange', listener: () => void): void;
}

/** Starts the subscription: `rateHz` while the page is visible, 1 Hz while it is hidden. */
export function createGpuFeed(options: { readonly client: Client; readonly source: StreamSource; readonly visibility: Visibility; readonly rateHz: number }): GpuFeed {
  const { client, source, visibility } = options;
  const frames = new Set<(item: GpuStreamItem) => void>();
  const troubles = new Set<(problem: Problem) => void>();
  let wantedHz = options.rateHz;
  let currentHz = 0;
  let broken = false;
  let end: (() => void) | null = null;

  const emit = (item: GpuStreamItem): void => {
    for (const listener of frames) listener(item);
  };
  const subscribe = (): void => {
    const rateHz = visibility.hidden ? Math.min(HIDDEN_HZ, wantedHz) : wantedHz;
    if (rateHz === currentHz) return;
    end?.();
    currentHz = rateHz;
    end = consumeStream<GpuStreamItem>(
      source,
      (signal) => client.gpus.watch({ rateHz }, { signal }),
      (item) => {
        if (broken) {
          broken = false;
          if (item.type === 'frame') emit({ type: 'gap', atMs: item.frame.atMs, reason: 'The connection to the engine was interrupted.' });
        }
        emit(item);
      },
      (problem) => {
        broken = true;
        for (const listener of troubles) listener(problem);
      },
    );
  };
  visibility.addEventListener('visibilitychange', subscribe);
  subscribe();

  return {
    onFrame: (listener) => add(frames, listener),
    onTrouble: (listener) => add(troubles, listener),
    setRateHz: (rateHz) => {
      wantedHz = rateHz;
      subscribe();
    },
    stop: () => {
      visibility.removeEventListener('visibilitychange', subscribe);
      end?.();
      end = null;
      currentHz = 0;
    },
  };
}

function add<T>(set: Set<T>, item: T): () => void {
  set.add(item);
  return () => {
    set.delete(item);
  };
}
