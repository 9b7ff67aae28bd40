import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { z } from 'zod';
import { answerer, type Conversation } from '../../../contract/chat.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import type { ConversationTexts } from './chat-calls.ts';
import { cleanText } from './split-text.ts';

/** In a list the system prompt is shown, not edited. */
const LISTED_PROMPT_CHARACTERS = 2000;

export interface ConversationRow {
  readonly n: number;
  readonly head: number | null;
  readonly ours: boolean;
  readonly title: string;
  readonly conversation: Conversation;
}

/** The conversations in an open database. Every function may throw an SQLite error. */
export interface ConversationRows {
  /** @throws ProblemError `chat.not_found` */
  get(id: string, where?: 'kept' | 'bin'): ConversationRow;
  list(limit: number): Conversation[];
  create(id: string, nowMs: number, texts: ConversationTexts): void;
  setTexts(n: number, change: { readonly [K in keyof ConversationTexts]?: ConversationTexts[K] | undefined }): void;
  setHead(n: number, head: number | null): void;
  /** It changed: it comes first in the list. */
  touch(n: number, nowMs: number, more?: { readonly messages: number; readonly bytes: number }): void;
  setRemoved(n: number, atMs: number | null): void;
  /** Numbers of those that were put into the bin before a time. */
  inBinSince(beforeMs: number): number[];
  drop(n: number): void;
}

const columns = `c.n, c.id, c.title, c.title_is_ours, c.created_ms, c.changed_ms, c.messages, c.head, c.answerer,
  (SELECT m.id FROM chat_messages m WHERE m.n = c.head) AS head_id,
  (SELECT m.id FROM chat_messages m INDEXED BY chat_messages_open WHERE m.open = 1 AND m.conversation = c.n ORDER BY m.n DESC LIMIT 1) AS writing_id`;

export function openConversationRows(db: DatabaseSync): ConversationRows {
  const sql = {
    get: db.prepare(`SELECT ${columns}, c.system_prompt FROM chat_conversations c WHERE c.id = ? AND (c.removed_ms IS NOT NULL) = ?`),
    list: db.prepare(`SELECT ${columns}, substr(c.system_prompt, 1, ${LISTED_PROMPT_CHARACTERS}) AS system_prompt FROM chat_conversations c WHERE c.removed_ms IS NULL ORDER BY c.touched DESC LIMIT ?`),
    create: db.prepare(`INSERT INTO chat_conversations (id, title, title_is_ours, created_ms, changed_ms, touched, answerer, system_prompt)
      VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(touched), 0) + 1 FROM chat_conversations), ?, ?)`),
    title: db.prepare('UPDATE chat_conversations SET title = ?, title_is_ours = ? WHERE n = ?'),
    prompt: db.prepare('UPDATE chat_conversations SET system_prompt = ? WHERE n = ?'),
    answerer: db.prepare('UPDATE chat_conversations SET answerer = ? WHERE n = ?'),
    head: db.prepare('UPDATE chat_conversations SET head = ? WHERE n = ?'),
    touch: db.prepare(`UPDATE chat_conversations SET changed_ms = max(changed_ms, ?), messages = messages + ?, bytes = bytes + ?,
      touched = (SELECT max(touched) + 1 FROM chat_conversations) WHERE n = ?`),
    removed: db.prepare('UPDATE chat_conversations SET removed_ms = ? WHERE n = ?'),
    old: db.prepare('SELECT n FROM chat_conversations WHERE removed_ms < ?'),
    drop: db.prepare('DELETE FROM chat_conversations WHERE n = ?'),
  };
  return {
    get(id, where = 'kept') {
      const row = sql.get.get(id, where === 'bin' ? 1 : 0);
      if (row === undefined) throw problemError('chat.not_found', { what: `The conversation ${id.slice(0, 64)}` });
      return { n: Number(row['n']), head: typeof row['head'] === 'number' ? row['head'] : null, ours: row['title_is_ours'] === 1, title: String(row['title']), conversation: toConversation(row) };
    },
    list: (limit) => sql.list.all(limit).map(toConversation),
    create: (id, nowMs, texts) => void sql.create.run(id, texts.title, texts.titleIsOurs ? 1 : 0, nowMs, nowMs, JSON.stringify(texts.answerer), cleanText(texts.systemPrompt)),
    setTexts(n, change) {
      if (change.title !== undefined) sql.title.run(change.title, change.titleIsOurs === true ? 1 : 0, n);
      if (change.systemPrompt !== undefined) sql.prompt.run(cleanText(change.systemPrompt), n);
      if (change.answerer !== undefined) sql.answerer.run(JSON.stringify(change.answerer), n);
    },
    setHead: (n, head) => void sql.head.run(head, n),
    touch: (n, nowMs, more = { messages: 0, bytes: 0 }) => void sql.touch.run(nowMs, more.messages, more.bytes, n),
    setRemoved: (n, atMs) => void sql.removed.run(atMs, n),
    inBinSince: (beforeMs) => sql.old.all(beforeMs).map((row) => Number(row['n'])),
    drop: (n) => void sql.drop.run(n),
  };
}

function toConversation(row: Record<string, SQLOutputValue>): Conversation {
  return {
    id: String(row['id']),
    title: String(row['title']),
    titleIsOurs: row['title_is_ours'] === 1,
    createdAtMs: Number(row['created_ms']),
    changedAtMs: Number(row['changed_ms']),
    messages: Number(row['messages']),
    systemPrompt: String(row['system_prompt']),
    answerer: readAnswerer(row['answerer']),
    headId: typeof row['head_id'] === 'string' ? row['head_id'] : null,
    writingId: typeof row['writing_id'] === 'string' ? row['writing_id'] : null,
  };
}

/** One that cannot be read (of another version, damaged) is the default one. What was not given stays not given: the schema would fill it in. */
function readAnswerer(text: SQLOutputValue | undefined): Conversation['answerer'] {
  const stored = parseStored(text, answerer);
  if (stored === null) return answerer.parse({});
  const given = parseStored(text, givenKeys);
  return { ...stored, settings: pick(stored.settings, given?.settings), sampling: pick(stored.sampling, given?.sampling) };
}
const givenKeys = z.object({ settings: z.record(z.string(), z.unknown()).optional(), sampling: z.record(z.string(), z.unknown()).optional() });

function pick<T extends object>(from: T, given: object = {}): Partial<T> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => Object.hasOwn(given, key))) as Partial<T>;
}

/** JSON from a row; null when it is not what it should be. */
export function parseStored<T>(text: unknown, schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } }): T | null {
  if (typeof text !== 'string') return null;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
