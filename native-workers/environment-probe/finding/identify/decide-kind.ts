import { basename, dirname } from 'node:path';
import type { EnvironmentKind, EnvironmentTool } from '../../../../contract/environments.ts';
import type { CondaMarks } from './read-conda-marks.ts';
import type { PyvenvConfig } from './parse-pyvenv-config.ts';

/** Marks that are on disk, and what the place says. */
export interface KindEvidence {
  readonly hint: EnvironmentKind | null;
  readonly conda: CondaMarks | null;
  /** Null: no pyvenv.cfg, or one that cannot be read. */
  readonly config: PyvenvConfig | null;
  /** It has a pyvenv.cfg, whatever is in it, or looks like one without. */
  readonly virtual: boolean;
  /** Names in the prefix. */
  readonly names: ReadonlySet<string>;
  /** INSTALLER of most of its packages, lower case first word: `pip`, `uv`, `poetry`. */
  readonly installer: string | null;
  /** `.project` of pipenv or virtualenvwrapper. */
  readonly projectFile: string | null;
  readonly projectHasPipfile: boolean;
  readonly prefix: string;
  readonly systemPlace: boolean;
  readonly portable: boolean;
  readonly externallyManaged: boolean;
}

/** A virtual environment in these tells its owner by files of that owner. */
export function decideKind(e: KindEvidence): EnvironmentKind {
  if (e.conda !== null && !e.virtual) return e.conda.pixi ? 'pixi' : 'conda';
  if (e.virtual) {
    if (e.names.has('uv-receipt.toml')) return 'uv_tool';
    if (e.names.has('pipx_metadata.json')) return 'pipx';
    if (e.hint === 'uv_tool' || e.hint === 'pipx' || e.hint === 'hatch' || e.hint === 'poetry') return e.hint;
    if (e.installer === 'poetry') return 'poetry';
    // NAME-HASH with a `.project` is pipenv; virtualenvwrapper writes `.project` too, without the hash.
    if (e.projectFile !== null && (/-[A-Za-z0-9_-]{8}(-|$)/.test(basename(e.prefix)) || e.projectHasPipfile)) return 'pipenv';
    if (e.config === null) return e.names.has('pyvenv.cfg') ? 'venv' : 'virtualenv';
    return e.config.madeBy;
  }
  if (e.portable) return 'portable';
  if (e.hint === 'uv_python' || e.hint === 'pyenv' || e.hint === 'store' || e.hint === 'system') return e.hint;
  if (e.systemPlace) return 'system';
  if (basename(dirname(e.prefix)) === 'versions' && dirname(e.prefix).includes('pyenv')) return 'pyenv';
  if (/^(cpython|pypy|graalpy)-\d/.test(basename(e.prefix)) && e.externallyManaged) return 'uv_python';
  return e.hint ?? 'other';
}

/** Which tool may change its packages. Null: none may, or none is known. */
export function decideTool(kind: EnvironmentKind, e: KindEvidence): EnvironmentTool | null {
  switch (kind) {
    case 'conda':
    case 'pixi':
      return e.conda?.tool ?? 'conda';
    case 'uv':
    case 'uv_tool':
      return 'uv';
    case 'pipx':
    case 'poetry':
    case 'pipenv':
    case 'hatch':
      return kind;
    case 'venv':
    case 'virtualenv':
      return e.installer === 'uv' ? 'uv' : 'pip';
    case 'system':
    case 'uv_python':
    case 'pyenv':
    case 'portable':
    case 'store':
    case 'other':
      return e.externallyManaged ? null : 'pip';
  }
}
