import type { Area } from '../open-database.ts';

/**
 * Tables of the conversations. A message is found by its number `n`, which also gives the order of time: the clock may
 * go backwards. `parent` and `depth` (0: the first) make the tree. Of a long text the row holds the beginning
 * (split-text.ts) and `chat_rests` what follows, so that a page never reads megabytes that it does not show.
 * `chat_words` is an index alone, without the texts: a message under its `n`, the title of a conversation under `-n`.
 */
export const chatArea: Area = {
  name: 'chat',
  migrations: [
    {
      version: 1,
      sql: `
        CREATE TABLE chat_conversations (
          n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, title_is_ours INTEGER NOT NULL,
          created_ms REAL NOT NULL, changed_ms REAL NOT NULL, touched INTEGER NOT NULL, removed_ms REAL,
          messages INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, head INTEGER,
          answerer TEXT NOT NULL, system_prompt TEXT NOT NULL) STRICT;
        CREATE INDEX chat_conversations_by_touch ON chat_conversations (touched);
        CREATE TABLE chat_messages (
          n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
          conversation INTEGER NOT NULL REFERENCES chat_conversations (n) ON DELETE CASCADE,
          parent INTEGER, depth INTEGER NOT NULL, role TEXT NOT NULL, at_ms REAL NOT NULL, open INTEGER NOT NULL,
          characters INTEGER NOT NULL, thinking_characters INTEGER NOT NULL, thinking_tokens INTEGER, attachments INTEGER NOT NULL, answer TEXT, content TEXT NOT NULL, thinking TEXT NOT NULL) STRICT;
        CREATE INDEX chat_messages_by_parent ON chat_messages (conversation, parent);
        CREATE INDEX chat_messages_open ON chat_messages (open) WHERE open = 1;
        CREATE TABLE chat_rests (message INTEGER PRIMARY KEY REFERENCES chat_messages (n) ON DELETE CASCADE, content TEXT NOT NULL, thinking TEXT NOT NULL) STRICT;
        CREATE TABLE chat_attachments (
          message INTEGER NOT NULL REFERENCES chat_messages (n) ON DELETE CASCADE, place INTEGER NOT NULL,
          name TEXT NOT NULL, characters INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (message, place)) STRICT;
        CREATE VIRTUAL TABLE chat_words USING fts5 (text, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2");`,
    },
  ],
};
