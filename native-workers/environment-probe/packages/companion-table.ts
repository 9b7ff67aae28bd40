/** A package whose kernels or version have to fit torch or the GPU. */
export interface CompanionKind {
  /** Normalised name, or its beginning when it ends in `*`. */
  readonly name: string;
  /** It brings compiled kernels of its own, so its libraries are looked into. */
  readonly kernels: boolean;
  /** Files in its folder that say which CUDA it was built with, beside its version. */
  readonly saysCudaIn?: string;
}

/**
 * Without kernels: they compile at run time (triton, cupy's own), or are NVIDIA's libraries, which carry every
 * architecture of their CUDA version and count only when somebody replaced one.
 */
const COMPANIONS: readonly CompanionKind[] = [
  { name: 'torchvision', kernels: true, saysCudaIn: 'torchvision/version.py' },
  { name: 'torchaudio', kernels: true, saysCudaIn: 'torchaudio/version.py' },
  { name: 'torchtext', kernels: false },
  { name: 'torchcodec', kernels: false },
  { name: 'torchao', kernels: true },
  { name: 'torch-scatter', kernels: true },
  { name: 'torch-sparse', kernels: true },
  { name: 'torch-cluster', kernels: true },
  { name: 'torch-spline-conv', kernels: true },
  { name: 'pyg-lib', kernels: true },
  { name: 'triton', kernels: false },
  { name: 'triton-windows', kernels: false },
  { name: 'pytorch-triton*', kernels: false },
  { name: 'flash-attn', kernels: true },
  { name: 'flash-attn-*', kernels: true },
  { name: 'flashinfer-*', kernels: true },
  { name: 'xformers', kernels: true, saysCudaIn: 'xformers/cpp_lib.json' },
  { name: 'bitsandbytes', kernels: true },
  { name: 'vllm', kernels: true },
  { name: 'vllm-flash-attn', kernels: true },
  { name: 'sgl-kernel', kernels: true },
  { name: 'transformer-engine', kernels: true },
  { name: 'transformer-engine-*', kernels: true },
  { name: 'causal-conv1d', kernels: true },
  { name: 'mamba-ssm', kernels: true },
  { name: 'sageattention', kernels: true },
  { name: 'apex', kernels: true },
  { name: 'natten', kernels: true },
  { name: 'pytorch3d', kernels: true },
  { name: 'gsplat', kernels: true },
  { name: 'spconv-*', kernels: true },
  { name: 'exllamav2', kernels: true },
  { name: 'exllamav3', kernels: true },
  { name: 'autoawq-kernels', kernels: true },
  { name: 'auto-gptq', kernels: true },
  { name: 'deepspeed', kernels: true },
  { name: 'onnxruntime-gpu', kernels: true, saysCudaIn: 'onnxruntime/capi/build_and_package_info.py' },
  { name: 'llama-cpp-python', kernels: true },
  { name: 'ctranslate2', kernels: true },
  { name: 'cupy', kernels: false },
  { name: 'cupy-cuda*', kernels: false },
  { name: 'jax-cuda*', kernels: true },
  { name: 'tensorflow', kernels: false },
  { name: 'nvidia-cudnn', kernels: false },
  { name: 'nvidia-cudnn-cu*', kernels: false },
  { name: 'nvidia-nccl', kernels: false },
  { name: 'nvidia-nccl-cu*', kernels: false },
  { name: 'nvidia-cublas', kernels: false },
  { name: 'nvidia-cublas-cu*', kernels: false },
  { name: 'nvidia-cuda-runtime', kernels: false },
  { name: 'nvidia-cuda-runtime-cu*', kernels: false },
];

export function findCompanionKind(name: string): CompanionKind | null {
  return COMPANIONS.find((kind) => (kind.name.endsWith('*') ? name.startsWith(kind.name.slice(0, -1)) : name === kind.name)) ?? null;
}
