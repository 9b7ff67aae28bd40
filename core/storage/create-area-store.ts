import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { problemOf, type ProblemError } from '../../contract/problem.ts';
import { openDatabase, openInMemory, setAside, sqlTrouble, type Area } from './open-database.ts';
import { salvageTables, type Salvage } from './salvage-tables.ts';

/** An area of the database in the storage thread: opened when first asked for, and again when the file was away or damaged. */
export interface AreaStore<Operations extends AnyOperations> {
  /** @throws ProblemError what the operation throws, and the area's own for a file that cannot be used */
  run<Op extends keyof Operations>(op: Op, input: Parameters<Operations[Op]>[0]): ReturnType<Operations[Op]>;
  /** The file is about to be set aside by another area. */
  letGo(): void;
  /** A damaged database was set aside here: what can be read of it is taken over. */
  salvage(asidePath: string): void;
  close(): void;
}
// Each operation has an input of its own: what they have in common takes nothing.
type AnyOperations = Readonly<Record<string, (input: never) => unknown>>;

export interface AreaStoreOptions {
  /** Null: in the thread's memory. */
  readonly path: string | null;
  /** Another area of this thread has looked through the file. */
  checked(): boolean;
  /** The file is about to be set aside here: the others let go of it. */
  releasing(): void;
  log(level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>): void;
}

export interface AreaKind<Operations extends AnyOperations> {
  readonly area: Area;
  /** As sentences name what is in it: `the conversations`. */
  readonly what: string;
  readonly salvage: Salvage;
  open(db: DatabaseSync): Operations;
  /** `saved`: rows that were taken over from a damaged file just now. */
  opened?(operations: Operations, saved: number): void;
  /** Trouble of the area's own. True: over a fresh connection it is worth another try. */
  mend?(error: unknown): boolean;
  problem(facts: { readonly path: string; readonly detail: string }, cause: unknown): ProblemError;
}

export function createAreaStore<Operations extends AnyOperations>(kind: AreaKind<Operations>, options: AreaStoreOptions): AreaStore<Operations> {
  const { path } = options;
  const { what } = kind;
  const aside: string[] = [];
  let db: DatabaseSync | null = null;
  let operations: Operations | null = null;

  const storageProblem = (detail: string, cause?: unknown): ProblemError => kind.problem({ path: path ?? 'memory', detail }, cause);
  const letGo = (): void => {
    operations = null;
    try {
      db?.close();
    } catch {
      // It is closed already.
    }
    db = null;
  };
  const openFile = (file: string): DatabaseSync => {
    const result = openDatabase(file, kind.area, Date.now(), { check: !options.checked(), releasing: options.releasing });
    if (result.kind === 'unavailable') throw storageProblem(wordTrouble(result.why, result.detail));
    if (result.kind === 'newer') {
      result.db.close();
      throw storageProblem(`${what} in it are of a newer Warpdeck (version ${String(result.problem.facts['found'])})`);
    }
    if (result.broken !== null) aside.push(join(dirname(file), basename(String(result.broken.facts['aside']))));
    return result.db;
  };
  const open = (): Operations => {
    db = path === null ? openInMemory(kind.area) : openFile(path);
    const made = kind.open(db);
    let saved = 0;
    for (const damaged of aside.splice(0)) {
      const rows = salvageTables(damaged, db, kind.salvage);
      saved += rows;
      options.log('warn', `The database was damaged; what could be read of ${what} was taken over`, { aside: damaged, rows });
    }
    kind.opened?.(made, saved);
    return made;
  };
  /** What a failed statement means: true when it is worth another try. */
  const mend = (error: unknown): boolean => {
    if (kind.mend?.(error) === true) {
      letGo();
      return true;
    }
    const trouble = sqlTrouble(error);
    options.log('warn', `${what.charAt(0).toUpperCase()}${what.slice(1)} could not be read or written`, { trouble, detail: String(error) });
    if (trouble === 'full' || trouble === 'busy') return false;
    letGo();
    if (trouble !== 'broken' || path === null) return false;
    options.releasing();
    aside.push(setAside(path, Date.now()));
    return true;
  };
  const attempt = <Op extends keyof Operations>(op: Op, input: Parameters<Operations[Op]>[0]): ReturnType<Operations[Op]> => {
    operations ??= open();
    return (operations[op] as (input: unknown) => ReturnType<Operations[Op]>)(input);
  };

  return {
    run(op, input) {
      try {
        return attempt(op, input);
      } catch (error) {
        if (problemOf(error) !== null) throw error;
        try {
          if (mend(error)) return attempt(op, input);
        } catch (second) {
          throw problemOf(second) === null ? storageProblem(describe(second), second) : second;
        }
        throw storageProblem(describe(error), error);
      }
    },
    letGo,
    salvage(asidePath) {
      letGo();
      aside.push(asidePath);
    },
    close: letGo,
  };
}

const describe = (error: unknown): string => wordTrouble(sqlTrouble(error), error instanceof Error ? error.message : String(error));

function wordTrouble(trouble: ReturnType<typeof sqlTrouble>, detail: string): string {
  if (trouble === 'full') return 'the disk is full';
  return trouble === 'busy' ? 'another program holds the database' : detail;
}
