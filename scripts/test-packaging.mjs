// Packs the app and uses it: once as tests may look into it, once as it ships. Prints what it tries, and as its last
// line {"passed":n,"failed":n,"skipped":n}. Use: node scripts/test-packaging.mjs
//
// What this cannot show is said at the end: with an older Electron than the product's the shims are packed too.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron } from '@playwright/test';
import { getElectron } from '../e2e/electron-harness/get-electron.mjs';
import { readProcessTree, readTcpListeners } from '../e2e/fixtures/process-tree.ts';
import { cleanEnvironment, isAlive, readEnginePid, waitUntil } from '../e2e/fixtures/programs.ts';
import { startDisplay } from '../e2e/fixtures/display.ts';
import { buildParts, pack, root, work } from './pack-for-tests.mjs';
import { decideFuses, readFuses } from './set-fuses.mjs';

const counts = { passed: 0, failed: 0, skipped: 0 };
const scratch = mkdtempSync(join(tmpdir(), 'wd-pack-'));
const sandboxArgs = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
const loader = join(root, 'node_modules/playwright-core/lib/server/electron/loader.js');
const started = [];
/** The user "nobody". */
const NOBODY = 65_534;

class SkippedError extends Error {}

async function attempt(title, act) {
  const began = Date.now();
  try {
    await act();
    counts.passed += 1;
    console.log(`ok      ${title} (${String(Date.now() - began)} ms)`);
  } catch (error) {
    if (error instanceof SkippedError) {
      counts.skipped += 1;
      console.log(`skipped ${title}: ${error.message}`);
      return;
    }
    counts.failed += 1;
    console.log(`FAILED  ${title}\n        ${error instanceof Error ? error.message : String(error)}`);
  }
}

