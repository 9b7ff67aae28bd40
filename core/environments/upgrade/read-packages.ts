import type { Manifest } from '../snapshot/manifest.ts';
import { walkTree } from '../snapshot/walk-tree.ts';
import { listPackages, type InstalledPackages } from './installed-packages.ts';

/** The packages that an environment had when its snapshot was taken. */
export function packagesOfManifest(manifest: Manifest): InstalledPackages {
  return listPackages(manifest.entries.flatMap((entry) => (entry.t === 'f' ? [{ path: entry.p, size: entry.s, mtimeUs: entry.mt }] : [])));
}

/** The packages that it has now. */
export async function readPackages(prefix: string, signal?: AbortSignal): Promise<InstalledPackages> {
  const { entries } = await walkTree(prefix, signal);
  return listPackages(entries.flatMap((entry) => (entry.type === 'file' ? [{ path: entry.path, size: entry.stamp.size, mtimeUs: entry.stamp.mtimeUs }] : [])));
}
