import { lstatSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import type { LibraryCensus } from '../../../contract/environments.ts';
import type { CensusCache } from './census-cache.ts';
import { readArchFlags } from './read-arch-flags.ts';
import { readLibraryCensus } from './read-library-census.ts';

export interface TorchLibraries {
  /** The main library first, then the linear algebra library; empty for a CPU build. */
  libraries: LibraryCensus[];
  flags: string[] | null;
  /** Which library the flags are from; null when none has them. */
  flagsFile: string | null;
  bytesRead: number;
  troubles: string[];
}

/** The main library, its halves of torch 1.8 to 1.13, and the one that is built for other architectures. */
const CODE_LIBRARIES: readonly string[] = ['cuda', 'cuda_cu', 'cuda_cpp', 'cuda_linalg'].flatMap((name) => [`libtorch_${name}.so`, `torch_${name}.dll`]);
const FLAGS_LIBRARIES: readonly string[] = ['libtorch_python.so', 'torch_python.dll'];

/**
 * Reads the device code and the architecture list of an installed torch (`…/site-packages/torch`) without importing
 * it. Paths in the answer are relative to the package folder. Links are followed: conda keeps the libraries in its own
 * `lib`, uv can link into its cache. Whatever lies there, there is an answer.
 */
export async function readTorchLibraries(torchFolder: string, cache?: CensusCache): Promise<TorchLibraries> {
  const folders = [join(torchFolder, 'lib'), ...condaFolders(torchFolder)];
  const called = (path: string): string => [basename(torchFolder), relative(torchFolder, path)].join(sep).replaceAll('\\', '/');
  const result: TorchLibraries = { libraries: [], flags: null, flagsFile: null, bytesRead: 0, troubles: [] };

  for (const name of CODE_LIBRARIES) {
    const path = firstThatExists(folders, name);
    if (path === null) continue;
    const census = await readLibraryCensus(path, called(path), cache);
    result.libraries.push(census);
    result.bytesRead += census.bytesRead;
    result.troubles.push(...census.troubles.map((text) => `${census.path}: ${text}`));
  }
  for (const name of FLAGS_LIBRARIES) {
    const path = firstThatExists(folders, name);
    if (path === null) continue;
    const read = await readArchFlags(path, cache);
    result.bytesRead += read.bytesRead;
    result.troubles.push(...read.troubles.map((text) => `${called(path)}: ${text}`));
    if (read.flags === null || result.flags !== null) continue;
    result.flags = read.flags;
    result.flagsFile = called(path);
  }
  return result;
}

/** `PREFIX/lib` for `PREFIX/lib/pythonX.Y/site-packages/torch`, on Windows `PREFIX\Library\bin`: only of conda. */
function condaFolders(torchFolder: string): string[] {
  const unix = join(torchFolder, '../../..');
  const windows = join(torchFolder, '../../../Library/bin');
  return [[unix, join(unix, '../conda-meta')] as const, [windows, join(torchFolder, '../../../conda-meta')] as const].filter(([, meta]) => exists(meta)).map(([folder]) => folder);
}

function firstThatExists(folders: readonly string[], name: string): string | null {
  return folders.map((folder) => join(folder, name)).find(exists) ?? null;
}

/** True also for a link that leads nowhere: its census says so. */
function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