function expectEqual(what, found, wanted) {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: found ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

function freshData() {
  return mkdtempSync(join(scratch, 'd-'));
}

/** Starts the packed program as a user would; everything it says is kept. */
function start(program, args, dataDir, env = {}) {
  const child = spawn(program, [...sandboxArgs, '--disable-gpu', '--data-dir', dataDir, '--gpus', 'simulate:2', ...args], { env: cleanEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { said += chunk.toString(); });
  return { child, said: () => said };
}

async function end({ child }, dataDir) {
  const engine = readEnginePid(dataDir);
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
  if (engine !== null && isAlive(engine)) process.kill(engine, 'SIGTERM');
  if (engine !== null) await waitUntil('the engine has ended', 15_000, () => !isAlive(engine));
}

const commandLine = (pid) => {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};

/** The page has its engine: the engine counts the window and the main process as faces, which its log does not say, so its sockets are counted. */
async function waitForWindow(run, dataDir) {
  await waitUntil(`the window is up; it said: ${run.said().slice(-500)}`, 30_000, () => {
    if (run.child.exitCode !== null) throw new Error(`the app ended with ${String(run.child.exitCode)}: ${run.said().slice(-500)}`);
    return readEnginePid(dataDir) !== null && readProcessTree(run.child.pid).some((pid) => commandLine(pid).includes('--type=renderer'));
  });
}

async function main() {
  if (process.platform !== 'linux') {
    console.log('Skipped: the packaging is tried on Linux only.');
    counts.skipped += 1;
    return;
  }
  const electron = getElectron();
  console.log(`Electron ${electron.version} from ${electron.from}${electron.old ? ', with shims' : ''}`);
  const display = await startDisplay();
  process.env.DISPLAY = display.name;
  try {
    const out = buildParts(electron);
    let folder = '';
    await attempt('the test packaging is built without network', async () => {
      folder = await pack(electron, out, { name: 'test', inspectable: true });
    });
    const program = () => join(folder, 'warpdeck');
    await attempt('its fuses read back as the table says, with inspection on', async () => {
      const found = await readFuses(program());
      expectEqual('fuses', found, decideFuses(Object.keys(found), true));
    });
    await attempt('no source map, no TypeScript and no foreign Node is packed', async () => {
      const files = readdirSync(join(folder, 'resources/app.asar.unpacked'), { recursive: true, encoding: 'utf8' });
      expectEqual('unwanted files', files.filter((f) => /\.(map|ts)$|node_modules\/node-/.test(f)).slice(0, 5), []);
      expectEqual('engine unpacked', files.includes('out/engine/engine.mjs') && files.includes('out/workers/nvml.mjs'), true);
    });
    await attempt('it starts, shows its GPUs on its own Node, and is clicked through', () => clickThrough(program(), folder));
    await attempt('ELECTRON_RUN_AS_NODE does not make it a Node', () => tryAsNode(program()));
    await attempt('NODE_OPTIONS loads nothing into it', () => tryNodeOptions(program()));

    await attempt('the test packaging does open a port when told to (so that its absence below means something)', () => tryControl(program()));

    await attempt('the shipping set is built', async () => {
      folder = await pack(electron, out, { name: 'shipping', inspectable: false });
    });
    await attempt('its fuses read back as the table says', async () => {
      const found = await readFuses(program());
      expectEqual('fuses', found, decideFuses(Object.keys(found), false));
    });
    await attempt('as it ships it opens no port, whatever it is told', () => tryPorts(program()));
    await attempt("as it ships its page runs in Chromium's sandbox", () => trySandbox(folder));
    if (electron.old) console.log(`Not shown here: the fuses that Electron ${electron.version} does not have, and the behaviour of the product's own Electron.`);
  } finally {
    for (const child of started) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    display.server.kill();
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    if (process.env.WARPDECK_KEEP_PACKAGING !== '1') rmSync(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

async function clickThrough(program, folder) {
  const dataDir = freshData();
  const app = await _electron.launch({ executablePath: program, args: [...sandboxArgs, '--disable-gpu', '--data-dir', dataDir, '--gpus', 'simulate:2'], env: cleanEnvironment({ WARPDECK_PLAYWRIGHT_LOADER: loader }) });
  try {
    const page = await app.firstWindow();
    await page.getByRole('article', { name: /^GPU 1/ }).waitFor();
    expectEqual('packaged', await app.evaluate(({ app: electronApp }) => electronApp.isPackaged), true);
    const engine = readEnginePid(dataDir);
    expectEqual('the engine runs on', readlinkSync(`/proc/${String(engine)}/exe`), join(folder, 'resources/node/node'));
    const areas = page.getByRole('navigation', { name: 'Areas' });
    for (const name of ['Alerts', 'Settings', 'Monitor']) {
      await areas.getByRole('link', { name: new RegExp(`^${name}`) }).click();
      await page.getByRole('heading', { name, exact: true }).waitFor();
    }
    expectEqual('the page has its icon and fonts', await page.evaluate(() => [...document.fonts].every((f) => f.status !== 'error')), true);
  } finally {
    await app.close();
  }
  const engine = readEnginePid(dataDir);
  if (engine !== null) await waitUntil('the engine ends by itself after its last face', 15_000, () => !isAlive(engine));
}

async function tryAsNode(program) {
  const dataDir = freshData();
  const marker = join(dataDir, 'ran');
  const run = start(program, ['-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`], dataDir, { ELECTRON_RUN_AS_NODE: '1' });
  await waitForWindow(run, dataDir);
  expectEqual('code was run', existsSync(marker), false);
  await end(run, dataDir);
}

async function tryNodeOptions(program) {
  const dataDir = freshData();
  const marker = join(dataDir, 'ran');
  const script = join(dataDir, 'inject.cjs');
  writeFileSync(script, `require('fs').writeFileSync(${JSON.stringify(marker)}, process.execPath)`);
  const run = start(program, [], dataDir, { NODE_OPTIONS: `--require ${script}` });
  await waitForWindow(run, dataDir);
  expectEqual('code was run', existsSync(marker) ? readFileSync(marker, 'utf8') : false, false);
  await end(run, dataDir);
}

/** All that listen for TCP within a second: what is not there cannot be waited for. */
async function watchListeners(run, dataDir) {
  const seen = new Set();
  const until = Date.now() + 1000;
  await waitUntil('a second is over', 5000, () => {
    const engine = readEnginePid(dataDir);
    for (const listener of readTcpListeners([...readProcessTree(run.child.pid), ...(engine === null ? [] : readProcessTree(engine))])) seen.add(listener);
    return Date.now() > until;
  });
  return [...seen];
}

/** Without this the test above would also pass if it could not see ports at all. */
async function tryControl(program) {
  for (const args of [['--inspect=0'], ['--remote-debugging-port=0']]) {
    const dataDir = freshData();
    const run = start(program, args, dataDir);
    await waitForWindow(run, dataDir);
    if ((await watchListeners(run, dataDir)).length === 0) throw new Error(`no port was seen with ${args.join(' ')}`);
    await end(run, dataDir);
  }
}

async function tryPorts(program) {
  for (const args of [[], ['--inspect=0'], ['--inspect-brk=0'], ['--remote-debugging-port=0'], ['--remote-debugging-port=9777', '--remote-debugging-address=0.0.0.0', '--remote-allow-origins=*']]) {
    const dataDir = freshData();
    const run = start(program, args, dataDir);
    await waitForWindow(run, dataDir);
    // SIGUSR1 opens Node's inspector where it may.
    process.kill(run.child.pid, 'SIGUSR1');
    expectEqual(`listening with ${args.join(' ') || 'nothing'}`, await watchListeners(run, dataDir), []);
    expectEqual(`words about a debugger with ${args.join(' ') || 'nothing'}`, /DevTools listening|Debugger listening/.test(run.said()), false);
    expectEqual('a port file', existsSync(join(dataDir, 'desktop/DevToolsActivePort')), false);
    await end(run, dataDir);
  }
}

/** Root cannot have the sandbox, so root lends itself to nobody, in a copy that nobody may read. */
async function trySandbox(folder) {
  const root0 = process.getuid?.() === 0;
  const dataDir = freshData();
  let program = join(folder, 'warpdeck');
  if (root0) {
    const copy = join(scratch, 'app');
    execFileSync('cp', ['-a', folder, copy]);
    execFileSync('chmod', ['-R', 'go+rX', copy]);
    chmodSync(scratch, 0o755);
    chownSync(dataDir, NOBODY, NOBODY);
    program = join(copy, 'warpdeck');
  }
  const args = ['--disable-gpu', '--data-dir', dataDir, '--gpus', 'simulate:1'];
  const env = cleanEnvironment({ HOME: dataDir, XDG_RUNTIME_DIR: dataDir });
  const child = root0
    ? spawn('setpriv', ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', program, ...args], { env, cwd: dataDir, stdio: ['ignore', 'pipe', 'pipe'] })
    : spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { said += chunk.toString(); });
  const run = { child, said: () => said };
  try {
    await waitForWindow(run, dataDir);
  } catch (error) {
    if (!/No usable sandbox|SUID sandbox|user namespace/i.test(said)) throw error;
    // A kernel or container that forbids user namespaces: nothing of ours.
    throw new SkippedError(`this system offers no sandbox to an unprivileged user: ${said.trim().split('\n').at(-1)}`);
  }
  const tree = readProcessTree(child.pid);
  const renderers = tree.filter((pid) => commandLine(pid).includes('--type=renderer'));
  expectEqual('system call filters of the page', renderers.map((pid) => /^Seccomp:\s*(\d)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]), renderers.map(() => '2'));
  expectEqual('processes without sandbox', tree.map(commandLine).filter((line) => /--no-sandbox\b/.test(line)), []);
  await end(run, dataDir);
}

try {
  await main();
} catch (error) {
  counts.failed += 1;
  console.log(`FAILED  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}
console.log(JSON.stringify(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;
