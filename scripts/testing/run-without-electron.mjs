// Proves that the engine and the command line work where Electron was never installed: copies what a server needs
// (bundles, tables, the packages of `dependencies` that they load) to a folder of its own and runs them there.
//
// Use: node scripts/testing/run-without-electron.mjs --json FILE
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'warpdeck-server-'));
const failures = [];
let passed = 0;

function check(name, work) {
  try {
    work();
    passed += 1;
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
  }
}

/** The command line in that folder. An own data folder, so that no engine of the user is met. */
function runCli(args) {
  const env = { PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8' };
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [join(folder, 'out', 'engine', 'cli.mjs'), ...args, '--data-dir', join(folder, 'data')], { cwd: folder, env, encoding: 'utf8', timeout: 60_000 });
  if (error) throw error;
  return { status, stdout, stderr };
}

try {
  for (const part of ['out/engine', 'out/workers', 'resources', 'package.json', 'node_modules/koffi', 'node_modules/@koromix']) {
    if (existsSync(join(root, part))) cpSync(join(root, part), join(folder, part), { recursive: true, dereference: true });
  }
  check('no bundle of the engine, the workers or the command line imports electron', () => {
    for (const name of readdirSync(join(folder, 'out'), { recursive: true })) {
      if (!/\.mjs$/.test(name)) continue;
      if (/(from|import\(|require\()\s*['"]electron['"]/.test(readFileSync(join(folder, 'out', name), 'utf8'))) throw new Error(`${name} does`);
    }
  });
  check('the command line reads simulated GPUs', () => {
    const { status, stdout, stderr } = runCli(['gpus', '--json', '--gpus', 'simulate:2']);
    if (status !== 0) throw new Error(`exit code ${status}: ${stderr.slice(-500)}`);
    const text = JSON.stringify(JSON.parse(stdout));
    const devices = new Set(text.match(/"uuid":"[^"]+"/g));
    if (devices.size !== 2) throw new Error(`it names ${devices.size} devices: ${text.slice(0, 300)}`);
  });
  check('the command line lists the operations', () => {
    const { status, stdout, stderr } = runCli(['api', '--json']);
    if (status !== 0) throw new Error(`exit code ${status}: ${stderr.slice(-500)}`);
    if (!JSON.stringify(JSON.parse(stdout)).includes('gpus.list')) throw new Error(`gpus.list is not in it: ${stdout.slice(0, 300)}`);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const failure of failures) process.stderr.write(`✗ ${failure}\n`);
const at = process.argv.indexOf('--json');
if (at >= 0) writeFileSync(process.argv[at + 1], JSON.stringify({ passed, failed: failures.length, failures }));
process.exit(failures.length === 0 ? 0 : 1);
