import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { z } from 'zod';
import { benchmarkRun, pastRun, thinRun, type BenchmarkRun, type BenchmarkSample, type PastRun } from '../../../contract/benchmarks.ts';
import { runInTransaction } from '../run-in-transaction.ts';
import type { BenchmarkCalls, BenchmarkOp } from './benchmark-calls.ts';
import { packSamples, unpackSamples } from './pack-samples.ts';

/** More than a page shows. */
const MOST_PLACES = 32;

export type BenchmarkOperations = { readonly [Op in BenchmarkOp]: (input: BenchmarkCalls[Op]['input']) => BenchmarkCalls[Op]['output'] };

/** Everything that is asked of the benchmarks, over an open database. May throw SQLite errors. */
export function openBenchmarkOperations(db: DatabaseSync): BenchmarkOperations {
  const sql = {
    put: db.prepare(`INSERT INTO bench_runs (id, name, place, started_ms, state, canary, run, thin) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET state = excluded.state, run = excluded.run, thin = excluded.thin RETURNING n`),
    putSamples: db.prepare('INSERT INTO bench_samples (run, case_id, samples) VALUES (?, ?, ?) ON CONFLICT (run, case_id) DO UPDATE SET samples = excluded.samples'),
    list: db.prepare(`SELECT run FROM bench_runs WHERE canary = ? AND (?2 IS NULL OR name = ?2) AND (?3 IS NULL OR place = ?3) ORDER BY started_ms DESC, n DESC LIMIT ?4`),
    past: db.prepare('SELECT n, thin FROM bench_runs WHERE canary = 0 AND name = ?1 ORDER BY started_ms DESC, n DESC LIMIT ?2'),
    whole: db.prepare('SELECT run FROM bench_runs WHERE n = ?'),
    get: db.prepare('SELECT n, run FROM bench_runs WHERE id = ?'),
    samples: db.prepare('SELECT case_id, samples FROM bench_samples WHERE run = ?'),
    remove: db.prepare('DELETE FROM bench_runs WHERE id = ?'),
    open: db.prepare("SELECT n, run FROM bench_runs WHERE state = 'running'"),
    close: db.prepare('UPDATE bench_runs SET state = ?, run = ?, thin = ? WHERE n = ?'),
    old: db.prepare('DELETE FROM bench_runs WHERE started_ms < ?'),
    most: db.prepare(`DELETE FROM bench_runs WHERE canary = ?1 AND n IN (SELECT n FROM bench_runs WHERE canary = ?1 ORDER BY started_ms DESC, n DESC LIMIT -1 OFFSET ?2)`),
  };
  const inTransaction = <T>(work: () => T): T => runInTransaction(db, work);
  return {
    'bench.put': ({ run, samples }) => inTransaction(() => {
      const n = sql.put.get(run.id, run.name, run.place.key, run.startedAtMs, run.state, run.canary ? 1 : 0, JSON.stringify(run), JSON.stringify(thinRun(run)))?.['n'];
      for (const [caseId, some] of Object.entries(samples)) sql.putSamples.run(Number(n), caseId, packSamples(some));
      return null;
    }),
    'bench.list': ({ name, place, canary, limit }) => sql.list.all(canary ? 1 : 0, name, place, limit).flatMap((row) => parseRun(row['run']) ?? []),
    'bench.past': ({ name, limit }) => {
      const runs: PastRun[] = [];
      const newest = new Map<string, BenchmarkRun>();
      for (const { n, thin } of sql.past.all(name, limit)) {
        const past = parseRow(pastRun, thin);
        if (past === null) continue;
        runs.push(past);
        if (past.figures.length === 0 || newest.has(past.place.key) || newest.size >= MOST_PLACES) continue;
        const whole = parseRun(sql.whole.get(Number(n))?.['run']);
        if (whole !== null) newest.set(whole.place.key, whole);
      }
      return { runs, newest: [...newest.values()] };
    },
    'bench.get': ({ id, samples: withSamples = true }) => {
      const row = sql.get.get(id);
      const run = row === undefined ? null : parseRun(row['run']);
      if (row === undefined || run === null) return null;
      const samples: Record<string, BenchmarkSample[]> = {};
      if (withSamples) for (const one of sql.samples.all(Number(row['n']))) if (one['samples'] instanceof Uint8Array) samples[String(one['case_id'])] = unpackSamples(one['samples']);
      return { ...run, samples };
    },
    'bench.remove': ({ id }) => sql.remove.run(id).changes > 0,
    'bench.interrupt': ({ nowMs, problem }) => inTransaction(() => {
      const open = sql.open.all();
      for (const row of open) {
        const run = parseRun(row['run']);
        if (run === null) continue;
        const ended: BenchmarkRun = { ...run, state: 'interrupted', endedAtMs: nowMs, problem };
        sql.close.run('interrupted', JSON.stringify(ended), JSON.stringify(thinRun(ended)), Number(row['n']));
      }
      return open.length;
    }),
    'bench.prune': ({ beforeMs, mostRuns, mostCanaries }) => {
      const gone = inTransaction(() => [sql.old.run(beforeMs), sql.most.run(0, mostRuns), sql.most.run(1, mostCanaries)].reduce((sum, one) => sum + Number(one.changes), 0));
      if (gone > 0) db.exec('PRAGMA incremental_vacuum');
      return gone;
    },
  };
}

const parseRun = (text: SQLOutputValue | undefined): BenchmarkRun | null => parseRow(benchmarkRun, text);

/** Of another version or damaged: null, and left out. */
function parseRow<T>(schema: z.ZodType<T>, text: SQLOutputValue | undefined): T | null {
  if (typeof text !== 'string') return null;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
