import type { Difference } from './compare-tree.ts';
import type { Manifest, ManifestEntry } from './manifest.ts';
import { parentOf, type TreePath } from './tree-path.ts';

export interface RestorePlan {
  /** Folders to be built anew beside and swapped in by two renames, topmost only, each with all that belongs below. */
  readonly wholeFolders: readonly { readonly folder: ManifestEntry; readonly below: readonly ManifestEntry[] }[];
  /** Files and links to be put in place one by one. */
  readonly single: readonly ManifestEntry[];
  /** What is new and lies in no folder that is swapped. */
  readonly remove: readonly TreePath[];
  readonly attributes: readonly ManifestEntry[];
  readonly written: readonly ManifestEntry[];
}

/** Fewer files than this are quicker one by one. */
const WORTH_A_SWAP = 2;

/**
 * Pure: the fewest operations. A folder is swapped as a whole where it is gone, or where nothing in it is as it was
 * (a package that was replaced), unless it holds something that must stay (`stays`).
 */
export function decideRestore(manifest: Manifest, differences: readonly Difference[], stays: readonly TreePath[]): RestorePlan {
  const differing = new Set<TreePath>();
  for (const one of differences) if (one.what === 'missing' || one.what === 'changed') differing.add(one.entry.p);
  const count = new Map<TreePath, { all: number; differing: number }>();
  for (const entry of manifest.entries) {
    if (entry.t === 'd') continue;
    for (const folder of ancestors(entry.p)) {
      const n = count.get(folder) ?? { all: 0, differing: 0 };
      count.set(folder, { all: n.all + 1, differing: n.differing + (differing.has(entry.p) ? 1 : 0) });
    }
  }
  const held = new Set(stays.flatMap((path) => [...ancestors(path)]));
  const isWhole = (entry: ManifestEntry): boolean => {
    if (entry.t !== 'd' || entry.p === '') return false;
    if (differing.has(entry.p)) return true;
    const n = count.get(entry.p);
    return n !== undefined && n.all >= WORTH_A_SWAP && n.differing === n.all && !held.has(entry.p);
  };

  const whole = new Map<TreePath, { folder: ManifestEntry; below: ManifestEntry[] }>();
  const single: ManifestEntry[] = [];
  const top = new Map<TreePath, TreePath>();
  for (const entry of manifest.entries) {
    const covering = top.get(parentOf(entry.p));
    if (covering !== undefined && entry.p !== '') {
      whole.get(covering)?.below.push(entry);
      if (entry.t === 'd') top.set(entry.p, covering);
    } else if (isWhole(entry)) {
      whole.set(entry.p, { folder: entry, below: [] });
      top.set(entry.p, entry.p);
    } else if (entry.t !== 'd' && differing.has(entry.p)) {
      single.push(entry);
    }
  }
  const isCovered = (path: TreePath): boolean => top.has(parentOf(path)) || [...ancestors(path)].some((folder) => top.has(folder));
  return {
    wholeFolders: [...whole.values()],
    single,
    remove: differences.flatMap((one) => (one.what === 'added' && !isCovered(one.path) ? [one.path] : [])),
    attributes: differences.flatMap((one) => (one.what === 'attributes' && !isCovered(one.entry.p) ? [one.entry] : [])),
    written: differences.flatMap((one) => (one.what === 'written' ? [one.entry] : [])),
  };
}

/** The folders that a path lies in, innermost first; not the tree itself. */
function* ancestors(path: TreePath): Generator<TreePath> {
  for (let at = parentOf(path); at !== ''; at = parentOf(at)) yield at;
}
