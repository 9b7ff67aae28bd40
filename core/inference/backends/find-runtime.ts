import { readdir, readFile, stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { RuntimeFile } from './backend-parts.ts';
import type { RuntimePlace } from './runtime-places.ts';

const MAX_CONF_BYTES = 256 * 1024;
const MAX_CONF_FILES = 200;

/** Folders that the loader was told of: /etc/ld.so.conf and the files that it includes. */
export async function readLoaderFolders(root = '/etc'): Promise<string[]> {
  const names = (await readdir(join(root, 'ld.so.conf.d')).catch((): string[] => [])).filter((name) => name.endsWith('.conf')).sort().slice(0, MAX_CONF_FILES);
  const texts = await Promise.all([join(root, 'ld.so.conf'), ...names.map((name) => join(root, 'ld.so.conf.d', name))].map(async (path) => {
    const size = await stat(path).then((s) => (s.isFile() ? s.size : MAX_CONF_BYTES), () => MAX_CONF_BYTES);
    return size >= MAX_CONF_BYTES ? '' : readFile(path, 'utf8').catch(() => '');
  }));
  const lines = texts.join('\n').split('\n').map((line) => line.trim());
  return [...new Set(lines.filter((line) => line.startsWith('/') && line.length < 1024))].slice(0, 1000);
}

/** CUDA toolkits in their usual place, newest name first. */
export async function readToolkits(root = '/usr/local'): Promise<string[]> {
  const names = (await readdir(root).catch((): string[] => [])).filter((name) => /^cuda(?:-\d{1,2}(?:\.\d{1,2})?)?$/.test(name));
  return names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true })).slice(0, 50).map((name) => join(root, name));
}

async function findIn(folders: readonly string[], library: string): Promise<string | null> {
  for (const folder of folders) {
    const path = join(folder, library);
    if (await stat(path).then((s) => s.isFile() && s.size > 0, () => false)) return path;
  }
  return null;
}

export interface FoundRuntime {
  readonly files: readonly RuntimeFile[];
  /** Folders that the loader must be told of, in this order. */
  readonly folders: readonly string[];
}

/**
 * Each library and the file that serves it. A place that has most of them serves all that it has: cuBLAS and its
 * runtime of one origin fit together.
 */
export async function findRuntime(libraries: readonly string[], places: readonly RuntimePlace[]): Promise<FoundRuntime> {
  const found = await Promise.all(places.map(async (place) => ({ place, paths: new Map(await Promise.all(libraries.map(async (library) => [library, await findIn(place.folders, library)] as const))) })));
  const counts = found.map((f) => ({ ...f, count: [...f.paths.values()].filter((path) => path !== null).length }));
  // Stable: among equals the order of the places stands.
  counts.sort((a, b) => b.count - a.count);
  const folders: string[] = [];
  const files = libraries.map((library): RuntimeFile => {
    for (const { place, paths } of counts) {
      const path = paths.get(library) ?? null;
      if (path === null) continue;
      if (!place.system && !folders.includes(dirname(path))) folders.push(dirname(path));
      return { library, path, from: place.from };
    }
    return { library, path: null, from: null };
  });
  return { files, folders };
}

/** Variables of a process that is to find these libraries. */
export function runtimeEnvironment(folders: readonly string[], env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): Record<string, string> {
  if (folders.length === 0) return {};
  const name = platform === 'win32' ? (Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH') : 'LD_LIBRARY_PATH';
  const before = env[name];
  return { [name]: [...folders, ...(before === undefined || before === '' ? [] : [before])].join(delimiter) };
}
