import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { BackendId, InstalledBackend, MissingBackend } from './backend-parts.ts';
import { findPrebuilt, readPackageVersion } from './find-installed.ts';
import { backendLibrary, type System } from './library-names.ts';
import { enginePackage, fileIdentity, makeEngineFolder, readEngineRecord } from './make-engine-folder.ts';

export interface OwnBackendsOptions {
  readonly packageFolder: string;
  /** Where the copies of the package lie, one folder for each. */
  readonly enginesFolder: string;
  readonly system: System;
  /** WARPDECK_LLAMA_CUDA. */
  readonly given: string | undefined;
}

/** Folder of a copy. */
export const engineTarget = (enginesFolder: string, id: BackendId): string => join(enginesFolder, id);

/** Builds made on this machine by an earlier `build`; one of another version of the package is told as missing. */
export async function findLocal({ packageFolder, enginesFolder, system }: OwnBackendsOptions): Promise<(InstalledBackend | MissingBackend)[]> {
  const found: (InstalledBackend | MissingBackend)[] = [];
  for (const kind of ['cuda', 'cpu'] as const) {
    const id: BackendId = `${kind}-local`, target = engineTarget(enginesFolder, id);
    const record = await readEngineRecord(target);
    if (record === null) continue;
    const version = await readPackageVersion(packageFolder);
    const library = Object.keys(record.sources)[0];
    const shipped = await findPrebuilt(packageFolder, kind, system);
    if (record.packageVersion !== version || library === undefined || 'why' in shipped) {
      found.push({ id, kind, why: `It was built for node-llama-cpp ${record.packageVersion}; installed is ${version ?? 'none'}. Build it again.` });
      continue;
    }
    const folder = enginePackage(target);
    found.push({ id, kind, release: record.release, library: join(folder, 'bins', shipped.name, library), engineFolder: folder });
  }
  return found;
}

/** The library that the user gave, in a copy of the package where it replaces the shipped one. The copy is made when needed. */
export async function findGiven({ packageFolder, enginesFolder, system, given }: OwnBackendsOptions): Promise<(InstalledBackend | MissingBackend)[]> {
  if (given === undefined || given === '') return [];
  const id: BackendId = 'cuda-given', kind = 'cuda' as const;
  const missing = (why: string): MissingBackend[] => [{ id, kind, why }];
  if (!isAbsolute(given)) return missing(`WARPDECK_LLAMA_CUDA is ${given}: give a whole path.`);
  const file = await stat(given).catch(() => null);
  if (file?.isFile() !== true) return missing(`WARPDECK_LLAMA_CUDA is ${given}: there is no such file.`);
  const shipped = await findPrebuilt(packageFolder, kind, system);
  if ('why' in shipped) return missing(`${shipped.why} The given library needs what ships with it.`);
  const target = engineTarget(enginesFolder, id), name = backendLibrary(system, kind);
  const known = await readEngineRecord(target), version = await readPackageVersion(packageFolder);
  const fresh = known !== null && known.packageVersion === version && known.sources[name] === (await fileIdentity(given));
  const record = fresh ? known : await makeEngineFolder({ packageFolder, binsFolder: shipped.binsFolder, leaveOut: null, put: { [name]: given }, target });
  const folder = enginePackage(target);
  return [{ id, kind, release: record.release, library: join(folder, 'bins', shipped.name, name), engineFolder: folder }];
}
