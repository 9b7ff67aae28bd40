/** A CUDA version as a label, and its major. */
export interface CudaLabel {
  /** As written: `cu121`, `cu12`, `cuda12x`. */
  readonly label: string | null;
  readonly major: number | null;
}

/** From the version's local label (`+cu121`, `+cu12torch2.4cxx11abiTRUE`, `+pt24cu121`), else the end of the name (`-cu12`, `-cuda12x`). */
export function decideCudaLabel(name: string, version: string): CudaLabel {
  const local = /\+(?:.*[^A-Za-z])?(cu\d{2,4})(?!\d)/.exec(version)?.[1] ?? null;
  const inName = /-(cu\d{2,3}|cuda\d{2,3}x?)(?=$|-)/.exec(name)?.[1] ?? null;
  const label = local ?? inName;
  return { label, major: label === null ? null : parseCudaMajor(label) };
}

/** `cu121` 12, `cu13` 13, `cu92` 9, `cuda120` 12; null for anything else. */
export function parseCudaMajor(label: string): number | null {
  const digits = /^cu(?:da)?(\d{2,4})x?$/.exec(label)?.[1];
  if (digits === undefined) return null;
  const two = Number(digits.slice(0, 2));
  // CUDA 8 and 9 had one digit: cu80, cu92. Nothing that is found today has a CUDA 20.
  return two >= 10 && two < 20 ? two : Number(digits[0]);
}

/** `12.8` as `cu128`; null when it is no version. */
export function labelOfVersion(version: string): string | null {
  const match = /^(\d{1,2})\.(\d{1,2})(?:\.|$)/.exec(version);
  return match === null ? null : `cu${match[1]}${match[2]}`;
}

/**
 * What a package's own file says about its build: version.py of torchvision and torchaudio, cpp_lib.json of xformers
 * (`"cuda": 1208`), build_and_package_info.py of onnxruntime (`cuda_version = "12.4"`).
 */
export function parseCudaStatement(text: string): CudaLabel {
  const local = /__version__\s*=\s*['"][^'"]*\+(cu\d{2,4})\b/.exec(text)?.[1];
  const plain = /\b(?:cuda|cuda_version)\s*(?::[^=\n]{0,80})?=\s*['"](\d{1,2}\.\d{1,2})/.exec(text)?.[1];
  const number = /"cuda"\s*:\s*(\d{3,5})/.exec(text)?.[1];
  const version = plain ?? (number === undefined ? undefined : `${Math.floor(Number(number) / 100)}.${Number(number) % 100}`);
  const label = local ?? (version === undefined ? null : labelOfVersion(version));
  return { label, major: label === null ? null : parseCudaMajor(label) };
}

/**
 * The major of the CUDA runtime among libraries that a package's libraries need (`libcudart.so.12`, `cudart64_12.dll`).
 * Null without one, and when there are several: bitsandbytes brings a library for each.
 */
export function decideNeededMajor(needed: readonly string[]): number | null {
  const majors = new Set<number>();
  for (const name of needed) {
    const match = /^(?:libcudart(?:-[0-9a-f]+)?\.so\.(\d{1,2})|cudart64_(\d{2,3})\.dll|libcublas(?:Lt)?(?:-[0-9a-f]+)?\.so\.(\d{1,2}))/i.exec(name);
    const digits = match?.[1] ?? match?.[2] ?? match?.[3];
    // cudart64_110.dll is CUDA 11.
    if (digits !== undefined) majors.add(Number(digits.slice(0, 2)));
  }
  const [first] = majors;
  return majors.size === 1 && first !== undefined ? first : null;
}
