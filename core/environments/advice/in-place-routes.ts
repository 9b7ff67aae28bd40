import type { EnvironmentTool, EnvironmentXray, FoundEnvironment } from '../../../contract/environments.ts';
import type { Route, TorchTarget } from '../../../contract/upgrades.ts';
import type { GpuTarget } from '../../../contract/verdict.ts';
import { companionRowOf, normalName } from '../tables/companion-table.ts';
import { cudaOfLabel } from '../tables/list-wheels.ts';
import { compareVersions, publicVersion } from '../verdict/architecture-rules.ts';
import { matchesSpecifier, specifierOf } from '../verdict/match-requirement.ts';
import { damagedPackages, decideInstallSteps, installedRequirement } from './decide-install-steps.ts';
import { PACKAGE_INDEX } from './decide-targets.ts';
import { pythonWords } from './list-builds.ts';
import { driverNeed, type RouteContext } from './other-routes.ts';
import { commandLine } from './quote-command.ts';
import { inPlaceCommands, pythonOf, reinstallCommands, uvPipCommands, uvProjectCommands, verifyCommands } from './tool-commands.ts';

export interface PlaceContext extends RouteContext {
  readonly environment: FoundEnvironment;
  readonly xray: EnvironmentXray | null;
  /** PyTorch's index (or its mirror) answers; null: not tried. */
  readonly indexReachable: boolean | null;
  readonly torchIndexUrl: string;
  /** Its project has a uv.lock: it is changed through the project. */
  readonly uvLock: boolean;
}

/** Why packages are not changed where they are; null: they may be. */
export function whyNotInPlace(environment: FoundEnvironment): string | null {
  if (environment.externallyManaged) return 'it belongs to the system’s package manager (PEP 668)';
  if (['system', 'store', 'uv_python'].includes(environment.kind)) return 'it is an interpreter that others are built on';
  if (environment.kind === 'conda' && environment.name === 'base') return 'it is the base of conda, which conda itself runs on';
  if (environment.tool === null) return 'no tool is known that owns it';
  if (environment.python.path === null || (environment.python.realPath === null && environment.python.version === null)) return 'its interpreter is missing';
  if (environment.python.implementation === 'pypy') return 'there is no PyTorch for PyPy';
  return null;
}

/** The tool for torch in this environment: inside conda, pip where pip brought torch. */
export function toolForTorch(environment: FoundEnvironment, xray: EnvironmentXray | null): EnvironmentTool | null {
  const tool = environment.tool;
  const conda = tool === 'conda' || tool === 'mamba' || tool === 'micromamba';
  return conda && xray?.torch && xray.torch.installer !== 'conda' && xray.torch.condaBuild === null ? 'pip' : tool;
}

/** Pins of the project's files that are not met by a version: they would flip it back. */
export function pinsAgainst(target: TorchTarget, xray: EnvironmentXray | null): string[] {
  return (xray?.pins ?? []).filter((p) => normalName(p.package) === 'torch' && !meets(target, p.specifier)).map((p) => `${p.file}${p.line === null ? '' : `:${p.line}`} asks for torch${p.specifier}: installing from it would undo this.`);
}

/** The target meets a requirement on torch. What is not understood counts as met: nothing is claimed then. */
export const meets = (target: Pick<TorchTarget, 'version' | 'label'>, specifier: string): boolean => matchesSpecifier(`${publicVersion(target.version)}+${target.label}`, specifier) !== false;

/** Installed packages that were built for, or ask for, another torch. */
function companionRisks(target: TorchTarget, xray: EnvironmentXray | null): string[] {
  return (xray?.companions ?? []).filter((c) => !['torchvision', 'torchaudio', 'triton', 'torch'].includes(normalName(c.name))).flatMap((c): string[] => {
    const asks = c.torchRequirement === null ? '' : specifierOf(c.torchRequirement);
    if (asks !== '' && !meets(target, asks)) return [`${c.name} ${c.version} asks for torch${asks}: it needs another version or has to go.`];
    const major = Number(cudaOfLabel(target.label)?.split('.')[0] ?? 0);
    return c.cudaMajor !== null && major !== 0 && c.cudaMajor !== major ? [`${c.name} ${c.version} was built for CUDA ${c.cudaMajor}; this torch is CUDA ${major}.`] : [];
  });
}

