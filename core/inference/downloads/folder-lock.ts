import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { isProcessAlive, readProcessStartTicks } from '../../supervisor/process-identity.ts';

const content = z.object({ pid: z.int(), startTicks: z.string().nullable() });
type Content = z.infer<typeof content>;

/** Who holds a download, told apart from a reused pid by its start time; null: nobody, or a process that has ended. */
export async function readHolder(path: string): Promise<number | null> {
  const found = await readContent(path);
  return found !== null && isHeld(found) ? found.pid : null;
}

const TRIES = 20;

/**
 * Takes a download for this process. The lock appears whole or not at all; a stale one is moved away before it is
 * removed, so that two starters never remove each other's.
 * @returns the way to give it back, or the pid of who has it. @throws errors of the file system
 */
export async function takeFolderLock(path: string): Promise<{ readonly release: () => Promise<void> } | { readonly heldBy: number }> {
  const own: Content = { pid: process.pid, startTicks: readProcessStartTicks(process.pid) };
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (await createWhole(path, JSON.stringify(own))) {
      return { release: async () => { if ((await readContent(path))?.pid === process.pid) await rm(path, { force: true }); } };
    }
    const other = await readContent(path);
    if (other !== null && isHeld(other)) return { heldBy: other.pid };
    await moveAway(path);
  }
  return { heldBy: (await readHolder(path)) ?? 0 };
}

const isHeld = (lock: Content): boolean => {
  if (!isProcessAlive(lock.pid)) return false;
  const ticks = readProcessStartTicks(lock.pid);
  return ticks === null || lock.startTicks === null || ticks === lock.startTicks;
};

async function readContent(path: string): Promise<Content | null> {
  try {
    const parsed = content.safeParse(JSON.parse((await readFile(path, 'utf8')).slice(0, 1000)));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

async function createWhole(path: string, text: string): Promise<boolean> {
  const beside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(beside, text, { mode: 0o600, flag: 'wx' });
    await link(beside, path);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'EEXIST') return false;
    // File systems without hard links.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS') return await createInPlace(path, text);
    throw error;
  } finally {
    await rm(beside, { force: true });
  }
}

async function createInPlace(path: string, text: string): Promise<boolean> {
  const handle = await open(path, 'wx', 0o600).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return null;
    throw error;
  });
  if (handle === null) return false;
  await handle.writeFile(text);
  await handle.close();
  return true;
}

/** Another may have taken it since it was looked at: then it is put back. */
async function moveAway(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.stale`;
  const moved = await rename(path, aside).then(() => true, () => false);
  if (!moved) return;
  const found = await readContent(aside);
  if (found !== null && isHeld(found)) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}
