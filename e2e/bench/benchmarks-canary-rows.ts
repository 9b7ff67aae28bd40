import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchmarkResult } from '../../contract/benchmarks.ts';
import { confirmRows, decideCanaryRow, MOST_HISTORY, type CanaryRow } from '../../core/benchmarks/canary/decide-canary.ts';
import { medianOf } from '../../core/statistics/median-interval.ts';
import { makeRandom } from '../../core/testing/series/make-random.ts';
import { recordedCanaries, type RecordedCanaries } from '../../core/testing/series/recorded-series.ts';
import { drawBlocks } from '../../core/testing/series/resample.ts';
import { lowerShare, upperShare } from '../../core/testing/series/share-interval.ts';
import { canaryCasesOf, runCanaryCases } from './benchmarks-canary-run.ts';
import type { BenchBase } from './benchmarks-place.ts';
import type { Row } from './row.ts';

const TRIALS = 1000;
const SLOWED = 0.9;
const LEAST_FOUND = 0.95;
const MOST_FALSE = 0.02;
/** About the cube root of the runs that are recorded. */
const BLOCK = 4;
const ALPHA = 0.025;

interface CanaryFile {
  readonly name: string;
  readonly recorded: RecordedCanaries;
}

/** Recorded by record-series.ts: core/benchmarks/canary/fixtures/series-*.json. */
export function readCanaryFiles(): CanaryFile[] {
  const folder = fileURLToPath(new URL('../../core/benchmarks/canary/fixtures/', import.meta.url));
  return readdirSync(folder).filter((name) => /^series-.*\.json$/.test(name)).sort().map((name) => ({ name, recorded: recordedCanaries.parse(JSON.parse(readFileSync(`${folder}${name}`, 'utf8'))) }));
}

interface Rate {
  readonly count: number;
  /** The largest slowdown of a case that went unpromised, in the median over trials. */
  readonly resolves: number;
}

/** Whole canaries: ten earlier ones, one now, and once more in a new process where it seems slower. All cases of a run stay together. */
function simulate({ cases }: RecordedCanaries, factorOf: (at: number, trial: number) => number, seed: number): Rate {
  const random = makeRandom(seed);
  const runs = cases[0]?.values.length ?? 0;
  let alarms = 0;
  const resolves: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    const drawn = drawBlocks(runs, MOST_HISTORY + 1, BLOCK, random);
    const now = drawn.at(-1) ?? 0;
    // Newest first, as they are stored.
    const before = drawn.slice(0, -1).reverse();
    const measure = (run: number): CanaryRow[] => cases.map(({ id, title, unit, higherIsBetter, values }, at) => decideCanaryRow({
      caseId: id, title, unit, higherIsBetter, history: before.map((one) => values[one] ?? Number.NaN), now: (values[run] ?? Number.NaN) * (higherIsBetter ? factorOf(at, trial) : 1 / factorOf(at, trial)),
    }, cases.length));
    const first = measure(now);
    const suspects = first.filter((one) => one.alarm).map((one) => one.caseId);
    const rows = confirmRows(first, measure((now + 1) % runs).filter((one) => suspects.includes(one.caseId)));
    if (rows.some((one) => one.alarm)) alarms++;
    resolves.push(Math.max(...rows.map((one) => one.resolves ?? 1)));
  }
  return { count: alarms, resolves: medianOf(resolves) };
}

const percent = (share: number): number => 100 * share;
const interval = (count: number): string => `${percent(lowerShare(count, TRIALS, ALPHA)).toFixed(2)} to ${percent(upperShare(count, TRIALS, ALPHA)).toFixed(2)} %`;

