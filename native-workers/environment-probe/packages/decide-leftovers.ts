import type { BoundedReader } from './bounded-reader.ts';
import { parseRequirement } from './parse-requirement.ts';
import type { Distribution } from './read-distributions.ts';

/** NVIDIA's packages that a torch wheel brings, without their CUDA suffix. Others were installed on purpose. */
const TORCH_LIBRARIES = new Set(['cublas', 'cuda-cupti', 'cuda-nvrtc', 'cuda-runtime', 'cudnn', 'cufft', 'cufile', 'curand', 'cusolver', 'cusparse', 'cusparselt', 'nccl', 'nvjitlink', 'nvshmem', 'nvtx']);

export interface CudaPackage {
  readonly name: string;
  readonly version: string;
  readonly cudaMajor: number;
}

/**
 * The CUDA major of one of NVIDIA's packages: by its suffix (`nvidia-cudnn-cu12`); since CUDA 13 most have none and
 * install below `nvidia/cu13` (`recordedMajor`: what their RECORD shows). Null for any other package.
 */
export function decideLibraryMajor(name: string, version: string, recordedMajor: number | null): number | null {
  // The meta-package that torch requires since CUDA 13; its version is the toolkit's.
  if (name === 'cuda-toolkit') return Number(/^\d{2}/.exec(version)?.[0] ?? 0) || null;
  const match = /^nvidia-(.+?)(?:-cu(\d{2})\d?)?$/.exec(name);
  if (match?.[1] === undefined || !TORCH_LIBRARIES.has(match[1])) return null;
  return match[2] === undefined ? recordedMajor : Number(match[2]);
}

/** The same of an installed package. Of a RECORD the beginning is enough: its lines are sorted. */
export function readLibraryMajor(reader: BoundedReader, distribution: Distribution): number | null {
  const isPlain = distribution.name.startsWith('nvidia-') && !/-cu\d+$/.test(distribution.name) && distribution.recordPath !== null;
  const shown = isPlain ? /(?:^|\n)nvidia\/cu(\d{2})\//.exec(reader.readText(distribution.recordPath ?? '', 64 * 1024) ?? '')?.[1] : undefined;
  return decideLibraryMajor(distribution.name, distribution.version, shown === undefined ? null : Number(shown));
}

/**
 * Libraries of a CUDA major that this torch does not use, and that nothing else asks for: they stayed when torch was
 * changed. What another package requires, if only with an extra, is not called left over.
 */
export function decideLeftovers(
  torchMajor: number | null,
  packages: readonly { readonly name: string; readonly requires: readonly string[] }[],
  libraries: readonly CudaPackage[],
): CudaPackage[] {
  const others = libraries.filter((library) => library.cudaMajor !== torchMajor);
  if (others.length === 0) return [];
  const candidates = new Map(others.map((library) => [library.name, library]));
  const requires = new Map(packages.map((one) => [one.name, one.requires.map((text) => parseRequirement(text)?.name).filter((name) => name !== undefined)]));
  const kept = new Set<string>();
  const visit = (name: string): void => {
    for (const required of requires.get(name) ?? []) {
      if (!candidates.has(required) || kept.has(required)) continue;
      kept.add(required);
      visit(required);
    }
  };
  for (const { name } of packages) if (!candidates.has(name)) visit(name);
  return others.filter((library) => !kept.has(library.name));
}
