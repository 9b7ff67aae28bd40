import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Library = typeof import('node-llama-cpp');

/** The package that ships, or another copy of it (a build made on this machine). */
export async function importLibrary(engineFolder: string | null): Promise<Library> {
  if (engineFolder === null) return import('node-llama-cpp');
  return (await import(pathToFileURL(join(engineFolder, 'dist', 'index.js')).href)) as Library;
}
