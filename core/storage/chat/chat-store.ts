import { problemError } from '../../../contract/problem-catalogue.ts';
import { createAreaStore, type AreaStore, type AreaStoreOptions } from '../create-area-store.ts';
import type { Salvage } from '../salvage-tables.ts';
import { openChatOperations, type ChatOperations } from './chat-operations.ts';
import { chatArea } from './chat-schema.ts';

export type ChatStore = AreaStore<ChatOperations>;

/** SQLITE_CORRUPT_VTAB of sqlite3.h: the index of words is damaged, the texts are not. */
const DAMAGED_INDEX = 267;

const salvage: Salvage = {
  tables: ['chat_conversations', 'chat_messages', 'chat_rests', 'chat_attachments'],
  counted: 'chat_messages',
  repair: `UPDATE chat_conversations SET messages = (SELECT count(*) FROM chat_messages m WHERE m.conversation = chat_conversations.n);
    UPDATE chat_conversations SET head = (SELECT max(m.n) FROM chat_messages m WHERE m.conversation = chat_conversations.n)
      WHERE head IS NOT NULL AND head NOT IN (SELECT n FROM chat_messages);
    UPDATE chat_messages SET parent = NULL, depth = 0 WHERE parent IS NOT NULL AND parent NOT IN (SELECT n FROM chat_messages);`,
};

/** The conversations in the storage thread. Problems: `chat.not_found`, `chat.storage`. */
export function createChatStore(options: AreaStoreOptions): ChatStore {
  let indexDamaged = false;
  return createAreaStore({
    area: chatArea,
    what: 'the conversations',
    salvage,
    open: openChatOperations,
    opened(operations, saved) {
      if (indexDamaged || saved > 0) operations.rebuildWords();
      indexDamaged = false;
      const interrupted = operations.closeOpen();
      if (interrupted > 0) options.log('info', 'Answers were being written when the engine ended', { interrupted });
    },
    mend(error) {
      if (!(error instanceof Error && 'errcode' in error && error.errcode === DAMAGED_INDEX)) return false;
      options.log('warn', 'The index of the conversations is damaged and made anew', {});
      // Over a fresh connection: this one holds on to what it has read of the damage.
      indexDamaged = true;
      return true;
    },
    problem: (facts, cause) => problemError('chat.storage', facts, { cause }),
  }, options);
}
