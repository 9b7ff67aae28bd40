import type { EnvironmentTool, FoundEnvironment } from '../../../contract/environments.ts';
import type { RouteKind } from '../../../contract/upgrades.ts';
import type { InstallSteps } from './decide-install-steps.ts';
import { commandLine, commentLines, interpreterIn, pathArgument, type Platform } from './quote-command.ts';

/** Commands of one tool for one environment. */
export interface ToolCommands {
  readonly kind: RouteKind;
  readonly commands: string[];
  /** The environment's own tool may be used by Warpdeck for this as a transaction. */
  readonly automatic: boolean;
  readonly risks: string[];
}

export const pythonOf = (environment: Pick<FoundEnvironment, 'python' | 'prefix'>, platform: Platform): string => pathArgument(environment.python.path ?? interpreterIn(environment.prefix, platform), platform);

const index = (url: string | null): string[] => (url === null ? [] : ['--index-url', url]);

export function pipCommands(python: string, steps: InstallSteps, platform: Platform): string[] {
  const pip = [python, '-m', 'pip'];
  const remove = steps.removeFirst.length === 0 ? [] : [commandLine([...pip, 'uninstall', '--yes', ...steps.removeFirst], platform)];
  return [...remove, commandLine([...pip, 'install', ...index(steps.indexUrl), ...steps.requirements], platform)];
}

export function uvPipCommands(python: string, steps: InstallSteps, platform: Platform): string[] {
  return [commandLine(['uv', 'pip', 'install', '--python', python, ...index(steps.indexUrl), ...steps.reinstall.flatMap((n) => ['--reinstall-package', n]), ...steps.requirements], platform)];
}

/** Name of the index in a project's file: `pytorch-cu130`. */
const indexName = (url: string): string => `pytorch-${url.split('/').pop() ?? 'index'}`;
const nameOf = (requirement: string): string => requirement.split('==')[0] ?? requirement;
const tomlString = (text: string): string => JSON.stringify(text);

/** The edit of pyproject.toml as comments, then lock and sync. */
export function uvProjectCommands(folder: string, steps: InstallSteps, platform: Platform): string[] {
  const project = pathArgument(folder, platform), names = steps.requirements.map(nameOf);
  const edit = [
    `In pyproject.toml of ${JSON.stringify(folder)}, instead of what stands there for these packages:`,
    '', '[project]', `# in dependencies: ${steps.requirements.map(tomlString).join(', ')}`,
    ...(steps.indexUrl === null ? [] : ['', '[[tool.uv.index]]', `name = ${tomlString(indexName(steps.indexUrl))}`, `url = ${tomlString(steps.indexUrl)}`, 'explicit = true']),
    '', '[tool.uv.sources]',
    ...(steps.indexUrl === null ? ['# no line for these packages'] : names.map((n) => `${n} = [{ index = ${tomlString(indexName(steps.indexUrl ?? ''))}, marker = "sys_platform == 'linux' or sys_platform == 'win32'" }]`)),
  ];
  const lock = ['uv', 'lock', '--project', project, ...names.flatMap((n) => ['--upgrade-package', n])];
  return [commentLines(edit), commandLine([...lock, '--dry-run'], platform), commandLine(lock, platform), commandLine(['uv', 'sync', '--project', project], platform)];
}

function poetryCommands(folder: string, steps: InstallSteps, platform: Platform): string[] {
  const poetry = ['poetry', `--directory=${folder}`];
  if (steps.indexUrl === null) return [commandLine([...poetry, 'add', ...steps.requirements], platform)];
  const name = indexName(steps.indexUrl);
  return [commandLine([...poetry, 'source', 'add', '--priority=explicit', name, steps.indexUrl], platform), commandLine([...poetry, 'add', '--source', name, ...steps.requirements], platform)];
}

const enter = (folder: string, platform: Platform): string => commandLine(platform === 'windows_x86_64' ? ['Set-Location', '-LiteralPath', folder] : ['cd', '--', folder], platform);

/**
 * In place, by the tool that owns the environment. Null: this environment's packages are not changed in place, by
 * nobody, or there is no interpreter left to do it with.
 */
