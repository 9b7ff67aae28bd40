/**
 * `npm run bench:environments [--quick] [ROW …]`: speed and memory of finding, judging and changing environments, against
 * real PyTorch builds that uv installed. Rows: warm cold architectures fleet shared snapshot rollback. Prints a table and
 * one JSON object. A missed row says so; the exit code is 0 all the same, because a busy machine can miss one.
 */
import { loadavg } from 'node:os';
import { makeNvmlTestDriver } from '../../core/testing/nvml-driver/nvml-test-driver.ts';
import { makeBenchPlaces } from './environment-places.ts';
import { benchArchitectures, benchCold, benchFleet, benchShared, benchWarm } from './environment-rows.ts';
import { printEnvironmentRows, type EnvironmentRow } from './environment-table.ts';
import { benchRollback, benchSnapshot } from './environment-upgrade-rows.ts';

const PATIENCE_MS = 300_000;
const QUIET_LOAD = 0.7;

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const asked = args.filter((arg) => !arg.startsWith('-'));
const places = makeBenchPlaces({ quick });
if (args.includes('--when-quiet')) await waitForQuiet();
const driver = await makeNvmlTestDriver({ recording: 'h200-eight', control: { cost_us: 'measured' } });
const parts: Readonly<Record<string, () => Promise<EnvironmentRow[]>>> = quick
  ? { fleet: () => benchFleet(places, driver.env, false) }
  : {
      warm: () => benchWarm(places, driver.env),
      fleet: () => benchFleet(places, driver.env, true),
      shared: () => benchShared(places),
      architectures: () => benchArchitectures(places, driver.env),
      snapshot: () => benchSnapshot(places),
      rollback: () => benchRollback(places),
      // At the end: it takes from all others what they have in memory.
      cold: () => benchCold(places, driver.env),
    };
const unknown = asked.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) throw new Error(`There is no row ${unknown.join(', ')}; there are: ${Object.keys(parts).join(' ')}.`);
const loadBefore = loadavg()[0] ?? 0;
const rows: EnvironmentRow[] = [];
try {
  for (const [name, bench] of Object.entries(parts)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    // What fails is a row too: the others are still worth their time.
    const made = await bench().catch((error: unknown): EnvironmentRow[] => [{ what: name, must: 'be measured', met: false, measured: 'nothing', n: 0, spread: '', why: error instanceof Error ? (error.stack ?? error.message) : String(error), detail: {} }]);
    rows.push(...made);
    // Whoever stops it half way has what was measured until then.
    for (const row of made) process.stderr.write(`  ${row.met === true ? 'met' : row.met === null ? 'left out' : 'missed'}: ${row.what}: ${row.measured} (must ${row.must})\n`);
  }
} finally {
  await driver.dispose();
}
printEnvironmentRows(rows, { node: process.version, loadBefore, loadAfter: loadavg()[0] ?? 0, quick });

/** The load of others spoils figures; whoever asks for it waits some minutes until they are done. */
async function waitForQuiet(): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while ((loadavg()[0] ?? 0) > QUIET_LOAD && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 2000));
}
