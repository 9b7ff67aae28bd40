/** Requests that nobody waits for and that the worker has not ended yet. */
export interface StuckRequests {
  /** @param ended settles when the worker has ended it after all */
  add(requestId: string, ended: Promise<unknown>): void;
  count(): number;
  /** One of them should have ended by now. */
  isOverdue(): boolean;
  /** Their process is gone. */
  clear(): void;
}

/** Work that cannot be stopped within this time is ended with its process, ms: with the new one it is ready within 3 s. */
const STUCK_AFTER_MS = 1000;

export function createStuckRequests({ onOverdue, onEnded }: { readonly onOverdue: () => void; readonly onEnded: () => void }): StuckRequests {
  const overdueAtMs = new Map<string, number>();
  return {
    add(requestId, ended) {
      overdueAtMs.set(requestId, performance.now() + STUCK_AFTER_MS);
      const timer = setTimeout(onOverdue, STUCK_AFTER_MS + 5);
      void ended.then(() => {
        clearTimeout(timer);
        overdueAtMs.delete(requestId);
        onEnded();
      });
    },
    count: () => overdueAtMs.size,
    isOverdue: () => [...overdueAtMs.values()].some((atMs) => performance.now() >= atMs),
    clear: () => overdueAtMs.clear(),
  };
}