export function inPlaceCommands(environment: FoundEnvironment, tool: EnvironmentTool, steps: InstallSteps, platform: Platform): ToolCommands | null {
  const python = pythonOf(environment, platform);
  const folder = environment.projectFolder;
  const again = (what: string): string => `The next ${what} puts back what its lock file says: change the project as well.`;
  switch (tool) {
    case 'pip': return { kind: 'pip', commands: pipCommands(python, steps, platform), automatic: true, risks: [] };
    case 'uv': {
      const risks = environment.kind === 'uv_tool' ? ['"uv tool upgrade" builds this environment anew and forgets the change.'] : folder === null ? [] : [again('"uv sync" or "uv run"')];
      return { kind: 'uv_pip', commands: uvPipCommands(python, steps, platform), automatic: environment.kind !== 'uv_tool', risks };
    }
    case 'pipx': return { kind: 'pip', commands: pipxCommands(environment.name, python, steps, platform), automatic: false, risks: ['"pipx upgrade" or "pipx reinstall" forgets the change.'] };
    case 'poetry': return folder === null ? { kind: 'pip', commands: pipCommands(python, steps, platform), automatic: false, risks: [again('"poetry install"')] } : { kind: 'poetry', commands: poetryCommands(folder, steps, platform), automatic: false, risks: ['pyproject.toml and poetry.lock are changed: keep a copy of both.'] };
    case 'pipenv': return folder === null
      ? { kind: 'pip', commands: pipCommands(python, steps, platform), automatic: false, risks: [again('"pipenv sync"')] }
      : { kind: 'pip', commands: [enter(folder, platform), commandLine(['pipenv', 'install', ...(steps.indexUrl === null ? [] : [`--index=${steps.indexUrl}`]), ...steps.requirements], platform)], automatic: false, risks: ['Pipfile and Pipfile.lock are changed: keep a copy of both.'] };
    case 'hatch': return { kind: 'uv_pip', commands: uvPipCommands(python, steps, platform), automatic: false, risks: ['Hatch builds the environment anew from pyproject.toml when that changes: write the version there as well.'] };
    case 'conda': case 'mamba': case 'micromamba': case 'pixi': return null;
  }
}

function pipxCommands(name: string, python: string, steps: InstallSteps, platform: Platform): string[] {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return pipCommands(python, steps, platform);
  const pip = ['pipx', 'runpip', name];
  const remove = steps.removeFirst.length === 0 ? [] : [commandLine([...pip, 'uninstall', '--yes', ...steps.removeFirst], platform)];
  return [...remove, commandLine([...pip, 'install', ...index(steps.indexUrl), ...steps.requirements], platform)];
}

/** The same files again, by pip or uv. Packages of PyTorch's index and others are asked for apart: that index lacks the others. */
export function reinstallCommands(environment: FoundEnvironment, tool: 'pip' | 'uv', parts: readonly { readonly indexUrl: string | null; readonly requirements: readonly string[] }[], platform: Platform): string[] {
  const python = pythonOf(environment, platform);
  const program = tool === 'uv' ? ['uv', 'pip', 'install', '--python', python, '--reinstall', '--no-deps'] : [python, '-m', 'pip', 'install', '--force-reinstall', '--no-deps'];
  return parts.filter((p) => p.requirements.length > 0).map((p) => commandLine([...program, ...index(p.indexUrl), ...p.requirements], platform));
}

/** Commands that show that it worked. The Python text holds no quotes, so that every shell hands it over whole. */
export function verifyCommands(python: string, tool: EnvironmentTool | null, platform: Platform): string[] {
  const builtFor = 'import torch; print(torch.__version__, torch.version.cuda, torch._C._cuda_getArchFlags())';
  const run = 'import torch; [print(torch.cuda.get_device_name(i), (torch.ones(512, 512).cuda(i) @ torch.ones(512, 512).cuda(i)).sum().item()) for i in range(torch.cuda.device_count())]';
  const check = tool === 'uv' || tool === 'hatch' ? ['uv', 'pip', 'check', '--python', python] : [python, '-m', 'pip', 'check'];
  return [commandLine([python, '-c', builtFor], platform), commandLine([python, '-c', run], platform), ...(tool === null || tool === 'pixi' ? [] : [commandLine(check, platform)])];
}
