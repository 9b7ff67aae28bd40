import type { CodeJudgement, DevicePromise, InstalledBackend, LibraryFacts } from './backend-parts.ts';

/** A GPU that is really there. */
export interface RealGpu {
  readonly uuid: string;
  readonly name: string;
  readonly computeCapability: string | null;
}

export interface PromiseQuestion {
  readonly backend: Pick<InstalledBackend, 'kind'>;
  readonly facts: Pick<LibraryFacts, 'code' | 'troubles'> | null;
  readonly gpu: RealGpu;
  readonly judgement: CodeJudgement | null;
  /** Major of the CUDA runtime that the library is linked with. */
  readonly runtimeMajor: number | null;
  /** CUDA that the driver takes: `13.0`. */
  readonly driverCuda: string | null;
}

const list = (names: readonly string[]): string => (names.length === 0 ? 'no code for GPUs' : `code for ${[...new Set(names)].join(', ')}`);

/** What the library's bytes promise for a GPU, and why, in one sentence. Pure. */
export function decidePromise({ backend, facts, gpu, judgement, runtimeMajor, driverCuda }: PromiseQuestion): DevicePromise {
  const of = (promise: DevicePromise['promise'], why: string): DevicePromise => ({ uuid: gpu.uuid, name: gpu.name, promise, why });
  if (backend.kind === 'vulkan') return of('unknown', 'Vulkan drivers compile its kernels themselves: only a trial tells.');
  if (facts === null || facts.code.length === 0) return of('unknown', facts?.troubles[0] ?? 'No code for GPUs was found in the library: only a trial tells.');
  const driverMajor = driverCuda === null ? null : Number.parseInt(driverCuda, 10);
  if (runtimeMajor !== null && driverMajor !== null && driverMajor < runtimeMajor) return of('incompatible', `It is made for CUDA ${runtimeMajor}; the driver takes CUDA ${driverCuda ?? ''}. A newer driver is needed.`);
  const has = list(facts.code.map((c) => c.arch));
  switch (judgement?.state) {
    case 'native': return of('native', `It carries code for this GPU (${judgement.by ?? ''}).`);
    case 'jit': return of('jit', `The driver compiles ${judgement.by ?? 'its PTX'} for this GPU when it is first used.`);
    case 'ptx_too_new': return of('incompatible', `For this GPU it has only PTX (${judgement.by ?? ''}) made with CUDA ${judgement.needCuda ?? 'newer'}, and the driver takes CUDA ${driverCuda ?? 'of an older release'}: it would end the process. A newer driver or a build made here serves.`);
    case 'missing': return of('incompatible', `It carries ${has}; none of it runs on a GPU of compute capability ${gpu.computeCapability ?? 'unknown'}.`);
    case 'ptx_unknown': return of('unknown', `For this GPU it has only PTX (${judgement.by ?? ''}); whether the driver takes it cannot be told: only a trial tells.`);
    case 'unknown': case undefined: return of('unknown', `It carries ${has}; the compute capability of this GPU is not reported.`);
  }
}
