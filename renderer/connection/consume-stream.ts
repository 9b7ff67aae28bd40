import type { Problem } from '../../contract/problem.ts';
import { abortableDelay } from './abortable-delay.ts';
import { problemFrom } from './problem-from.ts';

export interface StreamSource {
  /** Resolves when calls can be made; rejects when the signal aborts. */
  whenReady(signal: AbortSignal): Promise<void>;
}

/** Pause before a stream that ended or failed while the connection holds is asked for again, ms. */
const RESUBSCRIBE_MS = 500;

/**
 * Reads a stream for as long as the page wants it: subscribes when the connection is ready, and again whenever the
 * stream ends, fails or the connection comes back. Returns the function that stops it.
 */
export function consumeStream<T>(
  source: StreamSource,
  call: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  onItem: (item: T) => void,
  onProblem: (problem: Problem) => void,
): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await source.whenReady(signal);
        for await (const item of await call(signal)) {
          if (signal.aborted) return;
          onItem(item);
        }
      } catch (error) {
        if (signal.aborted) return;
        onProblem(problemFrom(error));
      }
      await abortableDelay(RESUBSCRIBE_MS, signal);
    }
  };
  void run();
  return () => stop.abort();
}
