import { randomInt } from 'node:crypto';
import type { Answerer, Comparison, ComparisonAnswer, ComparisonWish } from '../../../contract/chat.ts';
import { placeOfAnswer } from '../../../contract/comparison-change.ts';
import type { Job } from '../../../contract/jobs.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { ComparisonServices } from '../../engine/inference-services.ts';
import type { JobContext, JobResult, Jobs } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import { beginComparison } from './begin-comparison.ts';
import { createComparisonStore } from './comparison-store.ts';
import type { MemoryReading } from './decide-rows.ts';
import { concludeComparison } from './conclude-comparison.ts';
import { createPace } from './create-pace.ts';
import { createWatching } from './create-watching.ts';
import { contenderAt, decideView, isHidden, type KeptComparison } from './decide-view.ts';
import { exportComparison } from './export-comparison.ts';
import { nameContenders, type ContenderName } from './name-contenders.ts';
import { createPromptSets } from './prompt-sets.ts';
import { runComparison, type OpenContender } from './run-comparison.ts';

export interface ComparisonsOptions {
  readonly jobs: Pick<Jobs, 'start' | 'cancel'>;
  /** Makes a contender ready: loads its model, or finds its server. It may be asked again for each answer. */
  readonly answer: (answerer: Answerer) => Promise<OpenContender>;
  /** Where comparisons and sets of prompts are kept; null: in memory. */
  readonly folder: string | null;
  /** Holds `data/prompt-sets.json`. */
  readonly resources: string;
  readonly log: Logger;
  /** Of one answer, s. Default: half an hour. */
  readonly timeLimitSeconds?: () => number;
  readonly now?: () => number;
}

export interface Comparisons extends ComparisonServices {
  /** Calls off what runs and waits until it is stored. */
  stop(): Promise<void>;
}

interface Live {
  /** Lags behind `answers` until it is looked at. */
  comparison: Comparison;
  readonly memory: MemoryReading[];
  readonly places: readonly (readonly number[])[];
  readonly answers: ComparisonAnswer[];
  /** Where each of them stands. */
  readonly at: ReadonlyMap<string, number>;
  /** What `comparison` does not know yet. */
  fresh: 'nothing' | 'words' | 'answers';
  readonly found: ContenderName[];
  /** Nothing more is written to it. */
  over: boolean;
  ended: Promise<void>;
}

/** A watched comparison is told so often at most, ms: what was written meanwhile, in one. */
const TELL_EVERY_MS = 100;
const DEFAULT_SECONDS = 1800;

