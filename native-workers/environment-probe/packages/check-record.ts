import { lstatSync, statSync } from 'node:fs';
import { basename, isAbsolute, join, normalize, sep } from 'node:path';
import type { RecordCheck } from '../../../contract/environments.ts';
import { decodeText, type BoundedReader } from './bounded-reader.ts';
import { createFolderClaims, type FolderClaims, type RecordedFile, type RecordOwner } from './folder-claims.ts';
import { createRecordReader, parseRecord } from './parse-record.ts';
import { readCondaFiles, type CondaFile, type CondaPackage } from './read-conda-packages.ts';
import type { Distribution, Trouble } from './read-distributions.ts';

/** torch's RECORD has 1.5 MB. */
const MAX_RECORD_BYTES = 32 * 1024 * 1024;
/** Entries of one environment; a large real one has 60,000. */
const MAX_FILES = 600_000;
const MAX_EXAMPLES = 100;
const MAY_BE_ABSENT = { throwIfNoEntry: false } as const;

/** A recorded file that is not as recorded. */
export interface DamagedFile {
  readonly owner: RecordOwner;
  /** As recorded. */
  readonly path: string;
  readonly absolutePath: string;
  readonly what: 'missing' | 'size';
}

export interface RecordReading {
  readonly check: RecordCheck;
  readonly damaged: readonly DamagedFile[];
  /** Absolute paths that several packages claim, with them. */
  readonly claims: ReadonlyMap<string, readonly RecordOwner[]>;
  readonly troubles: readonly Trouble[];
}

/**
 * Compares every recorded file with what is there, by existence and size: no file is opened. Bytecode below
 * `__pycache__` is not counted, for Python makes and removes it as it likes. A link is followed to the size of its
 * target (uv can install links into its cache). What a RECORD claims outside of the environment is not looked at.
 * Packages that conda installed are compared with conda's own record, and those of the system not at all: their RECORD
 * was written where they were built, and scripts were moved and libraries stripped since.
 */
export async function checkRecord(
  reader: BoundedReader,
  input: { readonly distributions: readonly Distribution[]; readonly conda: readonly CondaPackage[]; readonly prefix: string; readonly externallyManaged: boolean },
  pause: () => Promise<void> | undefined,
): Promise<RecordReading> {
  const begun = performance.now();
  const troubles: Trouble[] = [];
  const damaged: DamagedFile[] = [];
  const sources: RecordSource[] = [
    ...input.distributions.filter((one) => decideComparable(one, input)).map((one) => ({ owner: one, open: (tell: TellTrouble) => openRecord(reader, one, input.prefix, tell) })),
    ...input.conda.map((one) => ({ owner: { name: one.name, version: one.version, folder: input.prefix }, open: (tell: TellTrouble) => openCondaRecord(reader, one, input.prefix, tell) })),
  ];
  const claimed = createFolderClaims();
  let files = 0;
  let packages = 0;
  for (const { owner, open } of sources) {
    const recorded = open((trouble) => troubles.push(trouble));
    if (recorded === null) continue;
    packages++;
    if (files >= MAX_FILES) continue;
    for (const file of recorded) {
      files++;
      const size = readSize(file.absolutePath, file.link);
      if (size === null || (file.sizeBytes !== null && size !== file.sizeBytes)) damaged.push({ owner, path: file.path, absolutePath: file.absolutePath, what: size === null ? 'missing' : 'size' });
      claimed.note(owner, file);
      if (files >= MAX_FILES) break;
      if (files % 256 === 0) await pause();
    }
  }
  if (files >= MAX_FILES) troubles.push({ path: input.prefix, detail: `its packages list more than ${MAX_FILES} files; the rest was not compared` });
  const claims = await findClaims(sources, claimed, pause);

  const missing = damaged.filter((file) => file.what === 'missing');
  const changed = damaged.filter((file) => file.what === 'size');
  return {
    check: {
      packages,
      files,
      missing: missing.length,
      changed: changed.length,
      examples: [...missing, ...changed].slice(0, MAX_EXAMPLES).map((file) => ({ package: file.owner.name, path: file.path, what: file.what })),
      shared: [...claims].slice(0, MAX_EXAMPLES).map(([path, owners]) => ({ path: relativeTo(owners[0]?.folder ?? '', path), packages: nameOwners(owners) })),
      sharedCount: claims.size,
      tookMs: performance.now() - begun,
    },
    damaged,
    claims,
    troubles,
  };
}

