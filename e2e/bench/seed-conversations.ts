import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { answerer as answererSchema, type Message } from '../../contract/chat.ts';
import { startStorage, type StorageClient } from '../../core/storage/storage-client.ts';
import { silentLogger } from '../../core/testing/silent-logger.ts';

export interface SeededConversations {
  readonly longList: { readonly id: string; readonly messages: number; readonly lastWords: string };
  readonly longAnswer: { readonly id: string; readonly characters: number; readonly firstWords: string; readonly lastWords: string };
  readonly listed: number;
}

const answerer = answererSchema.parse({});
const done: NonNullable<Message['answer']> = { state: 'done', modelName: 'SmolLM2 135M Instruct', provider: null, reason: 'stop', figures: null, truth: null, problem: null };

/** Characters of English for one token, by llama.cpp's tokenizers: about four (a 100k-token answer is 400,000). */
const CHARACTERS_PER_TOKEN = 4;

/** Markdown as models write it: headings, paragraphs with emphasis and code, lists, tables, blocks of code. */
export function makeMarkdown(characters: number, salt: number): string {
  const sentence = 'The **river** carries what the hills have lost, and `flow` is measured in cubic metres a second; where it bends, sand stays and a *new bank* begins.';
  const parts: string[] = [];
  let length = 0;
  for (let section = 1; length < characters; section += 1) {
    const text = [
      `## Part ${String(section)} of ${String(salt)}`, `${sentence} ${sentence} ${sentence}`, `1. ${sentence}\n2. ${sentence}\n3. A third point, shorter than the others.`,
      `\`\`\`ts\nexport function flow${String(section)}(width: number, depth: number): number {\n  const speed = 1.4;\n  return width * depth * speed;\n}\n\`\`\``,
      `| place | width | depth |\n| --- | ---: | ---: |\n| spring | 2 | 0.3 |\n| bend ${String(section)} | 40 | 3.1 |\n| mouth | 900 | 12 |`, `> ${sentence}`, `${sentence} ${sentence}`,
    ].join('\n\n');
    parts.push(text);
    length += text.length + 2;
  }
  return parts.join('\n\n');
}

/**
 * Writes conversations through the engine's own storage thread, as an engine would have stored them: one of very many
 * messages, one with a very long answer, and a list of others.
 */
export async function seedConversations(databasePath: string, { messages, answerTokens, others }: { readonly messages: number; readonly answerTokens: number; readonly others: number }): Promise<SeededConversations> {
  const storage = startStorage(databasePath, silentLogger);
  let nowMs = Date.now() - 86_400_000;
  const create = async (title: string): Promise<string> => {
    const id = randomUUID();
    await storage.call('chat.create', { id, nowMs: (nowMs += 1000), conversation: { title, titleIsOurs: false, systemPrompt: '', answerer } });
    return id;
  };
  try {
    for (let i = 0; i < others; i += 1) await exchange(storage, await create(`Conversation ${String(i)} about rivers`), (nowMs += 1000), `Question ${String(i)}`, `Answer ${String(i)}: ${makeMarkdown(300, i)}`);
    const list = await create('Ten thousand messages');
    const answer = await create('A very long answer');
    const firstWords = 'These are the first words of it.', ending = 'These are the last words of it.';
    const content = `${firstWords}\n\n${makeMarkdown(answerTokens * CHARACTERS_PER_TOKEN, 1)}\n\n${ending}`;
    await exchange(storage, answer, (nowMs += 1000), 'Tell me everything about the river.', content);
    await storage.close();
    return { longList: { id: list, messages, lastWords: putMessages(databasePath, list, messages) }, longAnswer: { id: answer, characters: content.length, firstWords, lastWords: ending }, listed: others + 2 };
  } finally {
    await storage.close();
  }
}

/**
 * Hangs messages under a stored conversation, as one branch, into the store's own tables: asked for one by one, each
 * would be answered with all that came before it, as a prompt needs it. Answers the last one's last words.
 */
function putMessages(databasePath: string, conversationId: string, count: number): string {
  const db = new DatabaseSync(databasePath);
  try {
    const numberOf = (sql: string, ...values: string[]): number => Number(Object.values(db.prepare(sql).get(...values) ?? {})[0]);
    const conversation = numberOf('SELECT n FROM chat_conversations WHERE id = ?', conversationId);
    const first = numberOf('SELECT coalesce(max(n), 0) + 1 FROM chat_messages');
    const put = db.prepare('INSERT INTO chat_messages (n, id, conversation, parent, depth, role, at_ms, open, characters, thinking_characters, attachments, answer, content, thinking) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, ?, ?, \'\')');
    const sinceMs = Date.now() - 86_400_000;
    let lastWords = '';
    db.exec('BEGIN');
    for (let i = 0; i < count; i += 1) {
      const isUser = i % 2 === 0;
      lastWords = `These are the last words of message ${String(i)}.`;
      // Every eighth answer is a long one, as in a real conversation.
      const content = isUser ? `Question ${String(i)}: how wide is the river there? ${lastWords}` : `${i % 16 === 1 ? makeMarkdown(1500, i) : `It is **${String(i)}** metres wide there, and \`${String(i % 7)}\` deep.`}\n\n${lastWords}`;
      put.run(first + i, randomUUID(), conversation, i === 0 ? null : first + i - 1, i, isUser ? 'user' : 'assistant', sinceMs + 1000 * i, content.length, isUser ? null : JSON.stringify(done), content);
    }
    db.prepare('UPDATE chat_conversations SET head = ?, messages = ? WHERE n = ?').run(first + count - 1, count, conversation);
    db.exec('COMMIT');
    return lastWords;
  } finally {
    db.close();
  }
}

async function exchange(storage: StorageClient, conversationId: string, nowMs: number, question: string, content: string): Promise<void> {
  const answerId = randomUUID();
  await storage.call('chat.add', { conversationId, nowMs, user: { id: randomUUID(), parentId: null, content: question, attachments: [], title: '' }, besideId: null, answerId, answer: { ...done, state: 'queued' } });
  await storage.call('chat.save', { id: answerId, content, thinking: '', thinkingTokens: 0, answer: done, open: false });
}
