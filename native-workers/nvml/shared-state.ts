import { nvmlSymbolNames } from './nvml-symbols.ts';

/**
 * Words that the sampling thread writes and the main thread reads at each beat. A driver call that hangs stops
 * the sampling thread, not the beat: `progress` stands still and `busy` names the call.
 */
export const WORD = { progress: 0, busy: 1, badSamples: 2, readings: 3, fastMicroseconds: 4, count: 8 } as const;

export function makeSharedState(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(WORD.count * Int32Array.BYTES_PER_ELEMENT));
}

/** Not a driver call, but as able to hang: `dlopen` and its constructors. */
export const LOADING = nvmlSymbolNames.length + 1;

export function readProgress(words: Int32Array): { progress: number; busy: string | null } {
  const busy = Atomics.load(words, WORD.busy);
  return { progress: Atomics.load(words, WORD.progress) >>> 0, busy: busy === 0 ? null : busy === LOADING ? 'loading the driver library' : (nvmlSymbolNames[busy - 1] ?? null) };
}
