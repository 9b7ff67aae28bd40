import type { ProofStepName, VerdictWord } from '../../../contract/verdict.ts';

/** Steps in the words of a sentence: "NVIDIA H100, fp16 matrix product: …". */
export const stepTitles: Readonly<Record<ProofStepName, string>> = {
  import: 'import of torch',
  context: 'start of CUDA',
  allocate: 'allocation of memory',
  matmul_fp32: 'fp32 matrix product',
  matmul_tf32: 'TF32 matrix product',
  matmul_fp16: 'fp16 matrix product',
  matmul_bf16: 'bf16 matrix product',
  matmul_fp8: 'fp8 matrix product',
  matmul_int8: 'int8 matrix product',
  convolution: 'convolution',
  linalg: 'linear algebra',
  attention_math: 'attention (math)',
  attention_efficient: 'attention (memory-efficient)',
  attention_flash: 'attention (flash)',
  attention_cudnn: 'attention (cuDNN)',
  compile: 'torch.compile',
};

/** "The files promised …". */
export const promises: Readonly<Record<VerdictWord, string>> = {
  native: 'kernels for this GPU',
  jit: 'kernels that are compiled for this GPU at the first start',
  library_gap: 'that torch itself has kernels for this GPU',
  incompatible: 'that there are no kernels for this GPU',
  cpu_only: 'a CPU build',
  driver_too_old: 'that the driver is too old',
  driver_mismatch: 'that driver and library differ',
  gpu_unsupported: 'that no build serves this GPU',
  broken: 'that torch cannot be imported',
  no_torch: 'that there is no torch',
  unknown: 'nothing',
};
