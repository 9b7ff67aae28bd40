import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

/** Parents first: a row that refers to a lost one is left out. */
const tables = ['chat_conversations', 'chat_messages', 'chat_rests', 'chat_attachments'] as const;

/**
 * Takes over what can be read of the conversations in a damaged database that was set aside: row by row from either
 * end, until the damage. Answers how many messages. Never throws.
 */
export function salvageChat(asidePath: string, into: DatabaseSync): number {
  let from: DatabaseSync | null = null;
  let messages = 0;
  try {
    from = new DatabaseSync(asidePath, { readOnly: true });
    for (const table of tables) {
      const columns = into.prepare(`SELECT name FROM pragma_table_info('${table}')`).all().map((row) => String(row['name']));
      const put = into.prepare(`INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
      for (const order of ['ASC', 'DESC']) {
        const copied = copyRows(from, `SELECT ${columns.join(', ')} FROM ${table} NOT INDEXED ORDER BY rowid ${order}`, (row) => {
          const done = tryRun(() => put.run(...columns.map((c): SQLInputValue => row[c] ?? null)).changes);
          if (table === 'chat_messages') messages += done;
        });
        if (copied === 'all') break;
      }
    }
    into.exec(`UPDATE chat_conversations SET messages = (SELECT count(*) FROM chat_messages m WHERE m.conversation = chat_conversations.n);
      UPDATE chat_conversations SET head = (SELECT max(m.n) FROM chat_messages m WHERE m.conversation = chat_conversations.n)
        WHERE head IS NOT NULL AND head NOT IN (SELECT n FROM chat_messages);
      UPDATE chat_messages SET parent = NULL, depth = 0 WHERE parent IS NOT NULL AND parent NOT IN (SELECT n FROM chat_messages);`);
  } catch {
    // It cannot be opened, or has none: nothing to save.
  } finally {
    tryRun(() => {
      from?.close();
      return 0;
    });
  }
  return messages;
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
