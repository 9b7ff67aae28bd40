import { readFileSync } from 'node:fs';

/** Linux reports process times in ticks of 10 ms (sysconf(_SC_CLK_TCK) is 100 on every supported system). */
const TICK_SECONDS = 0.01;

/** User + system time of a process in seconds (Linux: /proc/PID/stat fields 14 and 15); null elsewhere or when it has gone. */
export function readProcessCpuSeconds(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const user = Number(fields[11]);
    const system = Number(fields[12]);
    return Number.isFinite(user + system) ? (user + system) * TICK_SECONDS : null;
  } catch {
    return null;
  }
}

/** Resident memory of a process in bytes (Linux: VmRSS); null elsewhere or when it has gone. */
export function readProcessRssBytes(pid: number): number | null {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : null;
  } catch {
    return null;
  }
}
