import type { BackendKind } from '../../../contract/inference.ts';

export interface System {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
}

/** Name of the prebuilt package and of the folder in it: `linux-x64-cuda`. null: there is none for this system. */
export function prebuiltName({ platform, arch }: System, kind: BackendKind): string | null {
  const os = platform === 'linux' ? 'linux' : platform === 'win32' ? 'win' : platform === 'darwin' ? 'mac' : null;
  if (os === null) return null;
  const base = `${os}-${arch === 'arm' ? 'armv7l' : arch}`;
  if (os === 'mac') return kind !== 'cpu' ? null : arch === 'arm64' ? 'mac-arm64-metal' : base;
  return kind === 'cpu' ? base : `${base}-${kind}`;
}

/** The library of ggml that holds a backend. */
export function backendLibrary({ platform }: System, kind: BackendKind): string {
  if (kind === 'cpu') return 'llama-addon.node';
  return platform === 'win32' ? `ggml-${kind}.dll` : `libggml-${kind}.so`;
}

/**
 * Libraries that must come from somewhere else, of those that a library is linked with: not the system's C and C++
 * libraries, not its own neighbours. Where the link table cannot be read (Windows), what is known of the kind. cuBLAS
 * loads cuBLASLt of the same version by itself.
 */
export function foreignLibraries(needed: readonly string[], kind: BackendKind, { platform }: System): string[] {
  if (kind === 'cpu') return [];
  if (needed.length === 0 && platform === 'win32') return kind === 'cuda' ? ['nvcuda.dll', 'cudart64_13.dll', 'cublas64_13.dll', 'cublasLt64_13.dll'] : ['vulkan-1.dll'];
  const own = /^(?:lib(?:c|m|dl|rt|pthread|gcc_s|stdc\+\+|gomp)\.so|libggml|libllama|ld-linux|linux-vdso)/;
  return needed.filter((name) => !own.test(name)).flatMap((name) => {
    const blas = /^libcublas\.so\.(\d{1,3})$/.exec(name)?.[1];
    return blas === undefined ? [name] : [name, `libcublasLt.so.${blas}`];
  });
}

/** Libraries of the CUDA runtime, which wheels bring; the others are the driver's or the system's. */
export const isCudaRuntime = (name: string): boolean => /^(?:libcudart|libcublas|libcublasLt|cudart64_|cublas64_|cublasLt64_)/.test(name);
/** The driver's own library. */
export const isDriverLibrary = (name: string): boolean => /^(?:libcuda\.so|nvcuda\.dll)/.test(name);

/** Major of the CUDA runtime that is needed; null: none is. */
export function runtimeMajor(libraries: readonly string[]): number | null {
  for (const name of libraries) {
    const major = /^libcudart\.so\.(\d{1,3})$/.exec(name)?.[1] ?? /^cudart64_(\d{1,3})\.dll$/.exec(name)?.[1];
    if (major !== undefined) return Number(major);
  }
  return null;
}
