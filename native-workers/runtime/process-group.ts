import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { parseProcessStat, type ProcessStat } from '../../contract/guard.ts';

/** Between two looks at a group that is ending. */
const LOOK_MS = 50;
/** A killed process that is still there after this long sleeps uninterruptibly; nobody can wait for that. */
const AFTER_KILL_MS = 1000;

/** /proc/PID/stat of a process, or null where there is none. */
export function readProcessStat(pid: number): ProcessStat | null {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null;
  }
}

/** Whether anything in the group lives. A zombie does not, and nobody may ever collect it in a container. */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some((name) => {
    if (!/^\d+$/.test(name)) return false;
    const stat = readProcessStat(Number(name));
    return stat?.group === group && stat.state !== 'Z' && stat.state !== 'X';
  });
}

/** Terminates a process group, waits `graceMs` for it, kills what is left. Resolves when nothing in it lives, or never will be seen to end. */
export async function endProcessGroup(group: number, graceMs: number): Promise<void> {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(group), '/T', '/F'], { stdio: 'ignore', windowsHide: true });
    return;
  }
  for (const [signal, waitMs] of [['SIGTERM', graceMs], ['SIGKILL', AFTER_KILL_MS]] as const) {
    if (!isGroupAlive(group)) return;
    try {
      process.kill(-group, signal);
    } catch {
      // It ended between the two lines.
      return;
    }
    const until = performance.now() + waitMs;
    while (performance.now() < until) {
      if (!isGroupAlive(group)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
