/**
 * `npm run bench:benchmarks [--place cpu|gpu|GPU-UUID] [--env PREFIX] [--threads N] [--live 20] [--seconds 20]
 * [--case-seconds 2] [--tune-seconds 900] [--goal prompt|decode] [--seed 1] [--calm SECONDS] [ROW …]`: whether what is
 * measured can be trusted, and what it costs. Rows: aa injected canary (resampled from recorded series; `record-series.ts`
 * makes them), aa-live injected-live canary-live truth annotation (processes at the place), tune, history (a browser).
 * `--calm`: so long is waited before each row for a load below 1.5. Prints a table and one JSON object; exit code 1 when a
 * row is missed.
 */
import { loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { problemOf } from '../../contract/problem.ts';
import { annotationRows } from './benchmarks-annotation-row.ts';
import { canaryLiveRows, canaryRows } from './benchmarks-canary-rows.ts';
import { aaLiveRow, aaRows, injectedLiveRow, injectedRows, readEffectFiles } from './benchmarks-effect-rows.ts';
import { openBase, type BenchBase } from './benchmarks-place.ts';
import { truthRows } from './benchmarks-truth-rows.ts';
import { tuneRows } from './benchmarks-tune-row.ts';
import { describeRow, printRows, type Row } from './row.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: {
  place: { type: 'string', default: 'cpu' }, env: { type: 'string' }, threads: { type: 'string' }, live: { type: 'string', default: '20' }, seconds: { type: 'string', default: '20' }, workload: { type: 'string', default: 'matmul-small' },
  'case-seconds': { type: 'string', default: '2' }, 'tune-seconds': { type: 'string', default: '900' }, goal: { type: 'string', default: 'prompt' }, pairs: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' }, calm: { type: 'string', default: '0' },
} });
const CALM_LOAD = 1.5;
const CANARIES = 3;
const CANARY_HISTORY = 6;
const seed = Number(values.seed);
const variables: Record<string, string> = values.threads === undefined ? {} : { OMP_NUM_THREADS: values.threads, MKL_NUM_THREADS: values.threads };
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('Ended by a signal.')));
const { signal } = stop;
const live = { count: Number(values.live), seconds: Number(values.seconds), workload: values.workload, variables, signal };

let opened: BenchBase | null = null;
const base = async (): Promise<BenchBase> => (opened ??= await openBase(values.place, values.env ?? null));
const parts: Readonly<Record<string, () => Row | readonly Row[] | Promise<Row | readonly Row[]>>> = {
  aa: () => aaRows(readEffectFiles(), seed),
  injected: () => injectedRows(readEffectFiles(), seed),
  canary: () => canaryRows(seed),
  truth: async () => truthRows(await base(), { seconds: live.seconds, variables, signal }),
  annotation: async () => annotationRows(await base(), { pairs: Number(values.pairs), variables, signal }),
  'aa-live': async () => aaLiveRow(await base(), live),
  'injected-live': async () => injectedLiveRow(await base(), { ...live, count: Math.ceil(live.count / 2) }),
  'canary-live': async () => canaryLiveRows(await base(), { history: CANARY_HISTORY, count: CANARIES, caseSeconds: Number(values['case-seconds']), variables, signal }),
  tune: () => tuneRows({ goal: values.goal, seconds: Number(values['tune-seconds']) }),
  // Its packages (a browser, oRPC) are not on a machine that only measures.
  history: async () => (await import('./benchmarks-history-rows.ts')).historyRows(),
};
const unknown = positionals.filter((name) => !Object.hasOwn(parts, name));
if (unknown.length > 0) throw new Error(`There is no row ${unknown.join(', ')}: ${Object.keys(parts).join(' ')}.`);

/** Load over the last minute, as it is when a row begins: waited for so that others do not stand in the figures. */
async function waitForCalm(): Promise<number> {
  const until = performance.now() + 1000 * Number(values.calm);
  while ((loadavg()[0] ?? 0) >= CALM_LOAD && performance.now() < until && !signal.aborted) await wait(2000);
  return loadavg()[0] ?? Number.NaN;
}

function describe(error: unknown): string {
  const problem = problemOf(error);
  if (problem !== null) return `${problem.title}. ${problem.cause}`;
  return error instanceof Error ? error.message : String(error);
}

const rows: Row[] = [];
try {
  for (const [name, measure] of Object.entries(parts)) {
    if (signal.aborted || (positionals.length > 0 && !positionals.includes(name))) continue;
    const loadBefore = await waitForCalm();
    process.stderr.write(`${name} … (load ${loadBefore.toFixed(2)})\n`);
    const began = performance.now();
    // What fails is a row too: the others are still worth their time.
    const made = await (async () => measure())().catch((error: unknown): Row => ({ what: name, must: 'be measured', value: Number.NaN, unit: '', ok: false, detail: { why: describe(error) } }));
    for (const one of [made].flat()) {
      const row: Row = { ...one, detail: { ...one.detail, loadAtStart: loadBefore, loadAtEnd: loadavg()[0] ?? null, tookSeconds: (performance.now() - began) / 1000 } };
      rows.push(row);
      process.stderr.write(`  ${describeRow(row)} ${JSON.stringify(row.detail)}\n`);
    }
  }
} finally {
  await (opened as BenchBase | null)?.stop();
}
printRows('benchmarks', rows);
process.exitCode = !signal.aborted && rows.every((row) => row.ok !== false) ? 0 : 1;