function buildNeeds(target: TorchTarget, tool: EnvironmentTool, context: PlaceContext): Route['needs'] {
  const release = context.tables.releases.releases.find((r) => r.version === publicVersion(target.version));
  const reachable = context.indexReachable;
  return [
    ...driverNeed(target.minDriver, context.driver),
    ...(release === undefined ? [] : [{ text: pythonWords(release), met: context.environment.python.version === null ? null : true }]),
    ...(target.indexUrl === PACKAGE_INDEX ? [] : [{ text: `${context.torchIndexUrl} answers`, met: reachable }]),
    ...(tool === 'uv' || tool === 'hatch' ? [{ text: 'uv is installed', met: context.tools.uv }] : []),
  ];
}

const linalgGap = (gpus: readonly GpuTarget[]): string[] => (gpus.some((g) => g.computeCapability === '7.5') ? ['The linear-algebra library of these builds has no kernels of its own for capability 7.5: single calls (torch.linalg) may fail on it.'] : []);

function labelRisk(target: TorchTarget): string[] {
  return [
    ...(target.indexUrl === PACKAGE_INDEX ? [`The label cannot be asked for here: this holds while the index gives the ${target.label} build for ${target.version}. It is checked afterwards.`] : []),
    ...(target.confidence === 'U' ? ['That this build exists with these kernels is not verified. It is checked afterwards.'] : []),
  ];
}

/** One build, in place, by the tool that owns torch here. Null where that tool takes no wheels (conda, pixi). */
export function inPlaceRoute(target: TorchTarget, why: string, context: PlaceContext, as?: EnvironmentTool): Route | null {
  const { environment, xray, platform } = context;
  const tool = as ?? toolForTorch(environment, xray);
  if (tool === null || whyNotInPlace(environment) !== null) return null;
  const steps = decideInstallSteps(target, xray);
  // Behind the project's back only by hand: its next sync would undo it.
  if (as === undefined && isUvProject(context)) return uvProjectRoute(target, why, context);
  const c = inPlaceCommands(environment, tool, steps, platform);
  if (c === null) return null;
  const fromIndex = target.indexUrl === PACKAGE_INDEX;
  const needs = buildNeeds(target, tool, context);
  return {
    id: `${c.kind}:${fromIndex ? 'pypi:' : ''}${target.version}`, kind: c.kind,
    title: fromIndex ? `torch ${target.version} (${target.label}) from the package index that ${tool} is set to` : `torch ${target.version} in place, by ${tool}`,
    why, target, tool, commands: c.commands, verify: verifyCommands(pythonOf(environment, platform), tool, platform), needs, recommended: false,
    automatic: c.automatic && needs.every((n) => n.met !== false),
    risks: [
      ...c.risks, ...pinsAgainst(target, xray), ...companionRisks(target, xray), ...linalgGap(context.targets),
      ...labelRisk(target),
      ...(steps.left.length > 0 ? [`Packages of another CUDA version stay behind (${steps.left.length}). Do not remove them by hand: they share files with the new ones.`] : []),
      ...(steps.requirements.includes('torchaudio') ? ['torchaudio has no build of its own for this label.'] : []),
    ],
  };
}

/** pip's environments can be changed by uv as well, and a project's past the project. */
export function uvByHand(target: TorchTarget, context: PlaceContext): Route | null {
  const { tool } = context.environment, project = isUvProject(context);
  if (!context.tools.uv || (!project && (toolForTorch(context.environment, context.xray) !== 'pip' || tool !== 'pip'))) return null;
  const route = inPlaceRoute(target, project ? 'Past the project, for a try: the next "uv sync" undoes it.' : 'The same by uv: faster, and it puts exactly these packages in anew.', context, 'uv');
  // A transaction goes through the tool that the environment was made with.
  return route === null ? null : { ...route, automatic: false };
}

/** Kept by a project of uv's, with its lock file. */
export function isUvProject(context: Pick<PlaceContext, 'environment' | 'uvLock'>): boolean {
  const { tool, kind, projectFolder } = context.environment;
  return context.uvLock && projectFolder !== null && (tool === 'uv' || tool === 'pip') && kind !== 'uv_tool' && kind !== 'conda';
}

