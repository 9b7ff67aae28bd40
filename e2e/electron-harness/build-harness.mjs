// Makes the app that the window tests run, in e2e/.harness/app: main, preload and page built by the product's own
// build, for the Electron that was found; the engine is the one in out/.
//
// Use: node e2e/electron-harness/build-harness.mjs   prints one JSON object { executable, args, env, electron, app }
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { getElectron, wrapOldElectron } from './get-electron.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const HARNESS_APP = join(root, 'e2e/.harness/app');
const PLAYWRIGHT_LOADER = join(root, 'node_modules/playwright-core/lib/server/electron/loader.js');

/** Puts the polyfills before the page's own script; the page itself knows nothing of it. */
export function prependPolyfills(rendererFolder) {
  const page = join(rendererFolder, 'index.html');
  cpSync(join(root, 'e2e/electron-harness/renderer-polyfills.js'), join(rendererFolder, 'renderer-polyfills.js'));
  const html = readFileSync(page, 'utf8');
  if (!html.includes('renderer-polyfills.js')) writeFileSync(page, html.replace('<head>', '<head>\n    <script src="./renderer-polyfills.js"></script>'));
}

/** Builds parts of the product (main, preload and page if not told) into `out` for this Electron. */
export function buildFor(electron, out, parts = ['electron', 'renderer']) {
  const env = { ...process.env, WARPDECK_OUT: out, ...(electron.old ? { WARPDECK_ELECTRON_TARGET: 'node16', WARPDECK_RENDERER_TARGET: 'chrome108' } : {}) };
  const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), ...parts], { cwd: root, env, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`The harness's build failed: ${built.stderr}`);
  if (electron.old) prependPolyfills(join(out, 'renderer'));
}

/** @returns {{ executable: string, args: string[], env: Record<string, string>, electron: import('./get-electron.mjs').FoundElectron, app: string }} */
export function buildHarness({ rebuild = true } = {}) {
  const electron = getElectron();
  const out = join(HARNESS_APP, 'out');
  if (rebuild || !existsSync(join(out, 'main/main.cjs'))) {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    buildFor(electron, out);
  }
  const { name, productName, version, main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(HARNESS_APP, 'package.json'), JSON.stringify({ name, productName, version, main }));
  // Node follows the links to the real files, which then find their neighbours where they are.
  for (const [link, target] of [['out/engine', 'out/engine'], ['out/workers', 'out/workers'], ['node_modules', 'node_modules'], ['resources', 'resources']]) {
    if (statSync(join(HARNESS_APP, link), { throwIfNoEntry: false }) === undefined) symlinkSync(join(root, target), join(HARNESS_APP, link));
  }
  return electron.old
    ? { executable: wrapOldElectron(electron), args: [], env: { WARPDECK_HARNESS_APP: HARNESS_APP, WARPDECK_PLAYWRIGHT_LOADER: PLAYWRIGHT_LOADER }, electron, app: HARNESS_APP }
    : { executable: electron.executable, args: ['-r', PLAYWRIGHT_LOADER, HARNESS_APP], env: {}, electron, app: HARNESS_APP };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${JSON.stringify(buildHarness())}\n`);
}
