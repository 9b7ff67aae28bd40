import type { LiveAnswer } from '../../../stores/live-answer.ts';
import { createBlockStream, type Block } from '../markdown/block-stream.ts';

/**
 * The answer that is being written, cut into blocks as it comes. `version` changes when the list of rows does: a block
 * was finished, thinking began, another answer. `open` changes with every frame that brought words.
 */
export interface LiveBlocks {
  /** Follows the answer for as long as somebody listens. */
  subscribe(listener: () => void): () => void;
  version(): string;
  messageId(): string | null;
  thinks(): boolean;
  done(): readonly Block[];
  definitions(): ReadonlyMap<string, string>;
  open(): Block | null;
}

export function createLiveBlocks(live: LiveAnswer): LiveBlocks {
  const listeners = new Set<() => void>();
  let stream = createBlockStream();
  let id: string | null = null;
  let fed = '';
  let open: Block | null = null;
  let thinks = false;
  let version = '';

  const take = (): void => {
    const now = live.snapshot();
    if (now === null || now.messageId !== id || !now.content.startsWith(fed.slice(0, 64)) || now.content.length < fed.length) {
      stream = createBlockStream();
      open = null;
      fed = '';
    }
    id = now?.messageId ?? null;
    thinks = now !== null && now.thinking !== '';
    if (now !== null && now.content.length !== fed.length) {
      fed = now.content;
      stream.feed(fed);
      open = stream.open();
    }
    version = `${id ?? ''} ${stream.done().length} ${thinks ? 1 : 0}`;
  };
  take();
  let stop: (() => void) | null = null;
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      if (stop === null) {
        take();
        stop = live.subscribe(() => {
          take();
          for (const one of listeners) one();
        });
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stop?.();
        stop = null;
      };
    },
    version: () => version,
    messageId: () => id,
    thinks: () => thinks,
    done: () => stream.done(),
    definitions: () => stream.definitions(),
    open: () => open,
  };
}
