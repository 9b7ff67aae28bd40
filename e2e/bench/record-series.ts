/**
 * `node e2e/bench/record-series.ts --place cpu|gpu|GPU-UUID --env PREFIX --out FILE [--what effects|canaries]
 * [--workloads NAME,…] [--generations 16] [--pairs 12] [--runs 40] [--case-seconds 3] [--threads 1] [--minutes 20]
 * [--note TEXT] [--continue]`: records what `bench:benchmarks` resamples, with the product's own processes. `effects`: for
 * each workload pairs of fresh processes, sampled as an effect card samples them. `canaries`: canaries one after the
 * other. The file is written after each round, whole: what is ended early can be used, and `--continue` goes on with it.
 */
import { loadavg } from 'node:os';
import { dirname, resolve } from 'node:path';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Arm, ArmWish } from '../../core/benchmarks/parts.ts';
import { findWorkload, armWorkload } from '../../core/optimize/effects/workloads.ts';
import { isBFirst } from '../../core/optimize/effects/plan-generation.ts';
import { countSamples, recordedCanaries, recordedEffects, type EffectSeries, type RecordedGeneration } from '../../core/testing/series/recorded-series.ts';
import { canaryCasesOf, runCanaryCases } from './benchmarks-canary-run.ts';
import { machineOf, openBase, wishOf } from './benchmarks-place.ts';

const { values } = parseArgs({ options: {
  place: { type: 'string', default: 'cpu' }, env: { type: 'string' }, out: { type: 'string' }, what: { type: 'string', default: 'effects' },
  workloads: { type: 'string', default: 'matmul-fp32,matmul-small,attention,convolution,training-step' }, generations: { type: 'string', default: '16' }, pairs: { type: 'string', default: '12' },
  runs: { type: 'string', default: '40' }, 'case-seconds': { type: 'string', default: '3' }, threads: { type: 'string' }, minutes: { type: 'string', default: '20' }, note: { type: 'string', default: '' }, continue: { type: 'boolean', default: false },
} });
if (values.out === undefined) throw new Error('Where to: --out FILE.');
if (values.what !== 'effects' && values.what !== 'canaries') throw new Error('--what is effects or canaries.');
const out = resolve(values.out);
const pairs = Number(values.pairs);
if (!(pairs >= 4 && pairs % 4 === 0)) throw new Error('--pairs is a multiple of four, so that the order of a pair goes round.');
const variables: Record<string, string> = values.threads === undefined ? {} : { OMP_NUM_THREADS: values.threads, MKL_NUM_THREADS: values.threads };
const until = performance.now() + Number(values.minutes) * 60_000;
/** As in core/optimize/effects/measure-effect.ts. */
const WARM_UP_SECONDS = 3;
const round = (value: number): number => Number(value.toPrecision(6));

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error('Ended by a signal.')));
const base = await openBase(values.place, values.env ?? null);
/** What is to be gone on with; null: nothing. */
const earlier: unknown = values.continue && existsSync(out) ? JSON.parse(readFileSync(out, 'utf8')) : null;
let loadBefore = loadavg()[0] ?? 0;
let facts: Arm['facts'] = {};

function write(kind: Readonly<Record<string, unknown>>): void {
  const text = {
    ...kind, what: `${base.name}${values.threads === undefined ? '' : `, ${values.threads} thread${values.threads === '1' ? '' : 's'}`}${values.note === '' ? '' : `, ${values.note}`}`, recordedAt: new Date().toISOString(), machine: machineOf(base),
    torch: String(facts['torch']), cuda: facts['cuda'] === null || facts['cuda'] === undefined ? null : String(facts['cuda']), load: [round(loadBefore), round(loadavg()[0] ?? 0)],
  };
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(`${out}.new`, `${JSON.stringify(text)}\n`);
  renameSync(`${out}.new`, out);
}

