import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { EffectPair, EffectVerdict } from '../../../contract/optimize.ts';
import type { Arm, ArmSample, ArmWish, Readings, StartArm } from '../../benchmarks/parts.ts';
import { decideLook, LEAST_PAIRS, MOST_PAIRS, type EffectInterval, type Look } from './decide-interval.ts';
import { decidePair, updateReference, type PairReference, type Reading } from './decide-pair.ts';
import { isBFirst, planGeneration } from './plan-generation.ts';
import { tallyArm, type ArmTally } from './tally-arm.ts';

export interface MeasureParts {
  readonly startArm: StartArm;
  readonly readings: Readings;
  /** Monotonic, ms. */
  readonly now: () => number;
}

export interface MeasurePlan {
  /** Without and with the switch. */
  readonly a: ArmWish;
  readonly b: ArmWish;
  readonly higherIsBetter: boolean;
  readonly budgetSeconds: number;
}

export interface MeasureHooks {
  readonly signal: AbortSignal;
  log(text: string): void;
  /** After each pair. */
  onPair(state: MeasureState): void;
}

export interface MeasureState {
  readonly pairs: readonly EffectPair[];
  readonly kept: number;
  /** Geometric mean so far; null: nothing yet. */
  readonly ratio: number | null;
  /** 0 to 1. */
  readonly fraction: number;
}

export interface Measured {
  readonly verdict: EffectVerdict;
  readonly interval: EffectInterval | null;
  readonly pairs: readonly EffectPair[];
  readonly generations: number;
  readonly a: ArmTally;
  readonly b: ArmTally;
  readonly problem: Problem | null;
  readonly notes: readonly string[];
  /** Of the first process of each arm. */
  readonly facts: Arm['facts'];
}

/** Untimed work of a fresh process at most, s (section 7 of the performance reference), and of the whole time at most. */
const WARM_UP_SECONDS = 3;
const WARM_UP_SHARE = 1 / 20;
/** What was begun may pass the time by so much, so that the wait was not for nothing. */
const GRACE_SHARE = 1 / 2;
const LEAST_GRACE_SECONDS = 5;
/** So many pairs may be set aside; then the machine is not quiet enough. */
const MOST_SET_ASIDE = 40;

/** A failure with the arm that it happened in. */
interface ArmFailure {
  readonly arm: 'a' | 'b';
  readonly problem: Problem;
}

/**
 * Measures off (a) against on (b): generations of fresh processes, pairs in ABBA order within each, until the answer is
 * clear or the time is over. A process that fails is an answer too (`could_not_run`). On abort it throws the signal's reason.
 */
export async function measureEffect(parts: MeasureParts, plan: MeasurePlan, hooks: MeasureHooks): Promise<Measured> {
  const { signal } = hooks;
  const startedMs = parts.now();
  const secondsSince = (fromMs: number): number => (parts.now() - fromMs) / 1000;
  const pairs: EffectPair[] = [];
  const generations: number[][] = [];
  const a = tallyArm();
  const b = tallyArm();
  let facts: Arm['facts'] = {};
  let reference: PairReference | null = null;
  let spent = 0;
  let startSeconds = 0;
  let pairSeconds = 0;
  const graceSeconds = Math.max(LEAST_GRACE_SECONDS, plan.budgetSeconds * GRACE_SHARE);
  const release = parts.readings.hold();

  const countKept = (): number => generations.reduce((sum, one) => sum + one.length, 0);
  const takePair = async (arms: { readonly a: Arm; readonly b: Arm }, bFirst: boolean, logs: number[]): Promise<void> => {
    const began = parts.now();
    const first = await sampleArm(bFirst ? 'b' : 'a', bFirst ? arms.b : arms.a);
    const second = await sampleArm(bFirst ? 'a' : 'b', bFirst ? arms.a : arms.b);
    const sampleA = bFirst ? second : first;
    const sampleB = bFirst ? first : second;
    const place = plan.a.place;
    const [readA, readB] = await Promise.all([sampleA, sampleB].map((one) => parts.readings.between(place, one.startedAtMs, one.endedAtMs))) as [Reading, Reading];
    const why = reference === null ? decidePair(readA, readB, { aClockMhz: null, bClockMhz: null, otherProcesses: null }) : decidePair(readA, readB, reference);
    pairs.push({ a: sampleA.value, b: sampleB.value, atMs: Math.min(sampleA.startedAtMs, sampleB.startedAtMs), kept: why === null, why });
    pairSeconds = Math.max(pairSeconds, secondsSince(began));
    if (why === null) {
      reference = updateReference(reference, readA, readB);
      const log = Math.log(sampleB.value / sampleA.value);
      logs.push(plan.higherIsBetter ? log : -log);
      a.add(sampleA, sampleA.joules ?? readA.joules);
      b.add(sampleB, sampleB.joules ?? readB.joules);
    }
    const kept = countKept();
    const all = generations.flat();
    hooks.onPair({ pairs, kept, ratio: all.length === 0 ? null : Math.exp(all.reduce((sum, one) => sum + one, 0) / all.length), fraction: Math.min(0.99, Math.max(kept / MOST_PAIRS, secondsSince(startedMs) / plan.budgetSeconds)) });
  };

  /** False: too much was set aside. */
  const runGeneration = async (count: number): Promise<boolean> => {
    const number = generations.length;
    const began = parts.now();
    const arms = await startBoth(parts, plan, number % 2 === 1, hooks);
    try {
      if (number === 0) facts = arms.b.facts;
      const warm = Math.min(WARM_UP_SECONDS, plan.budgetSeconds * WARM_UP_SHARE);
      await inArm('a', arms.a.warmUp(warm));
      await inArm('b', arms.b.warmUp(warm));
      startSeconds = Math.max(startSeconds, secondsSince(began));
      const logs: number[] = [];
      generations.push(logs);
      for (let attempt = 0; logs.length < count; attempt++) {
        if (signal.aborted) throw signal.reason;
        const overSeconds = secondsSince(startedMs) - plan.budgetSeconds;
        // Pairs that do not count are taken again, but not for ever.
        if (pairs.length - countKept() >= MOST_SET_ASIDE) return false;
        if (overSeconds > (attempt < count ? graceSeconds : 0)) return true;
        await takePair(arms, isBFirst(number, attempt), logs);
      }
      if (number === 0) {
        a.error = await inArm('a', arms.a.error());
        b.error = await inArm('b', arms.b.error());
      }
      return true;
    } finally {
      await Promise.allSettled([arms.a.end(), arms.b.end()]);
    }
  };

  try {
    let look: Look = { verdict: null, interval: null, spent: 0 };
    let isQuiet = true;
    while (look.verdict === null) {
      const costs = { generations: generations.length, kept: countKept(), startSeconds, pairSeconds, secondsLeft: plan.budgetSeconds - secondsSince(startedMs), graceSeconds };
      const count = isQuiet ? planGeneration(costs) : 0;
      if (count > 0) isQuiet = await runGeneration(count);
      look = decideLook(generations, spent, count === 0);
      spent = look.spent;
      hooks.log(wordLook(generations.length, countKept(), look.interval));
    }
    const setAside = pairs.length - countKept();
    const isDisturbed = look.verdict === 'cannot_resolve' && (!isQuiet || countKept() < LEAST_PAIRS) && setAside > 0;
    return {
      verdict: look.verdict, interval: look.interval, pairs, generations: generations.length, a, b, facts,
      problem: isDisturbed ? makeProblem('effect.disturbed', { detail: `${setAside} of ${pairs.length} pairs do not count: ${[...new Set(pairs.flatMap((one) => one.why ?? []))].join(', ')}.` }) : null,
      notes: look.interval?.by === 'generations' ? [`Processes differ by more than their own repetitions explain: the interval counts ${generations.length} pairs of fresh processes.`] : [],
    };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const failure = failureOf(error);
    if (failure === null) throw error;
    return { verdict: 'could_not_run', interval: null, pairs, generations: generations.length, a, b, facts, problem: failure.problem, notes: failure.arm === 'a' ? ['It failed without the switch: the switch is not the cause.'] : [] };
  } finally {
    release();
  }
}

