/**
 * Which device code runs on which GPU. Sources: CUDA programming guide (binary and PTX compatibility, architecture-
 * and family-specific targets), measured against torch 2.11's own check where that is right; exceptions by
 * resources/data/pytorch-wheels.json's notes. Pure.
 */

export interface Capability {
  readonly major: number;
  readonly minor: number;
}
export interface Architecture {
  readonly kind: 'sass' | 'ptx';
  /** 90 for sm_90: last digit the minor version. */
  readonly number: number;
  readonly suffix: '' | 'a' | 'f';
}

/** Chips with an integrated GPU: they share cubins with no discrete GPU of the same number, nor it with them. */
const tegra: readonly number[] = [53, 62, 72, 87, 88, 101, 110];
/** Families of the `f` targets (CUDA 12.9 and later): same major, minor not below the target's. */
const families: Readonly<Record<number, readonly number[]>> = { 100: [100, 103], 103: [103], 101: [101, 110], 110: [101, 110], 120: [120, 121], 121: [121] };

/** `12.0`, `sm_120`, `sm_90a`, `compute_90` → its parts; null when it is none. */
export function parseArchitecture(text: string): Architecture | null {
  const match = /^(sm|compute)_(\d{2,3})([af]?)$/.exec(text.trim());
  if (match === null) return null;
  return { kind: match[1] === 'sm' ? 'sass' : 'ptx', number: Number(match[2]), suffix: match[3] === 'a' ? 'a' : match[3] === 'f' ? 'f' : '' };
}
export function parseCapability(text: string): Capability | null {
  const match = /^(\d{1,2})\.(\d)$/.exec(text.trim());
  return match === null ? null : { major: Number(match[1]), minor: Number(match[2]) };
}
export const architectureNumber = (c: Capability): number => c.major * 10 + c.minor;
export const formatCapability = (c: Capability): string => `${c.major}.${c.minor}`;

/** Thor was 10.1 in CUDA 12 and is 11.0 in CUDA 13: one chip. */
const sameChip = (a: number, b: number): boolean => a === b || (a === 101 && b === 110) || (a === 110 && b === 101);

/** Its GPU is integrated in a Tegra chip. A capability that cannot be read is no such one. */
export function isTegraCapability(text: string | null): boolean {
  const capability = text === null ? null : parseCapability(text);
  return capability !== null && tegra.includes(architectureNumber(capability));
}

/** The GPU executes this code as it stands. */
export function runsNatively(code: Architecture, gpu: Capability): boolean {
  if (code.kind !== 'sass') return false;
  const device = architectureNumber(gpu);
  if (code.suffix === 'a') return sameChip(device, code.number);
  if (code.suffix === 'f') return (families[code.number] ?? []).includes(device);
  if (tegra.includes(device) || tegra.includes(code.number)) return sameChip(device, code.number);
  return Math.floor(code.number / 10) === gpu.major && code.number % 10 <= gpu.minor;
}

/** The driver can compile this code for the GPU, if it knows its PTX version (see driver-rules.ts). */
export function compilesFor(code: Architecture, gpu: Capability): boolean {
  if (code.kind !== 'ptx') return false;
  const device = architectureNumber(gpu);
  if (code.suffix === 'a') return sameChip(device, code.number);
  if (code.suffix === 'f') return (families[code.number] ?? []).includes(device);
  return (device === 101 ? 110 : device) >= code.number;
}

/** The number a part begins with: `0` of `0a0`; 0 where there is none. */
const partNumber = (part: string | undefined): number => Number(/^\d{1,9}/.exec(part ?? '')?.[0] ?? 0);
/** Without the local label: `2.8.0` of `2.8.0+cu128`. */
export const publicVersion = (version: string): string => version.split('+', 1)[0] ?? version;

/**
 * Dotted version parts compared as numbers: 580.95.05 against 580. Missing parts count as 0, local labels do not count,
 * and a pre-release (2.7.0a0) counts as its release.
 */
export function compareVersions(a: string, b: string): number {
  const left = publicVersion(a).split('.'), right = publicVersion(b).split('.');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = partNumber(left[i]) - partNumber(right[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What a GPU's own kernels are called: `sm_120`. */
export const ownArchitecture = (gpu: Capability): string => `sm_${architectureNumber(gpu)}`;
