import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { resolvesPercentOf } from '../../core/optimize/effects/make-card.ts';
import { measureEffect, type Measured } from '../../core/optimize/effects/measure-effect.ts';
import { armWorkload, findWorkload } from '../../core/optimize/effects/workloads.ts';
import { medianOf } from '../../core/statistics/median-interval.ts';
import { makeRandom } from '../../core/testing/series/make-random.ts';
import { countSamples, recordedEffects, type EffectSeries, type RecordedEffects } from '../../core/testing/series/recorded-series.ts';
import { replayMeasurement } from '../../core/testing/series/replay-measurement.ts';
import { lowerShare, upperShare } from '../../core/testing/series/share-interval.ts';
import { wishOf, type BenchBase } from './benchmarks-place.ts';
import type { Row } from './row.ts';

const TRIALS = 400;
const MOST_FALSE = 0.08;
const SLOWDOWN = 0.05;
const LEAST_FOUND = 0.9;
/** What the page and the command line give a measurement, s (`measureWish.budgetSeconds`). */
const BUDGET_SECONDS = 180;
/** Of one-sided 95 %. */
const ALPHA = 0.05;
/**
 * An effect is found in nine of ten measurements where it is larger than half the interval by 1.28 standard errors; half
 * the interval is at least 1.96 of them.
 */
const POWER = 1 + 1.2816 / 1.96;

export interface EffectFile {
  readonly name: string;
  readonly recorded: RecordedEffects;
}

/** Recorded by record-series.ts: core/optimize/effects/fixtures/series-*.json. */
export function readEffectFiles(): EffectFile[] {
  const folder = fileURLToPath(new URL('../../core/optimize/effects/fixtures/', import.meta.url));
  return readdirSync(folder).filter((name) => /^series-.*\.json$/.test(name)).sort().map((name) => ({ name, recorded: recordedEffects.parse(JSON.parse(readFileSync(`${folder}${name}`, 'utf8'))) }));
}

const percent = (share: number): number => 100 * share;
const resolvesOf = (one: Measured): number => (one.interval === null ? Infinity : resolvesPercentOf(one.interval) / 100);
const isAlarm = (one: Measured): boolean => one.verdict === 'helps' || one.verdict === 'hurts';

async function replay(series: EffectSeries, factor: number, seed: number): Promise<Measured[]> {
  const random = makeRandom(seed);
  const all: Measured[] = [];
  for (let trial = 0; trial < TRIALS; trial++) all.push(await replayMeasurement(series, { factor, budgetSeconds: BUDGET_SECONDS, random }));
  return all;
}

const origin = ({ name, recorded }: EffectFile): Row['detail'] => ({ file: name, what: recorded.what, torch: recorded.torch, recordedAt: recorded.recordedAt, loadBefore: recorded.load[0], loadAfter: recorded.load[1], leastSamples: Math.min(...recorded.series.map(countSamples)) });

/** The same against the same: 400 measurements of each recorded workload. The row is that of the workload with most alarms. */
export async function aaRows(files: readonly EffectFile[], seed: number): Promise<Row[]> {
  if (files.length === 0) return [noFiles('A/A of the effect card')];
  const rows: Row[] = [];
  for (const file of files) {
    const counts: Record<string, number> = {};
    const detail: Record<string, string> = {};
    for (const series of file.recorded.series) {
      const all = await replay(series, 1, seed);
      const count = all.filter(isAlarm).length;
      counts[series.workload] = count;
      detail[series.workload] = `${count} of ${TRIALS}, at most ${percent(upperShare(count, TRIALS, ALPHA)).toFixed(1)} %; ${all.filter((one) => one.verdict === 'no_effect').length} no effect, resolves ${percent(medianOf(all.map(resolvesOf))).toFixed(1)} %`;
    }
    const worst = Math.max(...Object.values(counts));
    const sum = Object.values(counts).reduce((all, one) => all + one, 0);
    const upper = upperShare(worst, TRIALS, ALPHA);
    rows.push({
      what: `A/A of the effect card, ${TRIALS} resampled per workload, ${file.name}`, must: '≤ 8 %', value: percent(upper), unit: '%', ok: upper <= MOST_FALSE,
      detail: { ...origin(file), alarms: sum, of: TRIALS * file.recorded.series.length, upperOfAll: percent(upperShare(sum, TRIALS * file.recorded.series.length, ALPHA)), ...detail },
    });
  }
  return rows;
}

