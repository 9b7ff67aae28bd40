/**
 * The verdict of one environment for one GPU, from files, tables and the driver. What is wrong with the build comes
 * before what is wrong with the driver's version, since a new driver alone would not help; a driver that does not run at
 * all comes before both. Pure.
 */
import type { EnvironmentXray, FoundEnvironment, TorchFacts } from '../../../contract/environments.ts';
import type { Evidence, GpuTarget, DriverFacts, VerdictCell, VerdictWord } from '../../../contract/verdict.ts';
import { makeProblem, type Facts, type ProblemCode } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import { gpuTablePlace } from '../tables/gpu-table.ts';
import { listWheels, releaseOf, wheelServes } from '../tables/list-wheels.ts';
import type { Tables } from '../tables/read-tables.ts';
import { compareVersions, ownArchitecture, parseCapability, type Capability } from './architecture-rules.ts';
import { decideBroken, missingRequirements } from './broken-torch.ts';
import { judgeCompanion } from './companions.ts';
import { decideForecast } from './decide-forecast.ts';
import { isDriverVersion, judgeDriver, type DriverJudgement } from './driver-rules.ts';
import { decideKernelList, isMainLibrary, judgeKernels, linalgGaps, listText, strayFor, type KernelJudgement, type KernelList } from './kernel-rules.ts';
import { canRepair, decideRemedy, driverText, noBuildText, platformName, wheelName, type Remedy } from './remedies.ts';

export interface VerdictInput {
  readonly found: FoundEnvironment;
  /** Null: it could not be read, or not yet. */
  readonly xray: EnvironmentXray | null;
  readonly target: GpuTarget;
  readonly driver: DriverFacts;
  readonly tables: Tables;
}

interface Draft {
  readonly verdict: VerdictWord;
  readonly text: string;
  readonly problem: Problem | null;
  readonly repairable: boolean;
  readonly evidence: readonly Evidence[];
  readonly gaps?: readonly string[];
}

export function decideVerdict(input: VerdictInput): VerdictCell {
  const { target, xray, driver, tables } = input;
  const draft = draftVerdict(input);
  const works = draft.verdict === 'native' || draft.verdict === 'jit' || draft.verdict === 'library_gap';
  return {
    gpuKey: target.key, verdict: draft.verdict, text: draft.text, evidence: [...draft.evidence], problem: draft.problem,
    forecast: works && xray !== null ? decideForecast(target, xray, driver.platform, tables) : null, repairable: draft.repairable, gaps: [...(draft.gaps ?? [])],
  };
}

function draftVerdict(input: VerdictInput): Draft {
  const { found, xray, target, driver, tables } = input;
  const problem = (code: ProblemCode, facts: Facts): Problem => makeProblem(code, { gpu: target.name, cc: target.computeCapability, driver: driver.version, ...facts });
  const unknown = (text: string, detail: string, evidence: readonly Evidence[], repairable = false): Draft => ({ verdict: 'unknown', text, problem: problem('torch.unknown', { detail }), repairable, evidence });
  if (xray === null) return unknown('it has not been read', `${found.prefix} could not be read, so nothing is known of its PyTorch.`, [{ what: 'Files of the environment', value: 'not read', place: found.prefix, supports: false }]);
  const broken = decideBroken(found, xray);
  if (broken !== null) {
    const remedy = broken.repairable ? 'Install torch again with the packages it needs; the repair does so.' : 'Make the environment anew from its lock file or package list.';
    return { verdict: 'broken', text: broken.text, problem: problem('torch.broken', { torch: xray.torch?.version ?? null, detail: broken.detail, remedy }), repairable: broken.repairable, evidence: broken.evidence };
  }
  const torch = xray.torch;
  if (torch === null) return { verdict: 'no_torch', text: 'PyTorch is not installed', problem: null, repairable: false, evidence: [{ what: 'PyTorch', value: 'not installed', place: found.packageFolders[0] ?? found.prefix, supports: false }] };
  const version = torch.version ?? torch.metadataVersion ?? 'of unknown version';
  const evidence: Evidence[] = [
    { what: 'PyTorch', value: version, place: `${torch.path}/version.py`, supports: true },
    { what: 'Compute capability', value: target.computeCapability ?? 'not reported', place: target.source === 'driver' ? 'the driver itself' : target.source === 'given' ? 'as named' : gpuTablePlace(tables.gpus, target.computeCapability ?? ''), supports: target.computeCapability !== null },
  ];
  const remedy = decideRemedy(target, driver, tables);
  if (torch.build !== 'cuda') return judgeOtherBuild(torch, version, remedy, { ...input, xray }, evidence, problem, unknown);
  evidence.push({ what: 'Built with CUDA', value: torch.cuda ?? 'not told', place: `${torch.path}/version.py`, supports: true });
  const gpu = parseCapability(target.computeCapability ?? '');
  if (gpu === null) return unknown('the GPU does not tell its compute capability', `${target.name} does not report its compute capability.`, evidence);
  return judgeCuda({ ...input, xray }, torch, version, gpu, remedy, evidence, problem, unknown);
}

