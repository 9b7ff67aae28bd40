/**
 * `npm run bench:monitor [ROW …]`: the speed and memory of the live monitor against the C test driver, which waits
 * as long in each call as NVML was measured to. Rows: reading heap load start memory stalled browser. Prints a table and
 * one JSON object; exit code 1 when a row is missed.
 */
import { makeNvmlTestDriver } from '../../core/testing/nvml-driver/nvml-test-driver.ts';
import { benchBrowser } from './browser-rows.ts';
import { benchLoad, benchMemory, benchReading, benchStalled, benchStart } from './engine-rows.ts';
import { printRows, type Row } from './row.ts';
import { benchHeap } from './worker-rows.ts';

const parts = { reading: benchReading, heap: benchHeap, load: benchLoad, start: benchStart, memory: benchMemory, stalled: benchStalled, browser: benchBrowser };
const asked = process.argv.slice(2);
const driver = await makeNvmlTestDriver({ recording: 'h200-eight', control: { cost_us: 'measured' } });
const rows: Row[] = [];
try {
  for (const [name, bench] of Object.entries(parts)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    rows.push(...(await bench(driver.env)));
  }
} finally {
  await driver.dispose();
}
printRows('monitor', rows);
process.exitCode = rows.every((r) => r.ok) ? 0 : 1;
