import { randomInt } from 'node:crypto';
import type { Answerer, Comparison, ComparisonAnswer, ComparisonWish } from '../../../contract/chat.ts';
import type { Job } from '../../../contract/jobs.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import { createGauge, type Gauge } from '../../engine/gauge.ts';
import type { ComparisonServices } from '../../engine/inference-services.ts';
import type { JobContext, JobResult, Jobs } from '../../jobs/create-jobs.ts';
import type { Logger } from '../../logging/logger.ts';
import { beginComparison } from './begin-comparison.ts';
import { createComparisonStore } from './comparison-store.ts';
import { placeOf, type MemoryReading } from './decide-rows.ts';
import { concludeComparison } from './conclude-comparison.ts';
import { createPace } from './create-pace.ts';
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
  comparison: Comparison;
  readonly memory: MemoryReading[];
  readonly places: readonly (readonly number[])[];
  readonly answers: Map<string, ComparisonAnswer>;
  readonly found: ContenderName[];
  /** Nothing more is written to it. */
  over: boolean;
  ended: Promise<void>;
}

/** A watched comparison is told so often at most, ms; one with many answers less often. */
const TELL_EVERY_MS = 200;
const TELL_EVERY_MS_PER_ANSWER = 0.5;
const DEFAULT_SECONDS = 1800;

/** Configurations that answer the same prompts: made by a job, kept as files, told in words that the numbers bear out. */
export function createComparisons({ jobs, answer, folder, resources, log, timeLimitSeconds = () => DEFAULT_SECONDS, now = Date.now }: ComparisonsOptions): Comparisons {
  const store = createComparisonStore(folder, log);
  const sets = createPromptSets({ resources, folder, log });
  const live = new Map<string, Live>();
  /** null is told to those who watch when it is removed. */
  const gauges = new Map<string, { readonly gauge: Gauge<Comparison | null>; watchers: number }>();
  let recovered: Promise<void> | null = null;
  /** Comparisons follow each other: two at once would disturb each other's times. */
  let line: Promise<void> = Promise.resolve();
  let changing: Promise<unknown> = Promise.resolve();
  const stopping = new AbortController();

  const keptOf = ({ comparison, memory, places }: Live): KeptComparison => ({ comparison, memory, places });
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
  const tell = (kept: KeptComparison): void => gauges.get(kept.comparison.id)?.gauge.publish(decideView(kept, 'watch'));
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
    const total = it.answers.size;
    const timers = createPace(() => tell(keptOf(it)), () => change(() => save(it)), TELL_EVERY_MS + total * TELL_EVERY_MS_PER_ANSWER);
    let done = 0;
    await runComparison({
      wish, open: answer, signal, firstSeed: randomInt(0, 2 ** 32 - 1), timeLimitSeconds: timeLimitSeconds(),
      named(contender, { modelName, provider }) {
        it.found[contender] = { model: modelName, provider };
        it.comparison = { ...it.comparison, names: nameContenders(wish.contenders, it.found) };
      },
      change(turn, to) {
        const place = placeOf(turn), before = it.answers.get(place);
        if (before === undefined) return;
        it.answers.set(place, { ...before, ...to });
        const ended = to.state === 'done';
        const answers = [...it.answers.values()];
        it.comparison = ended ? concludeComparison({ ...it.comparison, answers }, it.memory) : { ...it.comparison, answers };
        if (ended) {
          context.progress({ fraction: ++done / total, doing: `${done} of ${total} answers` });
          context.log(`Answer ${done} of ${total}${to.problem == null ? '' : `: ${to.problem.code}`}`);
        }
        timers.changed(ended);
      },
      remembered: (turn, bytes) => void it.memory.push({ ...turn, bytes }),
    });
    await timers.stop();
    const { answers } = it.comparison;
    const failed = answers.every((one) => one.state !== 'done' || one.problem !== null) ? (answers.find((one) => one.problem !== null)?.problem ?? null) : null;
    it.comparison = concludeComparison({ ...it.comparison, state: signal.aborted ? 'cancelled' : failed !== null ? 'failed' : 'done', problem: signal.aborted ? null : failed }, it.memory);
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
      answers: new Map(comparison.answers.map((one) => [placeOf(one), one])),
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
        it.comparison = concludeComparison({ ...it.comparison, state: 'failed', problem: problemOf(error) ?? makeProblem('engine.internal', { detail: String(error) }) }, it.memory);
        await change(() => save(it));
        throw error;
      } finally {
        it.over = true;
        // What could not be stored stays in memory.
        if (!isOfDisk(it.comparison.problem)) live.delete(id);
        ended();
        tell(keptOf(it));
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
      const kept = await find(id);
      const entry = gauges.get(id) ?? { gauge: createGauge<Comparison | null>(decideView(kept, 'watch')), watchers: 0 };
      gauges.set(id, entry);
      entry.watchers += 1;
      try {
        for await (const comparison of entry.gauge.stream(signal)) {
          if (comparison === null) return;
          yield comparison;
        }
      } finally {
        entry.watchers -= 1;
        if (entry.watchers === 0) gauges.delete(id);
      }
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
      tell(next);
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
      gauges.get(id)?.gauge.publish(null);
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
