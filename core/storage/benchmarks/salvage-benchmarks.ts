import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

const tables = { bench_runs: 'n, id, name, place, started_ms, state, canary, run', bench_samples: 'run, case_id, samples' } as const;

/**
 * Takes over what can be read of the benchmarks in a damaged database that was set aside: row by row from either end,
 * until the damage. Answers how many runs. Never throws.
 */
export function salvageBenchmarks(asidePath: string, into: DatabaseSync): number {
  let from: DatabaseSync | null = null;
  let runs = 0;
  try {
    from = new DatabaseSync(asidePath, { readOnly: true });
    for (const [table, columns] of Object.entries(tables)) {
      const names = columns.split(', ');
      const put = into.prepare(`INSERT OR IGNORE INTO ${table} (${columns}) VALUES (${names.map(() => '?').join(', ')})`);
      for (const order of ['ASC', 'DESC']) {
        const whole = readRows(from, `SELECT ${columns} FROM ${table} NOT INDEXED ORDER BY rowid ${order}`, (row) => {
          const changes = Number(put.run(...names.map((name): SQLInputValue => row[name] ?? null)).changes);
          if (table === 'bench_runs') runs += changes;
        });
        if (whole) break;
      }
    }
  } catch {
    // It cannot be opened: nothing to save.
  } finally {
    try {
      from?.close();
    } catch {
      // It is closed already.
    }
  }
  return runs;
}

/** False: it ended at the damage. */
function readRows(from: DatabaseSync, sql: string, take: (row: Record<string, SQLInputValue>) => void): boolean {
  try {
    for (const row of from.prepare(sql).iterate()) {
      try {
        take(row);
      } catch {
        // Samples of a run that is lost, or a damaged row.
      }
    }
    return true;
  } catch {
    return false;
  }
}