type TellTrouble = (trouble: Trouble) => void;

/** One list of files; it is read anew each time it is opened. Null where there is none. */
interface RecordSource {
  readonly owner: RecordOwner;
  open(tell: TellTrouble): Iterable<RecordedFile> | null;
}

function openRecord(reader: BoundedReader, distribution: Distribution, prefix: string, tell: TellTrouble): Iterable<RecordedFile> | null {
  if (distribution.recordPath === null) return null;
  const read = reader.read(distribution.recordPath, MAX_RECORD_BYTES);
  if (read.state === 'absent') return null;
  if (read.state === 'unreadable' || read.cut) {
    tell({ path: distribution.path, detail: read.state === 'read' ? `its RECORD is larger than ${MAX_RECORD_BYTES / 1024 / 1024} MB` : `its RECORD ${read.detail}` });
    return null;
  }
  return recordFiles(decodeText(read.bytes), distribution, decideRecordRoot(distribution.folder, prefix), tell);
}

function* recordFiles(text: string, distribution: Distribution, root: string, tell: TellTrouble): Generator<RecordedFile> {
  const lines = createRecordReader(text);
  let anyOutside = false;
  for (let entry = lines.next(); entry !== null; entry = lines.next()) {
    if (isBytecode(entry.path)) continue;
    const absolutePath = resolveRecorded(distribution.folder, root, entry.path);
    if (absolutePath === null) anyOutside = true;
    else yield { path: entry.path, absolutePath, sizeBytes: entry.sizeBytes, link: false };
  }
  if (lines.broken() > 0) tell({ path: distribution.path, detail: `${lines.broken()} ${lines.broken() === 1 ? 'line' : 'lines'} of its RECORD cannot be understood` });
  if (anyOutside) tell({ path: distribution.path, detail: 'its RECORD claims files outside of the environment' });
}

function openCondaRecord(reader: BoundedReader, conda: CondaPackage, prefix: string, tell: TellTrouble): Iterable<RecordedFile> | null {
  const record = readCondaFiles(reader, conda);
  if (record.trouble !== null) tell(record.trouble);
  return record.files === null ? null : condaFiles(record.files, prefix);
}

function* condaFiles(files: readonly CondaFile[], prefix: string): Generator<RecordedFile> {
  for (const file of files) {
    const absolutePath = isBytecode(file.path) ? null : resolveRecorded(prefix, prefix, file.path);
    if (absolutePath !== null) yield { path: file.path, absolutePath, sizeBytes: file.sizeBytes, link: file.link };
  }
}

/** Which files several owners claim: only the lists of those that share a folder are gone through once more. */
async function findClaims(sources: readonly RecordSource[], claimed: FolderClaims, pause: () => Promise<void> | undefined): Promise<Map<string, RecordOwner[]>> {
  const claims = new Map<string, RecordOwner[]>();
  if (claimed.rivals.size === 0) return claims;
  const first = new Map<string, RecordOwner>();
  let files = 0;
  for (const { owner, open } of sources) {
    if (!claimed.rivals.has(owner)) continue;
    for (const file of open(() => undefined) ?? []) {
      files++;
      if (files >= MAX_FILES) return claims;
      if (files % 256 === 0) await pause();
      if (!claimed.isShared(file)) continue;
      const other = first.get(file.absolutePath);
      if (other === undefined) first.set(file.absolutePath, owner);
      else if (other !== owner) claims.set(file.absolutePath, [...(claims.get(file.absolutePath) ?? [other]), owner]);
    }
  }
  return claims;
}

