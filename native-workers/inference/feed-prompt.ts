import type { Token } from 'node-llama-cpp';
import { createCacheSegments, type CacheSegments } from './cache-segments.ts';
import { commonPrefix, type Slot } from './decoder.ts';

const segmentsOf = new WeakMap<Slot, CacheSegments>();

/**
 * Brings a slot's cache to the prompt, all but its last part, which is for the caller to decode: part by part, with a
 * look for a stop between two (the library alone cannot be stopped before the whole prompt is computed).
 */
export async function feedPrompt(slot: Slot, prompt: readonly Token[], options: { readonly chunk: number; readonly signal: AbortSignal; readonly onProgress: (done: number) => void }): Promise<{ readonly cached: number; readonly rest: readonly Token[] }> {
  const segments = segmentsOf.get(slot) ?? createCacheSegments();
  segmentsOf.set(slot, segments);
  // At least one token is computed: the next one is chosen by what comes out of it.
  await slot.keep(segments.reuse(Math.min(commonPrefix(slot.tokens(), prompt), prompt.length - 1)));
  // Some models can only be emptied.
  const cached = segments.reuse(commonPrefix(slot.tokens(), prompt));
  let done = cached;
  options.onProgress(done);
  while (prompt.length - done > options.chunk && !options.signal.aborted) {
    await slot.feed(prompt.slice(done, done + options.chunk));
    segments.fed(done, done + options.chunk);
    done += options.chunk;
    options.onProgress(done);
    await yieldToMessages();
  }
  if (!options.signal.aborted) segments.fed(done, prompt.length);
  return { cached, rest: prompt.slice(done) };
}

/** A stop that has arrived is read now. */
function yieldToMessages(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
