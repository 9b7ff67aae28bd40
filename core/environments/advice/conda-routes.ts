import type { EnvironmentTool, FoundEnvironment } from '../../../contract/environments.ts';
import type { Route, TorchTarget } from '../../../contract/upgrades.ts';
import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import { servedBy } from '../tables/list-wheels.ts';
import { compareVersions } from '../verdict/architecture-rules.ts';
import type { AdviceTables, CondaBuild } from './advice-tables.ts';
import { commandLine, commentLines, interpreterIn, pathArgument, type Platform } from './quote-command.ts';
import { gpuNeedsDriver, leftBehind, moduleConflict, versionOfDriver } from './serve-rules.ts';
import { verifyCommands } from './tool-commands.ts';
import { driverNeed as needDriver } from './other-routes.ts';

export const CONDA_FORGE = 'conda-forge';

/** The newest conda-forge build line that serves all GPUs with this driver; null where there is none. */
export function decideCondaBuild(input: { readonly targets: readonly GpuTarget[]; readonly driver: DriverFacts; readonly platform: Platform; readonly tables: AdviceTables }): CondaBuild | null {
  const { targets, driver, platform, tables } = input;
  if (targets.length === 0 || moduleConflict(targets, driver, tables) !== null || gpuNeedsDriver(targets, driver, tables) !== null || leftBehind(targets, driver, tables).length > 0) return null;
  const version = versionOfDriver(driver);
  const minDriver = (b: CondaBuild): string => (driver.wsl && b.cuda.startsWith('12.') ? (tables.wheels.min_driver_windows['cu12x'] ?? b.minDriver) : b.minDriver);
  return tables.routes.condaForge[platform].find((b) => (version === null || compareVersions(version, minDriver(b)) >= 0) && targets.every((g) => servedBy(b.archs.map((n) => `sm_${n}`), g.computeCapability) === 'native')) ?? null;
}

/** A conda-forge build as a target: `version` is a requirement, `label` names the CUDA version. Only `condaSpecs` reads them. */
export function condaTarget(build: CondaBuild): TorchTarget {
  return { version: build.torch, label: `cuda-${build.cuda}`, torchvision: null, torchaudio: null, archs: [...build.archs.map((n) => `sm_${n}`), ...(build.ptx ? [`compute_${build.archs[build.archs.length - 1] ?? ''}`] : [])], minDriver: build.minDriver, confidence: build.c, indexUrl: CONDA_FORGE };
}

/** What a conda-like tool is asked for: `pytorch-gpu>=2.10`, `cuda-version=13.0`. */
export function condaSpecs(target: TorchTarget): string[] {
  return [`pytorch-gpu${target.version}`, `cuda-version=${target.label.replace('cuda-', '')}`];
}

type CondaInput = { readonly platform: Platform; readonly driver: DriverFacts; readonly tools: { readonly conda: boolean } };
const driverNeed = (target: TorchTarget, driver: DriverFacts): Route['needs'] => needDriver(target.minDriver, driver);

/** Without a driver in this machine the solver takes the CPU build without a word: it must be told. */
function withCuda(command: string, cuda: string, input: CondaInput): string[] {
  if (input.driver.source === 'driver') return [command];
  return input.platform === 'windows_x86_64' ? [`$env:CONDA_OVERRIDE_CUDA = '${cuda}'`, command] : [`CONDA_OVERRIDE_CUDA=${cuda} ${command}`];
}

