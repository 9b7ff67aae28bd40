import type { TuneResult } from '../../../contract/optimize.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { Readings } from '../../benchmarks/parts.ts';
import { medianInterval, medianOf } from '../../statistics/median-interval.ts';
import type { PairedEffect } from '../../statistics/paired-effect.ts';
import { createArmPool } from './create-arm-pool.ts';
import { decideFailure } from './decide-failure.ts';
import { decideFinal, MOST_ROUNDS } from './decide-final.ts';
import type { Candidate } from './list-candidates.ts';
import type { StartTuneArm, TuneAsk } from './parts.ts';
import { FINALISTS, planRungs } from './plan-rungs.ts';
import { scoreCandidates } from './score-candidates.ts';

export interface SearchOptions {
  readonly candidates: readonly Candidate[];
  readonly ask: TuneAsk;
  readonly start: StartTuneArm;
  /** Null: nothing is read (a processor). */
  readonly readings: Pick<Readings, 'between'> | null;
  readonly budgetSeconds: number;
  readonly signal: AbortSignal;
  /** Milliseconds that only go forward. */
  readonly clock: () => number;
  readonly onStep: (step: { readonly fraction: number; readonly doing: string; readonly candidates: TuneResult['candidates'] }) => void;
  readonly log: (text: string) => void;
}

export interface SearchOutcome {
  readonly candidates: TuneResult['candidates'];
  /** Index of the candidate that was proved faster; null: none was. */
  readonly winner: number | null;
  readonly effect: PairedEffect | null;
  /** Median of the rounds side by side, tokens/s. */
  readonly before: number | null;
  readonly after: number | null;
  readonly runs: number;
  readonly setAside: number;
  readonly outOfTime: boolean;
}

interface Entry {
  readonly key: number;
  readonly candidate: Candidate;
  values: number[];
  runs: number;
  rung: number;
  state: TuneResult['candidates'][number]['state'];
  why: string | null;
}

/** Hardware slowdown, software thermal, hardware thermal, power brake (nvml.h): not the settings' doing. */
const SLOWED_BITS = 0x8 | 0x20 | 0x40 | 0x80;
/** A throttled sample is taken again so often, then counts as it is. */
const MOST_REPEATS = 2;
/** What is left of the budget belongs to the comparison at the end. */
const RUNGS_SHARE = 0.6;

/**
 * Successive halving: one sample of each, the best quarter goes on with more, the last is measured round by round
 * beside the settings in use. @throws ProblemError `tune.failed` when the settings in use cannot be measured
 */
