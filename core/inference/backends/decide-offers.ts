import type { BackendsState } from '../../../contract/inference.ts';
import type { Trial } from './backend-parts.ts';
import type { BuildNeeds } from './build-needs.ts';
import { sizeText } from './cuda-runtime.ts';

export interface OfferQuestion {
  readonly gpus: readonly { readonly name: string }[];
  /** All CUDA builds that are here. */
  readonly cuda: readonly Pick<Trial, 'state' | 'detail' | 'problem'>[];
  readonly runtimeBytes: number | null;
  readonly runtimeCuda: string;
  /** null: not looked at, because nothing is to be built. */
  readonly build: BuildNeeds | null;
}

/** What can be done for a better backend; nothing when CUDA runs, or where no GPU is. Pure. */
export function decideOffers({ gpus, cuda, runtimeBytes, runtimeCuda, build }: OfferQuestion): BackendsState['offers'] {
  if (gpus.length === 0 || cuda.some((trial) => trial.state === 'works')) return [];
  const offers: BackendsState['offers'] = [];
  const missing = cuda.find((trial) => trial.problem?.code === 'engine.cuda_runtime_missing');
  if (missing !== undefined) {
    offers.push({ kind: 'fetch_cuda_runtime', title: `Fetch the CUDA ${runtimeCuda} runtime (${sizeText(runtimeBytes)})`, why: missing.detail ?? 'The CUDA runtime is not on this machine.', bytes: runtimeBytes, needs: [], possible: true });
  }
  const fails = cuda.filter((trial) => trial.state === 'fails');
  if (build !== null && (fails.length > 0 || cuda.length === 0)) {
    const possible = build.needs.every((n) => n.met);
    const why = fails[0]?.detail ?? 'No CUDA build ships for this system.';
    offers.push({ kind: 'build_cuda', title: 'Build llama.cpp for this GPU', why: possible ? why : `${why} ${build.remedy}`, bytes: null, needs: [...build.needs], possible });
  }
  return offers;
}
