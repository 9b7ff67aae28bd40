import { createHash, randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { isProcessRunning, readProcessStartTicks } from './process-identity.ts';

/** File systems without hard links (FAT, some network and container mounts). */
const NO_LINK: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);

/**
 * Makes a file with this content, whole or not at all; false where one of that name is there already. Without hard
 * links it is there and empty for an instant.
 * @throws errors of the file system
 */
export function createWhole(path: string, text: string, mode = 0o600): boolean {
  const beside = `${path}.${randomBytes(6).toString('hex')}`;
  let isWritten = false;
  try {
    writeFileSync(beside, text, { mode, flag: 'wx' });
    isWritten = true;
    linkSync(beside, path);
    return true;
  } catch (error) {
    const code = codeOf(error);
    // ENOENT: another tidied up what we had written beside it.
    if (isWritten && (code === 'EEXIST' || code === 'ENOENT')) return false;
    if (!isWritten || !NO_LINK.has(code)) throw error;
  } finally {
    // Also what a full disk left of it.
    rmSync(beside, { force: true });
  }
  try {
    writeFileSync(path, text, { mode, flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // A full disk: an empty lock would stand in everybody's way.
    rmSync(path, { force: true });
    throw error;
  }
}

const right = z.object({ pid: z.int(), startTicks: z.string().nullable(), host: z.string(), nonce: z.string() });
/** A removal takes microseconds; what has stood longer and says nothing is what a power cut left, or another machine. */
const REMOVAL_LIMIT_MS = 5000;

/**
 * Removes a file that somebody left behind: of many who found it at the same moment one does, and what another has put
 * in its place meanwhile stays. Who removes holds a right, named after what was read, and looks again under it: nobody
 * else changes a file with that content. Moving it away and looking afterwards does not do: in between the name is
 * free, and a third takes it.
 * @param text what was read and found to be left behind; it should hold something that no other will write again
 * @returns false: another process is at it; look again in a moment
 * @throws errors of the file system
 */
export function removeLeftBehind(path: string, text: string): boolean {
  const rightPath = `${path}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}.removal`;
  const own = JSON.stringify({ pid: process.pid, startTicks: readProcessStartTicks(process.pid), host: hostname(), nonce: randomBytes(8).toString('hex') } satisfies z.infer<typeof right>);
  if (!createWhole(rightPath, own)) {
    const other = readText(rightPath);
    // Who was killed within a removal left the right behind, and that is removed in the same way.
    if (other !== null && isAbandoned(rightPath, other)) removeLeftBehind(rightPath, other);
    return false;
  }
  try {
    if (readText(path) === text) rmSync(path, { force: true });
    return true;
  } finally {
    rmSync(rightPath, { force: true });
  }
}

function isAbandoned(path: string, text: string): boolean {
  const holder = parseRight(text);
  if (holder?.host === hostname()) return !isProcessRunning(holder);
  const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Infinity };
  return Date.now() - mtimeMs > REMOVAL_LIMIT_MS;
}

function parseRight(text: string): z.infer<typeof right> | null {
  try {
    return right.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null);
