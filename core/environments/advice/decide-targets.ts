import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import type { TorchTarget } from '../../../contract/upgrades.ts';
import { compareVersions, publicVersion } from '../verdict/architecture-rules.ts';
import type { AdviceTables } from './advice-tables.ts';
import { listBuilds, pythonFits, type Build } from './list-builds.ts';
import type { Platform } from './quote-command.ts';
import { driverRuns, foreignLabels, minDriverFor, moduleConflict, servesAll } from './serve-rules.ts';

/** A plain package index, as the tool is set to: `TorchTarget.indexUrl` of builds that need no index of PyTorch's. */
export const PACKAGE_INDEX = 'pypi';
export const TORCH_INDEX = 'https://download.pytorch.org/whl';

export interface TargetInput {
  readonly targets: readonly GpuTarget[];
  readonly driver: DriverFacts;
  /** `3.12.4`; null: not known, or free to choose. */
  readonly python: string | null;
  readonly freeThreaded?: boolean;
  /** Also releases whose wheels for this Python are called experimental. */
  readonly experimentalPython?: boolean;
  readonly platform: Platform;
  readonly tables: AdviceTables;
  /** Base of PyTorch's wheel index; a mirror of it where one is set. */
  readonly torchIndexUrl?: string;
  /** torchaudio is in use: builds whose index has one for them come first. */
  readonly wantsTorchaudio?: boolean;
}

/** A build that the driver runs by minor-version compatibility only counts as this many releases older. */
const MINOR_COMPATIBILITY = 1.5;

/**
 * All official builds that serve *all* GPUs natively with this driver, system and Python; best first: verified before
 * unverified, newest before older, but a build whose CUDA version the driver itself knows before one that is a single
 * release newer and runs by compatibility alone. Empty: there is none, or no GPU was given.
 */
export function decideBuilds(input: TargetInput): Build[] {
  const { targets, driver, tables } = input;
  if (targets.length === 0 || moduleConflict(targets, driver, tables) !== null) return [];
  const pythons = input.experimentalPython === true ? ['yes', 'experimental'] : ['yes'];
  const all = listBuilds(input.platform, tables);
  const started = new Set([...new Set(all.map((b) => b.label))].filter((l) => driverRuns(l, targets, driver, tables) !== false));
  const releases = new Set(tables.releases.releases.filter((r) => pythons.includes(pythonFits(r, input.python, input.freeThreaded))));
  const fitting = all.filter((b) => releases.has(b.release) && started.has(b.label) && servesAll(b, targets));
  const foreign = foreignLabels(started, driver, tables);
  const rank = { M: 2, D: 1, U: 0 } as const;
  return fitting
    .map((b) => ({ b, unsure: Number(b.row.confidence === 'U'), mute: Number(input.wantsTorchaudio === true && torchaudioFor(b, input.platform, tables) === null), age: b.lineAt - (foreign.has(b.label) ? MINOR_COMPATIBILITY : 0) }))
    .sort((x, y) => x.unsure - y.unsure || x.mute - y.mute || y.age - x.age || y.b.at - x.b.at || rank[y.b.row.confidence] - rank[x.b.row.confidence] || Number(y.b.indexDefault) - Number(x.b.indexDefault) || y.b.cudaNumber - x.b.cudaNumber)
    .map(({ b }) => b);
}

/** The same as targets on PyTorch's index. See `packageIndexTarget` for the plain one. */
export function decideTargets(input: TargetInput): TorchTarget[] {
  return decideBuilds(input).map((b) => indexTarget(b, input));
}

/** torchaudio of the label: up to torch 2.11 it has torch's number, later ones use its last release, where that label has it. */
function torchaudioFor(build: Build, platform: Platform, tables: AdviceTables): string | null {
  const version = build.release.torchaudio;
  if (version === null) return null;
  const home = tables.releases.releases.find((r) => r.version === version);
  if (home === undefined || compareVersions(build.version, version) <= 0) return version;
  return listBuilds(platform, tables).some((b) => b.version === version && b.label === build.label && b.row.confidence !== 'U') ? version : null;
}

type TargetContext = Pick<TargetInput, 'targets' | 'driver' | 'platform' | 'tables' | 'torchIndexUrl'>;

export function indexTarget(build: Build, input: TargetContext): TorchTarget {
  const audio = torchaudioFor(build, input.platform, input.tables);
  const labelled = (version: string | null): string | null => (version === null ? null : `${version}+${build.label}`);
  return { version: `${build.version}+${build.label}`, label: build.label, torchvision: labelled(build.release.torchvision), torchaudio: labelled(audio), archs: [...build.row.archs], minDriver: minDriverFor(build.label, input.targets, input.driver, input.tables), confidence: build.row.confidence, indexUrl: `${(input.torchIndexUrl ?? TORCH_INDEX).replace(/\/+$/, '')}/${build.label}` };
}

/** The build that a plain index gives for the version, null where it gives another one: no label is written there. */
export function packageIndexTarget(build: Build, input: TargetContext): TorchTarget | null {
  if (!build.indexDefault) return null;
  return { ...indexTarget(build, input), version: build.version, torchvision: build.release.torchvision, torchaudio: build.release.torchaudio, indexUrl: PACKAGE_INDEX };
}

/**
 * The nearest to what is installed that works: the same version with another label, else a later patch, else the next
 * release line that has one (its newest patch), else the newest below. `all`: best first; unverified ones only where there is nothing else.
 */
export function decideNearest(all: readonly Build[], present: string | null): Build | null {
  const verified = all.filter((b) => b.row.confidence !== 'U'), builds = verified.length > 0 ? verified : all;
  if (present === null) return builds[0] ?? null;
  const version = publicVersion(present).replace(/[^0-9.].*$/, '');
  const same = builds.find((b) => b.version === version);
  if (same !== undefined) return same;
  const newest = (some: readonly Build[]): Build | null => { const at = Math.max(...some.map((b) => b.at)); return some.find((b) => b.at === at) ?? null; };
  const above = builds.filter((b) => compareVersions(b.version, version) > 0), line = Math.min(...above.map((b) => b.lineAt));
  return newest(above.filter((b) => b.lineAt === line)) ?? newest(builds);
}
