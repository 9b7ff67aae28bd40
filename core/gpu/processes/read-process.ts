import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What /proc says of one process now. With `pid`, `startTicks` is its identity: pids are used again. */
export interface ProcessFacts {
  readonly pid: number;
  readonly startTicks: string;
  readonly uid: number;
  readonly startedAtMs: number | null;
  readonly command: string;
  readonly executable: string | null;
  readonly hostMemBytes: number | null;
}

/** USER_HZ: 100 on every Linux that Node runs on; the kernel gives start times in it whatever its own HZ. */
const TICKS_PER_SECOND = 100;
const COMMAND_LIMIT = 4096;

function text(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Name in brackets, state and start ticks of a /proc/PID/stat line. The name may hold blanks and brackets. */
export function parseStat(stat: string): { readonly name: string; readonly state: string; readonly startTicks: string } | null {
  const open = stat.indexOf('('), close = stat.lastIndexOf(')');
  if (open < 0 || close < open) return null;
  const fields = stat.slice(close + 2).trim().split(' ');
  const state = fields[0], startTicks = fields[19];
  if (state === undefined || startTicks === undefined || !/^\d+$/.test(startTicks)) return null;
  return { name: stat.slice(open + 1, close), state, startTicks };
}

/** User names by uid from /etc/passwd. */
export function parsePasswd(passwd: string): ReadonlyMap<number, string> {
  const users = new Map<number, string>();
  for (const line of passwd.split('\n')) {
    const [name, , uid] = line.split(':');
    if (name !== undefined && uid !== undefined && /^\d+$/.test(uid) && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}

export interface ProcessReader {
  /** Start ticks only: the cheap half of the identity. Null when there is no such process. */
  readTicks(pid: number): string | null;
  /** Null when there is no such process (or it has ended and only waits for its parent). */
  read(pid: number): ProcessFacts | null;
  userName(uid: number): string;
  /** True when pids here are those of the machine, which are the ones the driver speaks of. */
  readonly initialNamespace: boolean;
  /** True when the process holds a device file of the driver open. */
  holdsGpu(pid: number): boolean;
}

/** inode of the first pid namespace (PROC_PID_INIT_INO of the kernel). */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** Reads /proc under `root`. Nothing here throws. */
export function createProcessReader(options: { readonly root?: string } = {}): ProcessReader {
  const root = options.root ?? '/';
  const proc = join(root, 'proc');
  const bootSeconds = Number(/^btime (\d+)$/m.exec(text(join(proc, 'stat')) ?? '')?.[1] ?? Number.NaN);
  let users: ReadonlyMap<number, string> = parsePasswd(text(join(root, 'etc/passwd')) ?? '');
  let usersReadAt = performance.now();
  /** What does not change while a process lives. */
  const known = new Map<number, { readonly startTicks: string; readonly command: string; readonly executable: string | null }>();

  function link(path: string): string | null {
    try {
      return readlinkSync(path);
    } catch {
      return null;
    }
  }

  function readStat(pid: number): ReturnType<typeof parseStat> {
    const stat = parseStat(text(join(proc, String(pid), 'stat')) ?? '');
    return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : stat;
  }

  function names(pid: number, name: string, startTicks: string): { readonly command: string; readonly executable: string | null } {
    const before = known.get(pid);
    if (before?.startTicks === startTicks) return before;
    const line = (text(join(proc, String(pid), 'cmdline')) ?? '').replace(/\0+$/, '').replaceAll('\0', ' ').slice(0, COMMAND_LIMIT);
    const now = { startTicks, command: line === '' ? `[${name}]` : line, executable: link(join(proc, String(pid), 'exe')) };
    if (known.size > 20_000) known.clear();
    known.set(pid, now);
    return now;
  }

  return {
    initialNamespace: (link(join(proc, 'self/ns/pid')) ?? INITIAL_PID_NAMESPACE) === INITIAL_PID_NAMESPACE,
    readTicks: (pid) => readStat(pid)?.startTicks ?? null,
    read(pid) {
      const stat = readStat(pid);
      if (stat === null) { known.delete(pid); return null; }
      const status = text(join(proc, String(pid), 'status')) ?? '';
      const uid = Number(/^Uid:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
      const rss = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
      const { command, executable } = names(pid, stat.name, stat.startTicks);
      return {
        pid, startTicks: stat.startTicks, uid, command, executable,
        startedAtMs: Number.isNaN(bootSeconds) ? null : Math.round((bootSeconds + Number(stat.startTicks) / TICKS_PER_SECOND) * 1000),
        hostMemBytes: rss === undefined ? null : Number(rss) * 1024,
      };
    },
    userName(uid) {
      if (!users.has(uid) && performance.now() - usersReadAt > 60_000) {
        users = parsePasswd(text(join(root, 'etc/passwd')) ?? '');
        usersReadAt = performance.now();
      }
      return users.get(uid) ?? String(uid);
    },
    holdsGpu(pid) {
      const dir = join(proc, String(pid), 'fd');
      try {
        return readdirSync(dir).some((fd) => /^\/dev\/(nvidia|dxg)/.test(link(join(dir, fd)) ?? ''));
      } catch {
        return false;
      }
    },
  };
}
