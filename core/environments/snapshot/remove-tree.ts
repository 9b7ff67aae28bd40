import { chmod, lstat, readdir, rmdir, unlink } from 'node:fs/promises';
import { errorCode, isMissing } from './file-trouble.ts';

const AT_ONCE = 16;

/**
 * Deletes a file or a whole folder, also with names that are no UTF-8 and in folders without write permission. Links
 * are removed, not followed. What is not there is fine.
 */
export async function removeTree(path: Buffer): Promise<void> {
  const stat = await lstat(path).catch(nothing);
  if (stat === null) return;
  if (!stat.isDirectory()) {
    await unlink(path).catch(nothing);
    return;
  }
  const list = (): Promise<Buffer[]> => readdir(path, { encoding: 'buffer' });
  const open = (stat.mode & 0o700) !== 0o700 ? await chmod(path, 0o700).catch(() => undefined).then(list) : await list();
  for (let i = 0; i < open.length; i += AT_ONCE) {
    await Promise.all(open.slice(i, i + AT_ONCE).map(async (name) => {
      const child = Buffer.concat([path, Buffer.from('/'), name]);
      try {
        // Most are files: one call instead of two. A folder answers EISDIR (Linux) or EPERM (macOS, POSIX).
        await unlink(child);
      } catch (error) {
        if (!isMissing(error)) {
          if (!['EISDIR', 'EPERM', 'EACCES'].includes(errorCode(error))) throw error;
          await removeTree(child);
        }
      }
    }));
  }
  await rmdir(path).catch(nothing);
}

function nothing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
