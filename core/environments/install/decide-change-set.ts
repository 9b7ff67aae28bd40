import type { PackageChange, TorchTarget } from '../../../contract/upgrades.ts';
import { normaliseName } from './parse-wheel-name.ts';
import { requirementName, type InstalledPackage } from './read-installed-packages.ts';

/** The packages of PyTorch itself that change together. */
const FAMILY = ['torch', 'torchvision', 'torchaudio'] as const;
/** Packages that come and go with torch: its CUDA libraries and its compiler. */
const PARTS = /^(?:nvidia-.+|cuda-(?:toolkit|bindings|pathfinder|python)|triton|pytorch-triton(?:-.+)?)$/;
/** CUDA libraries with the major version in their name; cu11, cu12 and cu13 builds install into the same paths. */
const CUDA_PART = /^nvidia-.+-cu\d{2}$/;

type Installed = ReadonlyMap<string, InstalledPackage>;

export interface Requests {
  /** `torch==2.14.1+cu130`, … */
  readonly family: readonly string[];
  readonly also: readonly string[];
  /** `numpy==1.26.4` for everything that is to stay as it is. */
  readonly constraints: readonly string[];
}

/** What to ask the resolver for: the target's family, and everything else held where it is. */
export function decideRequests(target: TorchTarget, also: readonly string[], installed: Installed): Requests {
  const wanted: Readonly<Record<(typeof FAMILY)[number], string | null>> = { torch: target.version, torchvision: target.torchvision, torchaudio: target.torchaudio };
  const family = FAMILY.filter((name) => name === 'torch' || installed.has(name)).map((name) => {
    const version = wanted[name];
    // Without a pair in the table the resolver picks the one that fits.
    return version === null ? name : `${name}==${withLabel(version, target.version)}`;
  });
  const asked = new Set([...FAMILY, ...also.map((line) => normaliseName(/^[A-Za-z0-9._-]+/.exec(line)?.[0] ?? ''))]);
  // What torch needs may change as far as it has to (resolvers keep an installed version that still fits).
  const free = closure(['torch'], installed, 'strict');
  const constraints = [...installed.values()].filter((one) => !asked.has(one.name) && !free.has(one.name) && !PARTS.test(one.name) && one.direct === null).map((one) => `${one.name}==${one.version}`);
  return { family, also, constraints: constraints.sort() };
}

/** Without the label a public pin would match the installed build of another CUDA version (PEP 440). */
function withLabel(version: string, like: string): string {
  const label = like.split('+')[1];
  return version.includes('+') || label === undefined ? version : `${version}+${label}`;
}

/**
 * Names that can be reached from these by requirements; markers are taken as true, so it is rather too much.
 * `generous`: optional ones too, because `cuda-toolkit[cublas]` is how the CUDA 13 builds name their libraries.
 */
export function closure(from: Iterable<string>, installed: Installed, how: 'strict' | 'generous', without: ReadonlySet<string> = new Set()): Set<string> {
  const seen = new Set<string>();
  const waiting = [...from];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === '' || seen.has(name) || without.has(name)) continue;
    seen.add(name);
    const one = installed.get(name);
    if (one !== undefined) waiting.push(...(how === 'strict' ? one.requires : one.requirements.map(requirementName)));
  }
  return seen;
}

/** What a resolver says comes: exact. */
export interface Arriving { readonly name: string; readonly version: string }

/**
 * Packages that came with the old torch and that nothing will use any more: to be removed in the same transaction.
 * Left there, they are damaged by the next change, because builds for different CUDA versions share paths.
 * @param needed names of everything that the new torch needs; null: not known, then nothing is an orphan.
 */
export function decideOrphans(installed: Installed, arriving: readonly Arriving[], needed: ReadonlySet<string> | null): string[] {
  if (needed === null) return [];
  const cameWithTorch = closure(FAMILY, installed, 'generous');
  const candidates = new Set([...installed.keys()].filter((name) => CUDA_PART.test(name) || (PARTS.test(name) && cameWithTorch.has(name))));
  const changing = new Set([...FAMILY, ...arriving.map((one) => one.name)]);
  const others = [...installed.keys()].filter((name) => !candidates.has(name) && !changing.has(name));
  // Reached from others without passing through torch itself.
  const usedByOthers = closure(others, installed, 'generous', new Set(FAMILY));
  return [...candidates].filter((name) => !needed.has(name) && !changing.has(name) && !usedByOthers.has(name)).sort();
}

/**
 * Packages that stay at their version but lose files, because something that goes away claims the same paths: they
 * have to be put there again.
 */
export function decideReinstalls(leaving: ReadonlySet<string>, installed: Installed, records: ReadonlyMap<string, readonly string[]>): string[] {
  const going = new Set([...leaving].flatMap((name) => (records.get(name) ?? []).map((path) => path)));
  return [...installed.values()].filter((one) => !leaving.has(one.name) && one.direct === null && (records.get(one.name) ?? []).some((path) => going.has(path))).map((one) => one.name).sort();
}

/** The difference to what is installed, in the user's words, sorted by name. */
export function decideChanges(installed: Installed, arriving: readonly Arriving[], orphans: readonly string[], again: readonly string[], why: ReadonlyMap<string, string>, bytes: ReadonlyMap<string, number | null>): PackageChange[] {
  const changes: PackageChange[] = arriving.filter((one) => !again.includes(one.name)).map((one) => ({
    name: one.name, from: installed.get(one.name)?.version ?? null, to: one.version, why: why.get(one.name) ?? null, downloadBytes: bytes.get(one.name) ?? null,
  }));
  for (const name of again) {
    const version = installed.get(name)?.version ?? null;
    changes.push({ name, from: version, to: version, why: why.get(name) ?? 'Put there again: it shares files with a package that is removed.', downloadBytes: bytes.get(name) ?? null });
  }
  for (const name of orphans) changes.push({ name, from: installed.get(name)?.version ?? null, to: null, why: why.get(name) ?? 'Came with the old PyTorch; nothing uses it any more.', downloadBytes: null });
  return changes.sort((a, b) => (a.name < b.name ? -1 : 1));
}
