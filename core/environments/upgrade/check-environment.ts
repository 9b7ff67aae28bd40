import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readFile, realpath, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { UpgradePlan } from '../../../contract/upgrades.ts';
import { errorCode, errorText, fileProblemOf } from '../snapshot/file-trouble.ts';

/** Room that an upgrade needs while it runs, bytes; null: not known. */
export interface SpaceNeeds {
  /** In the environment's file system: what is unpacked, and the snapshot where it is a copy beside it. */
  readonly environmentBytes: number | null;
  readonly dataBytes: number | null;
  readonly dataFolder: string;
}

/** Kept free beside what is known to be needed: journal, records, folders of the snapshot. */
const RESERVE_BYTES = 64 << 20;
/** A snapshot makes a folder for each of the environment's, some two thousand, beside what is unpacked. */
const RESERVE_INODES = 10_000;

/**
 * What stands against changing an environment, found by really trying to write where something would be written.
 * Severity `problem` forbids; `attention` (`upgrade.in_use`) must be agreed to.
 */
export async function checkEnvironment(environment: FoundEnvironment, users: UpgradePlan['usedBy'], needs?: SpaceNeeds): Promise<Problem[]> {
  const problems: Problem[] = [];
  const { prefix } = environment;
  // A system's Python that lacks the mark (older ones) shares its prefix with everything else: /usr is no environment.
  if (environment.externallyManaged || environment.kind === 'system') problems.push(makeProblem('upgrade.externally_managed', { prefix, manager: environment.kind === 'conda' ? 'conda' : 'the system’s package manager' }));
  const owner = await readForeignOwner(prefix);
  if (owner !== null) problems.push(makeProblem('upgrade.foreign_owner', { prefix, owner }));
  const write = owner === null ? await readWriteTrouble(environment) : null;
  if (write !== null) problems.push(write);
  const [first] = users;
  if (first !== undefined) problems.push(makeProblem('upgrade.in_use', { count: users.length, example: `${first.command.slice(0, 120)} (process ${first.pid})` }));
  if (needs !== undefined) problems.push(...(await readSpaceTrouble(prefix, needs)));
  return problems;
}

async function readForeignOwner(prefix: string): Promise<string | null> {
  const me = process.getuid?.();
  const stat = await lstat(await realpath(prefix).catch(() => prefix)).catch(() => null);
  // Root may change what is another's, and puts it back with its owner.
  if (me === undefined || me === 0 || stat === null || stat.uid === me) return null;
  const name = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':')).find((fields) => fields[2] === String(stat.uid))?.[0];
  return name ?? `user ${stat.uid}`;
}

/** Really makes a file at the top and in each package folder: rights, read-only mounts and full disks are one thing then. */
async function readWriteTrouble({ prefix, packageFolders }: FoundEnvironment): Promise<Problem | null> {
  for (const folder of new Set([prefix, ...packageFolders.filter((one) => one.startsWith(`${prefix}/`))])) {
    try {
      await probeWrite(folder);
    } catch (error) {
      if (errorCode(error) === 'ENOENT' && folder !== prefix) continue;
      return errorCode(error) === 'ENOENT' ? makeProblem('upgrade.read_only', { path: prefix, detail: 'it is not there' }) : fileProblemOf(error, folder);
    }
  }
  return null;
}

/** Linux only, open(2): a file without a name, so that nothing is left and the folder's time does not move. */
const O_TMPFILE = 0o20200000;

async function probeWrite(folder: string): Promise<void> {
  if (process.platform === 'linux') {
    const nameless = await open(folder, O_TMPFILE | constants.O_RDWR, 0o600).catch((error: unknown) => {
      // The file system has no such files.
      if (['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL'].includes(errorCode(error))) return null;
      throw error;
    });
    if (nameless !== null) {
      await nameless.close();
      return;
    }
  }
  const probe = join(folder, `.warpdeck-probe-${randomBytes(6).toString('hex')}`);
  await (await open(probe, 'wx', 0o600)).close();
  await rm(probe);
}

async function readSpaceTrouble(prefix: string, needs: SpaceNeeds): Promise<Problem[]> {
  const wanted = [{ path: prefix, bytes: needs.environmentBytes }, { path: needs.dataFolder, bytes: needs.dataBytes }];
  const found = await Promise.all(wanted.map(async ({ path, bytes }) => ({ bytes, ...(await readRoom(path)) })));
  const [environment, data] = found;
  // On one file system the two needs add up.
  const isOne = environment !== undefined && data !== undefined && environment.device === data.device;
  const asked = isOne ? [{ ...environment, bytes: (environment.bytes ?? 0) + (data.bytes ?? 0) }] : found;
  return asked.flatMap(({ at, freeBytes, freeInodes, bytes }) => {
    const need = (bytes ?? 0) + RESERVE_BYTES;
    if (freeBytes < need) return [makeProblem('upgrade.no_space', { path: at, free: formatBytes(freeBytes), need: formatBytes(need) })];
    // File systems without a fixed number of inodes answer 0 for the total.
    return freeInodes !== null && freeInodes < RESERVE_INODES ? [makeProblem('upgrade.no_space', { path: at, free: `${freeInodes} inodes`, need: `${RESERVE_INODES} inodes` })] : [];
  });
}

/** Free for this user on the file system of a path, or of the nearest folder above that is there. */
export async function readRoom(path: string): Promise<{ at: string; device: number; freeBytes: number; freeInodes: number | null }> {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { dev } = await lstat(await realpath(at));
      const room = await statfs(at);
      return { at, device: dev, freeBytes: room.bavail * room.bsize, freeInodes: room.files === 0 ? null : room.ffree };
    } catch (error) {
      if (at === dirname(at)) throw new Error(errorText(error), { cause: error });
    }
  }
}

function formatBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
