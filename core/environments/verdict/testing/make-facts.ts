import { join } from 'node:path';
import type { CompanionFacts, EnvironmentXray, FoundEnvironment, LibraryCensus, TorchFacts } from '../../../../contract/environments.ts';
import type { DriverFacts, GpuTarget } from '../../../../contract/verdict.ts';
import { isTegraCapability } from '../architecture-rules.ts';

/** `resources/` of the repository. */
export const resources = join(import.meta.dirname, '../../../../resources');

/** Facts as finding and X-ray give them; a test changes what it is about. */
export function makeFound(change: Partial<FoundEnvironment> = {}): FoundEnvironment {
  return {
    id: '0123456789ab', name: 'chat', kind: 'venv', tool: 'pip', prefix: '/home/ada/chat', foundBy: ['virtualenv folders'],
    python: { path: '/home/ada/chat/bin/python', realPath: '/usr/bin/python3.12', version: '3.12.3', implementation: 'cpython', abi: 'cp312', freeThreaded: false },
    basePrefix: '/usr', projectFolder: null, packageFolders: ['/home/ada/chat/lib/python3.12/site-packages'], sharesBasePackages: false, externallyManaged: false, ownerUid: 1000, place: null, changedAtMs: null, problems: [], ...change,
  };
}

/** `{ sm_80: 99, 'compute_90/8.5': 3 }`: containers by architecture, for PTX with its ISA. */
export function makeLibrary(path: string, counts: Readonly<Record<string, number>>, change: Partial<LibraryCensus> = {}): LibraryCensus {
  const code = Object.entries(counts).map(([text, containers]) => {
    const [arch = '', ptxIsa = null] = text.split('/');
    return { arch, kind: arch.startsWith('compute') ? 'ptx' as const : 'sass' as const, containers, entries: containers, ptxIsa };
  });
  return { path, sizeBytes: 1e9, bytesRead: 130_000, format: 'elf', containers: Math.max(0, ...Object.values(counts)), code, elsewhere: [], troubles: [], ...change };
}

export const mainLibrary = 'torch/lib/libtorch_cuda.so';
const evenly = (archs: readonly string[], containers = 100): Record<string, number> => Object.fromEntries(archs.map((a) => [a, containers]));

/** torch as read: `archs` is what its main library carries everywhere (PTX with `/ISA`). */
export function makeTorch(version: string, archs: readonly string[], change: Partial<TorchFacts> = {}): TorchFacts {
  const label = /\+cu(\d{2})(\d)/.exec(version), names = archs.map((a) => a.split('/')[0] ?? a);
  return {
    path: '/home/ada/chat/lib/python3.12/site-packages/torch', version, metadataVersion: version.split('+')[0] ?? version, build: 'cuda', cuda: label === null ? '12.8' : `${label[1]}.${label[2]}`, hip: null, installer: 'pip', directUrl: null, condaBuild: null, wheelTag: 'cp312-cp312-manylinux_2_28_x86_64',
    flags: names, flagsFile: 'torch/lib/libtorch_python.so', census: names, libraries: [makeLibrary(mainLibrary, evenly(archs))], requires: [], ...change,
  };
}

export function makeXray(torch: TorchFacts | null, change: Partial<EnvironmentXray> = {}): EnvironmentXray {
  return { environmentId: '0123456789ab', atMs: 1, tookMs: 1, bytesRead: 1, torch, otherTorch: [], companions: [], packages: torch === null ? [] : [{ name: 'torch', version: torch.metadataVersion ?? '2.0' }], leftovers: [], record: null, pins: [], shadows: [], problems: [], ...change };
}

export const makeCompanion = (name: string, version: string, change: Partial<CompanionFacts> = {}): CompanionFacts => ({ name, version, installer: 'pip', torchRequirement: null, cudaLabel: null, cudaMajor: null, libraries: [], ...change });

/** A GPU that is named; `index` says that it is in this machine. */
export const makeTarget = (computeCapability: string | null, name = `GPU ${computeCapability ?? 'x'}`, index: number | null = null): GpuTarget => ({ key: name, name, computeCapability, index, tegra: isTegraCapability(computeCapability), source: index === null ? 'table' : 'driver' });

export const makeDriver = (version: string | null, change: Partial<DriverFacts> = {}): DriverFacts => ({ version, cudaVersion: null, mismatch: false, platform: 'linux_x86_64', wsl: false, source: version === null ? 'none' : 'given', ...change });