type Word = 'found' | 'said' | 'wrong';

/** Of a slowdown of 5 %: found, said to be below what can be resolved here, or neither. */
function judge(one: Measured): Word {
  if (one.verdict === 'hurts') return 'found';
  return one.verdict === 'cannot_resolve' && resolvesOf(one) >= SLOWDOWN ? 'said' : 'wrong';
}

const count = (all: readonly Measured[], word: Word): number => all.filter((one) => judge(one) === word).length;

/** A slowdown of 5 %, put into every figure of B. Whether a workload's noise allows it is decided by its A/A measurements. */
export async function injectedRows(files: readonly EffectFile[], seed: number): Promise<Row[]> {
  if (files.length === 0) return [noFiles('An injected 5 % slowdown')];
  const rows: Row[] = [];
  for (const file of files) {
    const allowed: Measured[] = [];
    const others: Measured[] = [];
    const detail: Record<string, string> = {};
    for (const series of file.recorded.series) {
      const floor = medianOf((await replay(series, 1, seed)).map((one) => one.interval?.half ?? Infinity));
      const isAllowed = floor * POWER <= -Math.log1p(-SLOWDOWN);
      const all = await replay(series, 1 - SLOWDOWN, seed + 1);
      (isAllowed ? allowed : others).push(...all);
      detail[series.workload] = `${isAllowed ? 'allowed' : 'too noisy'} (resolves ${percent(Math.expm1(floor)).toFixed(1)} %): found ${count(all, 'found')}, said ${count(all, 'said')}, neither ${count(all, 'wrong')} of ${TRIALS}`;
    }
    const what = `An injected 5 % slowdown, resampled, ${file.name}`;
    const found = count(allowed, 'found');
    rows.push(allowed.length === 0
      ? { what: `${what}: found where the noise allows`, must: '≥ 90 %', value: Number.NaN, unit: '%', ok: null, detail: { ...origin(file), ...detail, why: 'every workload of this file is noisier than that' } }
      : { what: `${what}: found where the noise allows`, must: '≥ 90 %', value: percent(found / allowed.length), unit: '%', ok: found / allowed.length >= LEAST_FOUND, detail: { ...origin(file), ...detail, atLeast: percent(lowerShare(found, allowed.length, ALPHA)) } });
    const told = count(others, 'found') + count(others, 'said');
    if (others.length > 0) rows.push({ what: `${what}: else found or said`, must: '≥ 90 %', value: percent(told / others.length), unit: '%', ok: told / others.length >= LEAST_FOUND, detail: { ...origin(file), found: count(others, 'found'), said: count(others, 'said'), neither: count(others, 'wrong'), atLeast: percent(lowerShare(told, others.length, ALPHA)) } });
  }
  return rows;
}

const noFiles = (what: string): Row => ({ what, must: 'be measured', value: Number.NaN, unit: '', ok: false, detail: { why: 'there is no recorded series' } });