type MakeProblem = (code: ProblemCode, facts: Facts) => Problem;
type MakeUnknown = (text: string, detail: string, evidence: readonly Evidence[], repairable?: boolean) => Draft;
type ReadInput = VerdictInput & { readonly xray: EnvironmentXray };

/** Builds without CUDA: for the CPU, for other makers' GPUs, or of no known kind. */
function judgeOtherBuild(torch: TorchFacts, version: string, remedy: Remedy, input: ReadInput, before: readonly Evidence[], problem: MakeProblem, unknown: MakeUnknown): Draft {
  const place = `${torch.path}/version.py`;
  if (torch.build === 'unknown') return unknown('it cannot be told whether it is a CUDA build', `torch ${version} does not say whether it was built with CUDA.`, [...before, { what: 'CUDA', value: 'not told', place, supports: false }]);
  if (torch.build === 'cpu') {
    const why = whyCpu(torch, version, input);
    return { verdict: 'cpu_only', text: 'a CPU build: the GPU is not used', problem: problem('torch.cpu_build', { torch: version, why: why.text, remedy: remedy.text }), repairable: canRepair(remedy), evidence: [...before, { what: 'CUDA', value: 'None', place, supports: false }, { what: 'Why it is a CPU build', value: why.text, place: why.place, supports: false }] };
  }
  const maker = torch.build === 'rocm' ? 'AMD (ROCm)' : 'Intel (XPU)';
  return { verdict: 'incompatible', text: `built for GPUs of ${maker}`, problem: problem('torch.other_maker', { torch: version, maker, remedy: remedy.text }), repairable: canRepair(remedy), evidence: [...before, { what: 'Built for', value: maker, place, supports: false }] };
}

function whyCpu(torch: TorchFacts, version: string, input: ReadInput): { text: string; place: string } {
  const { platform } = input.driver, release = releaseOf(version), table = input.tables.wheels;
  if (/\+cpu/.test(version)) return { text: 'Its label +cpu says that it came from the index of CPU builds.', place: `${torch.path}/version.py` };
  if (torch.condaBuild !== null || torch.installer === 'conda') return { text: 'Conda takes a CPU build where it sees no driver at the time of installation.', place: torch.condaBuild ?? 'INSTALLER' };
  if (platform === 'windows_x86_64') return { text: 'On Windows the default index has CPU builds only, in every release.', place: `pytorch-wheels.json, windows_x86_64_default` };
  if (platform === 'linux_aarch64' && release !== null && table.linux_aarch64[release]?.['cpu']?.d === true) return { text: `On ARM the default index had CPU builds only in torch ${release}.`, place: `pytorch-wheels.json, linux_aarch64 ${release}` };
  if (/dist-packages/.test(torch.path)) return { text: 'The package of the operating system is built without CUDA.', place: torch.path };
  return { text: 'It was built or installed without CUDA.', place: `${torch.path}/version.py` };
}

