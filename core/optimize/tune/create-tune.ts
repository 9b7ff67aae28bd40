import { randomUUID } from 'node:crypto';
import type { EngineSettings } from '../../../contract/inference.ts';
import type { TuneResult, TuneWish } from '../../../contract/optimize.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Readings } from '../../benchmarks/parts.ts';
import { createGauge } from '../../engine/gauge.ts';
import type { TuneServices } from '../../engine/optimize-services.ts';
import type { JobContext, JobResult, Jobs } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import { changedKeys, listCandidates, type SearchQuestion } from './list-candidates.ts';
import type { SearchSettings, StartTuneArm } from './parts.ts';
import { runSearch, type SearchOutcome } from './run-search.ts';
import { createTuneStore, MAX_RESULTS } from './tune-store.ts';
import { wordResult } from './word-result.ts';

/** What a search must know of the model and the place. */
export interface TuneSubject {
  readonly modelId: string;
  readonly modelName: string;
  readonly place: { readonly key: string; readonly name: string; readonly kind: 'cpu' | 'gpu' };
  readonly gpus: readonly string[];
  /** The output layer counted; null: not known. */
  readonly layers: number | null;
  readonly fitsWhole: boolean;
  /** Defaults with the model's profile over them. */
  readonly base: EngineSettings;
}

export interface TuneOptions {
  readonly jobs: Jobs;
  /** @throws ProblemError `model.not_found`, `model.none`, `bench.no_place` */
  readonly subject: (wish: Pick<TuneWish, 'modelId' | 'place' | 'contextTokens'>) => Promise<TuneSubject>;
  readonly start: StartTuneArm;
  readonly readings: Readings | null;
  /** Lets nothing else be measured meanwhile. @throws ProblemError `bench.busy` */
  readonly hold: (holder: { readonly title: string; readonly place: string }) => () => void;
  readonly machine: () => Pick<SearchQuestion, 'physicalCores' | 'logicalCores'>;
  /** Adds these to the model's profile. */
  readonly saveSettings: (modelId: string, settings: Partial<EngineSettings>) => Promise<void>;
  /** Null: results are kept in memory only. */
  readonly folder: string | null;
  readonly log: Logger;
  readonly now?: () => number;
}

/** A context that is enough for what is measured, where neither the wish nor the model's profile names one. */
export const TUNE_CONTEXT_TOKENS = 4096;

