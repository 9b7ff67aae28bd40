import type { EnvironmentXray } from '../../../contract/environments.ts';
import type { TorchTarget } from '../../../contract/upgrades.ts';
import { normalName } from '../tables/companion-table.ts';
import { cudaOfLabel } from '../tables/list-wheels.ts';
import { publicVersion } from '../verdict/architecture-rules.ts';
import { PACKAGE_INDEX } from './decide-targets.ts';

/** What the tool of the environment is asked for, whichever tool it is. */
export interface InstallSteps {
  /** `torch==2.14.1+cu130`, `torchvision==…` or a bare name where no pair is known for sure. */
  readonly requirements: readonly string[];
  /** Null: the index that the tool is set to. */
  readonly indexUrl: string | null;
  /** Installed already and to be installed anew even where their version seems to fit (other label, files of other packages over them). */
  readonly reinstall: readonly string[];
  /** For a tool that cannot reinstall single packages with their dependencies (pip): to be uninstalled before. */
  readonly removeFirst: readonly string[];
  /** Stay behind without use afterwards. They share files with the new ones: nobody may remove them. */
  readonly left: readonly string[];
}

const FAMILY = ['torch', 'torchvision', 'torchaudio'] as const;
const cudaMajorOf = (name: string): number | null => { const m = /^nvidia-.*-cu(\d{2})$/.exec(name); return m === null ? null : Number(m[1]); };

/**
 * Requirements and traps of going to a target. `xray` null: a new environment. Traps (torch-wheels-measured): a public
 * pin is met by any label, so it must be reinstalled; packages of two CUDA majors write the same paths, so those of the
 * target's major that are left over from before count as installed while their files are the others'.
 */
export function decideInstallSteps(target: TorchTarget, xray: EnvironmentXray | null): InstallSteps {
  const installed = new Set((xray?.packages ?? []).map((p) => normalName(p.name)));
  if (xray?.torch) installed.add('torch');
  const wanted = FAMILY.filter((f) => f === 'torch' || (xray === null || xray.torch === null ? f === 'torchvision' : installed.has(f)));
  const fromPackageIndex = target.indexUrl === PACKAGE_INDEX;
  const versions = { torch: target.version, torchvision: target.torchvision, torchaudio: target.torchaudio };
  const requirements = wanted.map((f) => (versions[f] === null ? f : `${f}==${versions[f]}`));
  const family = FAMILY.filter((f) => installed.has(f) && wanted.includes(f));
  const goalMajor = Number(cudaOfLabel(target.label)?.split('.')[0] ?? 0);
  const nvidia = [...installed].filter((n) => cudaMajorOf(n) !== null).sort();
  const presentMajor = Number(xray?.torch?.cuda?.split('.')[0] ?? 0);
  // Left over from an earlier CUDA of the same major as the goal: named as installed, overwritten on disk.
  const overwritten = presentMajor !== goalMajor || (xray?.leftovers.length ?? 0) > 0 ? nvidia.filter((n) => cudaMajorOf(n) === goalMajor) : [];
  const sameVersion = xray?.torch?.version != null && publicVersion(xray.torch.version) === publicVersion(target.version);
  const unsure = wanted.some((f) => f !== 'torch' && versions[f] === null && installed.has(f));
  const removeFirst = overwritten.length > 0 ? [...family, ...nvidia] : unsure || (fromPackageIndex && sameVersion) || (xray?.otherTorch.length ?? 0) > 0 ? family : [];
  return {
    requirements,
    indexUrl: fromPackageIndex ? null : target.indexUrl,
    reinstall: [...family, ...overwritten],
    removeFirst,
    left: removeFirst.some((n) => cudaMajorOf(n) !== null) ? [] : nvidia.filter((n) => cudaMajorOf(n) !== goalMajor),
  };
}

/** Packages whose files RECORD says are missing or changed, and torch itself where it is there twice: to be reinstalled as they are. */
export function damagedPackages(xray: EnvironmentXray): string[] {
  const damaged = new Set((xray.record?.examples ?? []).map((e) => normalName(e.package)));
  if (xray.otherTorch.length > 0 && xray.torch !== null) damaged.add('torch');
  return [...damaged].sort();
}

/** `name==version` as it is installed; null where the version is not known. */
export function installedRequirement(name: string, xray: EnvironmentXray): string | null {
  const version = name === 'torch' ? (xray.torch?.metadataVersion ?? xray.torch?.version ?? null) : (xray.packages.find((p) => normalName(p.name) === name)?.version ?? null);
  return version === null || !/^[A-Za-z0-9][A-Za-z0-9.+!_-]*$/.test(version) ? null : `${name}==${version}`;
}
