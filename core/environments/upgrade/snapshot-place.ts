import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { probeLinkMethod, type LinkMethod } from '../snapshot/link-method.ts';
import { deleteSnapshot } from '../snapshot/delete-snapshot.ts';

/** Beside an environment, where the data folder is on another file system. */
export const BESIDE_FOLDER = '.warpdeck-undo';
const IN_UPGRADE = 'snapshot';

export interface SnapshotPlace {
  readonly folder: string;
  readonly method: LinkMethod;
}

/**
 * Where a snapshot goes: into the upgrade's folder where files can be shared with it; else into a hidden folder beside
 * the environment (with a `.gitignore` of its own, because that is often a project); else, where nothing can be
 * shared, a copy in the upgrade's folder.
 */
export async function chooseSnapshotPlace(prefix: string, upgradeFolder: string): Promise<SnapshotPlace> {
  const inData = await probeLinkMethod(prefix, upgradeFolder);
  if (inData !== 'copy') return { folder: join(upgradeFolder, IN_UPGRADE), method: inData };
  const hidden = join(dirname(prefix), BESIDE_FOLDER);
  const beside = await probeBeside(prefix, hidden);
  if (beside !== 'copy') return { folder: join(hidden, basename(upgradeFolder)), method: beside };
  await removeIfEmpty(hidden);
  return { folder: join(upgradeFolder, IN_UPGRADE), method: 'copy' };
}

async function probeBeside(prefix: string, hidden: string): Promise<LinkMethod> {
  try {
    await mkdir(hidden, { recursive: true, mode: 0o700 });
    await writeFile(join(hidden, '.gitignore'), '*\n');
    return await probeLinkMethod(prefix, hidden);
  } catch {
    // Not writable: no place.
    return 'copy';
  }
}

/** Deletes a snapshot, and the hidden folder where it was the last in it. */
export async function deleteSnapshotAt(folder: string): Promise<void> {
  await deleteSnapshot(folder);
  if (basename(dirname(folder)) === BESIDE_FOLDER) await removeIfEmpty(dirname(folder));
}

async function removeIfEmpty(hidden: string): Promise<void> {
  const ignore = join(hidden, '.gitignore');
  await rm(ignore, { force: true }).catch(() => undefined);
  await rmdir(hidden).catch(() => writeFile(ignore, '*\n').catch(() => undefined));
}