export function createTune(options: TuneOptions): TuneServices {
  const { jobs, subject, readings } = options;
  const now = options.now ?? Date.now;
  const log = options.log.child('tune');
  const store = createTuneStore(options.folder, log);
  const gauge = createGauge<TuneResult[]>([]);
  let known: TuneResult[] | null = null;

  const read = async (): Promise<TuneResult[]> => {
    if (known === null) {
      const stored = await store.read();
      known ??= stored;
    }
    return known;
  };
  const put = (result: TuneResult): void => {
    known = [result, ...(known ?? []).filter((one) => one.id !== result.id)].slice(0, MAX_RESULTS);
    gauge.publish(known);
  };
  const keep = async (): Promise<void> => {
    await store.write((known ?? []).filter((one) => one.endedAtMs !== null)).catch((error: unknown) => log.warn('The result of a search cannot be stored', { detail: String(error) }));
  };

  const search = async (wish: TuneWish, about: TuneSubject, started: TuneResult, context: JobContext): Promise<JobResult | null> => {
    const { base, place } = about;
    let result = started;
    const letGo = readings?.hold();
    try {
      const candidates = listCandidates({ ...about, goal: wish.goal, kind: place.kind, place: place.key, ...options.machine(), allowAnswerChanging: wish.allowAnswerChanging });
      const contextTokens = wish.contextTokens ?? base.contextTokens ?? TUNE_CONTEXT_TOKENS;
      const outcome = await runSearch({
        candidates, ask: { modelId: about.modelId, place: place.key, goal: wish.goal, contextTokens }, start: options.start, readings, budgetSeconds: wish.budgetSeconds, signal: context.signal, clock: () => performance.now(), log: context.log,
        onStep({ fraction, doing, candidates: shown }) {
          context.progress({ fraction, doing });
          result = { ...result, candidates: shown };
          put(result);
        },
      });
      const won = outcome.winner === null ? null : (candidates[outcome.winner]?.settings ?? null);
      const saved = wish.save && won !== null && (await save(about.modelId, candidates[0]?.settings, won, context));
      result = finish(result, outcome, saved, wish, now());
      return { sentence: result.sentence, before: result.before, after: result.after, ratio: result.ratio, low: result.low, high: result.high, saved, runs: outcome.runs };
    } catch (error) {
      result = { ...result, endedAtMs: now(), sentence: context.signal.aborted ? 'It was cancelled; nothing was changed.' : 'The search could not go on.', problem: context.signal.aborted ? null : (problemOf(error) ?? makeProblem('tune.failed', { detail: String(error), remedy: 'Try again.' })) };
      throw error;
    } finally {
      letGo?.();
      put(result);
      await keep();
    }
  };

  const save = async (modelId: string, before: SearchSettings | undefined, won: SearchSettings, context: JobContext): Promise<boolean> => {
    const keys = before === undefined ? [] : changedKeys(before, won);
    try {
      await options.saveSettings(modelId, Object.fromEntries(keys.map((key) => [key, won[key]])));
      return true;
    } catch (error) {
      context.log(`The settings could not be saved: ${problemOf(error)?.cause ?? String(error)}`);
      return false;
    }
  };

  return {
    gauge,
    results: read,
    async start(wish) {
      await read();
      const about = await subject(wish);
      const title = `Finding the fastest settings for ${about.modelName}`;
      const release = options.hold({ title, place: about.place.name });
      const started: TuneResult = {
        id: randomUUID(), modelId: about.modelId, modelName: about.modelName, place: { key: about.place.key, name: about.place.name }, goal: wish.goal, startedAtMs: now(), endedAtMs: null,
        candidates: [], before: null, after: null, ratio: null, low: null, high: null, saved: false, sentence: 'It is being measured.', notes: [], problem: null,
      };
      put(started);
      return jobs.start({ kind: 'tune', title }, (context) => search(wish, about, started, context).finally(release));
    },
  };
}

function finish(result: TuneResult, outcome: SearchOutcome, saved: boolean, wish: TuneWish, atMs: number): TuneResult {
  const { effect, winner } = outcome;
  const sentence = wordResult(outcome, saved);
  const notes = [
    `${String(outcome.runs)} measurements of ${String(outcome.candidates.length)} settings.`,
    ...(outcome.outOfTime ? [`The time of ${String(wish.budgetSeconds)} s was over before the search was.`] : []),
    ...(outcome.setAside > 0 ? [`${String(outcome.setAside)} measurements were made while the GPU slowed itself down, and were repeated.`] : []),
    ...(winner !== null && outcome.candidates[winner]?.changesAnswers === true ? ['The winner stores the context in another type: answers may differ.'] : []),
    ...(wish.goal === 'decode' ? ['The batch has no part in writing one answer and was left alone.'] : []),
  ];
  return {
    ...result, endedAtMs: atMs, candidates: outcome.candidates, before: outcome.before, after: outcome.after, ratio: effect?.ratio ?? null, low: effect?.low ?? null, high: effect?.high ?? null, saved, sentence, notes,
    problem: winner === null ? makeProblem('tune.no_gain', { detail: sentence }) : null,
  };
}

/** @throws ProblemError `bench.no_place` for a place that is not there */
export function choosePlace<T extends { readonly key: string; readonly name: string }>(places: readonly T[], wished: string | null): T {
  const found = wished === null ? (places.find((one) => one.key !== 'cpu') ?? places[0]) : places.find((one) => one.key === wished);
  if (found === undefined) throw problemError('bench.no_place', { what: 'The search for settings', place: wished ?? 'this machine', detail: 'it is not there.' });
  return found;
}
