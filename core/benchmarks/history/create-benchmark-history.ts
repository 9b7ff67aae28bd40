import { packPast, thinRun, type BenchmarkDetail, type BenchmarkPast, type BenchmarkRun, type BenchmarkSample } from '../../../contract/benchmarks.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type Problem } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import type { StorageClient } from '../../storage/storage-client.ts';

/** Stored runs, and those that could not be stored. */
export interface BenchmarkHistory {
  /** Marks what an earlier engine left under way and forgets what is too old. Once, at the start; never fails. */
  begin(): Promise<void>;
  /** Keeps a run as it is now, with the samples of the given cases. What cannot be stored stays in memory. Answers what hindered it. */
  put(run: BenchmarkRun, samples: Readonly<Record<string, readonly BenchmarkSample[]>>): Promise<Problem | null>;
  /** Newest first. @throws ProblemError `bench.storage` when nothing can be read and nothing is in memory */
  list(filter: HistoryFilter): Promise<BenchmarkRun[]>;
  /** A benchmark over time, newest first, canaries left out. @throws ProblemError `bench.storage` as `list` */
  past(filter: { readonly name: string; readonly limit: number }): Promise<BenchmarkPast>;
  /** `samples` false: the run alone. @throws ProblemError `bench.run_not_found`, `bench.storage` */
  get(id: string, samples?: boolean): Promise<BenchmarkDetail>;
  /** @throws ProblemError `bench.run_not_found`, `bench.storage` */
  remove(id: string): Promise<void>;
}

export interface HistoryFilter {
  readonly name: string | null;
  readonly place: string | null;
  readonly canary: boolean;
  readonly limit: number;
}

export interface HistoryOptions {
  readonly storage: Pick<StorageClient, 'call'>;
  readonly log: Logger;
  readonly now?: () => number;
}

/** Two years; and so many of each kind. */
const KEEP_MS = 730 * 86_400_000;
const MOST_RUNS = 2000;
const MOST_CANARIES = 1000;
/** Runs that wait in memory for a disk that takes them. */
const MOST_UNSAVED = 50;

export function createBenchmarkHistory({ storage, log, now = Date.now }: HistoryOptions): BenchmarkHistory {
  /** What the disk did not take, oldest first. */
  const unsaved = new Map<string, { run: BenchmarkRun; samples: Record<string, readonly BenchmarkSample[]> }>();

  const hold = (run: BenchmarkRun, samples: Readonly<Record<string, readonly BenchmarkSample[]>>): void => {
    unsaved.set(run.id, { run, samples: { ...unsaved.get(run.id)?.samples, ...samples } });
    for (const id of unsaved.keys()) {
      if (unsaved.size <= MOST_UNSAVED) break;
      unsaved.delete(id);
    }
  };
  /** Everything in memory, with the newest. A run goes only when the disk has all of it. */
  const flush = async (): Promise<void> => {
    for (const [id, kept] of [...unsaved]) {
      await storage.call('bench.put', kept);
      if (unsaved.get(id) === kept) unsaved.delete(id);
    }
  };
  const asStorage = (error: unknown): Problem => {
    const problem = problemOf(error);
    return problem?.code === 'bench.storage' ? problem : makeProblem('bench.storage', { path: 'database', detail: problem?.cause ?? String(error) });
  };
  const prune = async (): Promise<void> => void await storage.call('bench.prune', { beforeMs: now() - KEEP_MS, mostRuns: MOST_RUNS, mostCanaries: MOST_CANARIES });

  return {
    async begin() {
      try {
        const interrupted = await storage.call('bench.interrupt', { nowMs: now(), problem: makeProblem('job.interrupted') });
        if (interrupted > 0) log.info('Benchmarks were under way when the engine ended', { interrupted });
        await prune();
      } catch (error) {
        log.warn('The stored benchmarks cannot be opened', { detail: String(error) });
      }
    },
    async put(run, samples) {
      hold(run, samples);
      try {
        await flush();
        if (run.state !== 'running') await prune();
        return null;
      } catch (error) {
        log.warn('A benchmark cannot be stored', { id: run.id, detail: String(error) });
        return asStorage(error);
      }
    },
    async list(filter) {
      const fits = ({ run }: { readonly run: BenchmarkRun }): boolean => run.canary === filter.canary && (filter.name === null || run.name === filter.name) && (filter.place === null || run.place.key === filter.place);
      const held = [...unsaved.values()].filter(fits).map(({ run }) => run);
      const stored = await storage.call('bench.list', filter).catch((error: unknown) => {
        if (held.length > 0) return [];
        throw error;
      });
      return newestFirst([...held, ...stored.filter((one) => !unsaved.has(one.id))]).slice(0, filter.limit);
    },
    async past({ name, limit }) {
      const held = [...unsaved.values()].map(({ run }) => run).filter((run) => !run.canary && run.name === name);
      const stored = await storage.call('bench.past', { name, limit }).catch((error: unknown) => {
        if (held.length > 0) return { runs: [], newest: [] };
        throw error;
      });
      const isStored = ({ id }: { readonly id: string }): boolean => !unsaved.has(id);
      const byPlace = new Map<string, BenchmarkRun>();
      for (const run of newestFirst([...held.filter((one) => one.results.some(({ median }) => median !== null)), ...stored.newest.filter(isStored)])) if (!byPlace.has(run.place.key)) byPlace.set(run.place.key, run);
      return packPast(newestFirst([...held.map(thinRun), ...stored.runs.filter(isStored)]).slice(0, limit), [...byPlace.values()]);
    },
    async get(id, samples = true) {
      const held = unsaved.get(id);
      // The disk may have the samples of its earlier cases.
      const stored = await storage.call('bench.get', { id, samples }).catch((error: unknown) => {
        if (held === undefined) throw error;
        return null;
      });
      if (held === undefined && stored === null) throw problemError('bench.run_not_found', { id: id.slice(0, 80) });
      const run = held?.run ?? stored;
      if (run === null) throw problemError('bench.run_not_found', { id: id.slice(0, 80) });
      return { ...run, samples: samples ? { ...stored?.samples, ...copySamples(held?.samples ?? {}) } : {} };
    },
    async remove(id) {
      const held = unsaved.delete(id);
      const stored = await storage.call('bench.remove', { id }).catch((error: unknown) => {
        if (!held) throw error;
        return false;
      });
      if (!held && !stored) throw problemError('bench.run_not_found', { id: id.slice(0, 80) });
    },
  };
}

const newestFirst = <T extends { readonly startedAtMs: number }>(runs: readonly T[]): T[] => runs.toSorted((a, b) => b.startedAtMs - a.startedAtMs);

const copySamples = (samples: Readonly<Record<string, readonly BenchmarkSample[]>>): Record<string, BenchmarkSample[]> => Object.fromEntries(Object.entries(samples).map(([caseId, some]) => [caseId, [...some]]));
