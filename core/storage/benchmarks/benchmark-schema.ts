import type { Area } from '../open-database.ts';

/**
 * Tables of the benchmarks. A run is one row with its results as JSON, and beside it what a history shows of it (`thin`):
 * a tenth of it. The samples of a case are one blob (pack-samples.ts) in a table of their own, so that a list never
 * reads them.
 */
export const benchmarkArea: Area = {
  name: 'benchmarks',
  migrations: [
    {
      version: 1,
      sql: `
        CREATE TABLE bench_runs (
          n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, place TEXT NOT NULL,
          started_ms REAL NOT NULL, state TEXT NOT NULL, canary INTEGER NOT NULL, run TEXT NOT NULL, thin TEXT NOT NULL) STRICT;
        CREATE INDEX bench_runs_by_time ON bench_runs (canary, started_ms);
        CREATE INDEX bench_runs_open ON bench_runs (state) WHERE state = 'running';
        CREATE TABLE bench_samples (
          run INTEGER NOT NULL REFERENCES bench_runs (n) ON DELETE CASCADE, case_id TEXT NOT NULL, samples BLOB NOT NULL,
          PRIMARY KEY (run, case_id)) STRICT;`,
    },
  ],
};
