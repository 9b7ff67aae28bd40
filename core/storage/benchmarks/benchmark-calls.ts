import type { BenchmarkDetail, BenchmarkRun, BenchmarkSample, PastRun } from '../../../contract/benchmarks.ts';
import type { Problem } from '../../../contract/problem.ts';

/** What the engine asks of the stored benchmarks in the storage thread. Both ends are made from the same sources: nothing is parsed here. */
export interface BenchmarkCalls {
  /** Stores a run as it is now, whole, and the samples of the cases that are given; those of others stay. */
  readonly 'bench.put': { readonly input: { readonly run: BenchmarkRun; readonly samples: Readonly<Record<string, readonly BenchmarkSample[]>> }; readonly output: null };
  /** Newest first, without samples. Null: any. */
  readonly 'bench.list': { readonly input: BenchmarkFilter; readonly output: BenchmarkRun[] };
  /** A benchmark over time without canaries: figures alone, and of each place the newest run that has some, whole. */
  readonly 'bench.past': { readonly input: { readonly name: string; readonly limit: number }; readonly output: StoredPast };
  /** Null: it is not there. `samples` false: the run alone. */
  readonly 'bench.get': { readonly input: { readonly id: string; readonly samples?: boolean }; readonly output: BenchmarkDetail | null };
  /** Whether there was one. */
  readonly 'bench.remove': { readonly input: { readonly id: string }; readonly output: boolean };
  /** Runs that were under way when an engine ended become `interrupted`. Once, when an engine begins. Answers how many. */
  readonly 'bench.interrupt': { readonly input: { readonly nowMs: number; readonly problem: Problem }; readonly output: number };
  /** Forgets what is too old or too much, ordinary runs and canaries apart. Answers how many. */
  readonly 'bench.prune': { readonly input: BenchmarkKeep; readonly output: number };
}
export interface StoredPast {
  /** Newest first. */
  readonly runs: readonly PastRun[];
  /** Of each place the newest run that has figures, whole. */
  readonly newest: readonly BenchmarkRun[];
}

export type BenchmarkOp = keyof BenchmarkCalls;

export interface BenchmarkFilter {
  readonly name: string | null;
  readonly place: string | null;
  readonly canary: boolean;
  readonly limit: number;
}

export interface BenchmarkKeep {
  readonly beforeMs: number;
  readonly mostRuns: number;
  readonly mostCanaries: number;
}
