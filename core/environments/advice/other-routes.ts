import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { Route, TorchTarget } from '../../../contract/upgrades.ts';
import type { DriverFacts, GpuTarget } from '../../../contract/verdict.ts';
import { compareVersions } from '../verdict/architecture-rules.ts';
import type { AdviceTables, TorchRelease } from './advice-tables.ts';
import { decideInstallSteps } from './decide-install-steps.ts';
import { commandLine, interpreterIn, pathArgument, quoteArgument, type Platform } from './quote-command.ts';
import { gpuNeedsDriver, lastBranchOf, leftBehind, minDriverFor, minDriverOf, moduleConflict, needsOpenModules, versionOfDriver } from './serve-rules.ts';
import { pipCommands, uvPipCommands, verifyCommands } from './tool-commands.ts';

export interface RouteContext {
  readonly targets: readonly GpuTarget[];
  readonly driver: DriverFacts;
  readonly platform: Platform;
  readonly tables: AdviceTables;
  readonly tools: { readonly docker: boolean; readonly uv: boolean; readonly conda: boolean };
}

const namesOf = (gpus: readonly GpuTarget[]): string => [...new Set(gpus.map((g) => g.name))].join(', ');
const blank = { target: null, tool: null, recommended: false, automatic: false } as const;

export function driverNeed(least: string | null, driver: DriverFacts): Route['needs'] {
  const version = versionOfDriver(driver);
  return least === null ? [] : [{ text: `driver ≥ ${least}`, met: version === null ? null : compareVersions(version, least) >= 0 }];
}

/** A Python that this release has wheels for: the present one where it has, else a middle-aged one. */
export function choosePython(release: TorchRelease, present: string | null): string {
  const minor = present?.split('.').slice(0, 2).join('.') ?? null;
  const within = (v: string): boolean => compareVersions(v, release.python[0]) >= 0 && compareVersions(v, release.python[1]) <= 0;
  return minor !== null && within(minor) ? minor : within('3.12') ? '3.12' : release.python[1];
}