/** In place through conda, mamba or micromamba. `pipTorch`: torch in it was installed by pip and has to go first. */
export function condaRoute(environment: FoundEnvironment, tool: 'conda' | 'mamba' | 'micromamba', build: CondaBuild, pipTorch: boolean, input: CondaInput): Route {
  const target = condaTarget(build), { platform } = input;
  const python = environment.python.path ?? (platform === 'windows_x86_64' ? `${environment.prefix}\\python.exe` : interpreterIn(environment.prefix, platform));
  const install = commandLine([tool, 'install', '--prefix', pathArgument(environment.prefix, platform), '--channel', CONDA_FORGE, '--override-channels', ...condaSpecs(target)], platform);
  const away = pipTorch ? [commandLine([python, '-m', 'pip', 'uninstall', '--yes', 'torch', 'torchvision', 'torchaudio', 'triton'], platform)] : [];
  return {
    id: `conda:${build.cuda}`, kind: 'conda', title: `PyTorch from conda-forge with CUDA ${build.cuda}, by ${tool}`, why: `conda-forge builds for CUDA ${build.cuda} have kernels for all these GPUs; the pytorch channel ended with 2.5.1 and never had any for Blackwell.`,
    target, tool, commands: [...away, ...withCuda(install, build.cuda, input)], verify: verifyCommands(python, tool, platform),
    needs: [...driverNeed(target, input.driver), { text: `${tool} is installed`, met: input.tools.conda }],
    recommended: false, automatic: input.tools.conda && !pipTorch,
    risks: ['Take the channels pytorch, nvidia and defaults and the package pytorch-cuda out of environment.yml: mixed with conda-forge they cannot be solved or do not fit.'],
  };
}

/** A new conda environment, where no wheel serves all GPUs or conda is what is used. */
export function condaCreateRoute(prefix: string, python: string, build: CondaBuild, tool: EnvironmentTool, input: CondaInput): Route {
  const target = condaTarget(build), { platform } = input;
  const create = commandLine([tool, 'create', '--prefix', pathArgument(prefix, platform), '--channel', CONDA_FORGE, '--override-channels', `python=${python}`, ...condaSpecs(target)], platform);
  return {
    id: `new:conda:${build.cuda}`, kind: 'new_environment', title: `A new conda environment with CUDA ${build.cuda}`, why: `conda-forge builds for CUDA ${build.cuda} have kernels for all these GPUs; the old environment stays as it is.`,
    target, tool, commands: withCuda(create, build.cuda, input), verify: verifyCommands(platform === 'windows_x86_64' ? `${prefix}\\python.exe` : interpreterIn(prefix, platform), tool, platform),
    needs: [...driverNeed(target, input.driver), { text: `${tool} is installed`, met: input.tools.conda }], recommended: false, automatic: false, risks: ['Needs several GB more.'],
  };
}

/** pixi: its manifest says what there is, so the manifest is changed. */
export function pixiRoute(environment: FoundEnvironment, build: CondaBuild, input: CondaInput): Route {
  const target = condaTarget(build), { platform } = input;
  const folder = environment.projectFolder;
  const subdir = platform === 'windows_x86_64' ? 'win-64' : platform === 'linux_aarch64' ? 'linux-aarch64' : 'linux-64';
  const place = folder === null ? [] : ['--manifest-path', pathArgument(folder, platform)];
  const edit = [`In the manifest of ${JSON.stringify(folder ?? environment.prefix)} (pixi.toml or pyproject.toml):`, '', '[dependencies]', `pytorch-gpu = "${build.torch}"`, `cuda-version = "${build.cuda}.*"`, '', '# and the CUDA of the platform, else the CPU build is taken:', '[workspace]', 'channels = ["conda-forge"]', `platforms = [{ platform = "${subdir}", cuda = "${build.cuda}" }]`, '# in older versions of pixi:', '[system-requirements]', `cuda = "${build.cuda}"`];
  return {
    id: `pixi:${build.cuda}`, kind: 'pixi', title: `PyTorch from conda-forge with CUDA ${build.cuda}, through the pixi manifest`, why: 'pixi puts back whatever its manifest says, so the manifest is what is changed.', target, tool: 'pixi',
    commands: [commentLines(edit), commandLine(['pixi', 'update', ...place, '--dry-run', 'pytorch-gpu'], platform), commandLine(['pixi', 'install', ...place], platform)],
    verify: verifyCommands(environment.python.path ?? interpreterIn(environment.prefix, platform), 'pixi', platform), needs: driverNeed(target, input.driver), recommended: false, automatic: false,
    risks: ['Never change packages in .pixi/envs by pip: the next "pixi install" reverts it.', 'Keep a copy of the manifest and of pixi.lock.'],
  };
}
