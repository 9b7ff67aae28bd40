import { createStore, type StoreApi } from 'zustand/vanilla';
import { thinRun, unpackPast, type BenchmarkInfo, type BenchmarkRun, type BenchmarkWish, type CanaryState, type PastRun, type RunComparison } from '../../contract/benchmarks.ts';
import type { Job } from '../../contract/jobs.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { loading, ready, troubled, type Remote } from '../connection/remote.ts';
import { createAttempt } from './create-attempt.ts';

/** Runs of a benchmark that are listed, and points of its line; the engine keeps more. */
const PAST_RUNS = 400;
/** The engine takes no larger text. */
export const MOST_IMPORTED_CHARACTERS = 8_000_000;

/** Two runs, and what the engine says of them. */
export interface ComparedPair {
  readonly a: string;
  readonly b: string;
  readonly result: Remote<RunComparison>;
}

export type ExportFormat = 'jsonl' | 'markdown' | 'csv' | 'svg';

export interface BenchmarksState {
  readonly infos: Remote<readonly BenchmarkInfo[]>;
  /** The newest runs of all benchmarks, as they grow. */
  readonly newest: Remote<readonly BenchmarkRun[]>;
  /** By benchmark, newest first; read when somebody looks. */
  readonly past: Readonly<Record<string, Remote<readonly PastRun[]>>>;
  /** Runs that are shown whole, besides the newest: of each place the last one, those that were opened or imported. */
  readonly whole: readonly BenchmarkRun[];
  readonly canary: Remote<CanaryState>;
  /** Chosen by the user. */
  readonly pair: ComparedPair | null;
  /** Before and after the last change of driver, torch or engine. */
  readonly trend: ComparedPair | null;
  readonly problem: Problem | null;
  readInfos(): Promise<void>;
  readPast(name: string): Promise<void>;
  /** A run that is not known whole: read alone, without its samples. False with `problem` set. */
  find(id: string): Promise<boolean>;
  /** Answers the job, or null with `problem` set. */
  run(wish: Partial<BenchmarkWish> & Pick<BenchmarkWish, 'name'>): Promise<Job | null>;
  compare(a: string, b: string): Promise<void>;
  judge(a: string, b: string): Promise<void>;
  exportAs(id: string, format: ExportFormat): Promise<{ readonly fileName: string; readonly text: string } | null>;
  /** Output of llama-bench; answers the runs that it held. */
  importText(text: string): Promise<readonly BenchmarkRun[] | null>;
  remove(id: string): Promise<boolean>;
  runCanary(place: string | null): Promise<Job | null>;
  complain(problem: Problem): void;
  dismiss(): void;
}
export type BenchmarksStore = StoreApi<BenchmarksState>;

/** All runs of a benchmark that are known, newest first; those that grow as they are now. Pure. */
export function listPast(name: string, whole: readonly BenchmarkRun[], past: readonly PastRun[]): readonly PastRun[] {
  return mergeRuns(whole.filter((r) => r.name === name).map(thinRun), past);
}

/** Runs from several lists, each once, newest first; the first list that has one knows best. Pure. */
export function mergeRuns<T extends { readonly id: string; readonly startedAtMs: number }>(...lists: readonly (readonly T[])[]): readonly T[] {
  const byId = new Map<string, T>();
  for (const run of lists.flat()) if (!byId.has(run.id)) byId.set(run.id, run);
  return [...byId.values()].sort((a, b) => b.startedAtMs - a.startedAtMs);
}

