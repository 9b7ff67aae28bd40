import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { message as messageSchema, type Attachment, type Message } from '../../../contract/chat.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { BranchMessage, SavedAnswer, WholeMessage } from './chat-calls.ts';
import { parseStored } from './conversation-rows.ts';
import { cleanText, HEAD_CHARACTERS, splitText } from './split-text.ts';

/** Place of a message in the tree. */
export interface MessagePlace {
  readonly n: number;
  readonly parent: number | null;
  readonly depth: number;
  readonly role: Message['role'];
  readonly atMs: number;
}

export interface NewMessage {
  readonly id: string;
  readonly conversation: number;
  readonly parent: MessagePlace | null;
  readonly role: 'user' | 'assistant';
  readonly atMs: number;
  readonly content: string;
  readonly attachments: readonly Attachment[];
  readonly answer: Message['answer'];
}

/** The messages in an open database. Every function may throw an SQLite error. */
export interface MessageRows {
  /** @throws ProblemError `chat.not_found` */
  place(conversation: number, id: string): MessagePlace;
  placeOf(n: number): MessagePlace;
  add(message: NewMessage): MessagePlace;
  /** Answers the growth in bytes, or null when there is no such message. */
  save(answer: SavedAnswer): { readonly n: number; readonly conversation: number } | null;
  /** The newest leaf below a message. */
  leafBelow(conversation: number, n: number): number;
  /** Numbers of the messages on the way from the root to `leaf` whose depth is in [from, to). */
  path(leaf: number, from: number, to: number): number[];
  /** The texts on the way from the root to `leaf`: of a way with more than so many characters the end. */
  branch(leaf: number, characters: number): BranchMessage[];
  all(conversation: number, from: number, limit: number): number[];
  /** What a page shows: at most `characters` of each text. */
  read(n: number, characters: number): Message;
  readWhole(n: number): WholeMessage;
  attachmentsOf(n: number): Attachment[];
  /** Length of all its texts, characters. */
  size(n: number): number;
  /** Siblings, itself included, in order of time. */
  siblings(conversation: number, n: number): string[];
  /** Answers that were being written when the engine ended. */
  open(): { readonly n: number; readonly answer: Message['answer'] }[];
  closeAnswer(n: number, answer: Message['answer']): void;
}

