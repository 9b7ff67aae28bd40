/** Packages beside torch: do they fit this torch, and do their own kernels serve the GPU. Pure. */
import type { CompanionFacts, EnvironmentXray, LibraryCensus, TorchFacts } from '../../../contract/environments.ts';
import type { CompanionState, DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import { companionRowOf, normalName, type CompanionRow } from '../tables/companion-table.ts';
import { releaseOf } from '../tables/list-wheels.ts';
import type { Tables } from '../tables/read-tables.ts';
import { compareVersions, ownArchitecture, parseCapability, publicVersion, type Capability } from './architecture-rules.ts';
import { baseName, coverageOf, judgeKernels, majorityCode } from './kernel-rules.ts';
import { matchesSpecifier, specifierOf, startsWithParts } from './match-requirement.ts';

export interface CompanionFinding {
  readonly state: CompanionState['state'];
  readonly text: string;
  /** `kernels`: does not run on the GPU · `version`: does not fit torch. */
  readonly about: 'kernels' | 'version' | 'nothing';
  readonly place: string;
}
const fine = (text: string, place: string): CompanionFinding => ({ state: 'fine', text, about: 'nothing', place });

/** Against torch alone. Null: nothing is known of it. */
function judgeVersion(companion: CompanionFacts, row: CompanionRow | null, torch: TorchFacts, xray: EnvironmentXray, tables: Tables): CompanionFinding | null {
  const version = torch.version ?? torch.metadataVersion, name = normalName(companion.name);
  const metadata = `METADATA of ${companion.name}`;
  const leftover = xray.leftovers.find((l) => normalName(l.name) === name);
  if (leftover !== undefined) return { state: 'attention', text: `left over from CUDA ${leftover.cudaMajor}`, about: 'version', place: metadata };
  if (version === null) return null;
  const asks = companion.torchRequirement === null ? '' : specifierOf(companion.torchRequirement);
  const fits = asks === '' ? null : matchesSpecifier(version, asks);
  if (fits === false) return { state: 'problem', text: `pins torch ${asks.replace(/^===?/, '')}, not ${publicVersion(version)}`, about: 'version', place: metadata };
  const major = torch.cuda === null ? null : Number.parseInt(torch.cuda, 10);
  const ownMajor = companion.cudaMajor;
  // Packages without torch bring or ask for a CUDA of their own; of one library per CUDA the right one is taken.
  const tied = companion.torchRequirement !== null && row?.perCuda === undefined && row?.kind !== 'vendor';
  if (tied && major !== null && ownMajor !== null && ownMajor !== major) return { state: 'problem', text: `built for CUDA ${ownMajor}, torch for CUDA ${major}`, about: 'version', place: metadata };
  if (row?.label === true && torch.cuda !== null && companion.cudaLabel !== null && !sameCuda(companion.cudaLabel, torch.cuda)) return { state: 'attention', text: `built for ${companion.cudaLabel}, torch for CUDA ${torch.cuda}`, about: 'version', place: metadata };
  const wanted = torch.requires.find((r) => normalName(/^[A-Za-z0-9][\w.-]*/.exec(r.trim())?.[0] ?? '') === name);
  const spec = wanted === undefined ? '' : specifierOf(wanted);
  if (spec !== '' && matchesSpecifier(companion.version, spec) === false) return { state: 'attention', text: `torch asks for ${spec.replace(/^===?/, '')}`, about: 'version', place: `METADATA of torch` };
  if (fits === true && /^===?/.test(asks)) return fine(`matches torch ${publicVersion(version)}`, metadata);
  return spec === '' ? judgePairing(companion, row, version, tables, fits === true) : fine('matches', 'METADATA of torch');
}

const sameCuda = (label: string, cuda: string): boolean => label.replace(/\D/g, '') === cuda.split('.').slice(0, 2).join('');

/** The releases that were made together. A requirement of its own that is met weighs more than the table. */
function judgePairing(companion: CompanionFacts, row: CompanionRow | null, torch: string, tables: Tables, met: boolean): CompanionFinding | null {
  const release = releaseOf(torch);
  if (row?.pairing === undefined || release === null) return met ? fine('its requirement on torch is met', `METADATA of ${companion.name}`) : null;
  const pair = tables.wheels.pairing[publicVersion(torch)] ?? tables.wheels.pairing[release] ?? Object.entries(tables.wheels.pairing).find(([key]) => releaseOf(key) === release)?.[1];
  const wanted = pair?.[row.pairing];
  const place = `pytorch-wheels.json, pairing ${release}`;
  if (pair === undefined || wanted === null || wanted === undefined) return null;
  // Of a pair that names a patch (0.27.0), any patch of the same release was made for the same torch release.
  if (startsWithParts(companion.version, releaseOf(wanted) ?? wanted)) return fine(`matches torch ${release}`, place);
  if (met || pair.c === 'U' || row.pairing !== 'torchvision') return { state: 'attention', text: `torch ${release} came with ${wanted}`, about: 'version', place };
  return { state: 'problem', text: `torch ${release} needs ${wanted}`, about: 'version', place };
}

/** Its libraries that decide: the one for torch's CUDA where there is one per CUDA, the main ones, else all with kernels. */
function decidingLibraries(companion: CompanionFacts, row: CompanionRow | null, torch: TorchFacts): { libraries: LibraryCensus[]; missing: string | null } {
  const withCode = companion.libraries.filter((l) => l.code.length > 0);
  if (row?.perCuda !== undefined && torch.cuda !== null) {
    const wanted = row.perCuda.replace('{cuda}', torch.cuda.split('.').slice(0, 2).join(''));
    const mine = withCode.filter((l) => baseName(l.path).startsWith(wanted));
    return { libraries: mine, missing: mine.length === 0 && withCode.length > 0 ? `${wanted}so` : null };
  }
  const main = withCode.filter((l) => (row?.main ?? []).some((m) => baseName(l.path).startsWith(m)));
  return { libraries: main.length > 0 ? main : withCode, missing: null };
}

/** Against one GPU. Null: it has no kernels of its own and no version is on record. */
export function judgeForGpu(companion: CompanionFacts, torch: TorchFacts, target: GpuTarget, driver: DriverFacts, tables: Tables): CompanionFinding | null {
  const gpu = parseCapability(target.computeCapability ?? ''), row = companionRowOf(companion.name, tables.companions);
  if (gpu === null) return null;
  const dropped = row?.dropped;
  if (dropped !== undefined && compareVersions(companion.version, dropped.from) >= 0 && compareVersions(target.computeCapability ?? '', dropped.below) < 0) {
    return { state: 'problem', text: `${dropped.from} and newer dropped GPUs below ${dropped.below}`, about: 'kernels', place: dropped.source };
  }
  // NVIDIA's own libraries carry what they need for the CUDA they belong to; their lists are no evidence for torch.
  if (row?.kind === 'vendor') return null;
  if (row?.only !== undefined && !row.only.includes(String(gpu.major))) return { state: 'attention', text: `is for ${row.note ?? 'other GPUs'}, does not run on ${ownArchitecture(gpu)}`, about: 'nothing', place: 'companions.json' };
  const { libraries, missing } = decidingLibraries(companion, row, torch);
  if (missing !== null) return { state: 'attention', text: `has no library for CUDA ${torch.cuda ?? ''}`, about: 'version', place: missing };
  if (libraries.length > 0) return soften(judgeLibraries(libraries, companion, gpu, torch, driver, tables), row === null || row.optional);
  const first = row?.first[target.computeCapability ?? ''] ?? row?.first[String(gpu.major)];
  if (first === undefined) return null;
  const place = `companions.json, ${tables.companions._about.asOf}`;
  if (compareVersions(companion.version, first.version) >= 0) return first.c === 'U' ? null : fine(`serves ${ownArchitecture(gpu)} since ${first.version}`, place);
  return { state: first.c === 'U' ? 'attention' : 'problem', text: `no ${ownArchitecture(gpu)} before ${first.version}`, about: first.c === 'U' ? 'nothing' : 'kernels', place };
}

/** Kernels that a package can do without, or whose part in it nobody recorded, are no reason to call torch unfit. */
const soften = (finding: CompanionFinding, soft: boolean): CompanionFinding => (soft && finding.state === 'problem' ? { ...finding, state: 'attention', about: 'nothing' } : finding);

function judgeLibraries(libraries: readonly LibraryCensus[], companion: CompanionFacts, gpu: Capability, torch: TorchFacts, driver: DriverFacts, tables: Tables): CompanionFinding {
  const name = ownArchitecture(gpu), place = libraries.map((l) => l.path).slice(0, 4).join(', ');
  const each = libraries.map((library) => {
    const code = majorityCode(library.code);
    const ptx = new Map(code.flatMap((c) => (c.kind === 'ptx' && c.ptxIsa !== null ? [[c.arch, c.ptxIsa] as const] : [])));
    const judged = judgeKernels(code.map((c) => c.arch), ptx, torch.cuda, gpu, driver, tables);
    return { library, judged, share: coverageOf(library, gpu, 'both').share };
  });
  if (each.every((e) => e.judged.state === 'native')) return fine(`has kernels for ${name}`, place);
  if (each.every((e) => e.judged.state === 'native' || e.judged.state === 'jit')) return fine(`compiles for ${name} at first use`, place);
  const tooNew = each.find((e) => e.judged.state === 'ptx_too_new');
  if (tooNew !== undefined) return { state: 'problem', text: `its PTX for ${name} needs a driver for CUDA ${tooNew.judged.needCuda ?? ''}`, about: 'kernels', place };
  // Some of it serves the GPU, in some containers or libraries: parts may be for other GPUs on purpose.
  if (each.some((e) => e.share > 0)) return { state: 'attention', text: `only parts of it serve ${name}`, about: 'nothing', place };
  return { state: 'problem', text: `no kernels for ${name}${companion.libraries.length > libraries.length ? ` in ${baseName(libraries[0]?.path ?? '')}` : ''}`, about: 'kernels', place };
}

/** What a companion says for one GPU: the worse of both sides; of two as bad, that it does not fit torch, which is mended first. */
export function judgeCompanion(companion: CompanionFacts, xray: EnvironmentXray, target: GpuTarget | null, driver: DriverFacts, tables: Tables): CompanionFinding {
  const torch = xray.torch;
  if (torch === null) return { state: 'unknown', text: 'there is no PyTorch beside it', about: 'nothing', place: `METADATA of ${companion.name}` };
  const row = companionRowOf(companion.name, tables.companions);
  const both = [judgeVersion(companion, row, torch, xray, tables), target === null || torch.build !== 'cuda' ? null : judgeForGpu(companion, torch, target, driver, tables)].filter((f) => f !== null);
  const place = `METADATA of ${companion.name}`;
  return both.sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0] ?? (row === null || row.kind === 'kernels' ? { state: 'unknown', text: 'nothing is on record', about: 'nothing', place } : fine('no requirement is broken', place));
}
const order: readonly CompanionState['state'][] = ['problem', 'attention', 'fine', 'unknown'];

/** Every companion over all targets: the worst word, with the GPUs that it is about where they differ. */
export function decideCompanions(xray: EnvironmentXray, targets: readonly GpuTarget[], driver: DriverFacts, tables: Tables): CompanionState[] {
  return xray.companions.map((companion) => {
    const findings = (targets.length === 0 ? [null] : targets).map((target) => ({ target, finding: judgeCompanion(companion, xray, target, driver, tables) }));
    const worst = [...findings].sort((a, b) => order.indexOf(a.finding.state) - order.indexOf(b.finding.state))[0];
    const state = worst?.finding.state ?? 'unknown', text = worst?.finding.text ?? 'nothing is on record';
    const about = findings.filter((f) => f.finding.state === state && f.finding.text === text).map((f) => f.target?.name).filter((n) => n !== undefined);
    const all = about.length === findings.length || about.length === 0;
    return { name: companion.name, version: companion.version, state, text: all ? text : `${text} (${[...new Set(about)].join(', ')})` };
  });
}
