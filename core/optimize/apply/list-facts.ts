import type { ToggleFacts } from '../toggles/toggle-definition.ts';
import type { ApplyDeps } from './apply-deps.ts';

/** What toggles are judged by, for each place where a program of an environment may compute. */
export function listFacts(deps: Pick<ApplyDeps, 'places' | 'cores' | 'wsl' | 'platform'>, torch: string | null): ToggleFacts[] {
  return deps.places().map(({ key, computeCapability }) => ({ torch, place: key, computeCapability, platform: deps.platform, wsl: deps.wsl, llama: null, triton: null, cores: deps.cores }));
}
