import type { EffectCard, EffectIdentity } from '../../../contract/optimize.ts';

const words: Readonly<Record<keyof EffectIdentity, string>> = { gpu: 'GPU', driver: 'driver', torch: 'PyTorch', engine: 'llama.cpp' };

/** What has changed since it was measured, in words; null: it still holds. What is not known now says nothing. */
export function decideStale(measured: EffectIdentity, now: EffectIdentity, engine: EffectCard['workload']['engine']): string | null {
  const counted: readonly (keyof EffectIdentity)[] = engine === 'llama' ? ['gpu', 'driver', 'engine'] : ['gpu', 'driver', 'torch'];
  const changed = counted.filter((key) => measured[key] !== null && now[key] !== null && measured[key] !== now[key]);
  return changed.length === 0 ? null : changed.map((key) => `${words[key]} ${measured[key] ?? ''} → ${now[key] ?? ''}`).join(', ');
}
