import type { ChatEvent } from '../../../contract/chat.ts';

/**
 * What one reader of a conversation has not read yet. Texts that wait are joined; of a reader that lets too much wait
 * they are dropped, and it is given the answer so far instead: nothing is lost, nothing comes twice, and what is kept
 * for it does not grow.
 */
export interface FollowQueue {
  push(event: Exclude<ChatEvent, { t: 'changed' | 'so_far' }>): void;
  /** The list of messages changed: it is read anew when the reader comes for it. */
  pushChanged(): void;
  /** The next thing to tell; null: there is none. `changed` and `snapshot` (the answer so far) are to be made up now, from what is there then. */
  take(): Exclude<ChatEvent, { t: 'changed' }> | { readonly t: 'changed' } | { readonly t: 'snapshot' } | null;
  /** Settles when there is something to take, or when it is closed or the signal aborts. */
  wait(signal: AbortSignal | undefined): Promise<void>;
  close(): void;
  closed(): boolean;
}

/** Text that may wait for one reader, characters. */
const MAX_WAITING = 262_144;
/** Ends that may wait for one reader: each holds a whole message. */
const MAX_ENDS = 4;

/** Pieces that may wait and cannot be joined, because what was thought and what is said take turns. */
const MAX_EVENTS = 1000;

type Waiting = NonNullable<ReturnType<FollowQueue['take']>>;

/** Begins with `changed` and a snapshot, which is how a reader gets in, also in the middle of an answer. */
export function createFollowQueue(maxWaiting = MAX_WAITING): FollowQueue {
  let waiting: Waiting[] = [{ t: 'changed' }, { t: 'snapshot' }];
  /** What is in `waiting`, counted, so that a piece costs the same however many wait. */
  const has = { changed: true, snapshot: true, characters: 0, ends: 0 };
  let closed = false;
  let wake: () => void = () => undefined;

  const fill = (events: readonly Waiting[]): void => {
    waiting = [...events];
    has.changed = waiting.some((event) => event.t === 'changed');
    has.snapshot = waiting.some((event) => event.t === 'snapshot');
    has.characters = waiting.reduce((sum, event) => sum + (event.t === 'text' ? event.text.length : 0), 0);
    has.ends = waiting.filter((event) => event.t === 'end').length;
  };

  return {
    push(event) {
      if (closed) return;
      if (event.t === 'end') {
        // Nothing more comes: the snapshot is what it ended with, so that what is told always adds up.
        const { id, content, thinking, thinkingTokens, answer } = event.message;
        if (has.snapshot) fill(waiting.map((w) => (w.t === 'snapshot' ? { t: 'so_far', messageId: id, content, thinking, tokens: answer?.figures?.answerTokens ?? 0, ...(thinkingTokens === undefined ? {} : { thinkingTokens }) } : w)));
        waiting.push(event);
        if (++has.ends > MAX_ENDS) fill([{ t: 'changed' }, { t: 'snapshot' }]);
      } else if (!has.snapshot) {
        const last = waiting.at(-1);
        if (event.t === 'state') {
          if (last?.t === 'state') waiting[waiting.length - 1] = event;
          else waiting.push(event);
        } else {
          if (last?.t === 'text' && last.messageId === event.messageId && last.channel === event.channel) {
            waiting[waiting.length - 1] = { ...event, text: last.text + event.text, tokens: last.tokens + event.tokens, atMs: last.atMs };
          } else waiting.push(event);
          has.characters += event.text.length;
          if (has.characters > maxWaiting || waiting.length > MAX_EVENTS) fill([...waiting.filter((w) => w.t !== 'text' && w.t !== 'state'), { t: 'snapshot' }]);
        }
      }
      wake();
    },
    pushChanged() {
      if (closed || has.changed) return;
      waiting.push({ t: 'changed' });
      has.changed = true;
      wake();
    },
    take() {
      const event = waiting.shift() ?? null;
      if (event?.t === 'text') has.characters -= event.text.length;
      else if (event?.t === 'changed') has.changed = false;
      else if (event?.t === 'snapshot') has.snapshot = false;
      else if (event?.t === 'end') has.ends--;
      return event;
    },
    async wait(signal) {
      if (waiting.length > 0 || closed || signal?.aborted === true) return;
      await new Promise<void>((resolve) => {
        wake = () => {
          signal?.removeEventListener('abort', wake);
          wake = () => undefined;
          resolve();
        };
        signal?.addEventListener('abort', wake, { once: true });
      });
    },
    close() {
      closed = true;
      wake();
    },
    closed: () => closed,
  };
}
