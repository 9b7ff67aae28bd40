import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type ProblemError } from '../../../contract/problem.ts';
import { openDatabase, openInMemory, setAside, sqlTrouble } from '../open-database.ts';
import type { EffectsCalls, EffectsOp } from './effects-calls.ts';
import { openEffectsOperations, type EffectsOperations } from './effects-operations.ts';
import { effectsArea } from './effects-schema.ts';

/** Effect cards and profiles in the storage thread: opened when first asked for, and again when the file was away or damaged. */
export interface EffectsStore {
  /** @throws ProblemError `bench.storage` */
  run<Op extends EffectsOp>(op: Op, input: EffectsCalls[Op]['input']): EffectsCalls[Op]['output'];
  /** The file is about to be set aside by another area. */
  letGo(): void;
  /** A damaged database was set aside here: what can be read of it is taken over. */
  salvage(asidePath: string): void;
  close(): void;
}

export interface EffectsStoreOptions {
  readonly path: string | null;
  /** Another area of this thread has looked through the file. */
  checked(): boolean;
  releasing(): void;
  log(level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>): void;
}

export function createEffectsStore(options: EffectsStoreOptions): EffectsStore {
  const { path } = options;
  const aside: string[] = [];
  let db: DatabaseSync | null = null;
  let operations: EffectsOperations | null = null;

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
    const result = openDatabase(file, effectsArea, Date.now(), { check: !options.checked(), releasing: options.releasing });
    if (result.kind === 'unavailable') throw storageProblem(wordTrouble(result.why, result.detail));
    if (result.kind === 'newer') {
      result.db.close();
      throw storageProblem('the effects in it are of a newer Warpdeck');
    }
    if (result.broken !== null) aside.push(join(dirname(file), basename(String(result.broken.facts['aside']))));
    return result.db;
  };
  const open = (): EffectsOperations => {
    db = path === null ? openInMemory(effectsArea) : openFile(path);
    const made = openEffectsOperations(db);
    for (const damaged of aside.splice(0)) options.log('warn', 'The database was damaged; what could be read of the effects was taken over', { aside: damaged, cards: salvage(damaged, made) });
    return made;
  };
  /** What a failed statement means: true when it is worth another try. */
  const mend = (error: unknown): boolean => {
    const trouble = sqlTrouble(error);
    options.log('warn', 'Effects could not be read or written', { trouble, detail: String(error) });
    if (trouble === 'full' || trouble === 'busy') return false;
    letGo();
    if (trouble !== 'broken' || path === null) return false;
    options.releasing();
    aside.push(setAside(path, Date.now()));
    return true;
  };
  const attempt = <Op extends EffectsOp>(op: Op, input: EffectsCalls[Op]['input']): EffectsCalls[Op]['output'] => {
    operations ??= open();
    return (operations[op] as (input: unknown) => EffectsCalls[Op]['output'])(input);
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

/** Row by row, so that a damaged page costs its rows only. Answers how many cards were taken over. */
function salvage(damaged: string, into: EffectsOperations): number {
  let cards = 0;
  try {
    const from = new DatabaseSync(damaged, { readOnly: true });
    try {
      const old = openEffectsOperations(from);
      const last = Number(from.prepare('SELECT max(n) AS n FROM effect_cards').get()?.['n'] ?? 0);
      const idOf = from.prepare('SELECT id FROM effect_cards WHERE n = ?');
      for (let n = Math.max(1, last - 10_000); n <= last; n++) {
        const card = attemptOr(() => {
          const id = idOf.get(n)?.['id'];
          return typeof id === 'string' ? old['effects.get']({ id }) : null;
        });
        if (card === null) continue;
        into['effects.put'](card);
        cards++;
      }
      for (const profile of attemptOr(() => old['effects.profiles'](null)) ?? []) into['effects.putProfile'](profile);
    } finally {
      from.close();
    }
  } catch {
    // Nothing of it can be read.
  }
  return cards;
}
function attemptOr<T>(work: () => T | null): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