/** Through the project's own files, so that nothing flips it back. Only with a lock file can it be planned without changing anything. */
export function uvProjectRoute(target: TorchTarget, why: string, context: PlaceContext): Route | null {
  const { environment, platform } = context;
  if (environment.projectFolder === null || environment.kind === 'uv_tool' || whyNotInPlace(environment) !== null || (environment.tool !== 'uv' && !isUvProject(context))) return null;
  const steps = decideInstallSteps(target, context.xray), needs = buildNeeds(target, 'uv', context);
  const fromIndex = target.indexUrl === PACKAGE_INDEX;
  return {
    id: `uv_project:${fromIndex ? 'pypi:' : ''}${target.version}`, kind: 'uv_project', title: `torch ${target.version}${fromIndex ? ` (${target.label}) from the package index` : ''} in the uv project`, why, target, tool: 'uv',
    commands: uvProjectCommands(environment.projectFolder, steps, platform), verify: verifyCommands(pythonOf(environment, platform), 'uv', platform), needs, recommended: false, automatic: isUvProject(context) && needs.every((n) => n.met !== false),
    risks: ['pyproject.toml and uv.lock are changed as well.', ...pinsAgainst(target, context.xray).filter((p) => !/(uv\.lock|pyproject\.toml)/.test(p)), ...companionRisks(target, context.xray), ...linalgGap(context.targets), ...labelRisk(target)],
  };
}

/** Damage: the same versions again. Torch with a label comes from PyTorch's index, without one from the plain index. */
export function reinstallRoute(context: PlaceContext): Route | null {
  const { environment, xray, platform } = context;
  const tool = toolForTorch(environment, xray);
  if (xray === null || whyNotInPlace(environment) !== null || (tool !== 'pip' && tool !== 'uv')) return null;
  const requirements = damagedPackages(xray).map((n) => installedRequirement(n, xray)).filter((r) => r !== null);
  if (requirements.length === 0) return null;
  const labelled = requirements.filter((r) => /\+cu\d+$/.test(r));
  const label = labelled[0]?.split('+')[1] ?? null;
  const damage = xray.record === null ? '' : `${xray.record.missing} files missing, ${xray.record.changed} changed. `;
  const parts = [{ indexUrl: label === null ? null : `${context.torchIndexUrl.replace(/\/+$/, '')}/${label}`, requirements: labelled }, { indexUrl: null, requirements: requirements.filter((r) => !labelled.includes(r)) }];
  const tooled = tool === 'uv' ? context.tools.uv : true;
  return {
    id: 'reinstall', kind: 'reinstall', title: `The damaged packages again, same versions (${requirements.length})`, why: `${damage}No version changes.`, target: null, tool, commands: reinstallCommands(environment, tool, parts, platform),
    verify: verifyCommands(pythonOf(environment, platform), tool, platform), needs: tool === 'uv' ? [{ text: 'uv is installed', met: tooled }] : [], recommended: false, automatic: tooled,
    risks: xray.otherTorch.length > 0 ? ['PyTorch is there more than once: uninstall it until none is found, then install one.'] : [],
  };
}

/** Libraries beside torch that lack a GPU while torch has it: the first version that is known to have it. */
export function gapRoute(gaps: readonly string[], context: PlaceContext): Route | null {
  const { environment, platform, tables, targets } = context;
  const tool = toolForTorch(environment, context.xray);
  if (whyNotInPlace(environment) !== null || (tool !== 'pip' && tool !== 'uv')) return null;
  const wishes = [...new Set(gaps.map(normalName))].filter((n) => !['torchvision', 'torchaudio'].includes(n)).map((n) => {
    const first = companionRowOf(n, tables.companions)?.first ?? {};
    const least = targets.flatMap((g) => { const cc = g.computeCapability; const row = cc === null ? undefined : (first[cc] ?? first[cc.split('.')[0] ?? '']); return row === undefined || row.c === 'U' ? [] : [row.version]; }).sort(compareVersions).pop();
    return least === undefined ? n : `${n}>=${least}`;
  });
  if (wishes.length === 0) return null;
  const python = pythonOf(environment, platform);
  const command = tool === 'uv' ? uvPipCommands(python, { requirements: wishes, indexUrl: null, reinstall: wishes.map((w) => w.split('>=')[0] ?? w), removeFirst: [], left: [] }, platform) : [commandLine([python, '-m', 'pip', 'install', '--upgrade', '--upgrade-strategy', 'only-if-needed', ...wishes], platform)];
  return {
    id: 'companions', kind: tool === 'uv' ? 'uv_pip' : 'pip', title: `${wishes.length === 1 ? 'A version' : 'Versions'} of ${gaps.join(', ')} with kernels for this GPU`, why: 'torch itself runs; these libraries do not.', target: null, tool, commands: command,
    verify: verifyCommands(python, tool, platform), needs: [], recommended: false, automatic: false, risks: ['They may ask for another torch: look at what is going to change first.', 'The version tells what its makers built, not what is in the wheel: look at the X-ray again afterwards.'],
  };
}
