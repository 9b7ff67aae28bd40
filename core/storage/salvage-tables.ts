import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

export interface Salvage {
  /** Parents first: a row that refers to a lost one is left out. */
  readonly tables: readonly string[];
  /** The table whose rows are counted. */
  readonly counted: string;
  /** Run afterwards: what hangs together again, and what can be made anew. */
  readonly repair: string;
}

/**
 * Takes over what can be read of some tables in a damaged database that was set aside: row by row from either end,
 * until the damage. Answers how many rows of `counted`. Never throws.
 */
export function salvageTables(asidePath: string, into: DatabaseSync, { tables, counted, repair }: Salvage): number {
  let from: DatabaseSync | null = null;
  let count = 0;
  try {
    from = new DatabaseSync(asidePath, { readOnly: true });
    for (const table of tables) {
      const columns = into.prepare(`SELECT name FROM pragma_table_info('${table}')`).all().map((row) => String(row['name']));
      const put = into.prepare(`INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
      for (const order of ['ASC', 'DESC']) {
        const copied = copyRows(from, `SELECT ${columns.join(', ')} FROM ${table} NOT INDEXED ORDER BY rowid ${order}`, (row) => {
          const done = tryRun(() => put.run(...columns.map((c): SQLInputValue => row[c] ?? null)).changes);
          if (table === counted) count += done;
        });
        if (copied === 'all') break;
      }
    }
    into.exec(repair);
  } catch {
    // It cannot be opened, or has none: nothing to save.
  } finally {
    tryRun(() => {
      from?.close();
      return 0;
    });
  }
  return count;
}

function copyRows(from: DatabaseSync, sql: string, take: (row: Record<string, SQLInputValue>) => void): 'all' | 'some' {
  try {
    for (const row of from.prepare(sql).iterate()) take(row);
    return 'all';
  } catch {
    return 'some';
  }
}

function tryRun(work: () => number | bigint | undefined): number {
  try {
    return Number(work() ?? 0);
  } catch {
    return 0;
  }
}