const wordLook = (generations: number, kept: number, interval: EffectInterval | null): string =>
  `${kept} pairs in ${generations} generations${interval === null ? '' : `: ${Math.exp(interval.mean).toFixed(4)}× [${Math.exp(interval.mean - interval.half).toFixed(4)}, ${Math.exp(interval.mean + interval.half).toFixed(4)}] by ${interval.by}`}`;

/** Both at once: starting is the dearest part. What fails takes the other one with it. */
async function startBoth(parts: MeasureParts, plan: MeasurePlan, bFirst: boolean, hooks: MeasureHooks): Promise<{ readonly a: Arm; readonly b: Arm }> {
  const start = { a: () => inArm('a', parts.startArm(plan.a, hooks.signal, hooks.log)), b: () => inArm('b', parts.startArm(plan.b, hooks.signal, hooks.log)) };
  const order = bFirst ? (['b', 'a'] as const) : (['a', 'b'] as const);
  const begun = order.map((which) => ({ which, arm: start[which]() }));
  const ended = await Promise.allSettled(begun.map((one) => one.arm));
  const armOf = (which: 'a' | 'b'): PromiseSettledResult<Arm> | undefined => ended[order.indexOf(which)];
  const [a, b] = [armOf('a'), armOf('b')];
  if (a?.status === 'fulfilled' && b?.status === 'fulfilled') return { a: a.value, b: b.value };
  for (const one of ended) if (one.status === 'fulfilled') await one.value.end().catch(() => undefined);
  throw a?.status === 'rejected' ? a.reason : b?.status === 'rejected' ? b.reason : new Error('An arm was not started.');
}

async function sampleArm(which: 'a' | 'b', arm: Arm): Promise<ArmSample> {
  const sample = await inArm(which, arm.sample());
  if (Number.isFinite(sample.value) && sample.value > 0) return sample;
  throw new ArmError({ arm: which, problem: makeProblem('bench.case_fails', { what: which === 'a' ? 'Without the switch' : 'With the switch', detail: `it gave ${sample.value}, which is no figure.`, remedy: 'A figure must be a number above 0.' }) });
}

/** Keeps in which arm something failed. */
class ArmError extends Error {
  readonly failure: ArmFailure;
  constructor(failure: ArmFailure, options?: { cause?: unknown }) {
    super(failure.problem.title, options);
    this.failure = failure;
  }
}
async function inArm<T>(arm: 'a' | 'b', work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const problem = problemOf(error);
    if (problem === null) throw error;
    throw new ArmError({ arm, problem }, { cause: error });
  }
}
const failureOf = (error: unknown): ArmFailure | null => (error instanceof ArmError ? error.failure : null);
