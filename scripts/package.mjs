// Makes the installers of this system into dist/ (AppImage and deb on Linux, NSIS on Windows).
// Use: npm run package [-- --dir]      --dir: the unpacked folder only
//
// It downloads Electron and the tools of electron-builder unless they are in its cache. Without network:
// WARPDECK_ELECTRON_DIST names a folder with an unpacked Electron of the version in package.json, and APPIMAGE_TOOLS_PATH
// and CUSTOM_FPM_PATH name the tools; --dir needs neither tool.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const targets = { linux: '--linux', win32: '--win', darwin: '--mac' };
const target = targets[process.platform];
if (!target) {
  console.error(`There is no installer for ${process.platform}. Linux and Windows have one.`);
  process.exit(2);
}

function step(what, command, args) {
  process.stderr.write(`${what}\n`);
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (done.status !== 0) {
    console.error(`${what} failed.`);
    process.exit(done.status ?? 1);
  }
}

const { version } = JSON.parse(readFileSync(join(root, 'node_modules/electron/package.json'), 'utf8'));
// Chunks of earlier builds have other names and would be packed as well.
for (const part of ['main', 'renderer', 'engine', 'workers']) rmSync(join(root, 'out', part), { recursive: true, force: true });
step('Building', process.execPath, [join(root, 'scripts/build.mjs')]);
step(`Packing for Electron ${version}`, process.execPath, [
  require.resolve('electron-builder/cli.js'), target, ...(process.argv.includes('--dir') ? ['dir'] : []), '--publish', 'never', `-c.electronVersion=${version}`,
  ...(process.env.WARPDECK_ELECTRON_DIST ? [`-c.electronDist=${process.env.WARPDECK_ELECTRON_DIST}`] : []),
]);
