// Makes a checkout ready to run: packages as the lockfile says, bundles as the sources say, Node 24.
// Imports nothing outside Node and works on Node 20.11; bin/warpdeck.mjs and scripts/test.mjs both use it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { withStarterLock } from './starter-lock.mjs';

export const NODE_MAJOR = 24;
const sourceFolders = ['contract', 'core', 'native-workers', 'electron', 'renderer'];
const sourceFiles = ['scripts/build.mjs', 'package.json'];

/** What stands between a checkout and a running program; `remedy` is one sentence for people. */
export class NotReadyError extends Error {
  constructor(message, remedy) {
    super(message);
    this.name = 'NotReadyError';
    this.remedy = remedy;
  }
}

const readText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};
const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
};

/** The Node 24 that the install brought, else the running one if it is new enough, else null. */
export function findNode24({ root, platform = process.platform, arch = process.arch, execPath = process.execPath, version = process.versions.node }) {
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const brought = join(root, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(brought)) return brought;
  return Number.parseInt(version, 10) >= NODE_MAJOR ? execPath : null;
}

/**
 * Whether what npm wrote down of an installed tree (node_modules/.package-lock.json) is what the lockfile asks for:
 * somebody ran `npm ci` by hand, and a second one would only cost a minute. Optional packages may be absent.
 */
export function decideInstalled(lock, hidden) {
  if (!lock?.packages || !hidden?.packages) return false;
  for (const [path, want] of Object.entries(lock.packages)) {
    if (path === '' || want.link) continue;
    const have = hidden.packages[path];
    if (!have) {
      if (want.optional || want.devOptional || want.peer) continue;
      return false;
    }
    if (have.version !== want.version || (want.integrity && have.integrity && have.integrity !== want.integrity)) return false;
  }
  return Object.keys(hidden.packages).every((path) => path in lock.packages);
}

/** How to call npm, as program and arguments before its own. @returns {{ program: string, args: string[], shell: boolean }} */
export function findNpm({ env = process.env, execPath = process.execPath, platform = process.platform, exists = existsSync } = {}) {
  // yarn and pnpm set npm_execpath too: only npm's own counts.
  const given = env.npm_execpath;
  if (given && /^npm-cli\.c?js$/.test(basename(given)) && exists(given)) return { program: execPath, args: [given], shell: false };
  const beside = [join(dirname(execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'), join(dirname(execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js')];
  const found = beside.find((path) => exists(path));
  if (found) return { program: execPath, args: [found], shell: false };
  return platform === 'win32' ? { program: 'npm.cmd', args: [], shell: true } : { program: 'npm', args: [], shell: false };
}

/** The user's environment without what would leave out packages that are needed here. */
export function installEnvironment(env = process.env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'NODE_ENV' && !/^npm_config_(omit|only|also|production|include|dev|optional)$/i.test(name)));
}

/** Runs a step, showing its name with the time that passes: rewritten in place on a terminal, else begin and end. */
async function runStep({ label, program, args, cwd, env, shell = false, log }) {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  log.step(`${label} …`);
  const tick = setInterval(() => log.tick(`${label} … ${seconds()} s`), 1000);
  let tail = '';
  const keep = (chunk) => {
    tail = (tail + chunk).slice(-8000);
  };
  const code = await new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    const stop = (signal) => child.kill(signal);
    process.on('SIGINT', stop).on('SIGTERM', stop);
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve(signal ?? status);
    });
  }).catch((error) => {
    tail += String(error.message);
    return -1;
  }).finally(() => clearInterval(tick));
  if (code === 'SIGINT' || code === 'SIGTERM') throw new NotReadyError(`${label}: stopped after ${seconds()} s.`, 'Start again to go on.');
  if (code !== 0) throw new NotReadyError(`${label}: failed after ${seconds()} s.\n${tail.trim().split('\n').slice(-20).join('\n')}`, 'Correct what the lines above name (often the network), then start again.');
  log.done(`${label}: done in ${seconds()} s.`);
}

