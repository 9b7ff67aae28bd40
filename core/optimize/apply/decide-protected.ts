import type { ApplyMeans } from '../../../contract/optimize.ts';
import type { FoundEnvironment } from '../../../contract/environments.ts';

/** Why Warpdeck does not write into an environment; null: it may. Pure. */
export function decideProtected(found: FoundEnvironment, means: ApplyMeans): string | null {
  if (means === 'snippet') return 'a plan of lines writes nothing: copy them into your program.';
  if (means === 'jupyter') return found.place === null ? null : `it is in ${found.place}.`;
  if (found.kind === 'store') return 'it came from the Microsoft Store, which does not let it be changed.';
  if (found.kind === 'system') return 'it belongs to the system: every program of this machine that is written in Python would start with the hook.';
  if (found.externallyManaged || found.kind === 'uv_python') return 'it is marked as externally managed (PEP 668).';
  if (found.place !== null) return `it is in ${found.place}.`;
  if (means === 'conda') {
    if (found.kind === 'pixi') return 'its manifest decides what is set in it, and is yours: copy the lines for [activation.env] into it.';
    return found.kind === 'conda' ? null : 'it is no conda environment: nothing runs when it is activated.';
  }
  if (found.python.implementation !== null && found.python.implementation !== 'cpython') return `the hook is made for CPython, and this is ${found.python.implementation}.`;
  if (parsePythonVersion(found.python.version) === null) return 'which version of Python it has cannot be told.';
  if (found.packageFolders[0] === undefined) return 'it has no folder of packages.';
  return null;
}

/** `3.12.4` → [3, 12]; null: none. */
export function parsePythonVersion(text: string | null): readonly [number, number] | null {
  const found = /^(\d{1,2})\.(\d{1,3})/.exec(text ?? '');
  return found === null ? null : [Number(found[1]), Number(found[2])];
}
