// Packs the unpacked directory target with whatever Electron the tests have, by electron-builder.yml and with what
// only a test changes: where the built files lie, the Electron, and the named differences.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'electron-builder';
import { buildFor } from '../e2e/electron-harness/build-harness.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
/** Holds what is packed (360 MB each); the caller removes it. */
export const work = join(root, 'e2e/.harness/packaging');

/** Builds everything for this Electron, apart from the checkout's own out/; for an old one `harness.cjs` loads the shims first. */
export function buildParts(electron) {
  const out = join(work, 'out');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  buildFor(electron, out, ['engine', 'electron', 'renderer']);
  if (electron.old) {
    const shims = readFileSync(join(root, 'e2e/electron-harness/main-shims.cjs'), 'utf8');
    // enableSandbox takes --no-sandbox back, and Chromium refuses to run as root without it (containers of a CI).
    const asRoot = "if (process.argv.includes('--no-sandbox')) require('electron').app.enableSandbox = () => undefined;";
    // Playwright's loader, as the harness's wrapper has it; absent in the shipping set.
    const loader = 'if (process.env.WARPDECK_PLAYWRIGHT_LOADER) require(process.env.WARPDECK_PLAYWRIGHT_LOADER);';
    writeFileSync(join(out, 'main/harness.cjs'), `${shims}\n${asRoot}\n${loader}\nrequire('./main.cjs');\n`);
  }
  return out;
}

/** @returns {Promise<string>} the folder of the packed app */
export async function pack(electron, out, { name, inspectable }) {
  const output = join(work, name);
  rmSync(output, { recursive: true, force: true });
  const parts = ['main', 'renderer', 'engine', 'workers'];
  await build({
    projectDir: root,
    linux: ['dir'],
    publish: 'never',
    config: {
      extends: join(root, 'electron-builder.yml'),
      electronVersion: electron.version,
      electronDist: electron.dist,
      directories: { output },
      files: [...parts.map((part) => `!out/${part}/**`), ...parts.map((part) => ({ from: join(out, part), to: `out/${part}`, filter: ['**/*', '!**/*.map'] })),
        // The backends are hundreds of megabytes; that they run from a packed app was tried once, and koffi stands for them here.
        '!node_modules/@node-llama-cpp/**'],
      // The patterns are held against where a file came from.
      asarUnpack: ['engine', 'workers'].map((part) => `${relative(root, out)}/${part}/**`),
      extraMetadata: { main: electron.old ? 'out/main/harness.cjs' : 'out/main/main.cjs', ...(inspectable ? { warpdeckInspectable: true } : {}) },
    },
  });
  return join(output, 'linux-unpacked');
}