export interface LiveOptions {
  readonly count: number;
  /** Of one measurement. */
  readonly seconds: number;
  /** A workload of the effect card. */
  readonly workload: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

interface LivePlan {
  readonly a: string;
  readonly b: string;
  readonly higherIsBetter: boolean;
}

async function measureLive(base: BenchBase, plan: LivePlan, { count: times, seconds, variables, signal }: LiveOptions): Promise<Measured[]> {
  const all: Measured[] = [];
  for (let at = 0; at < times; at++) {
    const one = await measureEffect({ startArm: base.startArm, readings: base.readings, now: () => performance.now() }, { a: { ...wishOf(base, plan.a, variables), alternating: true }, b: { ...wishOf(base, plan.b, variables), alternating: true }, higherIsBetter: plan.higherIsBetter, budgetSeconds: seconds }, { signal, log: () => undefined, onPair: () => undefined });
    all.push(one);
    process.stderr.write(`  ${at + 1} of ${times}: ${one.verdict}${one.interval === null ? '' : `, ${Math.exp(one.interval.mean).toFixed(4)}× ± ${percent(Math.expm1(one.interval.half)).toFixed(1)} %`}, ${one.pairs.length} pairs in ${one.generations} generations\n`);
  }
  return all;
}

const describeAll = (base: BenchBase, all: readonly Measured[], seconds: number): Row['detail'] => ({
  place: base.name, seconds, noEffect: all.filter((one) => one.verdict === 'no_effect').length, cannotResolve: all.filter((one) => one.verdict === 'cannot_resolve').length, couldNotRun: all.filter((one) => one.verdict === 'could_not_run').length,
  pairs: medianOf(all.map((one) => one.pairs.length)), generations: medianOf(all.map((one) => one.generations)), resolvesPercent: percent(medianOf(all.map(resolvesOf))),
  problem: all.find((one) => one.problem !== null)?.problem?.cause ?? null,
});

/** Four of twenty would be a chance of 1.6 % for a card that alarms falsely in one of twenty. */
const mostOf = (times: number): number => {
  let most = 0;
  while (lowerShare(most + 1, times, 0.02) <= 0.05) most++;
  return most;
};

/** Real processes against the same ones, one measurement after the other. */
export async function aaLiveRow(base: BenchBase, options: LiveOptions): Promise<Row> {
  const recipe = findWorkload(options.workload);
  const arm = recipe === null ? null : armWorkload(recipe, base.key);
  if (recipe === null || arm === null) throw new Error(`${options.workload} does not run there.`);
  const all = await measureLive(base, { a: arm, b: arm, higherIsBetter: recipe.workload.higherIsBetter }, options);
  const ran = all.filter((one) => one.verdict !== 'could_not_run');
  const alarms = ran.filter(isAlarm).length;
  const most = mostOf(options.count);
  return {
    what: `A/A of the effect card, ${options.count} live, ${options.workload}`, must: `≤ ${most} of ${options.count}`, value: alarms, unit: '', ok: ran.length === options.count && alarms <= most,
    detail: { ...describeAll(base, all, options.seconds), upper: ran.length === 0 ? null : percent(upperShare(alarms, ran.length, ALPHA)) },
  };
}

/** The same work against 5 % more of it in each repetition: larger copies on a GPU, one more head in twenty on a processor. */
export async function injectedLiveRow(base: BenchBase, options: LiveOptions): Promise<Row> {
  const bytes = 2 ** 30;
  const work = (more: number): string => (base.key === 'cpu' ? `cpu_attention:dtype=fp32,batch=1,heads=${20 * more},length=256,dim=64,unit=ms` : `copy:bytes=${Math.round((bytes * more) / 4) * 4},unit=ms`);
  // The same repetitions take 5 % longer.
  const all = await measureLive(base, { a: work(1), b: work(1.05), higherIsBetter: false }, options);
  const told = all.length - count(all, 'wrong');
  const ratios = all.flatMap((one) => (one.interval === null ? [] : [Math.exp(one.interval.mean)]));
  return {
    what: `5 % more work, ${options.count} live: found, or said to be too little`, must: '≥ 90 %', value: percent(told / all.length), unit: '%', ok: told / all.length >= LEAST_FOUND,
    detail: { ...describeAll(base, all, options.seconds), found: count(all, 'found'), said: count(all, 'said'), neither: count(all, 'wrong'), medianRatio: medianOf(ratios) },
  };
}
