import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TREE_FOLDER } from '../snapshot/manifest.ts';
import { fullPath, joinTree, parentOf, treePath, type TreePath } from '../snapshot/tree-path.ts';
import type { InstalledPackages } from './installed-packages.ts';

const MAX_LIST_BYTES = 32 << 20;
const MAX_FILES = 400_000;

/**
 * Which paths belong to packages that somebody else installed, removed or changed meanwhile, by the lists of files in
 * the environment and in the snapshot. What a package of ours claims as well is ours.
 */
export async function readForeignFiles(prefix: string, snapshot: string, before: InstalledPackages, after: InstalledPackages, foreign: readonly string[], ours: readonly string[]): Promise<(path: TreePath) => boolean> {
  const files = new Set<TreePath>();
  const folders = new Set<TreePath>();
  const roots = [{ root: prefix, packages: after }, { root: join(snapshot, TREE_FOLDER), packages: before }];
  for (const { root, packages } of roots) {
    for (const name of foreign) {
      for (const list of packages.get(name)?.lists ?? []) {
        if (!list.startsWith('conda-meta/')) folders.add(parentOf(list));
        for (const path of await readFileList(root, list)) files.add(path);
      }
    }
  }
  for (const { root, packages } of roots) {
    for (const name of ours) for (const list of packages.get(name)?.lists ?? []) for (const path of await readFileList(root, list)) files.delete(path);
  }
  return (path) => {
    if (files.has(path)) return true;
    const folder = parentOf(path);
    if (folders.has(path) || folders.has(folder)) return true;
    // The byte code of a source is whose the source is.
    const compiled = /^(?:(.*)\/)?__pycache__\/([^/]+?)\.[^/]*\.pyc$/.exec(path);
    return compiled !== null && files.has(joinTree(compiled[1] ?? '', `${compiled[2] ?? ''}.py`));
  };
}

async function readFileList(root: string, list: TreePath): Promise<readonly TreePath[]> {
  const path = fullPath(root, list);
  const size = await stat(path).then((found) => (found.isFile() ? found.size : MAX_LIST_BYTES + 1), () => MAX_LIST_BYTES + 1);
  if (size > MAX_LIST_BYTES) return [];
  const text = await readFile(path, 'utf8');
  return list.startsWith('conda-meta/') ? [list, ...parseCondaFiles(text)] : parseRecordPaths(text, parentOf(parentOf(list)));
}

/** Pure: the paths of a RECORD (CSV with quoted names), relative to the prefix; what points outside is left out. */
export function parseRecordPaths(text: string, packageFolder: TreePath): readonly TreePath[] {
  const paths: TreePath[] = [];
  for (const line of text.split('\n').slice(0, MAX_FILES)) {
    const quoted = /^"((?:[^"]|"")*)"/.exec(line);
    const name = quoted === null ? (line.split(',', 1)[0] ?? '') : (quoted[1] ?? '').replaceAll('""', '"');
    const inside = resolveInside(packageFolder, treePath(name.trim()));
    if (inside !== null) paths.push(inside);
  }
  return paths;
}

export function parseCondaFiles(text: string): readonly TreePath[] {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('files' in value) || !Array.isArray(value.files)) return [];
    return value.files.slice(0, MAX_FILES).flatMap((file: unknown) => (typeof file === 'string' ? (resolveInside('', treePath(file)) ?? []) : []));
  } catch {
    return [];
  }
}

function resolveInside(folder: TreePath, path: TreePath): TreePath | null {
  if (path === '' || path.startsWith('/') || path.includes('\0')) return null;
  const parts = folder === '' ? [] : folder.split('/');
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.length === 0 ? null : parts.join('/');
}
