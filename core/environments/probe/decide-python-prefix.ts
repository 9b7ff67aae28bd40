import { basename, dirname } from 'node:path';

export interface PrefixEvidence {
  readonly executable: string | null;
  /** The path by which it was called, before links; null when it cannot be told. */
  readonly calledAs: string | null;
  /** There is a pyvenv.cfg or conda-meta above that path. */
  readonly calledInVirtual: boolean;
  readonly environ: ReadonlyMap<string, string>;
  /** Prefixes of mapped package libraries, most used first. */
  readonly mapped: readonly string[];
}

/** Whether a program is a Python interpreter by its name. */
export function isPythonProgram(path: string): boolean {
  return /^(?:python|pypy)(?:\d(?:\.\d+)?t?)?$/.test(basename(path));
}

/** Which environment a process uses: how it was called, what it has mapped, what its shell said, where its file lies. */
export function decidePythonPrefix(evidence: PrefixEvidence): string | null {
  if (evidence.calledAs !== null && evidence.calledInVirtual) return dirname(dirname(evidence.calledAs));
  if (evidence.calledAs === null) {
    if (evidence.mapped[0] !== undefined) return evidence.mapped[0];
    // An activated shell starts other Pythons too; believed only when nothing better is known.
    const active = evidence.environ.get('VIRTUAL_ENV') ?? evidence.environ.get('CONDA_PREFIX');
    if (active !== undefined && active.startsWith('/')) return active;
  }
  const { executable } = evidence;
  return executable !== null && basename(dirname(executable)) === 'bin' ? dirname(dirname(executable)) : (evidence.mapped[0] ?? null);
}

const PACKAGE = /^(\/.+?)\/lib(?:64)?\/(?:python\d(?:\.\d+t?)?|pypy\d\.\d+)\/(?:site|dist)-packages\//;

/** Prefixes of the packages whose libraries are mapped, from /proc/PID/maps; those with most of them first. */
export function parseMappedPrefixes(maps: string): readonly string[] {
  const counts = new Map<string, number>();
  for (const line of maps.split('\n')) {
    const path = line.indexOf('/');
    const prefix = path < 0 ? undefined : PACKAGE.exec(line.slice(path))?.[1];
    if (prefix !== undefined) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([prefix]) => prefix);
}
