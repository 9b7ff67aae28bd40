import type { Problem } from '../../contract/problem.ts';

/** A thing that lives in the engine, as the page knows it. `atMs`: when the value was read (page clock, Unix ms). */
export type Remote<T> =
  | { readonly state: 'idle' }
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T; readonly atMs: number }
  | { readonly state: 'stale'; readonly value: T; readonly atMs: number; readonly problem: Problem }
  | { readonly state: 'failed'; readonly problem: Problem };

export const idle: Remote<never> = { state: 'idle' };
export const loading: Remote<never> = { state: 'loading' };

/** A value that has just been read. */
export function ready<T>(value: T, atMs: number): Remote<T> {
  return { state: 'ready', value, atMs };
}

/** What trouble makes of a remote thing: the last value stays and is called stale; without one it has failed. */
export function troubled<T>(remote: Remote<T>, problem: Problem): Remote<T> {
  if (remote.state === 'ready' || remote.state === 'stale') return { state: 'stale', value: remote.value, atMs: remote.atMs, problem };
  return { state: 'failed', problem };
}

/** The last known value, fresh or stale; null when there never was one. */
export function valueOf<T>(remote: Remote<T>): T | null {
  return remote.state === 'ready' || remote.state === 'stale' ? remote.value : null;
}