export async function runSearch({ candidates, ask, start, readings, budgetSeconds, signal, clock, onStep, log }: SearchOptions): Promise<SearchOutcome> {
  const pool = createArmPool(start, ask, signal);
  const beganMs = clock();
  const spent = (): number => (clock() - beganMs) / 1000 / budgetSeconds;
  const entries: Entry[] = candidates.map((candidate, key) => ({ key, candidate, values: [], runs: 0, rung: 0, state: 'waiting', why: null }));
  const [base, ...others] = entries;
  if (base === undefined) throw problemError('tune.failed', { detail: 'There is nothing to measure.', remedy: 'Try another goal or place.' });
  const rungs = planRungs(others.length);
  const planned = 1 + rungs.reduce((sum, rung, i) => sum + (i === 0 ? others.length : (rungs[i - 1]?.keep ?? 0)) * rung.samples, 0) + MOST_ROUNDS * (FINALISTS + 1);
  let runs = 0;
  let setAside = 0;
  let outOfTime = false;
  const snapshot = (): TuneResult['candidates'] => entries.map(({ candidate, values, runs: count, rung, state, why }) => {
    const { median, low, high } = medianInterval(values);
    return { settings: { ...candidate.settings, devices: [...candidate.settings.devices] }, words: candidate.words, changesAnswers: candidate.changesAnswers, value: Number.isFinite(median) ? median : null, low, high, runs: count, rung, state, why };
  });

  /** One sample; null: this candidate is out. */
  const sampleOf = async (entry: Entry, doing: string): Promise<number | null> => {
    onStep({ fraction: Math.min(1, Math.max(spent(), runs / planned)), doing: `${doing}: ${entry.candidate.words}`, candidates: snapshot() });
    try {
      for (let repeat = 0; ; repeat += 1) {
        const { value, startedAtMs, endedAtMs } = await pool.sample(entry.key, entry.candidate.settings);
        runs += 1;
        entry.runs += 1;
        const reasons = readings === null || ask.place === 'cpu' ? null : (await readings.between(ask.place, startedAtMs, endedAtMs)).eventReasons;
        const throttled = reasons !== null && (reasons & SLOWED_BITS) !== 0;
        if (throttled) setAside += 1;
        if (throttled && repeat < MOST_REPEATS && spent() < 1) continue;
        log(`${entry.candidate.words}: ${value.toFixed(1)} tok/s${throttled ? ', throttled' : ''}`);
        entry.values.push(value);
        return value;
      }
    } catch (error) {
      signal.throwIfAborted();
      const failure = decideFailure(error);
      log(`${entry.candidate.words}: ${failure.why}`);
      entry.state = failure.state;
      entry.why = failure.why;
      return null;
    }
  };

  try {
    if ((await sampleOf(base, 'The settings in use')) === null) throw problemError('tune.failed', { detail: `The settings in use cannot be measured. ${base.why ?? ''}`.trim(), remedy: 'Make the model load with them first: close what uses the memory, or choose another place.' });
    let left: readonly Entry[] = others;
    for (const [index, rung] of rungs.entries()) {
      for (let pass = 0; pass < rung.samples && !outOfTime; pass += 1) {
        // There and back, so that a drift does not favour the first.
        for (const entry of (index + pass) % 2 === 0 ? left : left.toReversed()) {
          if (entry.state === 'no_memory' || entry.state === 'failed') continue;
          if (spent() > RUNGS_SHARE) {
            outOfTime = true;
            break;
          }
          entry.rung = index;
          await sampleOf(entry, `Round ${String(index + 1)}`);
          await pool.end(entry.key);
        }
      }
      // Those that are out still say what their settings do.
      const scores = scoreCandidates(others.map((one) => ({ settings: one.candidate.settings, values: one.values })));
      const score = (one: Entry): number => scores[one.key - 1] ?? Number.NEGATIVE_INFINITY;
      const survivors = left.filter((one) => one.state === 'waiting' && one.values.length > 0).toSorted((a, b) => score(b) - score(a)).slice(0, outOfTime ? FINALISTS : rung.keep);
      for (const entry of left) {
        if (entry.state !== 'waiting' || survivors.includes(entry)) continue;
        entry.state = 'out';
        entry.why = entry.values.length === 0 ? 'The time was over before its turn.' : 'Others were faster.';
      }
      left = survivors;
      if (outOfTime) break;
    }
    const finalists = left.filter((one) => one.state === 'waiting');
    for (const entry of finalists) entry.state = 'finalist';
    const final = await runFinal({ base, finalists, sampleOf, spent });
    outOfTime ||= final.outOfTime;
    const won = finalists.find((one) => one.key === final.winner);
    const shown = won ?? finalists.toSorted((a, b) => (final.effects.get(b.key)?.ratio ?? 0) - (final.effects.get(a.key)?.ratio ?? 0))[0];
    if (won !== undefined) won.state = 'winner';
    const rounds = shown === undefined ? [] : (final.values.get(shown.key) ?? []);
    return {
      candidates: snapshot(), winner: final.winner, effect: shown === undefined ? null : (final.effects.get(shown.key) ?? null),
      before: rounds.length === 0 ? null : medianOf(rounds.map((one) => one.base)), after: rounds.length === 0 ? null : medianOf(rounds.map((one) => one.own)), runs, setAside, outOfTime,
    };
  } finally {
    await pool.endAll();
  }
}

interface FinalInput {
  readonly base: Entry;
  readonly finalists: readonly Entry[];
  readonly sampleOf: (entry: Entry, doing: string) => Promise<number | null>;
  readonly spent: () => number;
}
interface FinalOutcome {
  readonly winner: number | null;
  readonly effects: ReadonlyMap<number, PairedEffect>;
  readonly values: ReadonlyMap<number, readonly { readonly base: number; readonly own: number }[]>;
  readonly outOfTime: boolean;
}

/** Rounds of the settings in use and the finalists, the order turned each time; earlier samples do not count. */
async function runFinal({ base, finalists, sampleOf, spent }: FinalInput): Promise<FinalOutcome> {
  const values = new Map<number, { base: number; own: number }[]>(finalists.map((one) => [one.key, []]));
  const alive = (): readonly Entry[] => finalists.filter((one) => one.state === 'finalist');
  const look = (last: boolean): ReturnType<typeof decideFinal> => decideFinal(alive().map((one) => ({ key: one.key, logRatios: (values.get(one.key) ?? []).map((pair) => Math.log(pair.own / pair.base)) })), last);
  for (let round = 0; ; round += 1) {
    const isLast = spent() >= 1 || round >= MOST_ROUNDS || alive().length === 0;
    const { over, winner, effects } = look(isLast);
    if (over) return { winner, effects, values, outOfTime: spent() >= 1 && round < MOST_ROUNDS };
    if (round === 0) for (const entry of [base, ...finalists]) entry.values = [];
    const turn = [base, ...alive()];
    const order = round % 2 === 0 ? turn : turn.toReversed();
    const measured = new Map<number, number>();
    for (const entry of order) {
      const value = await sampleOf(entry, `Side by side, round ${String(round + 1)}`);
      if (value !== null) measured.set(entry.key, value);
    }
    const own = measured.get(base.key);
    if (own === undefined) throw problemError('tune.failed', { detail: `The settings in use could not be measured again. ${base.why ?? ''}`.trim(), remedy: 'Try again when nothing else needs the memory.' });
    for (const entry of alive()) {
      const value = measured.get(entry.key);
      if (value !== undefined) values.get(entry.key)?.push({ base: own, own: value });
    }
  }
}
