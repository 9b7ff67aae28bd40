import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { BackendKind } from '../../../contract/inference.ts';
import type { BackendId, InstalledBackend, MissingBackend } from './backend-parts.ts';
import { kindNames } from './backend-parts.ts';
import { backendLibrary, prebuiltName, type System } from './library-names.ts';

const metadata = z.object({ buildOptions: z.object({ llamaCpp: z.object({ release: z.string().max(100) }) }) });
const packageFile = z.object({ version: z.string().max(100) });

/** A small JSON file of a package; null when it is not there or is something else. */
async function readSmallJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    if ((await stat(path)).size > 1 << 20) return null;
    const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
export const readPackageVersion = async (folder: string): Promise<string | null> => (await readSmallJson(join(folder, 'package.json'), packageFile))?.version ?? null;
/** Release of llama.cpp in a folder of binaries, as its builder wrote it down. */
export const readRelease = async (binsFolder: string): Promise<string | null> => (await readSmallJson(join(binsFolder, '_nlcBuildMetadata.json'), metadata))?.buildOptions.llamaCpp.release ?? null;

const isFile = (path: string): Promise<boolean> => stat(path).then((s) => s.isFile(), () => false);

export interface PrebuiltPlace {
  readonly kind: BackendKind;
  readonly name: string;
  readonly binsFolder: string;
}

/** Folders where npm puts a scoped package that another one depends on. */
const packagePlaces = (packageFolder: string, name: string): string[] => [join(packageFolder, 'node_modules', '@node-llama-cpp', name), join(dirname(packageFolder), '@node-llama-cpp', name)];

/** The folder of binaries of a kind that ships with the package; null: not installed, or of another version. */
export async function findPrebuilt(packageFolder: string, kind: BackendKind, system: System): Promise<PrebuiltPlace | { readonly why: string }> {
  const name = prebuiltName(system, kind);
  if (name === null) return { why: `There is no ${kindNames[kind]} build for ${system.platform} ${system.arch}.` };
  const version = await readPackageVersion(packageFolder);
  if (version === null) return { why: 'The package node-llama-cpp is not installed.' };
  for (const folder of packagePlaces(packageFolder, name)) {
    const found = await readPackageVersion(folder);
    if (found === null) continue;
    // The loader passes over one of another version without a word.
    if (found !== version) return { why: `@node-llama-cpp/${name} is ${found}, node-llama-cpp is ${version}: both must be of one version.` };
    const binsFolder = join(folder, 'bins', name);
    if (await isFile(join(binsFolder, backendLibrary(system, kind)))) return { kind, name, binsFolder };
    return { why: `@node-llama-cpp/${name} is installed without its library ${backendLibrary(system, kind)}.` };
  }
  return { why: `The package @node-llama-cpp/${name} is not installed.` };
}

/** The three builds that ship. */
export async function findShipped(packageFolder: string, system: System): Promise<(InstalledBackend | MissingBackend)[]> {
  return Promise.all((['cuda', 'vulkan', 'cpu'] as const).map(async (kind): Promise<InstalledBackend | MissingBackend> => {
    const id: BackendId = kind;
    const found = await findPrebuilt(packageFolder, kind, system);
    if ('why' in found) return { id, kind, why: found.why };
    return { id, kind, release: await readRelease(found.binsFolder), library: join(found.binsFolder, backendLibrary(system, kind)), engineFolder: null };
  }));
}
