/** A bounded queue between what makes events and what reads them, one reader. */
export interface EventBuffer<T> {
  /** False when it is full or closed: then nothing was taken. */
  push(item: T, bytes: number): boolean;
  /** After what is in it nothing comes any more. `last` is taken whatever its size. */
  close(last?: T): void;
  /** Ends the reading with this error, after what is in it. */
  fail(error: Error): void;
  next(): Promise<IteratorResult<T, void>>;
  unreadBytes(): number;
}

export function createEventBuffer<T>(limitBytes: number): EventBuffer<T> {
  let items: { readonly item: T; readonly bytes: number }[] = [];
  let read = 0;
  let unread = 0;
  let closed = false;
  let failure: Error | null = null;
  let waiting: { resolve(result: IteratorResult<T, void>): void; reject(error: Error): void } | null = null;

  const settle = (): void => {
    if (waiting === null) return;
    const first = items[read];
    const reader = waiting;
    if (first !== undefined) {
      waiting = null;
      read += 1;
      unread -= first.bytes;
      // Cut off in large pieces: a shift for each item would move all others each time.
      if (read > 1024) {
        items = items.slice(read);
        read = 0;
      }
      reader.resolve({ done: false, value: first.item });
    } else if (failure !== null) {
      const error = failure;
      failure = null;
      waiting = null;
      reader.reject(error);
    } else if (closed) {
      waiting = null;
      reader.resolve({ done: true, value: undefined });
    }
  };

  return {
    push(item, bytes) {
      if (closed || unread + bytes > limitBytes) return false;
      items.push({ item, bytes });
      unread += bytes;
      settle();
      return true;
    },
    close(last) {
      if (closed) return;
      closed = true;
      if (last !== undefined) items.push({ item: last, bytes: 0 });
      settle();
    },
    fail(error) {
      if (closed) return;
      closed = true;
      failure = error;
      settle();
    },
    next: () => new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      settle();
    }),
    unreadBytes: () => unread,
  };
}
