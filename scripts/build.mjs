// Builds everything into out/: engine, storage thread, workers, CLI, Electron main and preload, renderer.
// Use: node scripts/build.mjs [engine|renderer|electron …]; without a name: all. The Electron harness of the
// tests builds main and preload for an older Electron by WARPDECK_ELECTRON_TARGET=node16 and
// the renderer by WARPDECK_RENDERER_TARGET=chrome108, into WARPDECK_OUT.
import { builtinModules } from 'node:module';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = process.env.WARPDECK_OUT ?? join(root, 'out');
const wanted = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const want = (name) => wanted.length === 0 || wanted.includes(name);

const nodeBuild = ({ dir, input, external = [], format = 'es', extension = 'mjs', target = 'node24', noSplit = false }) =>
  build({
    configFile: false,
    root,
    publicDir: false,
    logLevel: 'warn',
    ssr: { noExternal: true, external, target: 'node' },
    build: {
      ssr: true,
      outDir: join(out, dir),
      emptyOutDir: false,
      target,
      sourcemap: true,
      minify: false,
      rollupOptions: {
        input: Object.fromEntries(Object.entries(input).map(([name, path]) => [name, join(root, path)])),
        external: [/^node:/, ...builtinModules, ...external],
        output: { format, entryFileNames: `[name].${extension}`, chunkFileNames: `chunk-[name]-[hash].${extension}`, ...(noSplit ? { codeSplitting: false } : {}) },
      },
    },
  });

const started = Date.now();
mkdirSync(out, { recursive: true });
if (want('engine')) {
  await nodeBuild({ dir: 'engine', input: { engine: 'core/engine/main.ts', storage: 'core/storage/storage-thread.ts', cli: 'core/cli/main.ts' } });
  await nodeBuild({ dir: 'workers', input: { nvml: 'native-workers/nvml/main.ts', 'nvml-thread': 'native-workers/nvml/sampling-thread.ts', 'environment-probe': 'native-workers/environment-probe/main.ts', inference: 'native-workers/inference/main.ts', 'model-probe': 'native-workers/model-probe/main.ts', guard: 'native-workers/runtime/guard.ts', 'simulated-driver': 'native-workers/runtime/simulated-driver.ts' }, external: ['koffi', 'node-llama-cpp'] });
}
if (want('electron') && existsSync(join(root, 'electron/main.ts'))) {
  const target = process.env.WARPDECK_ELECTRON_TARGET ?? 'node24';
  for (const [name, path] of Object.entries({ main: 'electron/main.ts', preload: 'electron/preload.ts' })) {
    await nodeBuild({ dir: 'main', input: { [name]: path }, external: ['electron'], format: 'cjs', extension: 'cjs', target, noSplit: true });
  }
}
if (want('renderer') && existsSync(join(root, 'renderer/index.html'))) {
  const { default: react } = await import('@vitejs/plugin-react');
  const target = process.env.WARPDECK_RENDERER_TARGET ?? 'chrome146';
  await build({
    configFile: false,
    root: join(root, 'renderer'),
    publicDir: false,
    logLevel: 'warn',
    base: './',
    plugins: [react()],
    build: { outDir: join(out, 'renderer'), emptyOutDir: true, target, cssTarget: target, modulePreload: { polyfill: false }, sourcemap: false, chunkSizeWarningLimit: 1500 },
  });
}
if (wanted.length === 0) writeFileSync(join(out, '.built'), `${Date.now()}\n`);
process.stderr.write(`Built ${wanted.join(', ') || 'all'} in ${((Date.now() - started) / 1000).toFixed(1)} s.\n`);
