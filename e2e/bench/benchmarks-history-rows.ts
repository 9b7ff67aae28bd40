import { dataFolder } from '../../core/system/data-folder.ts';
import { startEngine } from './engine-process.ts';
import { openBrowser, openPage } from './inference-browser-rows.ts';
import type { Row } from './row.ts';
import { seedBenchmarks, type SeededBenchmarks } from './seed-benchmarks.ts';
import { spreadOf } from './statistics.ts';
import { timeTo, type Sight } from './time-to.ts';

const MUST_MS = 300;
const ROUNDS = 15;
/** 24 cases of 20 samples a day: 100,800 of matrix products, and what the roofline besides needs. */
const DAYS = 210;
const SAMPLES_PER_CASE = 20;
/** As many as the runner takes of a case at most; 21 days of it are 105,000. */
const MOST_SAMPLES = 5000;
const LONG_DAYS = 21;

const gpu = { key: 'GPU-51a00000-0000-4000-8000-000000000000', name: 'NVIDIA GeForce RTX 5090' };

/** All that the page shows: bars, the whole line of the history, the comparison of the newest two runs, the roofline; the charts too, which are drawn after the rest. */
const whole = (runs: number): readonly Sight[] => [
  { selector: '.b-bars .btab', words: 'BF16' },
  { selector: '.b-hist caption', words: `${String(runs)} runs` },
  { selector: '.b-cmp .bsentence', words: 'B against A' },
  { selector: '.b-roof .blegend', words: 'GB/s' },
  ...['.b-bars .btrack', '.b-hist .bplot', '.b-roof .bplot'].map((chart) => ({ selector: `${chart} svg.recharts-surface`, words: '' })),
];

/**
 * How long the page of the benchmarks takes over a history of 100,000 samples, in Chromium: of many small runs, and of
 * few with as many samples as the runner ever takes. At once in a fresh page (its code, what is stored and the comparison
 * are all fetched), in one that has been open for so long that it has fetched the code by itself (two seconds and a
 * moment with nothing to do), and as it is come back to.
 */
export async function historyRows(rounds = ROUNDS): Promise<Row[]> {
  return [
    ...await measure('many runs', { runs: DAYS, samplesPerCase: SAMPLES_PER_CASE, cases: null }, rounds),
    ...await measure('long runs', { runs: LONG_DAYS, samplesPerCase: MOST_SAMPLES, cases: ['bf16-8192', 'copy-1-gib'] }, rounds),
  ];
}

async function measure(shape: string, how: { readonly runs: number; readonly samplesPerCase: number; readonly cases: readonly string[] | null }, rounds: number): Promise<Row[]> {
  const seeded: SeededBenchmarks[] = [];
  const engine = await startEngine({
    gpus: 'simulate:1',
    prepare: async (dataDir) => { seeded.push(await seedBenchmarks(dataFolder(dataDir).database, { ...how, places: [gpu], benchmarks: ['matmul', 'bandwidth'] })); },
  });
  const browser = await openBrowser();
  try {
    const [made] = seeded;
    if (made === undefined) throw new Error('Nothing was written.');
    const { client, ws } = await engine.connect();
    const web = await client.engine.startWeb({ port: 0 });
    const cold: number[] = [];
    const fresh: number[] = [];
    const again: number[] = [];
    for (let round = 0; round <= 2 * rounds + 1; round += 1) {
      const page = await openPage(browser, web, '/monitor', { probed: false });
      await page.getByRole('article').first().waitFor();
      const isCold = round % 2 === 0;
      if (!isCold) await page.waitForFunction(() => performance.getEntriesByType('resource').some((one) => /\/benchmarks-page-[^/]*\.js$/.test(one.name)));
      const first = await timeTo(page, { hash: '#/benchmarks/matmul' }, whole(how.runs));
      await timeTo(page, { hash: '#/monitor' }, { selector: 'article', words: '' });
      const second = await timeTo(page, { hash: '#/benchmarks/matmul' }, whole(how.runs));
      // The first ones make the engine open its database.
      if (round > 1) {
        (isCold ? cold : fresh).push(first);
        again.push(second);
      }
      await page.context().close();
    }
    ws.close();
    const what = `history of ${made.samples.toLocaleString('en')} samples in ${String(made.runs)} ${shape}`;
    return [opened(`${what}, page opens before its code is there`, cold), opened(`${what}, page opens for the first time`, fresh), opened(`${what}, page opens again`, again)];
  } finally {
    await engine.stop();
    await browser.close();
  }
}

function opened(what: string, ms: readonly number[]): Row {
  const spread = spreadOf(ms);
  return { what, must: `≤ ${String(MUST_MS)}`, value: spread.median, unit: 'ms', ok: spread.median <= MUST_MS, detail: { low: spread.low, high: spread.high, most: Math.max(...ms), n: spread.n } };
}
