#!/usr/bin/env node
// Launcher: installs and builds what is missing, switches to Node 24, then runs the command line or the desktop
// window. Imports nothing outside Node, works on Node 20.11, prints to stderr only.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decideDesktop, decideOpener, findElectron, parseAppArguments } from './desktop.mjs';
import { NotReadyError, createProgressLog, ensureBuilt, ensureInstalled, findNode24, missingNode } from './ensure-ready.mjs';

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const args = process.argv.slice(2);
const forwarded = process.platform === 'win32' ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
/** An Electron that ends with an error within this time never showed a window: its sandbox, a library, the display. */
const WINDOW_START_MS = 8000;

/** Opens a page (a file or an address) for the command line, which may not start programs itself. */
function openPage(target) {
  const opener = decideOpener({});
  if (!opener) return;
  const child = spawn(opener.program, [...opener.args, target], { stdio: 'ignore', detached: true });
  // No opener: the address is printed all the same.
  child.once('error', () => {});
  child.unref();
}

/** Runs a program in the foreground, forwarding signals. */
function runForeground(program, programArgs, { env = process.env, ipc = false } = {}) {
  return new Promise((resolve, reject) => {
    const started = Date.now();
    const child = spawn(program, programArgs, { stdio: ipc ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit', env });
    const handlers = forwarded.map((name) => [name, () => child.kill(name)]);
    for (const [name, handler] of handlers) process.on(name, handler);
    if (ipc) child.on('message', (message) => {
      if (typeof message?.open === 'string') openPage(message.open);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const [name, handler] of handlers) process.off(name, handler);
      resolve({ code, signal, tookMs: Date.now() - started });
    });
  });
}

/** Ends as the child ended: its code, or its signal upon ourselves. */
function endAs({ code, signal }) {
  if (signal === null) process.exit(code ?? 4);
  process.kill(process.pid, signal);
  // A signal that does not end this process (a stop, an ignored one) must not look like success.
  setTimeout(() => process.exit(4), 1000);
}

async function main() {
  const log = createProgressLog(process.stderr, args.includes('--quiet') || args.includes('-q'));
  await ensureInstalled({ root, log });
  await ensureBuilt({ root, log });
  const node = findNode24({ root });
  if (node === null) throw missingNode();

  let cliArgs = args;
  const appArgs = parseAppArguments(args);
  if (appArgs !== null) {
    const desktop = decideDesktop({ electron: findElectron({ root }), built: existsSync(join(root, 'out', 'main', 'main.cjs')) });
    let why = desktop.kind === 'browser' ? desktop.why : '';
    if (desktop.kind === 'window') {
      const env = { ...process.env };
      delete env.ELECTRON_RUN_AS_NODE;
      const end = await runForeground(desktop.program, [root, ...appArgs], { env });
      const failedAtStart = end.tookMs < WINDOW_START_MS && end.signal !== 'SIGINT' && end.signal !== 'SIGTERM' && end.code !== 0;
      if (!failedAtStart) return endAs(end);
      why = `Electron ended with ${end.signal ?? `code ${end.code}`} right after its start`;
    }
    log.line(`No desktop window: ${why}. Serving the same interface for a browser.`);
    cliArgs = ['app', ...args.filter((arg) => arg !== 'app')];
  }
  const bundle = join(root, 'out', 'engine', 'cli.mjs');
  // Compiled code is kept between runs, for the engine that this starts too: a third off the start.
  const env = { NODE_COMPILE_CACHE: join(root, 'out', '.compile-cache'), ...process.env };
  endAs(await runForeground(node, ['--disable-warning=ExperimentalWarning', bundle, ...cliArgs], { ipc: true, env }));
}

main().catch((error) => {
  process.stderr.write(`warpdeck: ${error instanceof NotReadyError ? `${error.message}\n${error.remedy}` : (error?.stack ?? error)}\n`);
  process.exit(error instanceof NotReadyError ? 3 : 4);
});
