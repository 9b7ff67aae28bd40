import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseProcessStat } from '../../contract/guard.ts';

/**
 * The start time of a process in clock ticks since boot (/proc/PID/stat, field 22): with the pid it names one
 * process for ever, also after the number was given to another. Null where there is no such process or the system
 * does not tell.
 */
export function readProcessStartTicks(pid: number): string | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.startTicks ?? null;
  } catch {
    return null;
  }
}

/** Whether a process with this number exists and has not ended. A zombie has ended; one of another user is alive. */
export function isProcessAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  try {
    const stat = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    return stat === null || (stat.state !== 'Z' && stat.state !== 'X');
  } catch {
    return false;
  }
}

/** Whether that very process still runs: a pid that was given to another since is told by its start time, where the system says it. */
export function isProcessRunning(identity: { readonly pid: number; readonly startTicks: string | null }): boolean {
  if (!isProcessAlive(identity.pid)) return false;
  const ticks = readProcessStartTicks(identity.pid);
  return ticks === null || identity.startTicks === null || ticks === identity.startTicks;
}

/** Pids in a process group that have not ended. Linux only; elsewhere empty. */
export function readGroupMembers(group: number): readonly number[] {
  if (process.platform !== 'linux') return [];
  const members: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = parseProcessStat(readFileSync(`/proc/${name}/stat`, 'latin1'));
      if (stat?.group === group && stat.state !== 'Z' && stat.state !== 'X') members.push(stat.pid);
    } catch {
      // It ended while the list was read.
    }
  }
  return members;
}

/** Resident memory of a process in bytes (VmRSS, which the kernel gives in kB whatever the page size), or null. */
export async function readResidentBytes(pid: number): Promise<number | null> {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'latin1'));
    return found?.[1] === undefined ? null : Number(found[1]) * 1024;
  } catch {
    return null;
  }
}
