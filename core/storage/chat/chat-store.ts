import { basename, dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf, type ProblemError } from '../../../contract/problem.ts';
import { openDatabase, openInMemory, setAside, sqlTrouble } from '../open-database.ts';
import type { ChatCalls, ChatOp } from './chat-calls.ts';
import { openChatOperations, type ChatOperations } from './chat-operations.ts';
import { chatArea } from './chat-schema.ts';
import { salvageChat } from './salvage-chat.ts';

/** The conversations in the storage thread: opened when first asked for, and again when the file was away or damaged. */
export interface ChatStore {
  /** @throws ProblemError `chat.not_found`, `chat.storage` */
  run<Op extends ChatOp>(op: Op, input: ChatCalls[Op]['input']): ChatCalls[Op]['output'];
  /** The file is about to be set aside by another area. */
  letGo(): void;
  /** A damaged database was set aside here: what can be read of it is taken over. */
  salvage(asidePath: string): void;
  close(): void;
}

export interface ChatStoreOptions {
  readonly path: string | null;
  /** Another area of this thread has looked through the file. */
  checked(): boolean;
  releasing(): void;
  log(level: 'info' | 'warn', message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** SQLITE_CORRUPT_VTAB of sqlite3.h: the index of words is damaged, the texts are not. */
const DAMAGED_INDEX = 267;

export function createChatStore(options: ChatStoreOptions): ChatStore {
  const { path } = options;
  const aside: string[] = [];
  let db: DatabaseSync | null = null;
  let operations: ChatOperations | null = null;
  let indexDamaged = false;

  const storageProblem = (detail: string, cause?: unknown): ProblemError => problemError('chat.storage', { path: path ?? 'memory', detail }, { cause });

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
    const result = openDatabase(file, chatArea, Date.now(), { check: !options.checked(), releasing: options.releasing });
    if (result.kind === 'unavailable') throw storageProblem(detailOf(result.why, result.detail));
    if (result.kind === 'newer') {
      result.db.close();
      throw storageProblem(`the conversations in it are of a newer Warpdeck (version ${String(result.problem.facts['found'])})`);
    }
    if (result.broken !== null) aside.push(join(dirname(file), basename(String(result.broken.facts['aside']))));
    return result.db;
  };

  const open = (): ChatOperations => {
    db = path === null ? openInMemory(chatArea) : openFile(path);
    const made = openChatOperations(db);
    for (const damaged of aside.splice(0)) {
      const messages = salvageChat(damaged, db);
      indexDamaged ||= messages > 0;
      options.log('warn', 'The database was damaged; what could be read of the conversations was taken over', { aside: damaged, messages });
    }
    if (indexDamaged) made.rebuildWords();
    indexDamaged = false;
    const interrupted = made.closeOpen();
    if (interrupted > 0) options.log('info', 'Answers were being written when the engine ended', { interrupted });
    return made;
  };

  /** What a failed statement means: true when it is worth another try. */
  const mend = (error: unknown): boolean => {
    if (error instanceof Error && 'errcode' in error && error.errcode === DAMAGED_INDEX) {
      options.log('warn', 'The index of the conversations is damaged and made anew', {});
      // Over a fresh connection: this one holds on to what it has read of the damage.
      indexDamaged = true;
      letGo();
      return true;
    }
    const trouble = sqlTrouble(error);
    options.log('warn', 'The conversations could not be read or written', { trouble, detail: String(error) });
    if (trouble === 'full' || trouble === 'busy') return false;
    letGo();
    if (trouble !== 'broken' || path === null) return false;
    options.releasing();
    aside.push(setAside(path, Date.now()));
    return true;
  };

  const attempt = <Op extends ChatOp>(op: Op, input: ChatCalls[Op]['input']): ChatCalls[Op]['output'] => {
    operations ??= open();
    return (operations[op] as (input: unknown) => ChatCalls[Op]['output'])(input);
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
    salvage: (asidePath) => {
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
