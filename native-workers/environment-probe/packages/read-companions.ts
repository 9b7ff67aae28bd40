import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { CompanionFacts, LibraryCensus } from '../../../contract/environments.ts';
import type { CensusCache } from '../library/census-cache.ts';
import { readLibraryCensus } from '../library/read-library-census.ts';
import type { BoundedReader } from './bounded-reader.ts';
import { readRecordPaths } from './check-record.ts';
import { findCompanionKind, type CompanionKind } from './companion-table.ts';
import { decideCudaLabel, decideNeededMajor, parseCudaStatement, type CudaLabel } from './decide-cuda-label.ts';
import { readLibraryMajor } from './decide-leftovers.ts';
import { isForExtra, parseRequirement } from './parse-requirement.ts';
import type { Distribution } from './read-distributions.ts';
import { readNeededLibraries } from './read-needed-libraries.ts';

/** Libraries looked into: bitsandbytes brings one for each CUDA version (a dozen), vllm six. */
const MAX_LIBRARIES_EACH = 24;
const MAX_LIBRARIES = 96;
/** Bytes read in all companions' libraries beyond which no further one is opened. */
const MAX_BYTES = 64 * 1024 * 1024;
/** No library with device code is smaller: one empty kernel for one architecture makes some 8 kB. */
const MIN_LIBRARY_BYTES = 4096;
const MAX_FOLDER_ENTRIES = 5000;

export interface CompanionReading {
  readonly companions: readonly CompanionFacts[];
  readonly bytesRead: number;
}

/** Facts of every installed package that has to fit torch or the GPU. Deciding whether it does is done elsewhere. */
export async function readCompanions(
  reader: BoundedReader,
  distributions: readonly Distribution[],
  prefix: string,
  cache: CensusCache | undefined,
  pause: () => Promise<void> | undefined,
): Promise<CompanionReading> {
  const companions: CompanionFacts[] = [];
  let bytesRead = 0;
  let opened = 0;
  for (const distribution of distributions) {
    const kind = findCompanionKind(distribution.name);
    if (kind === null) continue;
    const libraries: LibraryCensus[] = [];
    const needed: string[] = [];
    for (const library of kind.kernels ? findLibraries(reader, distribution, prefix) : []) {
      if (opened >= MAX_LIBRARIES || bytesRead >= MAX_BYTES) break;
      opened++;
      const census = await readLibraryCensus(library.absolutePath, library.path, cache);
      bytesRead += census.bytesRead;
      if (census.containers === 0 && census.elsewhere.length === 0) continue;
      libraries.push(census);
      const read = readNeededLibraries(library.absolutePath);
      bytesRead += read.bytesRead;
      needed.push(...read.names);
      await pause();
    }
    const cuda = readCudaLabel(reader, distribution, kind, needed);
    companions.push({
      name: distribution.name,
      version: distribution.version,
      installer: distribution.installer,
      torchRequirement: decideTorchRequirement(distribution.requires),
      cudaLabel: cuda.label,
      cudaMajor: cuda.major,
      libraries,
    });
  }
  return { companions, bytesRead };
}

/** The first requirement on torch that holds without an extra: `torch==2.4.1`, or only `torch`. */
export function decideTorchRequirement(requires: readonly string[]): string | null {
  for (const text of requires) {
    const requirement = parseRequirement(text);
    if (requirement?.name === 'torch' && !isForExtra(requirement)) return `torch${requirement.specifier.startsWith('@') ? ' ' : ''}${requirement.specifier}`;
  }
  return null;
}

function readCudaLabel(reader: BoundedReader, distribution: Distribution, kind: CompanionKind, needed: readonly string[]): CudaLabel {
  const said = kind.saysCudaIn === undefined ? null : reader.readText(join(distribution.folder, kind.saysCudaIn), 64 * 1024);
  const stated = said === null ? null : parseCudaStatement(said);
  if (stated !== null && stated.label !== null) return stated;
  const labelled = decideCudaLabel(distribution.name, distribution.version);
  if (labelled.label !== null) return labelled;
  return { label: null, major: decideNeededMajor(needed) ?? readLibraryMajor(reader, distribution) };
}

/** Shared libraries that the package lists; without a RECORD those in the folder of its name. Large ones first. */
function findLibraries(reader: BoundedReader, distribution: Distribution, prefix: string): { path: string; absolutePath: string }[] {
  const recorded = readRecordPaths(reader, distribution, prefix).filter((file) => isLibrary(file.path));
  const found = recorded.length > 0 ? recorded : listLibraries(reader, distribution);
  return found
    .map((file) => ({ path: file.path.replaceAll('\\', '/'), absolutePath: file.absolutePath, sizeBytes: sizeOf(file.absolutePath) }))
    .filter((file) => file.sizeBytes >= MIN_LIBRARY_BYTES)
    .sort((a, b) => b.sizeBytes - a.sizeBytes || (a.path < b.path ? -1 : 1))
    .slice(0, MAX_LIBRARIES_EACH);
}

/** Not those of other projects that a wheel brings along (`torchvision.libs/libjpeg.1234abcd.so.8`). */
const isLibrary = (path: string): boolean => /\.(?:so(?:\.\d+)*|pyd|dll)$/.test(path) && !/^[^\\/]+\.libs[\\/]/.test(path);

/** Two levels of the package's folder: `_C.so`, `capi/…`, `lib/…`. */
function listLibraries(reader: BoundedReader, distribution: Distribution): { path: string; absolutePath: string }[] {
  const top = distribution.name.replaceAll('-', '_');
  const found: { path: string; absolutePath: string }[] = [];
  const visit = (path: string, depth: number): void => {
    const list = reader.list(join(distribution.folder, path), MAX_FOLDER_ENTRIES);
    if (list.state !== 'read') return;
    for (const entry of list.entries) {
      const inside = `${path}/${entry.name}`;
      // A link to a folder is not entered, so there is no way round in a circle.
      if (entry.isDirectory() && depth > 0 && !entry.name.startsWith('__')) visit(inside, depth - 1);
      else if (isLibrary(entry.name)) found.push({ path: inside, absolutePath: join(distribution.folder, inside) });
    }
  };
  visit(top, 2);
  return found;
}

function sizeOf(path: string): number {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() === true ? stat.size : 0;
  } catch {
    return 0;
  }
}
