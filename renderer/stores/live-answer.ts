import type { ChatEvent } from '../../contract/chat.ts';

/** The answer that is being written, as far as it has come. A new object whenever it changed. */
export interface LiveSnapshot {
  readonly messageId: string;
  readonly state: 'queued' | 'loading' | 'prompt' | 'writing';
  /** Of the state: requests ahead, share loaded, prompt tokens. null: not told. */
  readonly done: number | null;
  readonly total: number | null;
  readonly content: string;
  readonly thinking: string;
  readonly tokens: number;
  /** null: it was begun before this page looked on. */
  readonly thinkingTokens: number | null;
  /** Engine time of the first and the newest piece that came here, Unix ms; `countedFrom` tokens had come with the first. */
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly countedFrom: number;
}

/**
 * Deltas of an answer, joined outside React. Listeners hear of them once a frame; between frames nothing is rendered.
 * What is taken is never lost: a hidden window, which gets no frames, hears at the end.
 */
export interface LiveAnswer {
  snapshot(): LiveSnapshot | null;
  subscribe(listener: () => void): () => void;
  take(event: Extract<ChatEvent, { t: 'so_far' | 'state' | 'text' }>): void;
  /** It has ended, or nobody looks any more: listeners hear at once. */
  clear(): void;
  /** What drawing it last took, ms: the next commit waits for three times that, so that the page stays free. */
  spent(ms: number): void;
}

export interface LiveAnswerDeps {
  /** Calls back before the next picture; the browser's requestAnimationFrame. */
  readonly frame: (work: () => void) => void;
  readonly now: () => number;
}

/** Drawing may take a quarter of the time. */
const REST = 3;

export function createLiveAnswer({ frame, now }: LiveAnswerDeps): LiveAnswer {
  const listeners = new Set<() => void>();
  let current: LiveSnapshot | null = null;
  let shown: LiveSnapshot | null = null;
  let waiting = false;
  let restUntil = 0;

  const tell = (): void => {
    if (shown === current) return;
    shown = current;
    for (const listener of listeners) listener();
  };
  const onFrame = (): void => {
    if (now() < restUntil && shown !== current) return frame(onFrame);
    waiting = false;
    tell();
  };
  const ask = (): void => {
    if (waiting) return;
    waiting = true;
    frame(onFrame);
  };
  const of = (messageId: string): LiveSnapshot =>
    current?.messageId === messageId ? current : { messageId, state: 'queued', done: null, total: null, content: '', thinking: '', tokens: 0, thinkingTokens: 0, firstAtMs: null, lastAtMs: null, countedFrom: 0 };

  return {
    snapshot: () => shown,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    take: (event) => {
      const before = of(event.messageId);
      if (event.t === 'so_far') {
        // Comes first after every attach: it replaces what was known, so that nothing stands twice.
        current = { ...before, state: event.tokens > 0 ? 'writing' : before.state, content: event.content, thinking: event.thinking, tokens: event.tokens, thinkingTokens: event.thinking === '' ? 0 : (event.thinkingTokens ?? null), firstAtMs: null, lastAtMs: null };
      } else if (event.t === 'state') {
        current = { ...before, state: event.state, done: event.done, total: event.total };
      } else {
        const tokens = before.tokens + event.tokens;
        const thinks = event.channel === 'thinking';
        current = {
          ...before,
          state: 'writing',
          done: null,
          total: null,
          content: thinks ? before.content : before.content + event.text,
          thinking: thinks ? before.thinking + event.text : before.thinking,
          tokens,
          thinkingTokens: before.thinkingTokens === null ? null : before.thinkingTokens + (thinks ? event.tokens : 0),
          firstAtMs: before.firstAtMs ?? event.atMs,
          lastAtMs: event.atMs,
          countedFrom: before.firstAtMs === null ? tokens : before.countedFrom,
        };
      }
      ask();
    },
    clear: () => {
      current = null;
      restUntil = 0;
      tell();
    },
    spent: (ms) => {
      restUntil = now() + ms * REST;
    },
  };
}

/** Tokens a second between the first and the newest piece that came here; null before there are two. Pure. */
export function liveSpeed(live: LiveSnapshot): number | null {
  if (live.firstAtMs === null || live.lastAtMs === null || live.lastAtMs <= live.firstAtMs) return null;
  return (live.tokens - live.countedFrom) / ((live.lastAtMs - live.firstAtMs) / 1000);
}
