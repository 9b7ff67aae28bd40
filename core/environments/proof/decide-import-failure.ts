export interface ImportFailure {
  readonly detail: string;
  readonly remedy: string;
  /** The file that the loader did not find, and the package that brings it. */
  readonly library: string | null;
  readonly packageName: string | null;
}

/**
 * Libraries that torch loads from packages of their own, as stem of the file → project on the index. `bare`: the
 * packages for CUDA 13 have no `-cu13` at their end (read from the metadata of torch 2.11+cu130 and 2.15+cu132).
 */
const libraries: Readonly<Record<string, { readonly name: string; readonly bare?: boolean }>> = {
  cudart: { name: 'nvidia-cuda-runtime', bare: true },
  cublas: { name: 'nvidia-cublas', bare: true },
  cublasLt: { name: 'nvidia-cublas', bare: true },
  nvblas: { name: 'nvidia-cublas', bare: true },
  cufft: { name: 'nvidia-cufft', bare: true },
  cufftw: { name: 'nvidia-cufft', bare: true },
  cufile: { name: 'nvidia-cufile', bare: true },
  cufile_rdma: { name: 'nvidia-cufile', bare: true },
  curand: { name: 'nvidia-curand', bare: true },
  cusolver: { name: 'nvidia-cusolver', bare: true },
  cusolverMg: { name: 'nvidia-cusolver', bare: true },
  cusparse: { name: 'nvidia-cusparse', bare: true },
  cupti: { name: 'nvidia-cuda-cupti', bare: true },
  nvrtc: { name: 'nvidia-cuda-nvrtc', bare: true },
  'nvrtc-builtins': { name: 'nvidia-cuda-nvrtc', bare: true },
  nvJitLink: { name: 'nvidia-nvjitlink', bare: true },
  nvToolsExt: { name: 'nvidia-nvtx', bare: true },
  nvtx3interop: { name: 'nvidia-nvtx', bare: true },
  cudnn: { name: 'nvidia-cudnn' },
  cusparseLt: { name: 'nvidia-cusparselt' },
  nccl: { name: 'nvidia-nccl' },
  nvshmem_host: { name: 'nvidia-nvshmem' },
};

/** Versions of libraries whose number is not CUDA's: file version → CUDA major (toolkit release notes 11.8, 12.x, 13.x). */
const majorByFile: Readonly<Record<string, number>> = {
  'cufft.so.10': 11, 'cufft.so.11': 12, 'cufft.so.12': 13, 'cusolver.so.11': 12, 'cusolver.so.12': 13, 'cudart.so.11.0': 11,
};
/** Libraries whose file version is CUDA's major. */
const numberedLikeCuda: ReadonlySet<string> = new Set(['cublas', 'cublasLt', 'nvblas', 'cudart', 'cupti', 'nvrtc', 'nvJitLink']);

/** Messages that are not about a missing library, and what to do. */
const others: readonly (readonly [RegExp, string])[] = [
  [/No module named ['"]?torch['"]?(?![.\w])/, 'Install PyTorch into this environment. The advice has the command.'],
  [/No module named ['"]?(numpy|typing_extensions|sympy|networkx|jinja2|fsspec|filelock|mpmath)/, 'Reinstall torch together with what it requires.'],
  [/undefined symbol|version `[A-Za-z]\w*' not found \(required by [^)]*(cu|nv|torch)|symbol lookup error/, 'Libraries of two versions are mixed. Reinstall torch together with its nvidia packages.'],
  [/version `GLIBC_[\d.]+' not found/, 'The system is older than this build needs. Choose an older build, or update the system.'],
  [/version `(GLIBCXX|CXXABI)_[\d.]+' not found/, 'An old libstdc++ is loaded before the system’s. Update libstdcxx-ng in a conda environment, or take the folder out of LD_LIBRARY_PATH.'],
  [/failed to map segment from shared object|cannot allocate memory/i, 'There is too little memory, or the folder is mounted so that nothing in it can be run (noexec).'],
  [/invalid ELF header|file too short|wrong ELF class|not a valid Win32 application/, 'A file is damaged or for another processor. Reinstall torch together with its nvidia packages.'],
  [/WinError 126|WinError 127|DLL load failed/, 'Install the Microsoft Visual C++ Redistributable; if it is there, reinstall torch.'],
  [/WinError 1455|paging file is too small/, 'Make the paging file larger, or close programs.'],
  [/partially initialized module|circular import|has no tensors/, 'A file or folder named torch hides the package, or the package is cut. Rename that file, or reinstall torch.'],
];

/** CUDA major of torch's version: `2.4.1+cu121` → 12; null where there is no such label. Pure. */
export function parseCudaLabel(torchVersion: string | null): number | null {
  const digits = /\+cu(\d{2})\d{1,2}\b/.exec(torchVersion ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * What the message of a failed `import torch` means and which package mends it.
 * @param cudaMajor of this torch, where its files say it: some names do not tell it (libcudnn.so.9 is in both). Pure.
 */
export function decideImportFailure(text: string, cudaMajor: number | null): ImportFailure {
  const detail = text.slice(0, 500);
  const missing = /(?:lib)([A-Za-z][\w-]*?)(?:-[\da-f]{8})?\.so(?:\.([\d.]+\d|\d))?: cannot open shared object file/.exec(text);
  if (missing === null) {
    const known = others.find(([pattern]) => pattern.test(text));
    return { detail, remedy: known?.[1] ?? 'Reinstall torch together with what it requires; the repair does so.', library: null, packageName: null };
  }
  const [, stem = '', version] = missing;
  const library = `lib${stem}.so${version === undefined ? '' : `.${version}`}`;
  if (stem === 'cuda' || stem === 'nvidia-ml') return { detail, remedy: 'This file comes with the NVIDIA driver. Install it, or give the container access to the GPU.', library, packageName: null };
  if (/^(torch|c10|caffe2|shm)/.test(stem)) return { detail, remedy: 'This file is part of torch itself. Reinstall torch.', library, packageName: 'torch' };
  // cuDNN is split into libcudnn_ops, libcudnn_cnn, …
  const entry = libraries[stem] ?? (stem.startsWith('cudnn') ? libraries['cudnn'] : undefined);
  if (entry === undefined) return { detail, remedy: `Install what brings ${library}, with the system’s package manager or conda.`, library, packageName: null };
  const major = majorOf(stem, version) ?? cudaMajor;
  const packageName = major === null || (major >= 13 && entry.bare === true) ? entry.name : `${entry.name}-cu${major}`;
  const exact = major === null ? `${packageName}-cuNN (NN is the CUDA major of this torch)` : packageName;
  return { detail, remedy: `${library} comes with the package ${exact}. Reinstall it; if packages of another CUDA version were removed, they took shared files along, and the repair puts all back.`, library, packageName };
}

function majorOf(stem: string, version: string | undefined): number | null {
  if (version === undefined) return null;
  const listed = majorByFile[`${stem}.so.${version}`];
  if (listed !== undefined) return listed;
  return numberedLikeCuda.has(stem) ? Number(/^\d+/.exec(version)?.[0] ?? Number.NaN) || null : null;
}
