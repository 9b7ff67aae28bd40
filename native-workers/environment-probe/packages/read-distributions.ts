import { join } from 'node:path';
import type { BoundedReader } from './bounded-reader.ts';
import { isPackageName, isVersion, normaliseName, showText } from './package-name.ts';
import { decodeText } from './bounded-reader.ts';
import { findHeaderEnd, parseMetadata, type PackageMetadata } from './parse-metadata.ts';

/** Most METADATA files are smaller than this; the rest is read only when the headers do not end in it. */
const HEAD_BYTES = 16 * 1024;
/** The header part of the largest real METADATA (hundreds of extras) is below 100 kB. */
const MAX_HEADER_BYTES = 256 * 1024;
/** Entries of a package folder; a large real one has two thousand. */
const MAX_ENTRIES = 50_000;
const MAX_DISTRIBUTIONS = 5000;

/** A package as its own files describe it. */
export interface Distribution {
  /** Normalised (PEP 503). */
  readonly name: string;
  readonly version: string;
  /** The package folder that it is in. */
  readonly folder: string;
  /** Its dist-info or egg-info: a folder, or the one file that Debian writes. */
  readonly path: string;
  readonly kind: 'dist-info' | 'egg-info';
  readonly installer: string | null;
  /** Values of Requires-Dist. */
  readonly requires: readonly string[];
  /** Null for egg-info. Whether it is there is seen when it is read. */
  readonly recordPath: string | null;
}

/** Something wrong with one path, in words that follow a colon. */
export interface Trouble {
  readonly path: string;
  readonly detail: string;
}

export interface DistributionScan {
  readonly distributions: readonly Distribution[];
  /** What pip leaves when it is interrupted while removing (`~orch`): names of folder entries. */
  readonly remains: readonly string[];
  /** The package folder is not there. */
  readonly absent: boolean;
  readonly troubles: readonly Trouble[];
}

/** Every dist-info and egg-info of one package folder, sorted by file name. */
export async function readDistributions(reader: BoundedReader, folder: string, pause: () => Promise<void> | undefined): Promise<DistributionScan> {
  const distributions: Distribution[] = [];
  const remains: string[] = [];
  const troubles: Trouble[] = [];
  const list = reader.list(folder, MAX_ENTRIES);
  if (list.state === 'absent') return { distributions, remains, absent: true, troubles };
  if (list.state === 'unreadable') return { distributions, remains, absent: false, troubles: [{ path: folder, detail: list.detail }] };
  if (list.cut) troubles.push({ path: folder, detail: `has more than ${MAX_ENTRIES} entries; the rest was not looked at` });
  const names = list.entries.map((entry) => entry.name).sort();
  for (const name of names) {
    if (name.startsWith('~')) {
      remains.push(name);
      continue;
    }
    const kind = name.endsWith('.dist-info') ? 'dist-info' : name.endsWith('.egg-info') ? 'egg-info' : null;
    if (kind === null) continue;
    if (distributions.length >= MAX_DISTRIBUTIONS) {
      troubles.push({ path: folder, detail: `has more than ${MAX_DISTRIBUTIONS} packages; the rest was not looked at` });
      break;
    }
    const outcome = readDistribution(reader, folder, name, kind);
    if (outcome.distribution !== null) distributions.push(outcome.distribution);
    troubles.push(...outcome.troubles);
    await pause();
  }
  return { distributions, remains, absent: false, troubles };
}

function readDistribution(reader: BoundedReader, folder: string, entry: string, kind: 'dist-info' | 'egg-info'): { distribution: Distribution | null; troubles: Trouble[] } {
  const path = join(folder, entry);
  const read = readMetadata(reader, path, kind);
  const decided = decideIdentity(entry, read.metadata);
  const troubles = [...(read.trouble === null ? [] : [read.trouble]), ...decided.details].map((detail) => ({ path, detail }));
  if (decided.name === null || decided.version === null) return { distribution: null, troubles };
  const distribution: Distribution = {
    name: normaliseName(decided.name),
    version: decided.version,
    folder,
    path,
    kind,
    installer: kind === 'dist-info' ? readInstaller(reader, path) : null,
    requires: read.metadata?.requires ?? [],
    recordPath: kind === 'dist-info' ? join(path, 'RECORD') : null,
  };
  return { distribution, troubles };
}