export function openMessageRows(db: DatabaseSync): MessageRows {
  const sql = {
    place: db.prepare('SELECT n, parent, depth, role, at_ms FROM chat_messages WHERE id = ? AND conversation = ?'),
    placeOf: db.prepare('SELECT n, parent, depth, role, at_ms FROM chat_messages WHERE n = ?'),
    add: db.prepare('INSERT INTO chat_messages (id, conversation, parent, depth, role, at_ms, open, characters, thinking_characters, attachments, answer, content, thinking) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, \'\') RETURNING n'),
    addAttachment: db.prepare('INSERT INTO chat_attachments (message, place, name, characters, text) VALUES (?, ?, ?, ?, ?)'),
    save: db.prepare('UPDATE chat_messages SET open = ?, characters = ?, thinking_characters = ?, thinking_tokens = ?, answer = ?, content = ?, thinking = ? WHERE id = ? RETURNING n, conversation'),
    putRest: db.prepare('INSERT INTO chat_rests (message, content, thinking) VALUES (?, ?, ?) ON CONFLICT (message) DO UPDATE SET content = excluded.content, thinking = excluded.thinking'),
    newestChild: db.prepare('SELECT max(n) AS n FROM chat_messages WHERE conversation = ? AND parent = ?'),
    path: db.prepare(`WITH RECURSIVE path (n, parent, depth) AS (
        SELECT n, parent, depth FROM chat_messages WHERE n = ?1
        UNION ALL SELECT m.n, m.parent, m.depth FROM path JOIN chat_messages m ON m.n = path.parent WHERE path.depth > ?2)
      SELECT n FROM path WHERE depth >= ?2 AND depth < ?3 ORDER BY depth`),
    branch: db.prepare(`WITH RECURSIVE path (n, parent, depth) AS (
        SELECT n, parent, depth FROM chat_messages WHERE n = ?1
        UNION ALL SELECT m.n, m.parent, m.depth FROM path JOIN chat_messages m ON m.n = path.parent ORDER BY 3 DESC)
      SELECT m.n, m.id, m.role, m.depth, m.characters, m.attachments, m.content FROM path CROSS JOIN chat_messages m ON m.n = path.n`),
    all: db.prepare('SELECT n FROM chat_messages WHERE conversation = ? AND n >= ? ORDER BY n LIMIT ?'),
    read: db.prepare('SELECT m.*, (SELECT p.id FROM chat_messages p WHERE p.n = m.parent) AS parent_id FROM chat_messages m WHERE m.n = ?'),
    rest: db.prepare('SELECT content, thinking FROM chat_rests WHERE message = ?'),
    attachments: db.prepare('SELECT name, characters FROM chat_attachments WHERE message = ? ORDER BY place'),
    attachmentTexts: db.prepare('SELECT name, text FROM chat_attachments WHERE message = ? ORDER BY place'),
    size: db.prepare('SELECT characters + thinking_characters + coalesce((SELECT sum(a.characters) FROM chat_attachments a WHERE a.message = m.n), 0) AS size FROM chat_messages m WHERE n = ?'),
    siblings: db.prepare('SELECT id FROM chat_messages WHERE conversation = ?1 AND parent IS (SELECT parent FROM chat_messages WHERE n = ?2) ORDER BY n'),
    open: db.prepare('SELECT n, answer FROM chat_messages WHERE open = 1'),
    close: db.prepare('UPDATE chat_messages SET open = 0, answer = ? WHERE n = ?'),
  };
  const found = (row: Record<string, SQLOutputValue> | undefined, what: string): MessagePlace => {
    if (row === undefined) throw problemError('chat.not_found', { what });
    return { n: Number(row['n']), parent: typeof row['parent'] === 'number' ? row['parent'] : null, depth: Number(row['depth']), role: roleOf(row['role']), atMs: Number(row['at_ms']) };
  };
  const rowOf = (n: number): Record<string, SQLOutputValue> => {
    const row = sql.read.get(n);
    if (row === undefined) throw problemError('chat.not_found', { what: 'A message' });
    return row;
  };

  const attachmentsOf = (n: number): Attachment[] => sql.attachmentTexts.all(n).map((a) => ({ name: String(a['name']), text: String(a['text']) }));
  const textsOf = (row: Record<string, SQLOutputValue>): Attachment[] => (row['attachments'] === 0 ? [] : attachmentsOf(Number(row['n'])));

  return {
    place: (conversation, id) => found(sql.place.get(id, conversation), `The message ${id.slice(0, 64)}`),
    placeOf: (n) => found(sql.placeOf.get(n), 'A message'),
    add(message) {
      const content = cleanText(message.content);
      const { head, rest } = splitText(content);
      const depth = (message.parent?.depth ?? -1) + 1;
      // A conversation reads forwards, also when the clock went back.
      const atMs = Math.max(message.atMs, message.parent?.atMs ?? -Infinity);
      const answer = message.answer === null ? null : JSON.stringify(message.answer);
      const n = Number(sql.add.get(message.id, message.conversation, message.parent?.n ?? null, depth, message.role, atMs, message.answer === null ? 0 : 1, content.length, message.attachments.length, answer, head)?.['n']);
      if (rest !== '') sql.putRest.run(n, rest, '');
      message.attachments.forEach((a, place) => sql.addAttachment.run(n, place, cleanText(a.name), a.text.length, a.text));
      return { n, parent: message.parent?.n ?? null, depth, role: message.role, atMs };
    },
    save({ id, answer, open, thinkingTokens, ...texts }) {
      const content = cleanText(texts.content);
      const thinking = cleanText(texts.thinking);
      const c = splitText(content);
      const t = splitText(thinking);
      const row = sql.save.get(open ? 1 : 0, content.length, thinking.length, thinkingTokens, JSON.stringify(answer), c.head, t.head, id);
      if (row === undefined) return null;
      if (c.rest !== '' || t.rest !== '') sql.putRest.run(Number(row['n']), c.rest, t.rest);
      return { n: Number(row['n']), conversation: Number(row['conversation']) };
    },
    leafBelow(conversation, n) {
      for (let at = n; ;) {
        const next = sql.newestChild.get(conversation, at)?.['n'];
        if (typeof next !== 'number') return at;
        at = next;
      }
    },
    path: (leaf, from, to) => sql.path.all(leaf, from, to).map((row) => Number(row['n'])),
    branch(leaf, characters) {
      const found: (BranchMessage & { readonly depth: number })[] = [];
      let left = characters;
      // From the leaf on, so that the end is there when it is too long.
      for (const row of sql.branch.iterate(leaf)) {
        const attachments = textsOf(row);
        left -= attachments.reduce((sum, a) => sum + a.text.length, Number(row['characters']));
        if (left < 0 && found.length > 0) break;
        const rest = Number(row['characters']) > HEAD_CHARACTERS ? sql.rest.get(Number(row['n'])) : undefined;
        found.push({ id: String(row['id']), role: roleOf(row['role']), depth: Number(row['depth']), content: String(row['content']) + String(rest?.['content'] ?? ''), attachments });
      }
      return found.sort((a, b) => a.depth - b.depth).map(({ depth: _, ...message }) => message);
    },
    all: (conversation, from, limit) => sql.all.all(conversation, from, limit).map((row) => Number(row['n'])),
    read(n, characters) {
      const row = rowOf(n);
      const long = Number(row['characters']) > HEAD_CHARACTERS || Number(row['thinking_characters']) > HEAD_CHARACTERS;
      const rest = long && characters > HEAD_CHARACTERS ? sql.rest.get(n) : undefined;
      const content = splitText(String(row['content']) + String(rest?.['content'] ?? ''), characters).head;
      const thinking = splitText(String(row['thinking']) + String(rest?.['thinking'] ?? ''), characters).head;
      const whole = { characters: Number(row['characters']), thinkingCharacters: Number(row['thinking_characters']) };
      const attachments = row['attachments'] === 0 ? [] : sql.attachments.all(n).map((a) => ({ name: String(a['name']), characters: Number(a['characters']) }));
      const cut = content.length < whole.characters || thinking.length < whole.thinkingCharacters;
      return { ...bare(row), content, thinking, attachments, ...(cut ? { cut: whole } : {}) };
    },
    readWhole(n) {
      const row = rowOf(n);
      const rest = sql.rest.get(n);
      return { ...bare(row), content: String(row['content']) + String(rest?.['content'] ?? ''), thinking: String(row['thinking']) + String(rest?.['thinking'] ?? ''), attachments: textsOf(row) };
    },
    attachmentsOf,
    size: (n) => Number(sql.size.get(n)?.['size'] ?? 0),
    siblings: (conversation, n) => sql.siblings.all(conversation, n).map((row) => String(row['id'])),
    open: () => sql.open.all().map((row) => ({ n: Number(row['n']), answer: parseStored(row['answer'], messageSchema.shape.answer) })),
    closeAnswer: (n, answer) => void sql.close.run(answer === null ? null : JSON.stringify(answer), n),
  };
}

function bare(row: Record<string, SQLOutputValue>): Pick<Message, 'id' | 'parentId' | 'role' | 'atMs' | 'answer' | 'thinkingTokens'> {
  return {
    id: String(row['id']),
    parentId: typeof row['parent_id'] === 'string' ? row['parent_id'] : null,
    role: roleOf(row['role']),
    atMs: Number(row['at_ms']),
    ...(Number(row['thinking_characters']) > 0 && typeof row['thinking_tokens'] === 'number' ? { thinkingTokens: row['thinking_tokens'] } : {}),
    answer: parseStored(row['answer'], messageSchema.shape.answer),
  };
}

const roleOf = (value: SQLOutputValue | undefined): Message['role'] => (value === 'assistant' ? 'assistant' : 'user');
