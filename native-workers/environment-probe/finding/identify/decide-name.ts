import { basename, dirname } from 'node:path';
import type { EnvironmentKind } from '../../../../contract/environments.ts';

const USUAL = new Set(['.venv', 'venv', 'env', '.env', 'python_embeded', 'python_embedded', 'python', '.conda']);

export interface NameFacts {
  readonly prefix: string;
  readonly kind: EnvironmentKind;
  readonly prompt: string | null;
  readonly projectFolder: string | null;
  readonly version: string | null;
  readonly condaRoot: boolean;
  /** PyPy says so in its name. */
  readonly pypy: boolean;
}

/** What a person would call it. Names need not be unique; the prefix is shown beside them. */
export function decideName(facts: NameFacts): string {
  const { prefix, kind, projectFolder, version } = facts;
  const last = basename(prefix);
  const python = `${facts.pypy ? 'PyPy' : 'Python'}${version === null ? '' : ` ${version}`}`;
  if (kind === 'system') return `${python} (${prefix})`;
  if (kind === 'uv_python') return `${python} (uv)`;
  if (kind === 'pyenv') return `${python} (pyenv)`;
  if (kind === 'pixi' && projectFolder !== null) return last === 'default' ? basename(projectFolder) : `${basename(projectFolder)}:${last}`;
  if (facts.condaRoot) return `base (${last})`;
  if (kind === 'poetry') return projectFolder === null ? last.replace(/-[A-Za-z0-9_-]{8}-py\d\.\d+$/, '') : basename(projectFolder);
  if (kind === 'pipenv') return projectFolder === null ? last.replace(/-[A-Za-z0-9_-]{8}$/, '') : basename(projectFolder);
  if (kind === 'hatch' && projectFolder !== null) return `${basename(projectFolder)}:${last}`;
  if (facts.prompt !== null && !USUAL.has(facts.prompt)) return facts.prompt;
  return USUAL.has(last) ? basename(projectFolder ?? dirname(prefix)) || last : last || prefix;
}
