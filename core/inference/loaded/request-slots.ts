/** Who may compute now and who waits, first in first out. */
export interface RequestSlots {
  /** Settles when it is this one's turn; the returned function frees the slot, once. Rejects when `signal` aborts. */
  take(signal: AbortSignal, onAhead: (ahead: number) => void): Promise<() => void>;
  active(): number;
  waiting(): number;
}

export function createRequestSlots(slots: () => number): RequestSlots {
  interface Waiting {
    start(): void;
    tell(ahead: number): void;
  }
  const queue: Waiting[] = [];
  let active = 0;

  const advance = (): void => {
    while (active < slots()) {
      const next = queue.shift();
      if (next === undefined) break;
      active += 1;
      next.start();
    }
    for (const [index, waiting] of queue.entries()) waiting.tell(index + 1);
  };

  return {
    take: (signal, onAhead) => new Promise((resolve, reject) => {
      let told = 0;
      const leave = (): void => {
        const at = queue.indexOf(mine);
        if (at < 0) return;
        queue.splice(at, 1);
        reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        advance();
      };
      const mine: Waiting = {
        start() {
          signal.removeEventListener('abort', leave);
          let freed = false;
          resolve(() => {
            if (freed) return;
            freed = true;
            active -= 1;
            advance();
          });
        },
        tell(ahead) {
          if (ahead === told) return;
          told = ahead;
          onAhead(ahead);
        },
      };
      if (signal.aborted) return reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
      signal.addEventListener('abort', leave, { once: true });
      queue.push(mine);
      advance();
    }),
    active: () => active,
    waiting: () => queue.length,
  };
}
