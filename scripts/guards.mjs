// Proves that each guard of the repository bites: lays the planted violations of scripts/guard-fixtures/tree beside
// the repository's own configurations in a temporary folder, runs the tools there, and fails for every violation that
// its tool does not report, for every rule of ours without a violation, and for every report about an innocent file.
//
// Use: node scripts/guards.mjs [--json FILE]     Prints a line per failure; FILE gets {passed, failed, failures}.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tree = join(root, 'scripts', 'guard-fixtures', 'tree');
const configs = ['package.json', 'eslint.config.mjs', '.dependency-cruiser.cjs', 'knip.json', 'tsconfig.base.json', 'tsconfig.json', ...['contract', 'core', 'native-workers', 'electron', 'renderer', 'e2e', 'scripts'].map((name) => `${name}/tsconfig.json`)];

/** Every `// guard: TOOL/RULE` line at the head of a file of the tree. */
function readExpectations() {
  const files = readdirSync(tree, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name));
  return files.map((entry) => {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const guards = [...readFileSync(path, 'utf8').matchAll(/^\/\/ guard: ([a-z]+)\/(\S+)$/gm)].map(([, tool, rule]) => ({ tool, rule }));
    return { file: relative(tree, path).split(sep).join('/'), guards };
  });
}

function runTool(cwd, script, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => { said.out += text; });
    child.stderr.setEncoding('utf8').on('data', (text) => { said.err += text; });
    child.once('error', reject);
    child.once('close', (code) => resolve({ ...said, code }));
  });
}

/** A tool's answer as JSON; what it said instead is the error. */
function parseAnswer(tool, { out, err, code }) {
  try {
    return JSON.parse(out);
  } catch {
    throw new Error(`${tool} gave no report (exit ${code}): ${(err || out).trim().slice(0, 2000)}`);
  }
}

const bin = (name) => join(root, 'node_modules', name);

/** Each tool: runs in the folder, gives findings as {file, rule} with paths relative to it. */
const tools = {
  async depcruise(folder) {
    const folders = ['contract', 'core', 'native-workers', 'electron', 'renderer', 'e2e', 'bin', 'scripts'];
    const answer = parseAnswer('depcruise', await runTool(folder, bin('dependency-cruiser/bin/dependency-cruiser.mjs'), ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders]));
    return answer.summary.violations.map((violation) => ({ file: violation.from, rule: violation.rule.name }));
  },
  async eslint(folder) {
    const answer = parseAnswer('eslint', await runTool(folder, bin('eslint/bin/eslint.js'), ['--format', 'json', '.']));
    return answer.flatMap(({ filePath, messages }) => messages.map((message) => ({ file: relative(folder, filePath).split(sep).join('/'), rule: message.ruleId ?? (/^Unused eslint-disable/.test(message.message) ? 'unused-directive' : `fatal: ${message.message}`) })));
  },
  async tsc(folder) {
    const { out, err } = await runTool(folder, bin('typescript/bin/tsc'), ['-b', '--pretty', 'false']);
    const findings = [...out.matchAll(/^([^\s(][^(\n]*)\(\d+,\d+\): error (TS\d+):/gm)].map(([, file, rule]) => ({ file: file.split(sep).join('/'), rule }));
    if (findings.length === 0) throw new Error(`tsc gave no report: ${(out + err).slice(0, 2000)}`);
    return findings;
  },
  async knip(folder) {
    const answer = parseAnswer('knip', await runTool(folder, bin('knip/bin/knip.js'), ['--no-progress', '--reporter', 'json']));
    return answer.issues.flatMap((issue) => Object.entries(issue).flatMap(([rule, found]) => (Array.isArray(found) && found.length > 0 && rule !== 'owners' ? [{ file: issue.file, rule }] : [])));
  },
};

/** Rules of ours that must have a planted violation. */
function listOwnRules() {
  const { forbidden } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs'));
  return ['depcruise/not-in-allowed', ...forbidden.map((rule) => `depcruise/${rule.name}`), 'eslint/no-restricted-imports', 'eslint/no-restricted-properties', 'eslint/no-restricted-syntax', 'eslint/max-lines', 'knip/files', 'knip/exports'];
}

async function main() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'warpdeck-guards-')));
  const results = [];
  try {
    cpSync(tree, folder, { recursive: true });
    for (const name of configs) if (existsSync(join(root, name))) cpSync(join(root, name), join(folder, name), { recursive: true });
    // The compiler's own cache lies in node_modules: a folder of links keeps the planted tree's apart.
    linkPackages(folder);
    const expectations = readExpectations();
    const findings = {};
    for (const [tool, run] of Object.entries(tools)) findings[tool] = await run(folder);

    const planted = new Set();
    for (const { file, guards } of expectations) {
      for (const { tool, rule } of guards) {
        planted.add(`${tool}/${rule}`);
        const found = findings[tool]?.some((finding) => finding.file === file && finding.rule === rule) ?? false;
        const instead = [...new Set((findings[tool] ?? []).filter((finding) => finding.file === file).map((finding) => finding.rule))];
        results.push({ name: `${tool} reports ${rule} in ${file}`, ok: found, detail: instead.length > 0 ? `it reports ${instead.join(', ')}` : 'it reports nothing' });
      }
    }
    for (const rule of listOwnRules()) results.push({ name: `${rule} has a planted violation`, ok: planted.has(rule), detail: 'add one to scripts/guard-fixtures/tree' });
    const innocent = new Set(expectations.filter((entry) => entry.guards.length === 0).map((entry) => entry.file));
    for (const tool of ['depcruise', 'eslint', 'tsc']) {
      const wrong = findings[tool].filter((finding) => innocent.has(finding.file));
      results.push({ name: `${tool} leaves the innocent files alone`, ok: wrong.length === 0, detail: wrong.map((finding) => `${finding.file}: ${finding.rule}`).join(', ') });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

function linkPackages(folder) {
  const target = join(folder, 'node_modules');
  cpSync(join(root, 'package.json'), join(target, '.keep', 'package.json'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '.cache') continue;
    symlinkSync(join(root, 'node_modules', name), join(target, name), process.platform === 'win32' ? 'junction' : undefined);
  }
}

const results = await main().catch((error) => [{ name: 'the guards run', ok: false, detail: error.message }]);
const failures = results.filter((result) => !result.ok);
for (const failure of failures) process.stderr.write(`✗ ${failure.name}: ${failure.detail}\n`);
process.stderr.write(`${results.length - failures.length} guards hold, ${failures.length} do not.\n`);
const at = process.argv.indexOf('--json');
if (at >= 0) writeFileSync(process.argv[at + 1], JSON.stringify({ passed: results.length - failures.length, failed: failures.length, failures: failures.map((failure) => `${failure.name}: ${failure.detail}`) }));
process.exit(failures.length === 0 && results.length > 0 ? 0 : 1);
