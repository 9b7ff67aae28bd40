import { join } from 'node:path';
import { z } from 'zod';
import { decodeText, type BoundedReader } from './bounded-reader.ts';
import { isPackageName, isVersion, normaliseName } from './package-name.ts';
import type { Trouble } from './read-distributions.ts';

const MAX_PACKAGES = 5000;
/** The largest real one (python, with all paths) is below 4 MB. */
const MAX_JSON_BYTES = 32 * 1024 * 1024;

/** A package of conda as the name of its record says: `pytorch-2.4.1-cuda120_py312h5e9e2e6_300.json`. */
export interface CondaPackage {
  readonly name: string;
  readonly version: string;
  readonly build: string;
  /** The record in conda-meta. */
  readonly path: string;
}

/** A file of a conda package, relative to the prefix. */
export interface CondaFile {
  readonly path: string;
  /** Null where conda changes the file when it installs it (its prefix is written in), or does not say. */
  readonly sizeBytes: number | null;
  readonly link: boolean;
}

/** The packages in PREFIX/conda-meta, by their file names alone; empty where that folder is not there. */
export function readCondaPackages(reader: BoundedReader, prefix: string): { packages: CondaPackage[]; troubles: Trouble[] } {
  const folder = join(prefix, 'conda-meta');
  const list = reader.list(folder, 4 * MAX_PACKAGES);
  if (list.state === 'unreadable') return { packages: [], troubles: [{ path: folder, detail: list.detail }] };
  if (list.state === 'absent') return { packages: [], troubles: [] };
  const packages: CondaPackage[] = [];
  const troubles: Trouble[] = [];
  for (const file of list.entries.map((entry) => entry.name).filter((name) => name.endsWith('.json')).sort()) {
    if (packages.length >= MAX_PACKAGES) break;
    const path = join(folder, file);
    const parsed = parseCondaName(file);
    if (parsed === null) troubles.push({ path, detail: 'its name is not NAME-VERSION-BUILD' });
    else packages.push({ ...parsed, path });
  }
  return { packages, troubles };
}

export function parseCondaName(file: string): { name: string; version: string; build: string } | null {
  const match = /^(.+)-([^-]+)-([^-]+)\.json$/.exec(file);
  const [, name, version, build] = match ?? [];
  if (name === undefined || version === undefined || build === undefined) return null;
  // Virtual and mutex packages are called `_openmp_mutex`, `__glibc`.
  if (!isPackageName(name.replace(/^_+/, '')) || !isVersion(version) || !isVersion(build)) return null;
  return { name: normaliseName(name.replace(/^_+/, '')), version, build };
}

const condaRecord = z.object({
  files: z.array(z.string()).optional(),
  paths_data: z
    .object({
      paths: z.array(z.object({ _path: z.string(), path_type: z.string().optional(), size_in_bytes: z.number().nullish(), prefix_placeholder: z.string().nullish() })).optional(),
    })
    .nullish(),
});

/** The files that a record lists; null with a trouble where it is no such record. */
export function readCondaFiles(reader: BoundedReader, conda: CondaPackage): { files: CondaFile[] | null; trouble: Trouble | null } {
  const read = reader.read(conda.path, MAX_JSON_BYTES);
  const broken = (detail: string): { files: null; trouble: Trouble } => ({ files: null, trouble: { path: conda.path, detail } });
  if (read.state === 'absent') return broken('it was removed meanwhile');
  if (read.state === 'unreadable') return broken(`it ${read.detail}`);
  if (read.cut) return broken(`it is larger than ${MAX_JSON_BYTES / 1024 / 1024} MB`);
  try {
    const record = condaRecord.parse(JSON.parse(decodeText(read.bytes)));
    const paths = record.paths_data?.paths;
    if (paths !== undefined && paths.length > 0) {
      return {
        files: paths.map((path) => ({
          path: path._path,
          sizeBytes: path.path_type === 'hardlink' && path.prefix_placeholder == null ? (path.size_in_bytes ?? null) : null,
          link: path.path_type === 'softlink',
        })),
        trouble: null,
      };
    }
    return { files: (record.files ?? []).map((path) => ({ path, sizeBytes: null, link: false })), trouble: null };
  } catch {
    return broken('it is not the JSON that conda writes');
  }
}
