import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import type { EnvironmentKind } from '../../../../contract/environments.ts';
import type { SearchContext } from '../search-context.ts';

const MARKS = ['pyproject.toml', 'uv.lock', 'poetry.lock', 'pixi.toml', 'Pipfile', 'requirements.txt', 'setup.py', 'setup.cfg', 'environment.yml', '.git'];
const IN_PROJECT = new Set(['.venv', 'venv', 'env', '.env']);

/** The project around an environment that lies in its folder: `project/.venv`. Null where nothing speaks for one. */
export async function readProjectAround(context: SearchContext, prefix: string): Promise<string | null> {
  if (!IN_PROJECT.has(basename(prefix))) return null;
  const above = dirname(prefix);
  if (above === context.places.home) return null;
  const names = new Set(((await context.list(above))?.entries ?? []).map((entry) => entry.name));
  return MARKS.some((mark) => names.has(mark)) ? above : null;
}

/** The `.project` that pipenv and virtualenvwrapper write: one line with the project's folder. */
export async function readProjectFile(context: SearchContext, prefix: string): Promise<string | null> {
  const line = (await context.readText(join(prefix, '.project'), 4096))?.split(/\r?\n/)[0]?.trim() ?? '';
  return line.startsWith('/') || /^[A-Za-z]:[\\/]/.test(line) ? line : null;
}

/** First eight characters of the SHA-256 of a project's folder: how poetry and hatch name their environments. */
export function projectHash(folder: string): string {
  return createHash('sha256').update(folder).digest('base64url').slice(0, 8);
}

/** The project whose hash is in the path of poetry's or hatch's environment. */
export function decideHashedProject(kind: EnvironmentKind, prefix: string, byHash: ReadonlyMap<string, string>): string | null {
  if (kind === 'poetry') return byHash.get(/-([A-Za-z0-9_-]{8})-py\d\.\d+$/.exec(basename(prefix))?.[1] ?? '') ?? null;
  if (kind !== 'hatch') return null;
  return byHash.get(basename(dirname(prefix))) ?? byHash.get(basename(prefix)) ?? null;
}
