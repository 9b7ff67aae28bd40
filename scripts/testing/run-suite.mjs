// Runs the parts of a suite, says how each went and how long it took, and closes with the one line that counts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { failedTally, sumTallies } from './read-reports.mjs';

const say = (text) => process.stderr.write(`${text}\n`);

/**
 * The environment of all tests: Node 24 first on PATH, no settings of the user's Warpdeck, and a data folder that
 * catches whatever forgets to name its own.
 */
export function testEnvironment({ root, dataDir, env = process.env }) {
  const kept = Object.entries(env).filter(([name]) => !/^(WARPDECK_(?!TEST_|ELECTRON|HARNESS|FACES)|npm_|NODE_OPTIONS$|NODE_ENV$|FORCE_COLOR$|ELECTRON_RUN_AS_NODE$|PATH$)/i.test(name));
  return { ...Object.fromEntries(kept), PATH: [join(root, 'node_modules', '.bin'), env.PATH ?? ''].join(delimiter), WARPDECK_DATA_DIR: dataDir, NO_COLOR: '1' };
}

/**
 * @param {{ root: string, lanes: (env: NodeJS.ProcessEnv) => (readonly [string, () => Promise<import('./read-reports.mjs').Tally>])[][][] }} suite
 *   Groups run one after the other; the lanes of a group beside each other; the parts of a lane in order.
 * @returns {Promise<number>} the exit code
 */
export async function runSuite({ root, lanes }) {
  const dataDir = mkdtempSync(join(tmpdir(), 'warpdeck-test-data-'));
  const started = Date.now();
  const tallies = [];
  const runPart = async ([name, part]) => {
    const from = Date.now();
    // A part that throws is a failure like any other; the rest still runs.
    const tally = await part().catch((error) => failedTally(`${name}: ${error.stack ?? error}`));
    tallies.push({ name, ...tally });
    say(`${tally.failed === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(28)} ${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''} (${((Date.now() - from) / 1000).toFixed(1)} s)`);
  };
  try {
    for (const group of lanes(testEnvironment({ root, dataDir }))) {
      await Promise.all(group.map(async (lane) => {
        for (const part of lane) await runPart(part);
      }));
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
  for (const { name, failures } of tallies) for (const failure of failures) say(`\n✗ ${name}: ${failure}`);
  for (const { note } of tallies) if (note !== undefined) say(note);
  const { passed, failed } = sumTallies(tallies);
  say(`\nTook ${((Date.now() - started) / 1000).toFixed(0)} s. Logs and reports: test-results/`);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}
