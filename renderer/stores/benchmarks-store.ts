import { createStore, type StoreApi } from 'zustand/vanilla';
import type { BenchmarkInfo, BenchmarkRun, BenchmarkWish, CanaryState, RunComparison } from '../../contract/benchmarks.ts';
import type { Job } from '../../contract/jobs.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, valueOf, type Remote } from '../connection/remote.ts';

/** Older runs of a benchmark that are read; the engine keeps more. */
const PAST_RUNS = 500;
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
  /** By benchmark; read when somebody looks. */
  readonly past: Readonly<Record<string, Remote<readonly BenchmarkRun[]>>>;
  readonly canary: Remote<CanaryState>;
  /** Chosen by the user. */
  readonly pair: ComparedPair | null;
  /** Before and after the last change of driver, torch or engine. */
  readonly trend: ComparedPair | null;
  readonly problem: Problem | null;
  readInfos(): Promise<void>;
  readPast(name: string): Promise<void>;
  /** A run that is in no list: read alone. False with `problem` set. */
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

/** Runs from several lists, each once, newest first; the first list that has one knows best. Pure. */
export function mergeRuns(...lists: readonly (readonly BenchmarkRun[])[]): readonly BenchmarkRun[] {
  const byId = new Map<string, BenchmarkRun>();
  for (const run of lists.flat()) if (!byId.has(run.id)) byId.set(run.id, run);
  return [...byId.values()].sort((a, b) => b.startedAtMs - a.startedAtMs);
}

/** What can be measured, what was, what is being measured now, and the canary. */
export function createBenchmarksStore(deps: { readonly client: Client; readonly source: StreamSource; readonly clock: CommitClock }): BenchmarksStore {
  const { client, source, clock } = deps;
  const store = createStore<BenchmarksState>()((set, get) => {
    const attempt = async <T,>(work: () => Promise<T>): Promise<T | null> => {
      try {
        const value = await work();
        set({ problem: null });
        return value;
      } catch (error) {
        set({ problem: problemFrom(error) });
        return null;
      }
    };
    const keep = (runs: readonly BenchmarkRun[]): void => set((s) => {
      const past = { ...s.past };
      for (const name of new Set(runs.map((r) => r.name))) past[name] = ready(mergeRuns(runs.filter((r) => r.name === name), valueOf(past[name] ?? idle) ?? []), Date.now());
      return { past };
    });
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
          const runs = await client.benchmarks.history({ name, limit: PAST_RUNS });
          set((s) => ({ past: { ...s.past, [name]: ready(runs, Date.now()) } }));
        } catch (error) {
          set((s) => ({ past: { ...s.past, [name]: troubled(s.past[name] ?? loading, problemFrom(error)) } }));
        }
      },
      find: async (id) => {
        const found = await attempt(() => client.benchmarks.get({ id }));
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
        const without = <T extends readonly BenchmarkRun[]>(remote: Remote<T>): Remote<readonly BenchmarkRun[]> => (remote.state === 'ready' || remote.state === 'stale' ? { ...remote, value: remote.value.filter((r) => r.id !== id) } : remote);
        set((s) => ({
          newest: without(s.newest),
          past: Object.fromEntries(Object.entries(s.past).map(([name, runs]) => [name, without(runs)])),
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
