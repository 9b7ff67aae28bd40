import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type ProblemError } from '../../../contract/problem.ts';
import { openDatabase, openInMemory, setAside, sqlTrouble } from '../open-database.ts';
import type { BenchmarkCalls, BenchmarkOp } from './benchmark-calls.ts';
import { openBenchmarkOperations, type BenchmarkOperations } from './benchmark-operations.ts';
import { benchmarkArea } from './benchmark-schema.ts';
import { salvageBenchmarks } from './salvage-benchmarks.ts';

/** The benchmarks in the storage thread: opened when first asked for, and again when the file was away or damaged. */
export interface BenchmarkStore {
  /** @throws ProblemError `bench.storage` */
  run<Op extends BenchmarkOp>(op: Op, input: BenchmarkCalls[Op]['input']): BenchmarkCalls[Op]['output'];
  /** The file is about to be set aside by another area. */
  letGo(): void;
  /** A damaged database was set aside here: what can be read of it is taken over. */
  salvage(asidePath: string): void;
  close(): void;
}

export interface BenchmarkStoreOptions {
  /** Null: in the thread's memory. */
  readonly path: string | null;
  /** Another area of this thread has looked through the file. */
  checked(): boolean;
  /** The file is about to be set aside here: the others let go of it. */
  releasing(): void;
  log(level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>): void;
}

export function createBenchmarkStore(options: BenchmarkStoreOptions): BenchmarkStore {
  const { path } = options;
  const aside: string[] = [];
  let db: DatabaseSync | null = null;
  let operations: BenchmarkOperations | null = null;

  const storageProblem = (detail: string, cause?: unknown): ProblemError => problemError('bench.storage', { path: path ?? 'memory', detail }, { cause });
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
    const result = openDatabase(file, benchmarkArea, Date.now(), { check: !options.checked(), releasing: options.releasing });
    if (result.kind === 'unavailable') throw storageProblem(detailOf(result.why, result.detail));
    if (result.kind === 'newer') {
      result.db.close();
      throw storageProblem(`the benchmarks in it are of a newer Warpdeck (version ${String(result.problem.facts['found'])})`);
    }
    if (result.broken !== null) aside.push(join(dirname(file), basename(String(result.broken.facts['aside']))));
    return result.db;
  };
  const open = (): BenchmarkOperations => {
    db = path === null ? openInMemory(benchmarkArea) : openFile(path);
    for (const damaged of aside.splice(0)) {
      const runs = salvageBenchmarks(damaged, db);
      options.log('warn', 'The database was damaged; what could be read of the benchmarks was taken over', { aside: damaged, runs });
    }
    return openBenchmarkOperations(db);
  };
  const attempt = <Op extends BenchmarkOp>(op: Op, input: BenchmarkCalls[Op]['input']): BenchmarkCalls[Op]['output'] => {
    operations ??= open();
    return (operations[op] as (input: unknown) => BenchmarkCalls[Op]['output'])(input);
  };
  /** What a failed statement means: true when it is worth another try. */
  const mend = (error: unknown): boolean => {
    const trouble = sqlTrouble(error);
    options.log('warn', 'The benchmarks could not be read or written', { trouble, detail: String(error) });
    if (trouble === 'full' || trouble === 'busy') return false;
    letGo();
    if (trouble !== 'broken' || path === null) return false;
    options.releasing();
    aside.push(setAside(path, Date.now()));
    return true;
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

const describe = (error: unknown): string => detailOf(sqlTrouble(error), error instanceof Error ? error.message : String(error));

function detailOf(trouble: ReturnType<typeof sqlTrouble>, detail: string): string {
  if (trouble === 'full') return 'the disk is full';
  if (trouble === 'busy') return 'another program holds the database';
  return detail;
}