/** What can be measured, what was, what is being measured now, and the canary. */
export function createBenchmarksStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): BenchmarksStore {
  const { client, source, clock } = deps;
  const store = createStore<BenchmarksState>()((set, get) => {
    const attempt = createAttempt(set);
    // One that is under way is followed among the newest: kept here it would stay so.
    const keep = (runs: readonly BenchmarkRun[]): void => {
      const ended = runs.filter((r) => r.state !== 'running');
      if (ended.length > 0) set((s) => ({ whole: mergeRuns(ended, s.whole) }));
    };
    /** Only the pair that is wanted last counts. */
    const compareInto = async (key: 'pair' | 'trend', a: string, b: string): Promise<void> => {
      const isWanted = (): boolean => get()[key]?.a === a && get()[key]?.b === b;
      const hold = (result: Remote<RunComparison>): void => set(key === 'pair' ? { pair: { a, b, result } } : { trend: { a, b, result } });
      hold(isWanted() ? (get()[key]?.result ?? loading) : loading);
      try {
        const compared = await client.benchmarks.compare({ a, b });
        if (isWanted()) hold(ready(compared, Date.now()));
      } catch (error) {
        if (isWanted()) hold(troubled(get()[key]?.result ?? loading, problemFrom(error)));
      }
    };
    return {
      infos: loading,
      newest: loading,
      past: {},
      whole: [],
      canary: loading,
      pair: null,
      trend: null,
      problem: null,
      readInfos: async () => {
        try {
          set({ infos: ready(await client.benchmarks.list({}), Date.now()) });
        } catch (error) {
          set((s) => ({ infos: troubled(s.infos, problemFrom(error)) }));
        }
      },
      readPast: async (name) => {
        set((s) => ({ past: { ...s.past, [name]: s.past[name] ?? loading } }));
        try {
          const past = await client.benchmarks.past({ name, limit: PAST_RUNS });
          const runs = unpackPast(past);
          keep(past.newest);
          set((s) => ({ past: { ...s.past, [name]: ready(runs, Date.now()) } }));
        } catch (error) {
          set((s) => ({ past: { ...s.past, [name]: troubled(s.past[name] ?? loading, problemFrom(error)) } }));
        }
      },
      find: async (id) => {
        const found = await attempt(() => client.benchmarks.get({ id, samples: false }));
        if (found === null) return false;
        const { samples: _, ...run } = found;
        keep([run]);
        return true;
      },
      run: (wish) => attempt(() => client.benchmarks.run(wish)),
      compare: (a, b) => compareInto('pair', a, b),
      judge: (a, b) => compareInto('trend', a, b),
      exportAs: (id, format) => attempt(() => client.benchmarks.export({ id, format })),
      importText: (text) => attempt(async () => {
        const runs = await client.benchmarks.import({ text });
        keep(runs);
        return runs;
      }),
      remove: async (id) => {
        if ((await attempt(() => client.benchmarks.remove({ id }))) === null) return false;
        const without = <T extends { readonly id: string }>(remote: Remote<readonly T[]>): Remote<readonly T[]> => (remote.state === 'ready' || remote.state === 'stale' ? { ...remote, value: remote.value.filter((r) => r.id !== id) } : remote);
        set((s) => ({
          newest: without(s.newest),
          past: Object.fromEntries(Object.entries(s.past).map(([name, runs]) => [name, without(runs)])),
          whole: s.whole.filter((r) => r.id !== id),
          pair: s.pair?.a === id || s.pair?.b === id ? null : s.pair,
          trend: s.trend?.a === id || s.trend?.b === id ? null : s.trend,
        }));
        return true;
      },
      runCanary: (place) => attempt(() => client.benchmarks.runCanary({ place })),
      complain: (problem) => set({ problem }),
      dismiss: () => set({ problem: null }),
    };
  });
  const newestRuns = keepNewest<readonly BenchmarkRun[]>(clock, (runs, nowMs) => store.setState({ newest: ready(runs, nowMs) }));
  const newestCanary = keepNewest<CanaryState>(clock, (canary, nowMs) => store.setState({ canary: ready(canary, nowMs) }));
  consumeStream(source, (signal) => client.benchmarks.watch({}, { signal }), newestRuns.take, (problem) => store.setState((s) => ({ newest: troubled(s.newest, problem) })));
  consumeStream(source, (signal) => client.benchmarks.watchCanary({}, { signal }), newestCanary.take, (problem) => store.setState((s) => ({ canary: troubled(s.canary, problem) })));
  return store;
}