/** Beside the old environment, which stays as it is. */
export function newEnvironmentRoute(environment: FoundEnvironment | null, target: TorchTarget, python: string, context: RouteContext): Route {
  const { platform, tools } = context, windows = platform === 'windows_x86_64';
  const name = `torch-${target.version.replace('+', '-')}`;
  const prefix = environment === null ? null : pathArgument(`${environment.prefix.replace(/[\\/]+$/, '')}-${name}`, platform);
  // Without an old one beside which to put it: below the home folder, which the shell knows.
  const home = (rest: string): string => (windows ? `"$HOME\\${rest.replaceAll('/', '\\')}"` : `"$HOME/${rest}"`);
  const folder = prefix === null ? home(name) : quoteArgument(prefix, platform);
  const interpreter = prefix === null ? home(windows ? `${name}/Scripts/python.exe` : `${name}/bin/python`) : quoteArgument(interpreterIn(prefix, platform), platform);
  const placeholder = 'WARPDECK_PYTHON', run = (command: string): string => (windows && /^(&|['"])/.test(interpreter) && command.startsWith(placeholder) ? `& ${command}` : command).replaceAll(placeholder, () => interpreter);
  const steps = decideInstallSteps(target, null);
  const make = tools.uv ? `uv venv --python ${python} ${folder}` : windows ? `py -${python} -m venv ${folder}` : `python${python} -m venv ${folder}`;
  const install = (tools.uv ? uvPipCommands : pipCommands)(placeholder, steps, platform).map(run);
  return {
    ...blank, id: `new:${target.version}`, kind: 'new_environment', title: `A new environment with torch ${target.version} and Python ${python}${environment === null ? '' : ', beside the old one'}`,
    why: 'Nothing that exists is touched; the old environment can be deleted when the new one has proved itself.', target, tool: tools.uv ? 'uv' : 'pip',
    commands: [make, ...install, ...(tools.uv && environment !== null && !windows ? [otherPackages(environment, interpreter, platform)] : [])],
    verify: verifyCommands(placeholder, tools.uv ? 'uv' : 'pip', platform).map(run),
    needs: [...driverNeed(target.minDriver, context.driver), { text: tools.uv ? 'uv is installed' : `Python ${python} is installed`, met: tools.uv ? true : null }],
    risks: ['Needs the disk space of a second environment, several GB.', ...(environment === null ? [] : ['Packages that were built for the old torch (flash-attn, xformers) must be chosen anew.'])],
  };
}

/** All other packages of the old environment, but what belongs to torch. */
function otherPackages(environment: FoundEnvironment, interpreter: string, platform: Platform): string {
  const old = pathArgument(environment.python.path ?? interpreterIn(environment.prefix, platform), platform);
  const family = '^(torch|torchvision|torchaudio|triton|pytorch-triton|cuda-[a-z]+|nvidia-[a-z0-9-]+|xformers|flash-attn|vllm)( @|==)';
  return `${commandLine(['uv', 'pip', 'freeze', '--python', old, '--exclude-editable'], platform)} | grep -viE ${quoteArgument(family, platform)} | uv pip install --python ${interpreter} -r -`;
}

const isBlackwell = (g: GpuTarget): boolean => Number(g.computeCapability?.split('.')[0] ?? 0) >= 10;

/** NVIDIA's image: the newest that the driver starts. Offered for GPUs from Turing on only: what else is in it is not recorded. */
export function containerRoute(context: RouteContext): Route | null {
  const { targets, driver, tables, platform } = context;
  if (targets.length === 0 || targets.some((g) => g.computeCapability === null || tables.gpus.capabilities[g.computeCapability] === undefined || g.tegra || compareVersions(g.computeCapability, '7.5') < 0) || gpuNeedsDriver(targets, driver, tables) !== null) return null;
  const ngc = tables.images.ngcPytorch, blackwell = targets.some(isBlackwell);
  const version = versionOfDriver(driver);
  const least = (cuda: string): string | null => minDriverFor(`cu${cuda.replace('.', '')}`, targets, driver, tables);
  const fits = Object.entries(ngc.releases).filter(([release, r]) => (!blackwell || compareVersions(release, ngc.firstForBlackwell.release) >= 0) && (version === null || compareVersions(version, least(r.cuda) ?? '0') >= 0));
  const newest = fits.sort(([a], [b]) => compareVersions(b, a))[0];
  if (newest === undefined) return null;
  const [release, image] = newest, name = `${ngc.repositories[0] ?? 'nvcr.io/nvidia/pytorch'}:${release}-py3`;
  const here = platform === 'windows_x86_64' ? '"${PWD}:/src"' : '"$PWD":/src';
  return {
    ...blank, id: `container:${release}`, kind: 'container', title: `NVIDIA's container image ${release} (CUDA ${image.cuda}${image.torch === null ? '' : `, torch ${image.torch}`})`,
    why: 'Brings its own PyTorch and libraries; this environment is left as it is and not repaired.',
    commands: [`docker run --rm -it --gpus all --ipc=host --ulimit memlock=-1 --ulimit stack=67108864 -v ${here} -w /src ${name}`],
    verify: [`docker run --rm --gpus all ${name} ${verifyCommands('python', null, platform)[1] ?? ''}`],
    needs: [...driverNeed(least(image.cuda), driver), { text: 'Docker is installed', met: context.tools.docker }, { text: 'NVIDIA Container Toolkit is installed', met: null }],
    risks: ['About 20 GB to download.', '"pip install torch" inside replaces NVIDIA’s build.', 'Files that it writes into your folder belong to root.'],
  };
}

/**
 * A driver: another one, a restart, or the first one. Never a newer branch than all GPUs are driven by: for Maxwell,
 * Pascal and Volta that is R580. Null: the driver is not what stands in the way, and a newer one opens nothing.
 */
export function driverRoute(context: RouteContext, servedNow: boolean): Route | null {
  const { targets, driver, tables } = context;
  if (targets.length === 0 || moduleConflict(targets, driver, tables) !== null) return null;
  const verify = ['nvidia-smi --query-gpu=index,name,driver_version --format=csv'];
  if (driver.mismatch) return { ...blank, id: 'driver:restart', kind: 'driver', title: 'Restart the machine', why: 'The driver was updated while it was in use: kernel module and library differ until the next start.', commands: driver.wsl ? ['wsl.exe --shutdown'] : driver.platform === 'windows_x86_64' ? ['shutdown /r /t 0'] : ['sudo reboot'], verify, needs: [], risks: ['All programs end.'] };
  const last = lastBranchOf(targets, tables), behind = leftBehind(targets, driver, tables);
  const goal = last ?? tables.routes.driver.branch;
  const version = versionOfDriver(driver), tooOld = version !== null && compareVersions(version, goal) < 0;
  if (driver.source !== 'none' && behind.length === 0 && !tooOld) return null;
  // To a GPU whose last branch is R580 a newer driver opens no newer build: only where nothing works without it.
  if (last !== null && behind.length === 0 && servedNow && driver.source !== 'none') return null;
  const open = needsOpenModules(targets, tables) && last === null;
  const least = gpuNeedsDriver(targets, driver, tables);
  const why = behind.length > 0 ? `R${goal} is the last branch that drives ${namesOf(behind)}; ${driver.version ?? 'the present one'} does not.`
    : driver.source === 'none' ? 'No NVIDIA driver answers here.'
      : least !== null ? `${namesOf(targets.filter(isBlackwell))} needs driver ${least} or newer; ${driver.version ?? ''} is installed. ${tables.routes.driver.why}`
        : `${driver.version ?? ''} cannot start CUDA 13 builds. ${tables.routes.driver.why}`;
  const packageName = `nvidia-driver-${goal}${open ? '-open' : ''}`;
  const commands = driver.wsl || driver.platform === 'windows_x86_64' ? [] : [`sudo apt install ${packageName}`, 'sudo reboot'];
  const where = driver.wsl ? ['Install it in Windows; inside WSL no driver is installed.'] : driver.platform === 'windows_x86_64' ? [] : ['The commands are for Ubuntu; other systems have their own package of the same branch.', ...(open ? ['Blackwell needs the open kernel modules on Linux.'] : last === null ? [] : ['These GPUs need the proprietary kernel modules: not the package with -open.'])];
  return {
    ...blank, id: `driver:${goal}`, kind: 'driver', title: `Driver ${goal}${last === null ? ' or newer' : ', and no newer branch'}${driver.wsl ? ' in Windows' : ''}`, why,
    commands, verify, needs: [], risks: [...where, ...(commands.length === 0 ? [`From ${tables.routes.driver.download}`] : []), 'The machine has to be restarted.'],
  };
}

/** Builds of the day: only where no release has kernels for a GPU. Nothing of them is promised. */
export function nightlyRoute(environment: FoundEnvironment | null, python: string, context: RouteContext): Route | null {
  const version = versionOfDriver(context.driver);
  const label = context.tables.routes.nightly.labels.find((l) => { const d = minDriverOf(l, context.driver, context.tables); return version === null || d === null || compareVersions(version, d) >= 0; });
  if (label === undefined) return null;
  return {
    ...blank, id: `nightly:${label}`, kind: 'nightly', title: `A build of the day, ${label}`, why: 'No release has kernels for all these GPUs. Whether today’s build has them is known only when it is installed.',
    tool: environment?.tool ?? null, commands: [commandLine([python, '-m', 'pip', 'install', '--pre', '--index-url', `https://download.pytorch.org/whl/nightly/${label}`, 'torch', 'torchvision'], context.platform)], verify: verifyCommands(python, 'pip', context.platform),
    needs: driverNeed(minDriverOf(label, context.driver, context.tables), context.driver), risks: ['Not reproducible: dated files vanish after some weeks.', '--pre lets other packages slip to pre-releases as well.'],
  };
}
