import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { createWhole, removeLeftBehind } from '../../supervisor/exclusive-file.ts';
import { isProcessAlive, readProcessStartTicks } from '../../supervisor/process-identity.ts';
import { fileTrouble, isMissing } from '../snapshot/file-trouble.ts';

/**
 * In the environment itself, so that engines with other data folders, other users and other containers see it. No walk
 * of a snapshot does.
 */
export const LOCK_FILE = '.warpdeck-lock';

const lockSchema = z.object({ upgradeId: z.string(), pid: z.int(), startTicks: z.string().nullable(), bootId: z.string().nullable(), host: z.string(), nonce: z.string() });
type Lock = z.infer<typeof lockSchema>;

export interface EnvironmentLock {
  release(): Promise<void>;
}

/** A holder that we cannot see (another host or container) shows that it lives by touching the file. */
const TOUCH_EVERY_MS = 15_000;
const SILENT_FOR_MS = 120_000;
/** File systems without hard links: between making the file and writing into it. */
const WRITTEN_WITHIN_MS = 10_000;
const ATTEMPTS = 5;

/** Locks of this process: one of its own that is not here was left behind. */
const held = new Set<string>();

/** Takes an environment for one upgrade. @throws ProblemError `upgrade.busy`, `upgrade.read_only`, `file.disk_full` */
export async function lockEnvironment(prefix: string, upgradeId: string, now: () => number = Date.now): Promise<EnvironmentLock> {
  const path = join(prefix, LOCK_FILE);
  const lock: Lock = { upgradeId, pid: process.pid, startTicks: readProcessStartTicks(process.pid), bootId: readBootId(), host: hostname(), nonce: randomBytes(8).toString('hex') };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      if (createWhole(path, JSON.stringify(lock), 0o644)) return hold(path, lock);
    } catch (error) {
      throw fileTrouble(error, path);
    }
    const there = await readLock(path);
    if (there === null) continue;
    if (decideLock(there, { bootId: lock.bootId, host: lock.host, nowMs: now(), isAlive: isHolderAlive }) === 'busy') {
      throw problemError('upgrade.busy', { id: there.lock?.upgradeId ?? null, pid: there.lock?.pid ?? null, prefix });
    }
    try {
      removeLeftBehind(path, there.text);
    } catch (error) {
      throw fileTrouble(error, path);
    }
  }
  throw problemError('upgrade.busy', { id: null, pid: null, prefix });
}

interface FoundLock {
  readonly lock: Lock | null;
  readonly text: string;
  readonly touchedAtMs: number;
}

/** Pure but for `isAlive`: whether a lock still means something. */
export function decideLock(found: FoundLock, here: { readonly bootId: string | null; readonly host: string; readonly nowMs: number; isAlive(lock: Lock): boolean }): 'busy' | 'stale' {
  const silentMs = here.nowMs - found.touchedAtMs;
  if (found.lock === null) return silentMs < WRITTEN_WITHIN_MS && silentMs > -WRITTEN_WITHIN_MS ? 'busy' : 'stale';
  if (found.lock.host !== here.host) return silentMs < SILENT_FOR_MS ? 'busy' : 'stale';
  if (found.lock.bootId !== here.bootId) return 'stale';
  return here.isAlive(found.lock) ? 'busy' : 'stale';
}

function isHolderAlive(lock: Lock): boolean {
  if (lock.pid === process.pid && lock.startTicks === readProcessStartTicks(process.pid)) return held.has(lock.nonce);
  return isProcessAlive(lock.pid) && readProcessStartTicks(lock.pid) === lock.startTicks;
}

function hold(path: string, lock: Lock): EnvironmentLock {
  held.add(lock.nonce);
  const touching = setInterval(() => {
    const seconds = Date.now() / 1000;
    utimes(path, seconds, seconds).catch(() => undefined);
  }, TOUCH_EVERY_MS);
  touching.unref();
  return {
    async release() {
      clearInterval(touching);
      held.delete(lock.nonce);
      if ((await readLock(path).catch(() => null))?.lock?.nonce === lock.nonce) await rm(path, { force: true });
    },
  };
}

async function readLock(path: string): Promise<FoundLock | null> {
  try {
    const { mtimeMs, size } = await stat(path);
    const text = size > 4096 ? '' : await readFile(path, 'utf8');
    return { lock: parseLock(text), text, touchedAtMs: mtimeMs };
  } catch (error) {
    if (isMissing(error)) return null;
    throw fileTrouble(error, path);
  }
}

function parseLock(text: string): Lock | null {
  try {
    return lockSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

function readBootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}
