import type { ChosenToggle, EffectCard } from '../../../contract/optimize.ts';

/** A profile of the user's own, as it is stored. */
export interface StoredProfile {
  readonly id: string;
  readonly title: string;
  readonly toggles: readonly ChosenToggle[];
}

/** What the engine asks of effect cards and profiles in the storage thread. Both ends are made from the same sources: nothing is parsed here. */
export interface EffectsCalls {
  /** Newest first, without pairs; toggleId null: all. */
  readonly 'effects.list': { readonly input: { readonly toggleId: string | null; readonly limit: number }; readonly output: EffectCard[] };
  /** The newest of each set of toggles and workload, without pairs, of an environment (null: of none) at a place. */
  readonly 'effects.newest': { readonly input: { readonly environmentId: string | null; readonly place: string }; readonly output: EffectCard[] };
  /** Of measured profiles: the newest for each environment, place and workload. */
  readonly 'effects.ofProfiles': { readonly input: null; readonly output: EffectCard[] };
  /** Whole; null: there is none. */
  readonly 'effects.get': { readonly input: { readonly id: string }; readonly output: EffectCard | null };
  readonly 'effects.put': { readonly input: EffectCard; readonly output: null };
  readonly 'effects.profiles': { readonly input: null; readonly output: StoredProfile[] };
  readonly 'effects.putProfile': { readonly input: StoredProfile; readonly output: null };
  /** Answers whether it was there. */
  readonly 'effects.removeProfile': { readonly input: { readonly id: string }; readonly output: boolean };
}
export type EffectsOp = keyof EffectsCalls;
