import type { DatabaseSync } from 'node:sqlite';

/** All of it or nothing. */
export function runInTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors (a full disk among them).
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
