import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundEnvironment } from '../../../contract/environments.ts';
import { normaliseName } from './parse-wheel-name.ts';

/** A package as its own files describe it. */
export interface InstalledPackage {
  /** Normalised. */
  readonly name: string;
  /** Of METADATA: without the label where the wheel came from the index of all packages. */
  readonly version: string;
  readonly installer: string | null;
  /** Normalised names of `Requires-Dist`, extras left out. */
  readonly requires: readonly string[];
  /** The lines themselves, extras included. */
  readonly requirements: readonly string[];
  readonly direct: DirectUrl | null;
  /** Its dist-info folder. */
  readonly infoFolder: string;
  readonly packageFolder: string;
}
/** `direct_url.json` (PEP 610). */
export interface DirectUrl {
  readonly url: string;
  readonly editable: boolean;
  readonly sha256: string | null;
}

const MAX_PACKAGES = 5000;
const MAX_METADATA = 512 * 1024;
/** RECORD of a real torch has 1.5 MB. */
export const MAX_RECORD = 32 * 1024 * 1024;

/** A file as text up to a limit; null when it is missing, no plain file or larger. */
export async function readSmallFile(path: string, limit: number): Promise<string | null> {
  // Without blocking, so that a FIFO in the place of a file does not hold us up.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (handle === null) return null;
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > limit) return null;
    return (await handle.readFile()).toString('utf8');
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}

/** Own packages of an environment, by name; a shared base is left out. Nothing of it is run; broken ones are left out. */
export async function readInstalledPackages(environment: FoundEnvironment): Promise<ReadonlyMap<string, InstalledPackage>> {
  const found = new Map<string, InstalledPackage>();
  for (const folder of ownPackageFolders(environment)) {
    const names = await readdir(folder).catch(() => [] as string[]);
    for (const name of names.filter((n) => n.endsWith('.dist-info')).slice(0, MAX_PACKAGES)) {
      const one = await readPackage(folder, name);
      // The first on the path is the one that is used.
      if (one !== null && !found.has(one.name)) found.set(one.name, one);
    }
  }
  return found;
}

/** Those of its package folders that lie in it. */
export function ownPackageFolders(environment: FoundEnvironment): readonly string[] {
  const inside = environment.packageFolders.filter((folder) => folder.startsWith(environment.prefix));
  return inside.length > 0 ? inside : environment.packageFolders.slice(0, 1);
}

async function readPackage(folder: string, infoName: string): Promise<InstalledPackage | null> {
  const infoFolder = join(folder, infoName);
  const metadata = await readSmallFile(join(infoFolder, 'METADATA'), MAX_METADATA * 8);
  if (metadata === null) return null;
  const head = parseMetadata(metadata.slice(0, MAX_METADATA));
  if (head.name === null || head.version === null) return null;
  const direct = await readSmallFile(join(infoFolder, 'direct_url.json'), 64 * 1024);
  return {
    name: normaliseName(head.name), version: head.version,
    installer: (await readSmallFile(join(infoFolder, 'INSTALLER'), 1024))?.trim().split('\n')[0] ?? null,
    requirements: head.requires, requires: head.requires.filter((line) => !/;.*\bextra\s*==/.test(line)).map(requirementName),
    direct: direct === null ? null : parseDirectUrl(direct), infoFolder, packageFolder: folder,
  };
}

/** The normalised name that a requirement begins with. */
export const requirementName = (line: string): string => normaliseName(/^\s*([A-Za-z0-9._-]+)/.exec(line)?.[1] ?? '');

/** Name, version and requirements: headers of METADATA up to the first empty line. */
export function parseMetadata(text: string): { readonly name: string | null; readonly version: string | null; readonly requires: readonly string[] } {
  const requires: string[] = [];
  let name: string | null = null;
  let version: string | null = null;
  for (const line of text.split(/\r?\n/)) {
    if (line === '') break;
    const match = /^(Name|Version|Requires-Dist):\s*(.{1,2000})$/i.exec(line);
    const value = match?.[2]?.trim() ?? '';
    // What goes into a command line later may only look like what it is.
    if (match?.[1]?.toLowerCase() === 'name' && /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,198}[A-Za-z0-9])?$/.test(value)) name ??= value;
    if (match?.[1]?.toLowerCase() === 'version' && /^[A-Za-z0-9][A-Za-z0-9.!+_-]{0,100}$/.test(value)) version ??= value;
    if (match?.[1]?.toLowerCase() === 'requires-dist' && requires.length < 2000) requires.push(value);
  }
  return { name, version, requires };
}

function parseDirectUrl(text: string): DirectUrl | null {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== 'object' || data === null || !('url' in data) || typeof data.url !== 'string') return null;
    const dir = 'dir_info' in data && typeof data.dir_info === 'object' && data.dir_info !== null ? data.dir_info : {};
    const archive = 'archive_info' in data ? JSON.stringify(data.archive_info) : '';
    return { url: data.url, editable: 'editable' in dir && dir.editable === true, sha256: /sha256["=:\s]+([0-9a-f]{64})/.exec(archive)?.[1] ?? null };
  } catch {
    return null;
  }
}

/** Paths of RECORD as they stand there, relative to the package folder, without compiled files (virtualenv lists some that it never writes). Empty when unreadable. */
export async function readRecordPaths(one: InstalledPackage): Promise<readonly string[]> {
  const text = await readSmallFile(join(one.infoFolder, 'RECORD'), MAX_RECORD);
  return (text ?? '').split('\n').map(recordPath).filter((path) => path !== '' && !path.endsWith('.pyc') && !path.includes('__pycache__') && !path.includes('.dist-info/'));
}

/** The first column of a line of RECORD (CSV: quoted where it holds a comma). */
function recordPath(line: string): string {
  if (!line.startsWith('"')) return line.split(',', 1)[0]?.trim() ?? '';
  return /^"((?:[^"]|"")*)"/.exec(line)?.[1]?.replaceAll('""', '"') ?? '';
}
