import type { Demand, SourceEvent } from '../../contract/nvml-worker.ts';
import type { BurstResult } from './measure-burst.ts';
import type { SamplerTimes } from './schedule.ts';
import type { Trouble } from './trouble.ts';

/** Main thread → sampling thread. */
export type ToThread =
  | { readonly kind: 'demand'; readonly demand: Demand }
  | { readonly kind: 'refresh'; readonly id: number }
  | { readonly kind: 'burst'; readonly id: number; readonly readings: number; readonly emit: boolean }
  | { readonly kind: 'stop' };

/** Sampling thread → main thread. */
export type FromThread =
  | { readonly kind: 'event'; readonly event: SourceEvent }
  | { readonly kind: 'trouble'; readonly trouble: Trouble | null }
  | { readonly kind: 'done'; readonly id: number; readonly burst?: BurstResult }
  | { readonly kind: 'stopped' };

export interface ThreadData {
  readonly words: Int32Array;
  readonly times: SamplerTimes;
}
