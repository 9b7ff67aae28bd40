// `npm run check`: the quick half of `npm test`, without a build, a browser, a window or a package.
import { fileURLToPath } from 'node:url';
import { continueOnNode24 } from './testing/on-node-24.mjs';
import { runSuite } from './testing/run-suite.mjs';
import { createSteps } from './testing/steps.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  await continueOnNode24({ root, script: fileURLToPath(import.meta.url) });
  process.exitCode = await runSuite({
    root,
    lanes: (env) => {
      const steps = createSteps({ root, env });
      return [
        [[['types', steps.types], ['dependency rules', steps.dependencies], ['nothing unused', steps.unused]], [['lint', steps.lint]]],
        [[['unit and process tests', steps.unit]]],
      ];
    },
  });
} catch (error) {
  process.stderr.write(`${error.remedy ? `${error.message}\n${error.remedy}` : error.stack}\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exitCode = 1;
}
