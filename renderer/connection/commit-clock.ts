/**
 * The beat on which live text is committed: twice a second, all stores in one task, so that React renders once.
 * A store that receives items faster keeps the newest and sets its state in `onTick`.
 */
export interface CommitClock {
  /** Called on every beat; `nowMs` is Unix time. Returns the remover. */
  onTick(listener: (nowMs: number) => void): () => void;
  stop(): void;
}

export const COMMIT_MS = 500;

/** Starts the beat. `batch` runs all listeners so that they become one commit (React: `flushSync`). */
export function createCommitClock(batch: (work: () => void) => void, periodMs: number = COMMIT_MS): CommitClock {
  const listeners = new Set<(nowMs: number) => void>();
  const timer = setInterval(() => {
    const nowMs = Date.now();
    batch(() => {
      for (const listener of listeners) listener(nowMs);
    });
  }, periodMs);
  return {
    onTick: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    stop: () => clearInterval(timer),
  };
}
