import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Files that are started as processes or threads of their own: the built bundle when this code runs from `out/`,
 * else the source (Node strips its types), so that tests run what is on disk without a build.
 */
const sources = {
  engine: 'core/engine/main.ts',
  storage: 'core/storage/storage-thread.ts',
  nvml: 'native-workers/nvml/main.ts',
  'nvml-thread': 'native-workers/nvml/sampling-thread.ts',
  'environment-probe': 'native-workers/environment-probe/main.ts',
  inference: 'native-workers/inference/main.ts',
  'model-probe': 'native-workers/model-probe/main.ts',
  guard: 'native-workers/runtime/guard.ts',
  'simulated-driver': 'native-workers/runtime/simulated-driver.ts',
} as const;
const bundles: Readonly<Record<EntryPoint, string>> = {
  engine: 'engine/engine.mjs',
  storage: 'engine/storage.mjs',
  nvml: 'workers/nvml.mjs',
  'nvml-thread': 'workers/nvml-thread.mjs',
  'environment-probe': 'workers/environment-probe.mjs',
  inference: 'workers/inference.mjs',
  'model-probe': 'workers/model-probe.mjs',
  guard: 'workers/guard.mjs',
  'simulated-driver': 'workers/simulated-driver.mjs',
};
export type EntryPoint = keyof typeof sources;

/** The folder that holds package.json (sources) or `out/` (bundles: …/out/engine/x.mjs → …/out). */
const here = dirname(fileURLToPath(import.meta.url));
const bundled = import.meta.url.endsWith('.mjs');

export function entryPoint(name: EntryPoint): string {
  const path = bundled ? join(here, '..', bundles[name]) : join(here, '..', '..', sources[name]);
  if (!existsSync(path)) throw new Error(`Not built: ${path}`);
  return path;
}

/** The built renderer, or null when it has not been built. */
export function rendererFolder(): string | null {
  const path = bundled ? join(here, '..', 'renderer') : join(here, '..', '..', 'out', 'renderer');
  return existsSync(join(path, 'index.html')) ? path : null;
}

/** An installed package's folder, as Node finds it from here; null: it is not installed. */
export function packageFolder(name: string): string | null {
  for (let folder = here; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name);
    if (existsSync(join(path, 'package.json'))) return path;
    if (folder === dirname(folder)) return null;
  }
}

/** `resources/` of the repository, or of the packaged app. */
export function resourcesFolder(): string {
  return process.env['WARPDECK_RESOURCES'] ?? join(here, '..', '..', 'resources');
}