function judgeCuda(input: ReadInput, torch: TorchFacts, version: string, gpu: Capability, remedy: Remedy, before: readonly Evidence[], problem: MakeProblem, unknown: MakeUnknown): Draft {
  const { xray, target, driver, tables } = input;
  const list = decideKernelList(torch), need = ownArchitecture(gpu);
  const judged = judgeDriver(torch.cuda === null ? null : Number.parseInt(torch.cuda, 10), target, driver, tables);
  const evidence: Evidence[] = [...before];
  if (list === null) {
    const main = torch.libraries.find((l) => isMainLibrary(l.path)), place = main?.path ?? torch.path;
    const listed = torch.flags === null ? [] : [{ what: 'List of architectures in torch', value: `${listText(torch.flags)}: what was meant, not what is there`, place: torch.flagsFile ?? torch.path, supports: false }];
    return unknown('its kernels could not be read', `The kernels in ${place} could not be read${main?.troubles[0] === undefined ? '' : `: ${main.troubles[0]}`}.`, [...evidence, { what: 'Kernels in torch', value: 'could not be read', place, supports: false }, ...listed, ...judged.evidence], canRepair(remedy));
  }
  const kernels = judgeKernels(list.archs, list.ptxIsa, torch.cuda, gpu, driver, tables);
  const serves = kernels.state === 'native' || kernels.state === 'jit';
  evidence.push(...listEvidence(torch, list, serves), ...kernels.evidence);
  const stray = kernels.state === 'native' ? null : strayFor(torch, list, target);
  if (stray !== null) evidence.push(stray);
  evidence.push(...judged.evidence);
  const missing = kernels.state === 'missing';
  const also = missing ? `; it also has no kernels for ${need}` : '';
  if (judged.state === 'mismatch') return { verdict: 'driver_mismatch', text: `kernel module and library of the driver differ${also}`, problem: problem('torch.driver_mismatch', { torch: version }), repairable: false, evidence };
  if (judged.state === 'none') return { verdict: 'driver_too_old', text: `no NVIDIA driver answers${also}`, problem: problem('torch.no_driver', { torch: version }), repairable: false, evidence };
  if (missing) return judgeMissing(list, version, need, remedy, input, evidence, problem);
  if (judged.state === 'gpu_too_new') return { verdict: 'gpu_unsupported', text: `driver ${driver.version ?? ''} does not drive this GPU any more`, problem: problem('torch.gpu_driver_too_new', { torch: version, remedy: driverText({ cudaMajor: Number.parseInt(torch.cuda ?? '12', 10) }, target, driver, tables) }), repairable: false, evidence };
  const late = judgeLateDriver(torch, version, kernels, judged, remedy, input, evidence, problem);
  if (late !== null) return late;
  if (kernels.state === 'ptx_unknown') return unknown('it has only PTX, and whether the driver compiles it is not known', `torch ${version} has only ${kernels.by ?? 'PTX'} for ${target.name}; whether driver ${driver.version ?? 'here'} compiles it cannot be told.`, evidence);
  const asked = missingRequirements(xray);
  if (asked.length > 0) return unknown(`${asked.join(', ')} ${asked.length === 1 ? 'is' : 'are'} not installed beside it`, `torch ${version} asks for ${asked.join(', ')}, not installed here; it starts only if the system has ${asked.length === 1 ? 'that library' : 'those libraries'}.`, [...evidence, { what: 'Not installed', value: asked.join(', '), place: 'METADATA of torch', supports: false }], canRepair(remedy));
  return judgeGaps(torch, version, kernels, need, gpu, input, evidence, problem);
}

function listEvidence(torch: TorchFacts, list: KernelList, serves: boolean): Evidence[] {
  const rows: Evidence[] = [{ what: 'Kernels in torch', value: listText(list.archs), place: list.place, supports: serves }];
  if (torch.flags !== null) rows.push({ what: 'List of architectures in torch', value: listText(torch.flags), place: torch.flagsFile ?? torch.path, supports: list.disagrees === null && serves });
  return rows;
}

/** No kernel for it. Where no official build of the platform has one either, no upgrade helps. */
function judgeMissing(list: KernelList, version: string, need: string, remedy: Remedy, input: ReadInput, evidence: readonly Evidence[], problem: MakeProblem): Draft {
  const { target, driver, tables } = input;
  if (remedy.anyWheel === null) {
    const why = target.tegra ? 'Chips with an integrated GPU run only code that was compiled for them.' : `None of the ${listWheels(tables.wheels, driver.platform).length} builds in the table has kernels for ${need}.`;
    const row = { what: `Official builds for ${platformName(driver.platform)} with ${need}`, value: 'none', place: `pytorch-wheels.json, ${driver.platform}`, supports: false };
    return { verdict: 'gpu_unsupported', text: `no official build for ${platformName(driver.platform)} has ${need}`, problem: problem('torch.gpu_unsupported', { torch: version, platform: platformName(driver.platform), why, remedy: noBuildText(target, driver, tables) }), repairable: false, evidence: [...evidence, row] };
  }
  const ptx = list.archs.some((a) => a.startsWith('compute_')) ? 'its PTX is for other GPUs' : 'no PTX to compile from';
  return { verdict: 'incompatible', text: `needs ${need}; ${ptx}`, problem: problem('torch.arch_missing', { torch: version, archs: listText(list.archs), need, remedy: remedy.text }), repairable: canRepair(remedy), evidence: [...evidence, { what: `Newest build with ${need}`, value: wheelName(remedy.anyWheel, tables), place: remedy.anyWheel.place, supports: true }] };
}

