import { randomBytes } from 'node:crypto';
import { constants, type Dirent } from 'node:fs';
import { copyFile, link, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How files get a second life: sharing blocks until one is written, sharing the file itself, or copied. */
export type LinkMethod = 'reflink' | 'hardlink' | 'copy';

/**
 * Which way really works between two folders, tried on a file of `from`: mount tables and device numbers do not tell
 * (bind mounts, btrfs subvolumes, overlays, FAT). A file of ours is made in `from` only where it has none at its top.
 *
 * @param to is made if it is not there. @throws the file system's error where neither folder can be used.
 */
export async function probeLinkMethod(from: string, to: string): Promise<LinkMethod> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const name = `.warpdeck-probe-${randomBytes(6).toString('hex')}`;
  const own = join(from, name);
  const there = (await readdir(from, { withFileTypes: true })).find((entry: Dirent) => entry.isFile());
  if (there === undefined) await writeFile(own, 'probe', { flag: 'wx' });
  const source = there === undefined ? own : join(from, there.name);
  const target = join(to, name);
  try {
    const clones = await copyFile(source, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL).then(() => true, () => false);
    if (clones) return 'reflink';
    await rm(target, { force: true });
    return await link(source, target).then(() => 'hardlink' as const, () => 'copy' as const);
  } finally {
    await rm(target, { force: true });
    if (there === undefined) await rm(own, { force: true });
  }
}