/** One pair of fresh processes, in the order in which an effect card starts and samples them. */
async function recordGeneration(workload: string, number: number): Promise<RecordedGeneration> {
  const began = performance.now();
  const wish: ArmWish = { ...wishOf(base, workload, variables), alternating: true };
  const started = await Promise.allSettled([base.startArm(wish, stop.signal, () => undefined), base.startArm(wish, stop.signal, () => undefined)]);
  try {
    const [a, b] = started.map((one) => { if (one.status === 'rejected') throw one.reason; return one.value; });
    if (a === undefined || b === undefined) throw new Error('Two processes were asked for.');
    facts = a.facts;
    await a.warmUp(WARM_UP_SECONDS);
    await b.warmUp(WARM_UP_SECONDS);
    const warm = performance.now();
    const taken: [number, number][] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const bFirst = isBFirst(number, pair);
      const first = await (bFirst ? b : a).sample();
      const second = await (bFirst ? a : b).sample();
      taken.push(bFirst ? [round(second.value), round(first.value)] : [round(first.value), round(second.value)]);
    }
    return { number, startSeconds: round((warm - began) / 1000), pairSeconds: round((performance.now() - warm) / 1000 / pairs), pairs: taken };
  } finally {
    await Promise.allSettled(started.flatMap((one) => (one.status === 'fulfilled' ? [one.value.end()] : [])));
  }
}

/** One generation of each workload after the other: what the machine goes through meanwhile is shared among them. */
async function recordEffects(): Promise<void> {
  const before = earlier === null ? null : recordedEffects.parse(earlier);
  loadBefore = before?.load[0] ?? loadBefore;
  const series: EffectSeries[] = values.workloads.split(',').map((name) => {
    const recipe = findWorkload(name.trim());
    const arm = recipe === null ? null : armWorkload(recipe, base.key);
    if (recipe === null || arm === null) throw new Error(`${name} does not run there.`);
    return { workload: recipe.workload.name, arm, unit: recipe.workload.unit, higherIsBetter: recipe.workload.higherIsBetter, variables, generations: before?.series.find((one) => one.arm === arm)?.generations ?? [] };
  });
  for (let number = series[0]?.generations.length ?? 0; number < Number(values.generations); number++) {
    for (const one of series) one.generations.push(await recordGeneration(one.arm, number));
    if (number > 0) write({ kind: 'effects', series });
    process.stderr.write(`generation ${number + 1}: ${series.map((one) => `${one.workload} ${countSamples(one)}`).join(', ')} (load ${(loadavg()[0] ?? 0).toFixed(2)})\n`);
    if (performance.now() > until) break;
  }
  recordedEffects.parse(JSON.parse(JSON.stringify({ kind: 'effects', what: '', recordedAt: '', machine: machineOf(base), torch: '', cuda: null, load: [0, 0], series })));
}

async function recordCanaries(): Promise<void> {
  const caseSeconds = Number(values['case-seconds']);
  const before = earlier === null ? null : recordedCanaries.parse(earlier);
  loadBefore = before?.load[0] ?? loadBefore;
  const cases = canaryCasesOf(base).map(({ id, title, unit, higherIsBetter }) => ({ id, title, unit, higherIsBetter, values: [...(before?.cases.find((one) => one.id === id)?.values ?? [])] }));
  for (let run = cases[0]?.values.length ?? 0; run < Number(values.runs); run++) {
    const results = await runCanaryCases(base, { caseSeconds, signal: stop.signal, factor: 1, variables, onFacts: (told) => { facts = told; } });
    for (const one of cases) {
      const median = results.find((other) => other.caseId === one.id)?.median ?? null;
      if (median === null) throw new Error(`${one.title} has no figure.`);
      one.values.push(round(median));
    }
    write({ kind: 'canaries', caseSeconds, cases });
    process.stderr.write(`canary ${run + 1}: ${cases.map((one) => `${one.id} ${one.values.at(-1)}`).join(', ')} (load ${(loadavg()[0] ?? 0).toFixed(2)})\n`);
    if (performance.now() > until) break;
  }
  recordedCanaries.parse(JSON.parse(JSON.stringify({ kind: 'canaries', what: '', recordedAt: '', machine: machineOf(base), torch: '', cuda: null, load: [0, 0], caseSeconds, cases })));
}

try {
  await (values.what === 'effects' ? recordEffects() : recordCanaries());
} finally {
  await base.stop();
}
