/**
 * A value that changes: readers get the newest, never a queue of old ones. A slow reader skips; it costs nothing.
 */
export interface Gauge<T> {
  publish(value: T): void;
  get(): T | undefined;
  /** The value now (when there is one), then each newer one, until the signal aborts. */
  stream(signal: AbortSignal | undefined): AsyncGenerator<T, void, void>;
}

export function createGauge<T>(initial?: T): Gauge<T> {
  let value = initial;
  let version = initial === undefined ? 0 : 1;
  const waiting = new Set<() => void>();
  return {
    publish(next) {
      value = next;
      version += 1;
      const wake = [...waiting];
      waiting.clear();
      for (const w of wake) w();
    },
    get: () => value,
    async *stream(signal) {
      let seen = 0;
      while (!signal?.aborted) {
        if (version !== seen && value !== undefined) {
          seen = version;
          yield value;
          continue;
        }
        await new Promise<void>((resolve) => {
          const done = (): void => {
            waiting.delete(done);
            signal?.removeEventListener('abort', done);
            resolve();
          };
          waiting.add(done);
          signal?.addEventListener('abort', done);
        });
      }
    },
  };
}
