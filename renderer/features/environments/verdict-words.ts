import { isFinding, verdictNames, type EnvironmentMatrix, type MatrixRow, type VerdictCell, type VerdictWord } from '../../../contract/verdict.ts';
import type { StateKind } from '../../ui/state-mark.tsx';
import type { MatrixOrder } from '../../stores/environments-store.ts';

export interface VerdictWords {
  readonly word: string;
  /** What it means, in a few words. */
  readonly means: string;
  /** Null: nothing to say (no torch). */
  readonly kind: StateKind | null;
}

/** How the words of a verdict are said. A cell is narrow: one of them is shorter here. */
export const verdictWords: Readonly<Record<VerdictWord, VerdictWords>> = {
  native: { word: verdictNames.native, means: 'has kernels', kind: 'fine' },
  jit: { word: verdictNames.jit, means: 'compiled at first use', kind: 'fine' },
  library_gap: { word: verdictNames.library_gap, means: 'torch fine, a library not', kind: 'attention' },
  incompatible: { word: verdictNames.incompatible, means: 'no kernels', kind: 'problem' },
  cpu_only: { word: verdictNames.cpu_only, means: 'no CUDA', kind: 'attention' },
  driver_too_old: { word: verdictNames.driver_too_old, means: 'driver below the build', kind: 'problem' },
  driver_mismatch: { word: 'mismatch', means: 'two driver versions', kind: 'problem' },
  gpu_unsupported: { word: verdictNames.gpu_unsupported, means: 'none serves this GPU', kind: 'problem' },
  broken: { word: verdictNames.broken, means: 'no import', kind: 'problem' },
  no_torch: { word: verdictNames.no_torch, means: 'nothing installed', kind: null },
  unknown: { word: verdictNames.unknown, means: 'not decided', kind: 'unknown' },
};

/** Worst first: what cannot work, what works badly, what is fine, what has no torch. */
const weight: Readonly<Record<VerdictWord, number>> = { broken: 0, incompatible: 1, gpu_unsupported: 2, driver_mismatch: 3, driver_too_old: 4, cpu_only: 5, library_gap: 6, unknown: 7, jit: 8, native: 9, no_torch: 10 };

/** The rows in the order that was asked for. Pure. */
export function orderRows(rows: readonly MatrixRow[], order: MatrixOrder): readonly MatrixRow[] {
  const byName = (a: MatrixRow, b: MatrixRow): number => a.name.localeCompare(b.name) || a.prefix.localeCompare(b.prefix);
  const trouble = (row: MatrixRow): number => Math.min(weight[row.worst], row.findings.some((f) => f.severity === 'problem') ? 5 : 99);
  if (order === 'name') return [...rows].sort(byName);
  if (order === 'changed') return [...rows].sort((a, b) => (b.changedAtMs ?? 0) - (a.changedAtMs ?? 0) || byName(a, b));
  return [...rows].sort((a, b) => trouble(a) - trouble(b) || byName(a, b));
}

/** The verdicts that a matrix shows, worst first, for its legend. Pure. */
export function shownVerdicts(matrix: EnvironmentMatrix): readonly VerdictWord[] {
  const shown = new Set(matrix.rows.flatMap((row) => (row.cells.length > 0 ? row.cells.map((c) => c.verdict) : [row.worst])));
  return [...shown].sort((a, b) => weight[a] - weight[b]);
}

/** A path with the home folder as people write it, where it can be told from the paths themselves. Pure. */
export function shortPath(path: string): string {
  return path.replace(/^(?:\/home\/[^/]+|\/root|\/Users\/[^/]+|[A-Z]:\\Users\\[^\\]+)(?=[/\\]|$)/, '~');
}

/** `2.4.1+cu121` → the version and its label, which stands lighter. Pure. */
export function splitBuild(build: string): { readonly version: string; readonly label: string } {
  const at = build.indexOf('+');
  return at < 0 ? { version: build, label: '' } : { version: build.slice(0, at), label: build.slice(at) };
}

/** What is wrong with a row, in a few words: what is wrong with the environment before what is wrong for a GPU. Empty: nothing. Pure. */
export function decideWhy(row: Pick<MatrixRow, 'cells' | 'findings'>): string {
  const finding = row.findings.find((f) => f.severity === 'problem');
  if (finding !== undefined) return finding.title.charAt(0).toLowerCase() + finding.title.slice(1);
  const [worst] = row.cells.filter((c) => isFinding(c.verdict)).sort((a, b) => weight[a.verdict] - weight[b.verdict]);
  return worst?.text ?? '';
}

/** A file inside the environment by what follows its package folder; any other as people write it. Pure. */
export function placeText(place: string, environment: { readonly prefix: string; readonly packageFolders: readonly string[] }): string {
  for (const folder of [...environment.packageFolders, environment.prefix]) {
    if (place.startsWith(`${folder}/`) || place.startsWith(`${folder}\\`)) return place.slice(folder.length + 1);
  }
  return shortPath(place);
}

/** The worst first. Pure. */
export function orderCells(cells: readonly VerdictCell[]): readonly VerdictCell[] {
  return [...cells].sort((a, b) => weight[a.verdict] - weight[b.verdict]);
}

/** The sentence above all: what this environment can do with that GPU. Pure. */
export function decideHeadline({ name, cell, gpu }: { readonly name: string; readonly cell: Pick<VerdictCell, 'verdict'> | null; readonly gpu: string | null }): string {
  if (cell === null || gpu === null) return name;
  switch (cell.verdict) {
    case 'native': return `${name} uses the ${gpu}`;
    case 'jit': return `${name} uses the ${gpu} after compiling`;
    case 'library_gap': return `${name} uses the ${gpu}, with a gap`;
    case 'no_torch': return `${name} has no torch`;
    case 'unknown': return `${name}: not known for the ${gpu}`;
    case 'broken': return `${name} is broken`;
    default: return `${name} cannot use the ${gpu}`;
  }
}
