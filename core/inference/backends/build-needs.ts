import type { BackendKind, BackendsState } from '../../../contract/inference.ts';

/** What of the tools is on this machine; null: not found. */
export interface BuildTools {
  readonly git: string | null;
  readonly cmake: { readonly path: string; readonly version: string | null } | null;
  readonly compiler: string | null;
  /** ninja or make. */
  readonly generator: string | null;
  readonly nvcc: { readonly path: string; readonly version: string | null } | null;
  /** ID and ID_LIKE of /etc/os-release, or the platform. */
  readonly distribution: readonly string[];
}
export interface BuildQuestion {
  readonly kind: Exclude<BackendKind, 'vulkan'>;
  readonly tools: BuildTools;
  readonly computeCapabilities: readonly string[];
  readonly driverCuda: string | null;
}
export type BuildNeed = BackendsState['offers'][number]['needs'][number];
export interface BuildNeeds {
  readonly needs: readonly BuildNeed[];
  /** How to get what is missing; empty: nothing is. */
  readonly remedy: string;
  /** What cmake is told: `90;120a`. */
  readonly architectures: readonly string[];
}

/** First CUDA toolkit that compiles for a capability (NVIDIA's release notes; llama.cpp's CMakeLists.txt has the same). */
const firstToolkit: Readonly<Record<string, string>> = {
  '5.0': '6.5', '5.2': '7.0', '6.0': '8.0', '6.1': '8.0', '7.0': '9.0', '7.5': '10.0', '8.0': '11.0', '8.6': '11.1', '8.7': '11.4', '8.9': '11.8', '9.0': '11.8', '10.0': '12.8', '10.3': '12.9', '11.0': '13.0', '12.0': '12.8', '12.1': '12.9',
};
/** CUDA 13 compiles for 7.5 and newer. */
const LAST_BEFORE_TURING = '12.9';
const CMAKE_NEED = '3.18';

const parts = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10) || 0);
function compareDotted(a: string, b: string): number {
  const left = parts(a), right = parts(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) if ((left[i] ?? 0) !== (right[i] ?? 0)) return (left[i] ?? 0) - (right[i] ?? 0);
  return 0;
}

/** The oldest and the newest toolkit for these GPUs and this driver. Pure. */
export function decideToolkit(computeCapabilities: readonly string[], driverCuda: string | null): { readonly atLeast: string; readonly below: string | null; readonly wish: string } {
  const atLeast = computeCapabilities.map((c) => firstToolkit[c] ?? '13.0').sort(compareDotted).at(-1) ?? '11.8';
  const old = computeCapabilities.some((c) => compareDotted(c, '7.5') < 0);
  const driverMajor = driverCuda === null ? null : (parts(driverCuda)[0] ?? null);
  // A toolkit of a newer major than the driver's makes programs that the driver refuses; a newer minor is fine.
  const limit = Math.min(old ? 12 : Infinity, driverMajor ?? Infinity);
  return { atLeast, below: limit === Infinity ? null : `${limit + 1}.0`, wish: old ? LAST_BEFORE_TURING : driverMajor === 12 ? '12.9' : '13.0' };
}

interface Installer { readonly git: string; readonly cmake: string; readonly compiler: string; readonly generator: string; readonly cuda: (version: string) => string; readonly command: string }
const installers: readonly (readonly [ids: readonly string[], installer: Installer])[] = [
  [['debian', 'ubuntu'], { command: 'sudo apt install', git: 'git', cmake: 'cmake', compiler: 'g++', generator: 'ninja-build', cuda: (v) => `cuda-toolkit-${v.replace('.', '-')}` }],
  [['fedora', 'rhel', 'centos'], { command: 'sudo dnf install', git: 'git', cmake: 'cmake', compiler: 'gcc-c++', generator: 'ninja-build', cuda: (v) => `cuda-toolkit-${v.replace('.', '-')}` }],
  [['arch'], { command: 'sudo pacman -S', git: 'git', cmake: 'cmake', compiler: 'gcc', generator: 'ninja', cuda: () => 'cuda' }],
  [['opensuse', 'suse', 'sles'], { command: 'sudo zypper install', git: 'git', cmake: 'cmake', compiler: 'gcc-c++', generator: 'ninja', cuda: (v) => `cuda-toolkit-${v.replace('.', '-')}` }],
];

/** What a build needs, what of it is there, and how to get the rest, with the distribution's own names. Pure. */
export function decideBuildNeeds({ kind, tools, computeCapabilities, driverCuda }: BuildQuestion): BuildNeeds {
  const installer = installers.find(([ids]) => tools.distribution.some((id) => ids.some((i) => id.startsWith(i))))?.[1] ?? null;
  const install: string[] = [];
  const needs: BuildNeed[] = [];
  const need = (text: string, met: boolean, detail: string | null, packageName: string | null): void => {
    needs.push({ text, met, detail });
    if (!met && packageName !== null && !install.includes(packageName)) install.push(packageName);
  };
  const { cmake, nvcc } = tools;
  need('git', tools.git !== null, tools.git, installer?.git ?? null);
  need(`cmake ${CMAKE_NEED} or newer`, cmake !== null && (cmake.version === null || compareDotted(cmake.version, CMAKE_NEED) >= 0), cmake === null ? null : `${cmake.path}${cmake.version === null ? '' : ` (${cmake.version})`}`, installer?.cmake ?? null);
  need('a C++ compiler', tools.compiler !== null, tools.compiler, installer?.compiler ?? null);
  need('ninja or make', tools.generator !== null, tools.generator, installer?.generator ?? null);
  if (kind === 'cuda') {
    const { atLeast, below, wish } = decideToolkit(computeCapabilities, driverCuda);
    const fits = nvcc !== null && (nvcc.version === null || (compareDotted(nvcc.version, atLeast) >= 0 && (below === null || compareDotted(nvcc.version, below) < 0)));
    const range = below === null ? `${atLeast} or newer` : `${atLeast} or newer, below ${below}`;
    need(`CUDA toolkit ${range}`, fits, nvcc === null ? null : `${nvcc.path}${nvcc.version === null ? '' : ` (${nvcc.version})`}`, installer?.cuda(wish) ?? null);
    need('an NVIDIA GPU of known compute capability', computeCapabilities.length > 0, computeCapabilities.length === 0 ? null : computeCapabilities.join(', '), null);
  }
  const missing = needs.filter((n) => !n.met);
  const remedy = missing.length === 0 ? ''
    : install.length > 0 && installer !== null ? `${installer.command} ${install.join(' ')}${install.some((p) => p.startsWith('cuda')) ? ' (the CUDA toolkit comes from NVIDIA’s own package repository)' : ''}. Then build again.`
      : `Install ${missing.map((n) => n.text).join(', ')}, then build again.`;
  // Of 10.0 and newer the fastest kernels are made for exactly one chip.
  const architectures = [...new Set(computeCapabilities)].map((c) => `${c.replace('.', '')}${compareDotted(c, '10.0') >= 0 ? 'a' : ''}-real`);
  return { needs, remedy, architectures };
}
