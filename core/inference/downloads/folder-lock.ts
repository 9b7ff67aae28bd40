import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { createWhole, removeLeftBehind } from '../../supervisor/exclusive-file.ts';
import { isProcessRunning, readProcessStartTicks } from '../../supervisor/process-identity.ts';

const content = z.object({ pid: z.int(), startTicks: z.string().nullable() });
type Content = z.infer<typeof content>;

/** Who holds a download, told apart from a reused pid by its start time; null: nobody, or a process that has ended. */
export async function readHolder(path: string): Promise<number | null> {
  const found = parse(await readText(path));
  return found !== null && isProcessRunning(found) ? found.pid : null;
}

/** While another removes a stale lock, which takes microseconds. */
const PAUSE_MS = 5;
const TRIES = 200;

/**
 * Takes a download for this process. The lock appears whole or not at all; a stale one goes over to exactly one
 * (supervisor/exclusive-file.ts).
 * @returns the way to give it back, or the pid of who has it (0: it cannot be told). @throws errors of the file system
 */
export async function takeFolderLock(path: string): Promise<{ readonly release: () => Promise<void> } | { readonly heldBy: number }> {
  const own = JSON.stringify({ pid: process.pid, startTicks: readProcessStartTicks(process.pid), nonce: randomBytes(8).toString('hex') });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (createWhole(path, own)) return { release: async () => { if ((await readText(path)) === own) await rm(path, { force: true }); } };
    const there = await readText(path);
    if (there === null) continue;
    const other = parse(there);
    if (other !== null && isProcessRunning(other)) return { heldBy: other.pid };
    // What says nothing may be just being written, on a file system without hard links: one more look at it first.
    if ((other === null && attempt === 0) || !removeLeftBehind(path, there)) await wait(PAUSE_MS);
  }
  return { heldBy: (await readHolder(path)) ?? 0 };
}

function parse(text: string | null): Content | null {
  try {
    return text === null ? null : content.safeParse(JSON.parse(text.slice(0, 1000))).data ?? null;
  } catch {
    return null;
  }
}

const readText = async (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null);
