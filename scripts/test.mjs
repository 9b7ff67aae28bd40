// `npm test`: everything that can be tested without a GPU, from a bare checkout with Node ≥ 20.11 and nothing else
// typed. Imports nothing outside Node. Its last line is `N passed, N failed`, summed over all runners.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgressLog, ensureBuilt } from '../bin/ensure-ready.mjs';
import { continueOnNode24 } from './testing/on-node-24.mjs';
import { failedTally, passedTally } from './testing/read-reports.mjs';
import { runProcess } from './testing/run-process.mjs';
import { runSuite } from './testing/run-suite.mjs';
import { createSteps } from './testing/steps.mjs';
import { ensureSystemPackages } from './testing/system-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const APT_LIMIT_MS = 10 * 60_000;

async function readySystem() {
  const log = (text) => process.stderr.write(`${text}\n`);
  const run = (command) => runProcess({ cwd: root, limitMs: APT_LIMIT_MS, logFile: join(root, 'test-results', 'logs', 'apt-get.log'), ...command });
  const wrong = await ensureSystemPackages({ log, run });
  return wrong.length === 0 ? passedTally() : failedTally(wrong.join('\n'));
}

async function build() {
  await ensureBuilt({ root, log: createProgressLog() });
  return passedTally();
}

try {
  await continueOnNode24({ root, script: fileURLToPath(import.meta.url) });
  process.exitCode = await runSuite({
    root,
    lanes: (env) => {
      const steps = createSteps({ root, env });
      steps.clearLogs();
      return [
        [[['system packages', readySystem], ['build', build]]],
        [
          [['lockfile is complete', steps.lockComplete], ['lockfile can be installed', steps.lockInstallable], ['types', steps.types], ['dependency rules', steps.dependencies], ['nothing unused', steps.unused], ['guards bite', steps.guards]],
          [['lint', steps.lint]],
        ],
        [[['unit and process tests', steps.unit], ['without Electron', steps.withoutElectron], ['real wheels', steps.wheels], ['browser and window', steps.ends], ['packaging', steps.packaging]]],
      ];
    },
  });
} catch (error) {
  process.stderr.write(`${error.remedy ? `${error.message}\n${error.remedy}` : error.stack}\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exitCode = 1;
}
