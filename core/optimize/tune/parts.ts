import type { EngineSettings } from '../../../contract/inference.ts';
import type { TuneWish } from '../../../contract/optimize.ts';

/** Settings that the search changes; each candidate gives all of them, so that no other loaded model is mistaken for it. */
export const searchedKeys = ['threads', 'batch', 'gpuLayers', 'flashAttention', 'cacheTypeK', 'cacheTypeV', 'devices', 'parallel'] as const;
export type SearchedKey = (typeof searchedKeys)[number];
export type SearchSettings = Pick<EngineSettings, SearchedKey>;

export interface TuneAsk {
  readonly modelId: string;
  /** `cpu` or a GPU's UUID. */
  readonly place: string;
  readonly goal: TuneWish['goal'];
  readonly contextTokens: number;
}

export interface TuneSample {
  /** Tokens a second. */
  readonly value: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** One candidate in a process of its own, which may run out of memory or die. */
export interface TuneArm {
  /** @throws ProblemError whatever the engine says */
  sample(): Promise<TuneSample>;
  end(): Promise<void>;
}

/** @throws ProblemError `load.*`, `worker.*`; on abort the signal's reason */
export type StartTuneArm = (settings: SearchSettings, ask: TuneAsk, signal: AbortSignal) => Promise<TuneArm>;
