import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseGuardJournal, type GuardJournal } from '../../contract/guard.ts';
import type { Logger } from '../logging/logger.ts';
import { signalProcessGroup } from './end-process-group.ts';
import { isProcessAlive, readGroupMembers, readProcessStartTicks } from './process-identity.ts';

/** One file per process that was started, for an engine that comes after a crash. Losing it is never fatal. */
export interface ProcessJournal {
  /** A path that is not taken, for a guard to write its entry to. */
  newPath(): string | null;
  /** Notes a process that leads its own group. Returns the way to forget it. */
  note(pid: number, program: string): () => void;
}

export function createProcessJournal(folder: string | null, log: Logger): ProcessJournal {
  const owner = { pid: process.pid, startTicks: readProcessStartTicks(process.pid) };
  const newPath = (): string | null => {
    if (folder === null) return null;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return join(folder, `${randomUUID()}.json`);
    } catch (error) {
      log.warn('the journal of processes cannot be written', { folder, error: String(error) });
      return null;
    }
  };
  return {
    newPath,
    note(pid, program) {
      const path = newPath();
      const entry: GuardJournal = { pid, startTicks: readProcessStartTicks(pid), group: pid, program, startedAtMs: Date.now(), owner };
      if (path === null) return () => undefined;
      try {
        writeFileSync(path, JSON.stringify(entry), { mode: 0o600 });
      } catch (error) {
        log.warn('the journal of processes cannot be written', { path, error: String(error) });
      }
      return () => {
        rmSync(path, { force: true });
      };
    },
  };
}

/** Terminate, then kill after this long. */
const GRACE_MS = 2000;
const LOOK_MS = 50;

/**
 * Ends what an engine that is no more left behind, and only that: a process whose start time is the noted one, started
 * by an engine that has ended (a second engine on the same folder, not yet refused by the lock, must not end the
 * first one's workers). Returns the entries that were acted upon; those without a start time are forgotten.
 */
export async function recoverProcesses(folder: string, log: Logger): Promise<readonly GuardJournal[]> {
  const names = listNames(folder);
  const ended = await Promise.all(names.filter((name) => name.endsWith('.json')).map((name) => recoverOne(join(folder, name), log)));
  return ended.filter((entry) => entry !== null);
}

function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function recoverOne(path: string, log: Logger): Promise<GuardJournal | null> {
  const entry = parseGuardJournal(await readFile(path, 'utf8').catch(() => ''));
  if (entry !== null && isProcessAlive(entry.owner.pid) && readProcessStartTicks(entry.owner.pid) === entry.owner.startTicks) return null;
  const isSame = entry?.startTicks !== undefined && entry.startTicks !== null && readProcessStartTicks(entry.pid) === entry.startTicks;
  if (entry !== null && isSame) {
    log.warn('ends a process that an earlier engine left behind', { pid: entry.pid, program: entry.program });
    signalProcessGroup(entry.group, 'SIGTERM');
    const until = performance.now() + GRACE_MS;
    while (performance.now() < until && readGroupMembers(entry.group).length > 0) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (readGroupMembers(entry.group).length > 0) signalProcessGroup(entry.group, 'SIGKILL');
  }
  await rm(path, { force: true });
  return isSame ? entry : null;
}
