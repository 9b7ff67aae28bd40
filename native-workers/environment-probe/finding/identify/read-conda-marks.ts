import { basename, dirname, isAbsolute, join } from 'node:path';
import type { EnvironmentTool } from '../../../../contract/environments.ts';
import type { SearchContext } from '../search-context.ts';

export interface CondaMarks {
  /** From the record of the package `python`; null: this environment has none. */
  readonly pythonVersion: string | null;
  readonly pixi: boolean;
  readonly projectFolder: string | null;
  /** It is the installation of conda itself. */
  readonly root: boolean;
  readonly tool: EnvironmentTool;
}

const PYTHON_RECORD = /^python-(\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?)-[^/]*\.json$/;

/** What conda-meta tells. Null when the prefix has none. */
export async function readCondaMarks(context: SearchContext, prefix: string): Promise<CondaMarks | null> {
  const folder = join(prefix, 'conda-meta');
  const listing = await context.list(folder, 20_000);
  if (listing === null) return null;
  const names = listing.entries.map((entry) => entry.name);
  const pythonVersion = names.map((name) => PYTHON_RECORD.exec(name)?.[1]).find((version) => version !== undefined) ?? null;
  const root = (await context.isFolder(join(prefix, 'condabin'))) || names.some((name) => /^conda-\d/.test(name));
  if (names.includes('pixi')) {
    return { pythonVersion, pixi: true, projectFolder: await readPixiProject(context, prefix), root: false, tool: 'pixi' };
  }
  const history = names.includes('history') ? await context.readText(join(folder, 'history')) : null;
  const installation = root ? prefix : basename(dirname(prefix)) === 'envs' ? dirname(dirname(prefix)) : null;
  return { pythonVersion, pixi: false, projectFolder: null, root, tool: parseHistoryTool(history ?? '') ?? (await readRootTool(context, installation)) };
}

/** The program of the first command in conda-meta/history: that which made the environment. */
export function parseHistoryTool(history: string): EnvironmentTool | null {
  const program = /^# cmd: (?:"([^"]+)"|(\S+))/m.exec(history);
  const name = (program?.[1] ?? program?.[2] ?? '').split(/[/\\]/).at(-1)?.replace(/\.exe$|-script\.py$/, '').toLowerCase();
  return name === 'conda' || name === 'mamba' || name === 'micromamba' ? name : null;
}

async function readRootTool(context: SearchContext, root: string | null): Promise<EnvironmentTool> {
  if (root === null) return 'conda';
  for (const name of ['mamba', 'conda'] as const) {
    for (const path of [join('condabin', name), join('bin', name), join('condabin', `${name}.bat`)]) if (await context.exists(join(root, path))) return name;
  }
  // A root that holds no program of its own was made by one that lies elsewhere.
  return 'micromamba';
}

/** The manifest that `conda-meta/pixi` names; else the folder above `.pixi/envs`. */
async function readPixiProject(context: SearchContext, prefix: string): Promise<string | null> {
  const text = await context.readText(join(prefix, 'conda-meta', 'pixi'));
  const manifest = parsePixiManifest(text ?? '');
  if (manifest !== null && (await context.exists(manifest))) return dirname(manifest);
  const above = dirname(dirname(dirname(prefix)));
  // `~/.pixi/envs` of `pixi global` looks the same and belongs to no project.
  return basename(dirname(dirname(prefix))) === '.pixi' && above !== context.places.home ? above : null;
}

export function parsePixiManifest(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('manifest_path' in value)) return null;
    const path = value.manifest_path;
    return typeof path === 'string' && isAbsolute(path) && !path.includes('\0') ? path : null;
  } catch {
    return null;
  }
}
