import { basename, dirname } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';

/** What is known of a running process, for telling whether it installs into an environment. */
export interface SeenProcess {
  readonly args: readonly string[];
  readonly cwd: string | null;
  /** VIRTUAL_ENV, CONDA_PREFIX and the like of its environment. */
  readonly prefixes: readonly string[];
}

/** Subcommands that change an environment. `uv run` syncs it first. */
const verbs: Readonly<Record<string, ReadonlySet<string>>> = {
  pip: new Set(['install', 'uninstall']),
  uv: new Set(['sync', 'add', 'remove', 'run', 'pip install', 'pip uninstall', 'pip sync', 'tool install', 'tool upgrade']),
  conda: new Set(['install', 'update', 'upgrade', 'remove', 'uninstall', 'env update', 'env create', 'create']),
  pixi: new Set(['install', 'add', 'remove', 'update', 'upgrade', 'run']),
  poetry: new Set(['install', 'add', 'remove', 'update', 'sync']),
  pipenv: new Set(['install', 'uninstall', 'sync', 'update', 'upgrade']),
  pipx: new Set(['install', 'upgrade', 'reinstall', 'inject', 'upgrade-all']),
  hatch: new Set(['run', 'env create']),
};
const toolNames: Readonly<Record<string, string>> = { pip: 'pip', pip3: 'pip', uv: 'uv', conda: 'conda', mamba: 'conda', micromamba: 'conda', pixi: 'pixi', poetry: 'poetry', pipenv: 'pipenv', pipx: 'pipx', hatch: 'hatch' };

interface Command {
  /** As the person wrote it: `mamba install`. No further argument, as those may hold secrets. */
  readonly text: string;
  readonly rest: readonly string[];
}

/** The installer's command in an argv, or null when it is none that changes packages. Pure. */
export function parseInstallerCommand(args: readonly string[]): Command | null {
  const [program = '', ...rest] = args;
  const name = basename(program.replaceAll('\\', '/')).toLowerCase().replace(/\.exe$/, '');
  if (/^(python|pypy)[\d.]*t?$/.test(name)) {
    // `python -m pip …`, or the interpreter that runs the script of `pip` or `conda`.
    let at = 0;
    while (at < rest.length && (rest[at] ?? '').startsWith('-') && rest[at] !== '-m') at += rest[at] === '-X' || rest[at] === '-W' ? 2 : 1;
    return rest[at] === '-m' ? parseTool(rest[at + 1] ?? '', rest.slice(at + 2)) : parseTool(basename(rest[at] ?? ''), rest.slice(at + 1));
  }
  return parseTool(name, rest);
}

function parseTool(name: string, rest: readonly string[]): Command | null {
  const short = name.replace(/\.(exe|py)$/, '').replace(/^pip3\.\d+$/, 'pip3');
  const tool = toolNames[short];
  if (tool === undefined) return null;
  const words = rest.filter((word) => !word.startsWith('-'));
  const one = words[0] ?? '', two = `${one} ${words[1] ?? ''}`;
  const verb = [two, one].find((candidate) => verbs[tool]?.has(candidate));
  return verb === undefined ? null : { text: `${short} ${verb}`, rest };
}

type Place = Pick<FoundEnvironment, 'prefix' | 'projectFolder'>;

/** Who of these processes changes that environment, as `uv sync`; null when none does. Pure. */
export function decideInstaller(processes: readonly SeenProcess[], environment: Place): string | null {
  for (const process of processes) {
    const command = parseInstallerCommand(process.args);
    if (command !== null && concerns(process, command, environment)) return command.text;
  }
  return null;
}

function concerns(process: SeenProcess, command: Command, environment: Place): boolean {
  const { prefix } = environment;
  const inside = (path: string, folder: string): boolean => path === folder || path.startsWith(folder.endsWith('/') || folder.endsWith('\\') ? folder : `${folder}/`) || path.startsWith(`${folder}\\`);
  if (process.args.some((arg) => inside(arg.replace(/^--?[\w-]+=/, ''), prefix))) return true;
  const named = command.rest.findIndex((arg) => arg === '-n' || arg === '--name');
  if (named >= 0) return command.rest[named + 1] === basename(prefix);
  // A project's tool works on the project's environment, whatever is activated.
  const project = environment.projectFolder ?? (['.venv', 'venv', 'env', '.env'].includes(basename(prefix)) ? dirname(prefix) : null);
  if (project !== null && process.cwd !== null && inside(process.cwd, project)) return true;
  return process.prefixes.includes(prefix);
}
