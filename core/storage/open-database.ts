import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { makeProblem } from '../../contract/problem-catalogue.ts';
import type { Problem } from '../../contract/problem.ts';
import { runInTransaction } from './run-in-transaction.ts';

/** A change of the tables of one area, run in one transaction with its version. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}
export interface Area {
  readonly name: string;
  /** In order, versions 1, 2, …; append only. */
  readonly migrations: readonly Migration[];
}

export type OpenResult =
  /** `broken`: the file that was there was damaged and set aside. */
  | { readonly kind: 'open'; readonly db: DatabaseSync; readonly broken: Problem | null }
  | { readonly kind: 'newer'; readonly db: DatabaseSync; readonly problem: Problem }
  | { readonly kind: 'unavailable'; readonly why: SqlTrouble; readonly detail: string };

/** What an SQLite error means for us (primary result codes of sqlite3.h). */
export type SqlTrouble = 'full' | 'busy' | 'broken' | 'denied' | 'other';

export function sqlTrouble(error: unknown): SqlTrouble {
  const code = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : -1;
  if (code === 13) return 'full';
  if (code === 5 || code === 6) return 'busy';
  if (code === 11 || code === 26) return 'broken';
  if (code === 8 || code === 14 || code === 3 || code === 23) return 'denied';
  if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return 'full';
  return 'other';
}

/** The pages are larger than usual because rows are blobs of some KB, which would each spill into a second page. */
const pragmas = `PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=2000; PRAGMA foreign_keys=ON;
  PRAGMA cache_size=-2048; PRAGMA journal_size_limit=8388608; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;`;

export interface OpenHow {
  /** Look through the whole file first; not needed where another area of this thread has just done so. Default: yes. */
  readonly check?: boolean;
  /** Called before a damaged file is set aside: other areas let go of it. */
  readonly releasing?: () => void;
}

/**
 * Opens the database, made anew where there is none. A damaged file (it is checked whole) is set aside under a name
 * with the date, never deleted. Blocks: only for the storage thread.
 */
export function openDatabase(path: string, area: Area, nowMs: number, how: OpenHow = {}): OpenResult {
  const check = how.check ?? true;
  try {
    if (!existsSync(path)) createDatabase(path, area);
  } catch (error) {
    return unavailable(error);
  }
  const first = tryOpen(path, area, check);
  if (first.kind !== 'broken') return first.kind === 'open' ? { kind: 'open', db: first.db, broken: null } : first;
  try {
    how.releasing?.();
    const aside = setAside(path, nowMs);
    createDatabase(path, area);
    const second = tryOpen(path, area, check);
    if (second.kind === 'open') return { kind: 'open', db: second.db, broken: makeProblem('history.broken', { path, detail: first.detail, aside: basename(aside) }) };
    return second.kind === 'broken' ? { kind: 'unavailable', why: 'broken', detail: second.detail } : second;
  } catch (error) {
    return unavailable(error);
  }
}

function unavailable(error: unknown): Extract<OpenResult, { kind: 'unavailable' }> {
  return { kind: 'unavailable', why: sqlTrouble(error), detail: error instanceof Error ? error.message : String(error) };
}

/** Made beside and renamed: an empty file under the real name is damage, never a beginning. */
function createDatabase(path: string, area: Area): void {
  const beside = `${path}.new`;
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(beside + end, { force: true });
  const db = new DatabaseSync(beside);
  try {
    db.exec('PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL;');
    begin(db, area);
  } finally {
    db.close();
  }
  renameSync(beside, path);
}

function begin(db: DatabaseSync, area: Area): void {
  db.exec('CREATE TABLE schema_version (area TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;');
  migrate(db, area);
}

/** One that goes with the thread: for an engine that keeps nothing on disk. */
export function openInMemory(area: Area): DatabaseSync {
  const db = new DatabaseSync(':memory:');
  db.exec('PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=OFF;');
  begin(db, area);
  return db;
}

type Tried = { readonly kind: 'open'; readonly db: DatabaseSync } | { readonly kind: 'broken'; readonly detail: string } | Exclude<OpenResult, { kind: 'open' }>;

function tryOpen(path: string, area: Area, check: boolean): Tried {
  let db: DatabaseSync | null = null;
  try {
    if (statSync(path).size === 0) return { kind: 'broken', detail: 'the file is empty' };
    db = new DatabaseSync(path);
    db.exec('PRAGMA busy_timeout=2000;');
    const found = storedVersion(db, area.name);
    const known = area.migrations.at(-1)?.version ?? 0;
    if (found > known) {
      db.close();
      return { kind: 'newer', db: new DatabaseSync(path, { readOnly: true }), problem: makeProblem('history.newer', { path, found, known }) };
    }
    const damage = check ? findDamage(db) : null;
    if (damage !== null) {
      db.close();
      return { kind: 'broken', detail: damage };
    }
    db.exec(pragmas);
    migrate(db, area);
    return { kind: 'open', db };
  } catch (error) {
    closeQuietly(db);
    const why = unavailable(error);
    return why.why === 'broken' ? { kind: 'broken', detail: why.detail } : why;
  }
}

/** A damaged index of words is not a damaged file: its area makes it anew when it comes upon the damage. */
function findDamage(db: DatabaseSync): string | null {
  const found = db.prepare('PRAGMA quick_check(4)').all().map((row) => String(row['quick_check']));
  return found.find((line) => line !== 'ok' && !/\bfts5\b/i.test(line)) ?? null;
}

function closeQuietly(db: DatabaseSync | null): void {
  try {
    db?.close();
  } catch {
    // It was not open.
  }
}

/** 0 when the area has no tables yet. A database of somebody else counts as damaged: its table is missing. */
function storedVersion(db: DatabaseSync, area: string): number {
  const table = db.prepare("SELECT 1 AS here FROM sqlite_schema WHERE type='table' AND name='schema_version'").get();
  if (table === undefined) throw Object.assign(new Error('it is not a Warpdeck database'), { errcode: 26 });
  const version = db.prepare('SELECT version FROM schema_version WHERE area = ?').get(area)?.['version'];
  return typeof version === 'number' ? version : 0;
}

/** All missing steps in one transaction: a failure in the middle leaves the database as it was. */
function migrate(db: DatabaseSync, area: Area): void {
  const from = storedVersion(db, area.name);
  const missing = area.migrations.filter((m) => m.version > from);
  if (missing.length === 0) return;
  runInTransaction(db, () => {
    for (const step of missing) db.exec(step.sql);
    db.prepare('INSERT INTO schema_version (area, version) VALUES (?, ?) ON CONFLICT (area) DO UPDATE SET version = excluded.version').run(area.name, missing.at(-1)?.version ?? from);
  });
}

/** Moves a damaged database with its journal to `NAME.broken-DATE`. */
export function setAside(path: string, nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(':', '-');
  let aside = `${path}.broken-${stamp}`;
  for (let n = 2; existsSync(aside); n++) aside = `${path}.broken-${stamp}-${n}`;
  renameSync(path, aside);
  for (const end of ['-wal', '-shm']) {
    if (existsSync(path + end)) renameSync(path + end, aside + end);
  }
  return aside;
}