/** Writes to stderr only. `tick` appears on terminals alone. */
export function createProgressLog(stream = process.stderr, quiet = false) {
  const tty = Boolean(stream.isTTY);
  const line = (text) => !quiet && stream.write(tty ? `\r\x1b[K${text}\n` : `${text}\n`);
  return {
    step: (text) => !quiet && stream.write(tty ? `\r\x1b[K${text}` : `${text}\n`),
    tick: (text) => !quiet && tty && stream.write(`\r\x1b[K${text}`),
    done: line,
    line,
  };
}

const lockHash = (root) => {
  const text = readText(join(root, 'package-lock.json'));
  return text === null ? null : createHash('sha256').update(text).digest('hex');
};

/**
 * Installs from the lockfile when the stamp of the last install is not the lockfile's hash. Without a lockfile
 * (a packaged install) there is nothing to do. @throws NotReadyError
 */
export async function ensureInstalled({ root, log = createProgressLog() }) {
  const hash = lockHash(root);
  if (hash === null) return 'not needed';
  const stamp = join(root, 'node_modules', '.warpdeck-stamp');
  const isDone = () => readText(stamp)?.trim() === hash;
  if (isDone()) return 'present';
  return withStarterLock(join(root, 'out', '.install.lock'), async () => {
    if (isDone()) return 'present';
    if (decideInstalled(readJson(join(root, 'package-lock.json')), readJson(join(root, 'node_modules', '.package-lock.json')))) {
      writeFileSync(stamp, `${hash}\n`);
      return 'adopted';
    }
    const npm = findNpm();
    await runStep({
      label: 'Installing packages (once, about a minute)',
      program: npm.program,
      args: [...npm.args, 'ci', '--include=dev', '--include=optional', '--engine-strict=false', '--loglevel=error'],
      shell: npm.shell,
      cwd: root,
      env: installEnvironment(),
      log,
    });
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, `${hash}\n`);
    return 'installed';
  }, (pid) => log.line(`Waiting for process ${pid}, which is installing packages.`));
}

/** The newest change below the sources, ms. A folder's own time counts too: it moves when a file is removed. */
export function newestSource(root) {
  let newest = 0;
  const look = (path) => {
    const at = statSync(path, { throwIfNoEntry: false });
    if (!at) return;
    newest = Math.max(newest, at.mtimeMs);
    if (!at.isDirectory()) return;
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules' || /\.test\.tsx?$/.test(entry.name)) continue;
      if (entry.isDirectory() || entry.isFile()) look(join(path, entry.name));
    }
  };
  for (const name of [...sourceFolders, ...sourceFiles]) look(join(root, name));
  return newest;
}

/** Builds when a source is newer than `out/.built`. Without sources (a packaged install) there is nothing to do. @throws NotReadyError */
export async function ensureBuilt({ root, log = createProgressLog() }) {
  if (!existsSync(join(root, 'scripts', 'build.mjs'))) return 'not needed';
  const mark = join(root, 'out', '.built');
  const isFresh = () => (statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? -1) >= newestSource(root);
  if (isFresh()) return 'present';
  return withStarterLock(join(root, 'out', '.build.lock'), async () => {
    if (isFresh()) return 'present';
    const node = findNode24({ root });
    if (node === null) throw missingNode();
    const newest = newestSource(root);
    const started = Date.now();
    await runStep({ label: 'Building', program: node, args: [join(root, 'scripts', 'build.mjs')], cwd: root, env: process.env, log });
    if (!existsSync(mark)) writeFileSync(mark, '');
    // The mark carries the time at which the build began, so that a change during it is seen; and never less than
    // the newest source, whose clock may run ahead of this one (an archive unpacked from elsewhere).
    const at = new Date(Math.max(started, Math.ceil(newest)));
    utimesSync(mark, at, at);
    return 'built';
  }, (pid) => log.line(`Waiting for process ${pid}, which is building.`));
}

export function missingNode() {
  return new NotReadyError(
    `Warpdeck runs on Node ${NODE_MAJOR} or newer. This is Node ${process.versions.node}, and no Node ${NODE_MAJOR} is packaged for ${process.platform} ${process.arch}.`,
    `Install Node ${NODE_MAJOR} and start again.`,
  );
}