function readMetadata(reader: BoundedReader, path: string, kind: 'dist-info' | 'egg-info'): { metadata: PackageMetadata | null; trouble: string | null } {
  // Debian's distutils packages: the egg-info is one file, which is the PKG-INFO.
  const candidates = kind === 'dist-info' ? [join(path, 'METADATA')] : [join(path, 'PKG-INFO'), path];
  for (const file of candidates) {
    let read = reader.read(file, HEAD_BYTES);
    if (read.state === 'absent') continue;
    if (read.state === 'unreadable') return { metadata: null, trouble: `its ${kind === 'dist-info' ? 'METADATA' : 'PKG-INFO'} ${read.detail}` };
    let text = decodeText(read.bytes);
    if (read.cut && findHeaderEnd(text) === -1) {
      read = reader.read(file, MAX_HEADER_BYTES);
      if (read.state === 'read') text = decodeText(read.bytes);
      if (read.state === 'read' && read.cut && findHeaderEnd(text) === -1) return { metadata: parseMetadata(text), trouble: `its headers do not end within ${MAX_HEADER_BYTES / 1024} kB` };
    }
    const metadata = parseMetadata(text);
    return { metadata: kind === 'egg-info' && metadata.requires.length === 0 ? { ...metadata, requires: readEggRequires(reader, path) } : metadata, trouble: null };
  }
  return { metadata: null, trouble: kind === 'dist-info' ? 'it has no METADATA' : 'it has no PKG-INFO' };
}

/** setuptools wrote requirements beside PKG-INFO; those before the first section hold without an extra. */
function readEggRequires(reader: BoundedReader, path: string): string[] {
  const text = reader.readText(join(path, 'requires.txt'), HEAD_BYTES) ?? '';
  const end = text.search(/^\[/m);
  return (end === -1 ? text : text.slice(0, end)).split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

/** The first line: `pip`, `uv`, `conda`, `debian`, … Null when nobody says. */
function readInstaller(reader: BoundedReader, path: string): string | null {
  const line = reader.readText(join(path, 'INSTALLER'), 256)?.split('\n')[0]?.trim();
  return line === undefined || !/^[\w .+-]{1,40}$/.test(line) ? null : line;
}

/**
 * Name and version: METADATA's word, as Python's own importlib.metadata takes it, else those of the folder's name.
 * `details` says what does not fit.
 */
export function decideIdentity(entry: string, metadata: { readonly name: string | null; readonly version: string | null } | null): { name: string | null; version: string | null; details: string[] } {
  const details: string[] = [];
  const stem = entry.replace(/\.(?:dist|egg)-info$/, '');
  const dash = stem.indexOf('-');
  const ofFolder = { name: dash === -1 ? stem : stem.slice(0, dash), version: dash === -1 ? null : stem.slice(dash + 1).replace(/-py\d.*$/, '') };
  const said = { name: metadata?.name ?? null, version: metadata?.version ?? null };
  if (said.name !== null && !isPackageName(said.name)) {
    details.push(`its name "${showText(said.name)}" is none that a package may have`);
    said.name = null;
  }
  if (said.version !== null && !isVersion(said.version)) {
    details.push(`its version "${showText(said.version)}" is none that a package may have`);
    said.version = null;
  }
  if (metadata !== null && metadata.name === null) details.push('its METADATA names no package');
  if (metadata !== null && metadata.version === null) details.push('its METADATA names no version');
  const name = said.name ?? (isPackageName(ofFolder.name) ? ofFolder.name : null);
  const version = said.version ?? (ofFolder.version !== null && isVersion(ofFolder.version) ? ofFolder.version : null);
  if (name === null || version === null) details.push('neither its folder nor its METADATA says which package it is');
  if (said.name !== null && isPackageName(ofFolder.name) && normaliseName(said.name) !== normaliseName(ofFolder.name)) details.push(`its METADATA says that it is ${showText(said.name)}`);
  return { name, version, details };
}