/** Configurations that answer the same prompts: made by a job, kept as files, told in words that the numbers bear out. */
export function createComparisons({ jobs, answer, folder, resources, log, timeLimitSeconds = () => DEFAULT_SECONDS, now = Date.now }: ComparisonsOptions): Comparisons {
  const store = createComparisonStore(folder, log);
  const sets = createPromptSets({ resources, folder, log });
  const live = new Map<string, Live>();
  const watching = createWatching();
  let recovered: Promise<void> | null = null;
  /** Comparisons follow each other: two at once would disturb each other's times. */
  let line: Promise<void> = Promise.resolve();
  let changing: Promise<unknown> = Promise.resolve();
  const stopping = new AbortController();

  /** As it is now. Put together when it is looked at, not with every token and every answer. */
  const keptOf = (it: Live): KeptComparison => {
    if (it.fresh !== 'nothing') {
      const comparison = { ...it.comparison, answers: [...it.answers] };
      it.comparison = it.fresh === 'answers' ? concludeComparison(comparison, it.memory) : comparison;
      it.fresh = 'nothing';
    }
    return { comparison: it.comparison, memory: it.memory, places: it.places };
  };
  /** How it ended. */
  const conclude = (it: Live, end: Pick<Comparison, 'state' | 'problem'>): void => {
    it.comparison = concludeComparison({ ...keptOf(it).comparison, ...end }, it.memory);
  };
  /** Running comparisons of an engine that is gone. */
  const recover = (): Promise<void> => (recovered ??= (async () => {
    for (const { id, state } of await store.list()) {
      if (state !== 'running' || live.has(id)) continue;
      const kept = await store.read(id);
      if (kept === null) continue;
      const answers = kept.comparison.answers.map((one): ComparisonAnswer => (one.state === 'done' ? one : one.content === '' && one.thinking === '' ? { ...one, state: 'waiting' } : { ...one, state: 'done', reason: 'interrupted', problem: makeProblem('job.interrupted') }));
      await store.write({ ...kept, comparison: concludeComparison({ ...kept.comparison, answers, state: 'failed', problem: makeProblem('job.interrupted') }, kept.memory) });
    }
  })().catch((error: unknown) => log.warn('Comparisons of an earlier engine could not be brought to an end', { detail: String(error) })));

  const find = async (id: string): Promise<KeptComparison> => {
    await recover();
    const running = live.get(id);
    const kept = running === undefined ? await store.read(id) : keptOf(running);
    if (kept === null) throw problemError('compare.not_found', { what: id });
    return kept;
  };
  const tell = (it: Live): void => watching.tell(it.comparison.id, () => keptOf(it));
  const change = <T>(work: () => Promise<T>): Promise<T> => {
    const done = changing.then(work);
    changing = done.catch(() => undefined);
    return done;
  };
  /** A disk that is full does not end what runs: it goes on in memory, and the comparison says so until it can be stored. */
  const save = async (it: Live): Promise<void> => {
    const { problem } = it.comparison;
    if (isOfDisk(problem)) it.comparison = { ...it.comparison, problem: null };
    try {
      await store.write(keptOf(it));
      if (it.over) live.delete(it.comparison.id);
    } catch (error) {
      log.warn('A comparison cannot be stored', { id: it.comparison.id, code: problemOf(error)?.code });
      it.comparison = { ...it.comparison, problem: it.comparison.problem ?? problemOf(error) };
    }
  };

  const run = async (it: Live, context: JobContext): Promise<JobResult> => {
    const signal = AbortSignal.any([context.signal, stopping.signal]);
    const { wish, id } = it.comparison;
    const total = it.answers.length;
    const timers = createPace(() => tell(it), () => change(() => save(it)), TELL_EVERY_MS);
    let done = 0;
    await runComparison({
      wish, open: answer, signal, firstSeed: randomInt(0, 2 ** 32 - 1), timeLimitSeconds: timeLimitSeconds(),
      named(contender, { modelName, provider }) {
        it.found[contender] = { model: modelName, provider };
        it.comparison = { ...it.comparison, names: nameContenders(wish.contenders, it.found) };
      },
      change(turn, to) {
        const at = it.at.get(placeOfAnswer(turn)) ?? -1, before = it.answers[at];
        if (before === undefined) return;
        it.answers[at] = { ...before, ...to };
        const ended = to.state === 'done';
        if (ended) it.fresh = 'answers';
        else if (it.fresh === 'nothing') it.fresh = 'words';
        if (ended) {
          context.progress({ fraction: ++done / total, doing: `${done} of ${total} answers` });
          context.log(`Answer ${done} of ${total}${to.problem == null ? '' : `: ${to.problem.code}`}`);
        }
        timers.changed(ended);
      },
      remembered: (turn, bytes) => void it.memory.push({ ...turn, bytes }),
    });
    await timers.stop();
    const { answers } = it;
    const failed = answers.every((one) => one.state !== 'done' || one.problem !== null) ? (answers.find((one) => one.problem !== null)?.problem ?? null) : null;
    conclude(it, { state: signal.aborted ? 'cancelled' : failed !== null ? 'failed' : 'done', problem: signal.aborted ? null : failed });
    await change(() => save(it));
    return { comparison: id, answers: done };
  };

  const start = async (wish: ComparisonWish): Promise<Comparison> => {
    const { comparison, found, places } = beginComparison(wish, now());
    const { id, title } = comparison;
    const it: Live = {
      comparison,
      memory: [],
      places,
      answers: [...comparison.answers],
      at: new Map(comparison.answers.map((one, at) => [placeOfAnswer(one), at])),
      fresh: 'nothing',
      found,
      over: false,
      ended: Promise.resolve(),
    };
    live.set(id, it);
    await change(() => save(it));
    const before = line;
    let ended = (): void => undefined;
    it.ended = new Promise<void>((resolve) => { ended = resolve; });
    line = Promise.all([before, it.ended]).then(() => undefined);
    const job: Job = jobs.start({ kind: 'compare', title }, async (context) => {
      try {
        context.progress({ fraction: null, doing: 'waiting for another comparison' });
        await Promise.race([before, aborted(AbortSignal.any([context.signal, stopping.signal]))]);
        return await run(it, context);
      } catch (error) {
        conclude(it, { state: 'failed', problem: problemOf(error) ?? makeProblem('engine.internal', { detail: String(error) }) });
        await change(() => save(it));
        throw error;
      } finally {
        it.over = true;
        // What could not be stored stays in memory.
        if (!isOfDisk(it.comparison.problem)) live.delete(id);
        ended();
        tell(it);
      }
    });
    it.comparison = { ...it.comparison, jobId: job.id };
    return decideView(keptOf(it), 'all');
  };

  return {
    async list() {
      await recover();
      const stored = await store.list();
      const running = [...live.values()].map((it) => decideView(keptOf(it), 'list'));
      return [...running, ...stored.filter((one) => !live.has(one.id))].sort((a, b) => b.createdAtMs - a.createdAtMs);
    },
    start,
    get: async (id) => decideView(await find(id), 'all'),
    async *watch(id, signal) {
      yield* watching.watch(id, await find(id), signal);
    },
    vote: (id, prompt, contender) => change(async () => {
      const kept = await find(id);
      const { comparison } = kept;
      if (prompt >= comparison.wish.prompts.length) throw problemError('input.invalid', { detail: `There is no prompt ${prompt + 1}.` });
      if (comparison.state === 'running' && comparison.answers.some((one) => one.prompt === prompt && one.state !== 'done')) throw problemError('input.invalid', { detail: 'The answers to this prompt are not all there yet.' });
      const chosen = contender === null ? null : contenderAt(kept, prompt, contender);
      if (chosen === undefined || (chosen !== null && chosen >= comparison.wish.contenders.length)) throw problemError('input.invalid', { detail: 'There is no such answer.' });
      // Who has seen the names does not vote blindly any more.
      if (comparison.wish.blind && !isHidden(kept)) throw problemError('input.invalid', { detail: 'The names are shown; the votes stand.' });
      const votes = [...comparison.votes.filter((one) => one.prompt !== prompt), { prompt, contender: chosen }].sort((a, b) => a.prompt - b.prompt);
      const running = live.get(id);
      if (running !== undefined) running.comparison = { ...running.comparison, votes };
      const next: KeptComparison = running === undefined ? { ...kept, comparison: { ...comparison, votes } } : keptOf(running);
      if (running === undefined) await store.write(next);
      else await save(running);
      watching.tell(id, () => next);
      return decideView(next, 'all');
    }),
    export: async (id, format) => exportComparison(decideView(await find(id), 'all'), format),
    async remove(id) {
      const running = live.get(id);
      if (running?.comparison.jobId != null) await jobs.cancel(running.comparison.jobId).catch(() => undefined);
      await running?.ended;
      await change(async () => {
        const was = live.delete(id);
        if (!(await store.remove(id)) && !was) throw problemError('compare.not_found', { what: id });
      });
      watching.end(id);
    },
    promptSets: sets.list,
    savePromptSet: sets.save,
    removePromptSet: sets.remove,
    async stop() {
      stopping.abort();
      await Promise.allSettled([...[...live.values()].map((it) => it.ended), changing]);
    },
  };
}

const isOfDisk = (problem: Problem | null): boolean => problem?.code.startsWith('file.') === true;

const aborted = (signal: AbortSignal): Promise<void> => new Promise((resolve) => {
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
});
