import { readdir, lstat } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import type { PackageChange } from '../../../contract/upgrades.ts';
import { isMissing } from '../snapshot/file-trouble.ts';
import { fullPath, joinTree, treePath, type TreePath } from '../snapshot/tree-path.ts';
import { stampOf } from '../snapshot/walk-tree.ts';

/** A file as a manifest or a walk tells it. */
export interface PackageFile {
  readonly path: TreePath;
  readonly size: number;
  readonly mtimeUs: number;
}

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** Changes whenever it is installed again, also in the same version: place, size and time (ms) of its list of files. */
  readonly identity: string;
  /** Its lists of files: `…/RECORD`, `conda-meta/….json`. */
  readonly lists: readonly TreePath[];
}
export type InstalledPackages = ReadonlyMap<string, InstalledPackage>;

const DIST_INFO = /^(?:.*\/)?(?:site|dist)-packages\/([^/]+)\.(dist-info|egg-info)\/(RECORD|METADATA|PKG-INFO|INSTALLER)$/;
const CONDA_META = /^conda-meta\/(.+)-([^-/]+)-([^-/]+)\.json$/;

/** PEP 503: one spelling for each name. */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/** Pure: packages by name, from the paths of their descriptions alone. What a package vendors inside is none. */
export function listPackages(files: Iterable<PackageFile>): InstalledPackages {
  const found = new Map<string, { version: string; marks: Map<string, string>; lists: TreePath[] }>();
  const add = (name: string, version: string, folder: string, mark: string, list: TreePath | null): void => {
    const key = normalizeName(name);
    const one = found.get(key) ?? { version, marks: new Map<string, string>(), lists: [] };
    if (mark !== '' || !one.marks.has(folder)) one.marks.set(folder, mark);
    if (list !== null) one.lists.push(list);
    found.set(key, one);
  };
  for (const { path, size, mtimeUs } of files) {
    const mark = `${size}@${Math.round(mtimeUs / 1000)}`;
    const dist = DIST_INFO.exec(path);
    if (dist !== null) {
      const [, stem = '', , file] = dist;
      const dash = stem.indexOf('-');
      const version = dash < 0 ? '' : stem.slice(dash + 1).replace(/-py\d.*$/, '');
      add(dash < 0 ? stem : stem.slice(0, dash), version, path.slice(0, path.lastIndexOf('/')), file === 'RECORD' ? mark : '', file === 'RECORD' ? path : null);
      continue;
    }
    const conda = CONDA_META.exec(path);
    if (conda !== null) add(conda[1] ?? '', conda[2] ?? '', path, mark, path);
  }
  return new Map([...found].map(([name, { version, marks, lists }]) => [name, { name, version, identity: [...marks].map(([folder, mark]) => `${folder} ${mark}`).sort().join('\n'), lists }]));
}

/** Pure: what came, went or got another version, by name. */
export function diffPackages(before: InstalledPackages, after: InstalledPackages): PackageChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const from = before.get(name)?.version ?? null;
    const to = after.get(name)?.version ?? null;
    return from === to ? [] : [{ name, from, to, why: null, downloadBytes: null }];
  });
}

/**
 * Pure: packages that changed although nobody planned it: somebody else was at work. Folders that begin with `~` are
 * pip's own, where it keeps what it is about to remove.
 */
export function decideForeign(before: InstalledPackages, after: InstalledPackages, planned: ReadonlySet<string>): readonly string[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.filter((name) => !planned.has(name) && !name.startsWith('~') && before.get(name)?.identity !== after.get(name)?.identity);
}

/** What an environment has, by package: enough to see that somebody changed it, a few hundred stats. */
export type Fingerprint = Readonly<Record<string, string>>;

/** Reads only the descriptions of packages, below the prefix. Folders that are not there count as empty. */
export async function readFingerprint(environment: Pick<FoundEnvironment, 'prefix' | 'packageFolders'>): Promise<Fingerprint> {
  const { prefix } = environment;
  const files: PackageFile[] = [];
  const folders = environment.packageFolders.map((folder) => relative(prefix, folder).split(sep).join('/')).filter((folder) => folder !== '' && !folder.startsWith('..'));
  const add = async (path: TreePath): Promise<void> => {
    const stat = await lstat(fullPath(prefix, path), { bigint: true }).catch(noneOf);
    if (stat?.isFile() === true) files.push({ path, size: stampOf(stat).size, mtimeUs: stampOf(stat).mtimeUs });
  };
  for (const folder of new Set(folders.map(treePath))) {
    for (const name of await names(prefix, folder)) {
      if (!/\.(dist|egg)-info$/.test(name)) continue;
      for (const file of ['RECORD', 'METADATA', 'PKG-INFO']) await add(joinTree(joinTree(folder, name), file));
    }
  }
  for (const name of await names(prefix, 'conda-meta')) if (name.endsWith('.json')) await add(`conda-meta/${name}`);
  return fingerprintOf(listPackages(files));
}

export function fingerprintOf(packages: InstalledPackages): Fingerprint {
  return Object.fromEntries([...packages].map(([name, one]) => [name, `${one.version}\n${one.identity}`] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Pure: the first package that differs, in words; null where none does. */
export function compareFingerprints(before: Fingerprint, after: Fingerprint): string | null {
  const version = (value: string | undefined): string => value?.split('\n')[0] ?? '';
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const [was, is] = [before[name], after[name]];
    if (was === is) continue;
    if (was === undefined) return `${name} ${version(is)} was installed`;
    if (is === undefined) return `${name} ${version(was)} was removed`;
    return version(was) === version(is) ? `${name} ${version(is)} was installed again` : `${name} went from ${version(was)} to ${version(is)}`;
  }
  return null;
}

async function names(prefix: string, folder: TreePath): Promise<TreePath[]> {
  const found = await readdir(fullPath(prefix, folder), { encoding: 'buffer' }).catch(noneOf);
  return (found ?? []).map((name) => name.toString('latin1'));
}

function noneOf(error: unknown): null {
  if (isMissing(error) || (error instanceof Error && 'code' in error && error.code === 'ENOTDIR')) return null;
  throw error;
}
