/** File systems that live on another machine or behind a program, where a look may hang for minutes. */
const REMOTE = new Set(['nfs', 'nfs4', 'cifs', 'smb3', 'smbfs', '9p', 'afs', 'ceph', 'glusterfs', 'lustre', 'gpfs', 'beegfs', 'davfs', 'autofs', 'virtiofs', 'drvfs']);
/** Kernel's own trees: nothing of a user lives there, and some are without end. */
const PSEUDO = new Set(['proc', 'sysfs', 'devtmpfs', 'devpts', 'cgroup', 'cgroup2', 'debugfs', 'tracefs', 'securityfs', 'fusectl', 'configfs', 'bpf', 'mqueue', 'hugetlbfs', 'pstore', 'binfmt_misc']);

/** Mount points that a search does not descend into, with what they are, from /proc/self/mountinfo. */
export function parseSkippedMounts(mountinfo: string): ReadonlyMap<string, 'network' | 'system'> {
  const mounts = new Map<string, 'network' | 'system'>();
  for (const line of mountinfo.split('\n').slice(0, 10_000)) {
    const [before, after] = line.split(' - ');
    const point = before?.split(' ')[4];
    const type = after?.split(' ')[0];
    if (point === undefined || type === undefined) continue;
    // Spaces, tabs and the like are written in octal.
    const path = point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    // The last mount on a point is the one that is seen.
    mounts.delete(path);
    if (PSEUDO.has(type)) mounts.set(path, 'system');
    else if (REMOTE.has(type) || type.startsWith('fuse.')) mounts.set(path, 'network');
  }
  return mounts;
}

/** `/mnt/c` and its siblings: the drives of Windows inside WSL, a thousand times slower than a disk. */
export function isWindowsDrive(path: string): boolean {
  return /^\/mnt\/[a-z]$/.test(path);
}
