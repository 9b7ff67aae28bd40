import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { ownPackageFolders } from './read-installed-packages.ts';
import { withPrivateFolder } from './create-python-tool.ts';
import { runTool, type ToolSurroundings } from './run-tool-step.ts';

export type ProgramName = 'uv' | 'conda' | 'mamba' | 'micromamba' | 'pixi' | 'docker';
export interface FoundProgram {
  readonly name: ProgramName;
  readonly path: string;
  /** Null: it did not say within its limit. */
  readonly version: string | null;
}
/** What is there to change environments with, and what running it needs. */
export interface FoundTools {
  readonly programs: Readonly<Partial<Record<ProgramName, FoundProgram>>>;
  readonly surroundings: ToolSurroundings;
  /** uv in the environment itself or in one beside it, when none was found elsewhere. */
  findUvBeside(environment: FoundEnvironment): Promise<FoundProgram | null>;
  /** Version of the environment's own pip, by its files; null where it has none. */
  readPipVersion(environment: FoundEnvironment): Promise<string | null>;
}
export interface FindToolsOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly surroundings: ToolSurroundings;
  /** Default: the user's own. */
  readonly home?: string;
}

const VERSION_LIMIT_MS = 10_000;
const windows = process.platform === 'win32';
/** By path, size and time of the file: a version is asked for once. */
const versions = new Map<string, Promise<string | null>>();

/** Looks for the tools in PATH and where their installers put them. Runs only `--version` of what it finds. */
export async function findTools(options: FindToolsOptions): Promise<FoundTools> {
  const { env, surroundings } = options;
  const home = options.home ?? homedir();
  const path = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const condaHomes = ['miniforge3', 'mambaforge', 'miniconda3', 'anaconda3', 'micromamba'].map((name) => join(home, name));
  const own = (name: string): string[] => (env[name] === undefined || env[name] === '' ? [] : [env[name]]);
  const bin = (folder: string): string[] => [join(folder, windows ? 'Scripts' : 'bin'), join(folder, windows ? 'Library/bin' : 'condabin')];
  const common = [...path, join(home, '.local', 'bin')];
  const conda = [...common, ...[...own('CONDA_ROOT'), ...own('MAMBA_ROOT_PREFIX'), ...condaHomes, '/opt/conda', '/opt/miniforge3', '/opt/miniconda3', '/opt/anaconda3'].flatMap(bin)];
  const places: Readonly<Record<ProgramName, readonly string[]>> = {
    uv: [...own('UV_INSTALL_DIR'), ...common, join(home, '.cargo', 'bin')],
    conda: [...own('CONDA_EXE').map((file) => dirname(file)), ...conda],
    mamba: conda,
    micromamba: [...own('MAMBA_EXE').map((file) => dirname(file)), ...conda],
    pixi: [...own('PIXI_HOME').map((folder) => join(folder, 'bin')), ...common, join(home, '.pixi', 'bin')],
    docker: [...common, '/usr/bin', '/usr/local/bin'],
  };
  const programs: Partial<Record<ProgramName, FoundProgram>> = {};
  await Promise.all((Object.keys(places) as ProgramName[]).map(async (name) => {
    const found = await findIn(name, places[name]);
    if (found !== null) programs[name] = { name, path: found, version: await readVersion(found, surroundings) };
  }));
  return {
    programs,
    surroundings,
    async findUvBeside(environment) {
      const folders = [join(environment.prefix, windows ? 'Scripts' : 'bin'), join(dirname(environment.prefix), '.venv', windows ? 'Scripts' : 'bin')];
      const found = await findIn('uv', folders);
      return found === null ? null : { name: 'uv', path: found, version: await readVersion(found, surroundings) };
    },
    readPipVersion,
  };
}

async function findIn(name: string, folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    for (const suffix of windows ? ['.exe', '.bat'] : ['']) {
      const path = join(folder, `${name}${suffix}`);
      const file = await stat(path).catch(() => null);
      if (file?.isFile() === true && (await access(path, constants.X_OK).then(() => true, () => false))) return path;
    }
  }
  return null;
}

/** pip's version from its dist-info, and only when the module itself is there. */
async function readPipVersion(environment: FoundEnvironment): Promise<string | null> {
  for (const folder of ownPackageFolders(environment)) {
    const module = await stat(join(folder, 'pip', '__main__.py')).catch(() => null);
    if (module?.isFile() !== true) continue;
    const names = await readdir(folder).catch(() => [] as string[]);
    const version = names.map((name) => /^pip-([0-9][0-9A-Za-z.]{0,40})\.dist-info$/.exec(name)?.[1]).find((found) => found !== undefined);
    if (version !== undefined) return version;
  }
  return null;
}

async function readVersion(path: string, surroundings: ToolSurroundings): Promise<string | null> {
  const real = await realpath(path).catch(() => path);
  const file = await stat(real).catch(() => null);
  const key = `${real}\0${file?.size ?? 0}\0${file?.mtimeMs ?? 0}`;
  const known = versions.get(key);
  if (known !== undefined) return known;
  const asking = withPrivateFolder(surroundings, async (cwd) => {
    const outcome = await runTool({ program: path, args: ['--version'], env: {}, cwd, redact: (text) => text, signal: AbortSignal.timeout(VERSION_LIMIT_MS), timeoutMs: VERSION_LIMIT_MS }, surroundings.runProgram);
    return /\b(\d{1,5}\.\d{1,5}(?:\.\d{1,5})?[0-9a-z.+-]{0,20})/.exec(outcome.stdout)?.[1] ?? null;
  }).catch(() => null);
  versions.set(key, asking);
  return asking;
}
