/** Packages whose version decides which torch there is: on the package index, and in conda. */
const NAMES = new Set(['torch', 'torchvision', 'torchaudio', 'pytorch', 'pytorch-cuda', 'pytorch-cpu', 'pytorch-gpu', 'libtorch', 'cuda-version']);

export const isPinnedName = (name: string): boolean => NAMES.has(name);

/** Official indexes of one build: `https://download.pytorch.org/whl/cu121`. Whatever comes from there has that label. */
export function findBuildIndex(text: string): string | null {
  return /https?:\/\/[^\s"'#]{1,300}\/whl\/(?:nightly\/|test\/)?(?:cu\d{2,3}|cpu|rocm[\d.]+|xpu)\b/.exec(text)?.[0] ?? null;
}

/** A line that asks for a version, before it is known which file it stands in. */
export interface PinLine {
  readonly line: number;
  readonly package: string;
  readonly specifier: string;
}