/** 1,000 canaries with nothing to find, and 1,000 with 10 % in every case; in the detail also with 10 % in one case alone. */
export function canaryRows(seed: number): Row[] {
  const files = readCanaryFiles();
  if (files.length === 0) return [{ what: 'Canary', must: 'be measured', value: Number.NaN, unit: '', ok: false, detail: { why: 'there is no recorded series' } }];
  return files.flatMap(({ name, recorded }): Row[] => {
    const calm = simulate(recorded, () => 1, seed);
    const slow = simulate(recorded, () => SLOWED, seed + 1);
    const one = simulate(recorded, (at, trial) => (at === trial % recorded.cases.length ? SLOWED : 1), seed + 2);
    const detail = { file: name, what: recorded.what, torch: recorded.torch, recordedAt: recorded.recordedAt, loadBefore: recorded.load[0], loadAfter: recorded.load[1], runs: recorded.cases[0]?.values.length ?? 0, cases: recorded.cases.map((each) => each.id).join(' '), resolvesPercent: percent(calm.resolves) };
    return [
      { what: `Canary: alarms of ${TRIALS} with 10 % slower, ${name}`, must: '≥ 95 %', value: percent(slow.count / TRIALS), unit: '%', ok: slow.count / TRIALS >= LEAST_FOUND, detail: { ...detail, interval: interval(slow.count), oneCaseOnly: percent(one.count / TRIALS), oneCaseInterval: interval(one.count) } },
      { what: `Canary: alarms of ${TRIALS} with nothing to find, ${name}`, must: '≤ 2 %', value: percent(calm.count / TRIALS), unit: '%', ok: calm.count / TRIALS <= MOST_FALSE, detail: { ...detail, interval: interval(calm.count) } },
    ];
  });
}

export interface LiveCanaryOptions {
  /** Earlier canaries, so many. */
  readonly history: number;
  readonly count: number;
  readonly caseSeconds: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Real canaries: a history, then as many with nothing to find and with work for 10 % more time, in turn. */
export async function canaryLiveRows(base: BenchBase, { history, count, caseSeconds, variables, signal }: LiveCanaryOptions): Promise<Row[]> {
  const cases = canaryCasesOf(base);
  const earlier: BenchmarkResult[][] = [];
  const measure = (factor: number, only: readonly string[] | null): Promise<BenchmarkResult[]> => runCanaryCases(base, { caseSeconds, signal, factor, variables, only });
  const judge = (results: readonly BenchmarkResult[]): CanaryRow[] => results.map(({ caseId, title, unit, higherIsBetter, median }) => decideCanaryRow({
    caseId, title, unit, higherIsBetter, now: median, history: earlier.toReversed().flatMap((run) => run.find((one) => one.caseId === caseId)?.median ?? []),
  }, cases.length));
  for (let run = 0; run < history; run++) {
    earlier.push(await measure(1, null));
    process.stderr.write(`  history ${run + 1} of ${history}\n`);
  }
  const alarms = { calm: 0, slow: 0 };
  const resolves: number[] = [];
  const ratios: number[] = [];
  for (let trial = 0; trial < count; trial++) {
    for (const [word, factor] of [['calm', 1], ['slow', SLOWED]] as const) {
      const results = await measure(factor, null);
      const first = judge(results);
      const suspects = first.filter((one) => one.alarm).map((one) => one.caseId);
      const rows = suspects.length === 0 ? first : confirmRows(first, judge(await measure(factor, suspects)));
      const isAlarm = rows.some((one) => one.alarm);
      if (isAlarm) alarms[word]++;
      if (word === 'slow') ratios.push(...rows.flatMap((one) => one.ratio ?? []));
      resolves.push(Math.max(...rows.map((one) => one.resolves ?? 1)));
      process.stderr.write(`  ${word} ${trial + 1} of ${count}: ${isAlarm ? 'alarm' : 'no alarm'} ${rows.map((one) => `${one.caseId} ${one.ratio?.toFixed(3) ?? '—'} (resolves ${percent(one.resolves ?? 1).toFixed(0)} %)`).join(', ')}\n`);
      // What alarmed is no measure for the next one.
      if (word === 'calm' && !isAlarm) earlier.push(results);
    }
  }
  const detail = { place: base.name, history, caseSeconds, resolvesPercent: percent(medianOf(resolves)) };
  return [
    { what: `Canary: alarms of ${count} live with work for 10 % more time`, must: `${count} of ${count}`, value: alarms.slow, unit: '', ok: alarms.slow === count, detail: { ...detail, medianRatio: medianOf(ratios) } },
    { what: `Canary: alarms of ${count} live with nothing to find`, must: '0', value: alarms.calm, unit: '', ok: alarms.calm === 0, detail },
  ];
}
