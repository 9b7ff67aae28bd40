import type { ProofStep } from '../../../contract/verdict.ts';

export interface FailureCause {
  /** It says something about the files of the environment. A full GPU or a lost driver does not. */
  readonly evidence: boolean;
  readonly remedy: string;
}

/** Messages of CUDA, cuBLAS and torch, and what each means for the person. The first that fits counts. */
const causes: readonly (readonly [RegExp, FailureCause])[] = [
  [/no kernel image is available|invalid device function|device kernel image is invalid|ARCH_MISMATCH/i, { evidence: true, remedy: 'This build has no code for this GPU. The advice names a build that has.' }],
  [/unsupported toolchain|PTX JIT compil|unsupported PTX/i, { evidence: true, remedy: 'The driver is too old to compile this build’s code for this GPU. Update the driver, or choose an older build.' }],
  [/Python\.h/, { evidence: false, remedy: 'torch.compile builds with the headers of Python, which are not there. Install them (python3-dev).' }],
  [/out of memory|OutOfMemory|ALLOC_FAILED/i, { evidence: false, remedy: 'The GPU is full. End what uses its memory and prove again.' }],
  [/busy or unavailable|exclusive/i, { evidence: false, remedy: 'Another program has this GPU for itself. End it, or set the compute mode to default, and prove again.' }],
  [/driver version is insufficient|driver on your system is too old|forward compatibility/i, { evidence: true, remedy: 'Update the driver, or choose a build for the CUDA version that it has.' }],
  [/is built without CUDA|not compiled with CUDA|is built for ROCm/i, { evidence: true, remedy: 'Install a CUDA build. The advice names one.' }],
  [/Found no NVIDIA driver|No CUDA GPUs are available|shows no GPU|no CUDA-capable device|system not yet initialized|driver\/library version/i, { evidence: false, remedy: 'CUDA does not see this GPU. Check that the driver works ("nvidia-smi") and that this is no container without it.' }],
  [/unspecified launch failure|illegal memory access|uncorrectable ECC|unknown error|hardware/i, { evidence: true, remedy: 'Prove again. If it happens again at the same place, the build or the GPU is faulty: look for Xid messages in the kernel log.' }],
];
const other: Readonly<Record<'failed' | 'crashed' | 'hung' | 'wrong', string>> = {
  failed: 'The log of the job has the whole message. A mixed or damaged installation is likely: look at the findings of this environment.',
  crashed: 'The log of the job has the stack. Native libraries that do not fit each other are likely: reinstall torch with its nvidia packages.',
  hung: 'Prove again. If it hangs again, look for Xid messages in the kernel log.',
  wrong: 'Do not trust results of this build on this GPU. Prove again; if they are wrong again, choose another build or check the GPU’s memory.',
};

/** What a step that did not pass means. Pure. */
export function decideFailureCause(step: Pick<ProofStep, 'state' | 'text'>): FailureCause {
  const state = step.state === 'failed' || step.state === 'crashed' || step.state === 'hung' || step.state === 'wrong' ? step.state : 'failed';
  // The text of a crash is a stack and that of a wrong answer none: only exceptions are looked up.
  const known = state === 'failed' ? causes.find(([pattern]) => pattern.test(step.text ?? '')) : undefined;
  return known?.[1] ?? { evidence: true, remedy: other[state] };
}
