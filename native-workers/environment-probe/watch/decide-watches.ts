import { join } from 'node:path';
import type { WatchRequest } from '../../../contract/environment-probe.ts';

/** What is looked at for one environment: package folders, and that of `torch/version.py`, which an install replaces. */
export interface WatchedFolder {
  readonly path: string;
  readonly ids: readonly string[];
}

/** So many folders are looked at in all; an environment has two to six. */
const MAX_FOLDERS = 4000;
const MAX_FOLDERS_EACH = 16;

/** Each folder once, with all environments that share it. */
export function decideWatches(targets: WatchRequest['targets']): readonly WatchedFolder[] {
  const byPath = new Map<string, Set<string>>();
  for (const target of targets) {
    for (const folder of target.folders.slice(0, MAX_FOLDERS_EACH)) {
      for (const path of [folder, join(folder, 'torch')]) {
        if (byPath.size >= MAX_FOLDERS && !byPath.has(path)) continue;
        byPath.set(path, (byPath.get(path) ?? new Set()).add(target.id));
      }
    }
  }
  return [...byPath].map(([path, ids]) => ({ path, ids: [...ids] }));
}