/** Kernels are there, the driver is too old: for the build, for the GPU, or for the PTX. */
function judgeLateDriver(torch: TorchFacts, version: string, kernels: KernelJudgement, judged: DriverJudgement, remedy: Remedy, input: ReadInput, evidence: readonly Evidence[], problem: MakeProblem): Draft | null {
  const { target, driver, tables } = input, has = driver.version ?? '—';
  const major = Number.parseInt(torch.cuda ?? '0', 10);
  if (judged.state === 'gpu_too_old') return { verdict: 'driver_too_old', text: `${target.name} needs driver ${judged.need ?? ''} or newer; ${has} is installed`, problem: problem('torch.gpu_driver_too_old', { torch: version, need: judged.need }), repairable: false, evidence };
  const update = driverText({ cudaMajor: major }, target, driver, tables);
  const other = remedy.wheel === null ? '' : ` Or install ${wheelName(remedy.wheel, tables)}, which this driver runs.`;
  if (judged.state === 'too_old') return { verdict: 'driver_too_old', text: `needs driver ${judged.need ?? ''} or newer; ${has} is installed`, problem: problem('torch.driver_too_old', { torch: version, need: judged.need, remedy: `${update}${other}` }), repairable: remedy.wheel !== null, evidence };
  if (kernels.state !== 'ptx_too_new') return null;
  const need = `for CUDA ${kernels.needCuda ?? ''}`;
  return { verdict: 'driver_too_old', text: `has only PTX (${kernels.by ?? ''}), which this driver is too old to compile`, problem: problem('torch.driver_too_old', { torch: version, need, remedy: `Update the driver to one that runs CUDA ${kernels.needCuda ?? ''}.${other}` }), repairable: remedy.wheel !== null, evidence };
}

/** torch itself runs. Its linear algebra, or a package beside it, may not. */
function judgeGaps(torch: TorchFacts, version: string, kernels: KernelJudgement, need: string, gpu: Capability, input: ReadInput, before: readonly Evidence[], problem: MakeProblem): Draft {
  const { xray, target, driver, tables } = input;
  const evidence = [...before];
  const runs = kernels.state === 'native' ? (kernels.by === need ? `has kernels for ${need}` : `runs its ${kernels.by ?? ''} kernels on ${need}`) : `compiles its PTX ${kernels.by ?? ''} for ${need} at first use`;
  if (kernels.state === 'jit') evidence.push({ what: 'Compiling can be forbidden', value: 'CUDA_DISABLE_PTX_JIT=1 makes it fail', place: 'CUDA programming guide, environment variables', supports: true });
  const linalg = linalgGaps(torch, gpu), companions = xray.companions.map((companion) => ({ companion, finding: judgeCompanion(companion, xray, target, driver, tables) })).filter((c) => c.finding.state === 'problem');
  if (linalg.length === 0 && companions.length === 0) return { verdict: kernels.state === 'native' ? 'native' : 'jit', text: runs, problem: null, repairable: false, evidence };
  for (const gap of linalg) evidence.push(gap.evidence);
  for (const { companion, finding } of companions) evidence.push({ what: `${companion.name} ${companion.version}`, value: finding.text, place: finding.place, supports: false });
  const lacking = companions.filter((c) => c.finding.about === 'kernels'), misfits = companions.filter((c) => c.finding.about !== 'kernels');
  const gaps = [...linalg.map((g) => g.name), ...companions.map((c) => `${c.companion.name} ${c.companion.version}`)];
  const first = misfits[0];
  const onlyMisfits = first !== undefined && linalg.length === 0 && lacking.length === 0;
  const text = onlyMisfits ? `${first.companion.name} ${first.companion.version} does not fit: ${first.finding.text}` : `torch ${runs}; ${[...linalg.map((g) => g.name), ...lacking.map((c) => c.companion.name)].join(', ')} ${linalg.length + lacking.length > 1 ? 'do' : 'does'} not`;
  const made = onlyMisfits
    ? problem('torch.companion_mismatch', { torch: version, package: first.companion.name, version: first.companion.version, why: `${first.finding.text}.` })
    : problem('torch.library_gap', { torch: version, libraries: `the kernels of ${gaps.join(', ')}`, remedy: gapRemedy(torch, linalg.length > 0, lacking.map((c) => ({ name: c.companion.name, text: c.finding.text })), target, input) });
  return { verdict: 'library_gap', text, problem: made, repairable: companions.length > 0, evidence, gaps };
}

function gapRemedy(torch: TorchFacts, linalg: boolean, lacking: readonly { name: string; text: string }[], target: GpuTarget, input: ReadInput): string {
  const parts: string[] = [];
  if (lacking.length > 0) parts.push(`Install ${lacking.map((l) => l.name).join(', ')} in a version with kernels for ${target.name} (${lacking.map((l) => l.text).join('; ')}), or compile it here.`);
  if (linalg) {
    // Linear algebra of builds for CUDA 12.6 carries sm_70, which 7.5 runs (read in 2.7.1+cu126); those for CUDA 13 do not.
    const other = listWheels(input.tables.wheels, input.driver.platform).filter((w) => w.label === 'cu126' && torch.cuda !== '12.6' && wheelServes(w, target.computeCapability) === 'native' && w.archs.includes('sm_70')).sort((a, b) => compareVersions(b.release, a.release))[0];
    parts.push(`Only single linear algebra calls (torch.linalg) are concerned; run a proof to see.${other !== undefined && isDriverVersion(input.driver.version) && target.computeCapability === '7.5' ? ` ${wheelName(other, input.tables)} has such kernels.` : ''}`);
  }
  return parts.join(' ');
}