/** The RECORD was written by whoever laid the files here: pip and its kin sign INSTALLER, system packages do not. */
export function decideComparable(distribution: Pick<Distribution, 'installer' | 'folder'>, environment: { readonly prefix: string; readonly externallyManaged: boolean }): boolean {
  if (distribution.installer !== null) return !['conda', 'debian', 'rpm'].includes(distribution.installer);
  return !environment.externallyManaged && isWithin(environment.prefix, distribution.folder) && basename(distribution.folder) !== 'dist-packages';
}

/** Size in bytes of what is there; null when nothing is. A folder or device in its place counts as nothing. */
function readSize(path: string, link: boolean): number | null {
  try {
    // The target of a link that a package brings may be another package's: only the link is this one's file.
    if (link) return lstatSync(path, MAY_BE_ABSENT)?.size ?? null;
    const stat = statSync(path, MAY_BE_ABSENT);
    return stat?.isFile() === true ? stat.size : null;
  } catch {
    return null; // A loop, or a folder on the way that may not be entered: for Python it is not there.
  }
}

function isBytecode(path: string): boolean {
  return path.endsWith('.pyc') && /(?:^|[\\/])__pycache__[\\/]/.test(path);
}

/** The folder that a RECORD may speak of: the prefix that holds the package folder, else what lies above `lib`. */
export function decideRecordRoot(folder: string, prefix: string): string {
  if (isWithin(prefix, folder)) return prefix;
  const match = /^(.*?)[\\/]lib(?:64)?[\\/](?:python[^\\/]*[\\/])?(?:site|dist)-packages[\\/]?$/i.exec(folder);
  return match?.[1] !== undefined && match[1] !== '' ? match[1] : folder;
}

/** Null when the path leaves the root. */
export function resolveRecorded(folder: string, root: string, path: string): string | null {
  // Nearly all: below the package folder. Joining and normalising 20,000 paths would cost more than looking at them.
  if (!path.includes('..') && !path.startsWith('.') && !isAbsolute(path)) return `${folder}${sep}${path}`;
  const absolute = isAbsolute(path) ? normalize(path) : join(folder, path);
  return isWithin(root, absolute) ? absolute : null;
}

export function isWithin(root: string, path: string): boolean {
  const base = root.endsWith(sep) ? root : `${root}${sep}`;
  return path === root || path.startsWith(base);
}

function relativeTo(folder: string, path: string): string {
  return isWithin(folder, path) ? path.slice(folder.length + 1) : path;
}

/** Names; with versions where the same package is there twice. */
function nameOwners(owners: readonly RecordOwner[]): string[] {
  const twice = new Set(owners.map((owner) => owner.name)).size < owners.length;
  return owners.map((owner) => (twice ? `${owner.name} ${owner.version}` : owner.name));
}

/** What a dist-info lists, for whoever looks for its libraries or compares hashes; empty without a RECORD. Paths within the environment only. */
export function readRecordPaths(reader: BoundedReader, distribution: Distribution, prefix: string): { path: string; absolutePath: string; sizeBytes: number | null; hash: string | null }[] {
  if (distribution.recordPath === null) return [];
  const read = reader.read(distribution.recordPath, MAX_RECORD_BYTES);
  if (read.state !== 'read') return [];
  const root = decideRecordRoot(distribution.folder, prefix);
  const found: { path: string; absolutePath: string; sizeBytes: number | null; hash: string | null }[] = [];
  parseRecord(decodeText(read.bytes), (entry) => {
    const absolutePath = resolveRecorded(distribution.folder, root, entry.path);
    if (absolutePath !== null && found.length < MAX_FILES) found.push({ path: entry.path, absolutePath, sizeBytes: entry.sizeBytes, hash: entry.hash });
  });
  return found;
}
