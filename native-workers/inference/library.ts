// eslint-disable-next-line no-restricted-imports -- replaces one module of a library while it is imported, in a process that may die of it
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Library = typeof import('node-llama-cpp');

/** The library's module that loads a binary in a child before it loads it itself (node-llama-cpp 3.22.1). */
const SELF_TEST = /\/dist\/bindings\/utils\/testBindingBinary\.js$/;
const PASSES = 'export const testBindingBinary = () => Promise.resolve(true);\n';

/**
 * The package that ships, or another copy of it (a build made on this machine). Without its self-test, for which there
 * is no option, the module of that test is replaced; where it is not found under its name, the test is made.
 */
export async function importLibrary(engineFolder: string | null, options: { readonly selfTest: boolean }): Promise<Library> {
  const hooks = options.selfTest
    ? null
    : registerHooks({ load: (url, context, next) => (SELF_TEST.test(url) ? { format: 'module', source: PASSES, shortCircuit: true } : next(url, context)) });
  try {
    if (engineFolder === null) return await import('node-llama-cpp');
    return (await import(pathToFileURL(join(engineFolder, 'dist', 'index.js')).href)) as Library;
  } finally {
    hooks?.deregister();
  }
}
