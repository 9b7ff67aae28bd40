import { problemError } from '../../../contract/problem-catalogue.ts';
import { createAreaStore, type AreaStore, type AreaStoreOptions } from '../create-area-store.ts';
import { openBenchmarkOperations, type BenchmarkOperations } from './benchmark-operations.ts';
import { benchmarkArea } from './benchmark-schema.ts';

export type BenchmarkStore = AreaStore<BenchmarkOperations>;

/** The benchmarks in the storage thread. Problem: `bench.storage`. */
export const createBenchmarkStore = (options: AreaStoreOptions): BenchmarkStore => createAreaStore({
  area: benchmarkArea,
  what: 'the benchmarks',
  salvage: { tables: ['bench_runs', 'bench_samples'], counted: 'bench_runs', repair: '' },
  open: openBenchmarkOperations,
  problem: (facts, cause) => problemError('bench.storage', facts, { cause }),
}, options);
