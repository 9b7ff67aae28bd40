import type { DatabaseSync } from 'node:sqlite';
import type { ConversationHit } from '../../../contract/chat.ts';
import { findHit, indexText, makeMatch, splitQuery } from './search-words.ts';
import { HEAD_CHARACTERS } from './split-text.ts';

/** The words of messages and titles. Every function may throw an SQLite error. */
export interface WordIndex {
  putMessage(n: number, text: string): void;
  putTitle(conversation: number, title: string): void;
  dropConversation(conversation: number): void;
  /** Titles first, then messages, newest first. */
  search(text: string, limit: number): ConversationHit[];
  /** Begins the index anew from the texts: when it is damaged, or after texts were saved from a damaged database. */
  rebuild(): void;
}

/** Without a letter to look up, the newest messages are looked through. */
const SCANNED_MESSAGES = 2000;

export function openWordIndex(db: DatabaseSync): WordIndex {
  const sql = {
    put: db.prepare('INSERT INTO chat_words (rowid, text) VALUES (?, ?)'),
    drop: db.prepare('DELETE FROM chat_words WHERE rowid = ?'),
    dropAll: db.prepare('DELETE FROM chat_words WHERE rowid IN (SELECT n FROM chat_messages WHERE conversation = ?)'),
    titles: db.prepare(`SELECT c.id, c.title, c.changed_ms FROM chat_words w JOIN chat_conversations c ON c.n = -w.rowid
      WHERE chat_words MATCH ? AND w.rowid < 0 AND c.removed_ms IS NULL ORDER BY c.touched DESC LIMIT ?`),
    messages: db.prepare(`SELECT m.n, m.id, m.at_ms, m.characters, c.id AS conversation, c.title FROM chat_words w JOIN chat_messages m ON m.n = w.rowid JOIN chat_conversations c ON c.n = m.conversation
      WHERE chat_words MATCH ? AND w.rowid > 0 AND c.removed_ms IS NULL ORDER BY w.rowid DESC LIMIT ?`),
    scan: db.prepare(`SELECT m.n, m.id, m.at_ms, m.characters, c.id AS conversation, c.title FROM (SELECT n FROM chat_messages ORDER BY n DESC LIMIT ${SCANNED_MESSAGES}) newest
      JOIN chat_messages m ON m.n = newest.n JOIN chat_conversations c ON c.n = m.conversation WHERE instr(m.content, ?) > 0 AND c.removed_ms IS NULL ORDER BY m.n DESC LIMIT ?`),
    head: db.prepare('SELECT content FROM chat_messages WHERE n = ?'),
    rest: db.prepare('SELECT content FROM chat_rests WHERE message = ?'),
    texts: db.prepare('SELECT m.n, m.content, m.characters FROM chat_messages m WHERE m.open = 0'),
    allTitles: db.prepare('SELECT n, title FROM chat_conversations'),
  };
  const replace = (rowid: number, text: string): void => {
    sql.drop.run(rowid);
    sql.put.run(rowid, indexText(text));
  };
  const textOf = (n: number, head: string, characters: number): string => (characters > HEAD_CHARACTERS ? head + String(sql.rest.get(n)?.['content'] ?? '') : head);

  return {
    putMessage: replace,
    putTitle: (conversation, title) => replace(-conversation, title),
    dropConversation(conversation) {
      sql.dropAll.run(conversation);
      sql.drop.run(-conversation);
    },
    search(text, limit) {
      const words = splitQuery(text);
      const hits: ConversationHit[] = [];
      const plain = { before: '', hit: '', after: '' };
      if (words.length > 0) {
        for (const row of sql.titles.iterate(makeMatch(words), limit)) {
          const title = String(row['title']);
          hits.push({ conversationId: String(row['id']), messageId: null, title, ...(findHit(title, words) ?? plain), atMs: Number(row['changed_ms']) });
        }
      }
      const sought = words.length > 0 ? words : [text.replaceAll('\0', '').trim()];
      if (sought[0] === '' || hits.length >= limit) return hits;
      const rows = words.length > 0 ? sql.messages.iterate(makeMatch(words), limit - hits.length) : sql.scan.iterate(sought[0] ?? '', limit);
      for (const row of rows) {
        const n = Number(row['n']);
        const head = String(sql.head.get(n)?.['content'] ?? '');
        const around = findHit(head, sought) ?? findHit(textOf(n, head, Number(row['characters'])), sought) ?? { ...plain, after: head.slice(0, 120) };
        hits.push({ conversationId: String(row['conversation']), messageId: String(row['id']), title: String(row['title']), ...around, atMs: Number(row['at_ms']) });
      }
      return hits;
    },
    rebuild() {
      db.exec(`DROP TABLE chat_words; CREATE VIRTUAL TABLE chat_words USING fts5 (text, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2")`);
      const put = db.prepare('INSERT INTO chat_words (rowid, text) VALUES (?, ?)');
      for (const row of sql.allTitles.iterate()) put.run(-Number(row['n']), indexText(String(row['title'])));
      for (const row of sql.texts.iterate()) put.run(Number(row['n']), indexText(textOf(Number(row['n']), String(row['content']), Number(row['characters']))));
    },
  };
}
