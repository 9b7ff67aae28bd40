import { closeSync, readdirSync, readlinkSync } from 'node:fs';

/** Descriptor → what it stands for, as /proc prints it: `socket:[361551]`, `pipe:[12]`, a path, `anon_inode:[eventpoll]`. */
export type Descriptors = ReadonlyMap<number, string>;

/**
 * Which of our descriptors came from the starter: the same number stands for the same thing there. What has no
 * identity (`anon_inode`, /dev/null) may be the same by chance and is left alone.
 */
export function decideInherited(own: Descriptors, starters: Descriptors, keepUpTo: number): readonly number[] {
  return [...own].filter(([fd, target]) => fd > keepUpTo && starters.get(fd) === target && !target.startsWith('anon_inode:') && target !== '/dev/null').map(([fd]) => fd);
}

function readDescriptors(pid: number | 'self'): Descriptors {
  const found = new Map<number, string>();
  try {
    for (const name of readdirSync(`/proc/${String(pid)}/fd`)) {
      try {
        found.set(Number(name), readlinkSync(`/proc/${String(pid)}/fd/${name}`));
      } catch {
        // Closed since, as the descriptor of the listing itself.
      }
    }
  } catch {
    // No such process, or somebody else's: nothing is known, nothing is closed.
  }
  return found;
}

/**
 * Closes what the starter's process left open in this one, above `keepUpTo`. Electron (Chromium) opens most things
 * without close-on-exec: an engine started by the window would hold its sockets to the display and to its renderers,
 * its cache files, even a debugging port, and outlive the window with them. Linux only: elsewhere a child gets only
 * what is named. Returns the numbers that were closed.
 */
export function closeInheritedDescriptors(keepUpTo: number): readonly number[] {
  if (process.platform !== 'linux') return [];
  const inherited = decideInherited(readDescriptors('self'), readDescriptors(process.ppid), keepUpTo);
  return inherited.filter((fd) => {
    try {
      closeSync(fd);
      return true;
    } catch {
      return false;
    }
  });
}
