// The parts of `npm test` and `npm run check`, each a function from a context to a tally.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNpm } from '../../bin/ensure-ready.mjs';
import { decideTally, failedTally, passedTally, readPlainReport, readPlaywrightReport, readVitestReport } from './read-reports.mjs';
import { runProcess } from './run-process.mjs';

const MINUTE = 60_000;

/**
 * @param {{ root: string, env: NodeJS.ProcessEnv }} where
 * @returns a runner of one tool: its log lies in test-results/logs/NAME.log
 */
function createTools({ root, env }) {
  const results = join(root, 'test-results');
  const run = (name, args, more = {}) => runProcess({ program: process.execPath, args, cwd: root, env, limitMs: 15 * MINUTE, logFile: join(results, 'logs', `${name}.log`), ...more });
  const bin = (path) => join(root, 'node_modules', path);

  /** A tool whose only answer is its exit code counts as one test. */
  const asGuard = async (name, args, more) => {
    const { exitCode, signal, timedOut, tail } = await run(name, args, more);
    return exitCode === 0 && !timedOut ? passedTally() : failedTally(`${name} ended with ${signal ?? `exit code ${exitCode}`}${timedOut ? ' (too slow)' : ''}\n${tail}`);
  };

  /** A runner that leaves a JSON report. An old report must not speak for a crashed run. */
  const asSuite = async (name, read, makeArgs, more) => {
    const report = join(results, `${name}.json`);
    rmSync(report, { force: true });
    mkdirSync(results, { recursive: true });
    const ended = await run(name, makeArgs(report), typeof more === 'function' ? more(report) : more);
    return decideTally({ name, read, reportText: existsSync(report) ? readFileSync(report, 'utf8') : null, ...ended });
  };
  return { run, bin, asGuard, asSuite, results };
}

/** Every part by name. Order and grouping is the caller's. */
export function createSteps({ root, env }) {
  const { run, bin, asGuard, asSuite, results } = createTools({ root, env });
  return {
    types: () => asGuard('tsc', [bin('typescript/bin/tsc'), '-b', '--pretty', 'false']),
    lint: () => asGuard('eslint', ['--max-old-space-size=4096', bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0']),
    dependencies: () => asGuard('dependency-cruiser', [bin('dependency-cruiser/bin/dependency-cruiser.mjs'), '--config', '.dependency-cruiser.cjs', 'contract', 'core', 'native-workers', 'electron', 'renderer', 'e2e', 'bin', 'scripts', 'vitest.config.ts', 'eslint.config.mjs']),
    unused: () => asGuard('knip', [bin('knip/bin/knip.js'), '--no-progress']),
    guards: () => asSuite('guards', readPlainReport, (report) => ['scripts/guards.mjs', '--json', report]),
    unit: () => asSuite('vitest', readVitestReport, (report) => [bin('vitest/vitest.mjs'), 'run', '--maxWorkers=2', '--reporter=json', '--reporter=dot', `--outputFile.json=${report}`], { limitMs: 30 * MINUTE }),

    lockComplete: () => asGuard('lockfile-complete', ['scripts/complete-lockfile.mjs', '--check']),
    /** `npm ci` would accept the lockfile: asked in an empty folder, so that nothing here can be touched. */
    async lockInstallable() {
      const folder = mkdtempSync(join(tmpdir(), 'warpdeck-lock-'));
      try {
        for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(root, name), join(folder, name));
        const npm = findNpm();
        return await asGuard('npm-ci-dry-run', [...npm.args, 'ci', '--dry-run', '--engine-strict=false', '--loglevel=error'], { program: npm.program, shell: npm.shell, cwd: folder, limitMs: 3 * MINUTE });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },

    /** Real wheels where their cache is warm; what was left out is said before the closing line. */
    async wheels() {
      const report = join(results, 'wheels.json');
      rmSync(report, { force: true });
      mkdirSync(results, { recursive: true });
      const ended = await run('wheels', ['scripts/test-wheels.mjs', '--if-warm', '--json', report]);
      const reportText = existsSync(report) ? readFileSync(report, 'utf8') : null;
      if (reportText !== null && ended.exitCode === 0 && JSON.parse(reportText).skipped > 0) return { passed: 0, failed: 0, skipped: 1, failures: [], note: 'Real PyTorch wheels were skipped: they are not in the cache (npm run test:wheels, 3 GB).' };
      return decideTally({ name: 'wheels', read: readPlainReport, reportText, ...ended });
    },

    withoutElectron: () => asSuite('without-electron', readPlainReport, (report) => ['scripts/testing/run-without-electron.mjs', '--json', report], { limitMs: 3 * MINUTE }),

    async ends() {
      if (!existsSync(join(root, 'e2e', 'playwright.config.ts'))) return failedTally('e2e/playwright.config.ts is missing');
      // Its global setup starts a display where there is none; the variable makes its configuration write the report.
      return asSuite('playwright', readPlaywrightReport, () => [bin('@playwright/test/cli.js'), 'test', '--config', 'e2e/playwright.config.ts'], (report) => ({
        env: { ...env, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
        limitMs: 30 * MINUTE,
      }));
    },

    /** The last line of its output is its report. */
    async packaging() {
      const script = join(root, 'scripts', 'test-packaging.mjs');
      if (!existsSync(script)) return failedTally('scripts/test-packaging.mjs is missing');
      const ended = await run('packaging', [script], { limitMs: 20 * MINUTE });
      const reportText = ended.stdout.trim().split('\n').findLast((line) => line.startsWith('{')) ?? null;
      return decideTally({ name: 'packaging', read: readPlainReport, reportText, ...ended });
    },

    clearLogs: () => {
      for (const name of existsSync(results) ? readdirSync(results) : []) if (name === 'logs' || name.endsWith('.json')) rmSync(join(results, name), { recursive: true, force: true });
    },
  };
}
