import type { ToggleFacts } from './toggle-definition.ts';

/** `2.8.0+cu128` → [2, 8]; null: not a version. */
export function parseVersion(text: string | null): readonly [number, number] | null {
  const found = /^(\d{1,4})\.(\d{1,4})/.exec(text ?? '');
  return found === null ? null : [Number(found[1]), Number(found[2])];
}

/** An unknown version counts as new enough: what is missing then shows when it is used. */
export function isAtLeast(text: string | null, least: string): boolean {
  const have = parseVersion(text);
  const need = parseVersion(least);
  return have === null || need === null || have[0] > need[0] || (have[0] === need[0] && have[1] >= need[1]);
}

export interface TorchNeeds {
  /** Oldest torch. */
  readonly torch?: string;
  /** It does something on a GPU only (default), or also (only) on a processor. */
  readonly on?: 'gpu' | 'any' | 'cpu';
  /** Oldest compute capability; only looked at on a GPU. */
  readonly capability?: string;
}

/** First need that is not met, in words; null: all are. */
export function decideTorchNeeds(facts: ToggleFacts, { torch = '2.0', on = 'gpu', capability }: TorchNeeds): string | null {
  if (facts.torch === null) return 'There is no PyTorch in this environment.';
  if (!isAtLeast(facts.torch, torch)) return `It came with PyTorch ${torch}; this environment has ${facts.torch}.`;
  const isCpu = facts.place === 'cpu';
  if (on === 'gpu' && isCpu) return 'It does something on a GPU only.';
  if (on === 'cpu' && !isCpu) return 'It does something on the processor only.';
  if (capability !== undefined && !isCpu && !isAtLeast(facts.computeCapability, capability)) return `It needs compute capability ${capability}; this GPU has ${facts.computeCapability ?? '—'}.`;
  return null;
}

export const decideLlamaNeeds = (facts: ToggleFacts): string | null => (facts.llama === null ? 'No build of llama.cpp works here.' : null);
