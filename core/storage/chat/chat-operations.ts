import type { DatabaseSync } from 'node:sqlite';
import type { Attachment, ConversationPage, Message } from '../../../contract/chat.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { runInTransaction } from '../run-in-transaction.ts';
import type { ChatAdded, ChatAddition, ChatCalls, ChatOp, WholeMessage } from './chat-calls.ts';
import { openConversationRows } from './conversation-rows.ts';
import { openMessageRows, type MessagePlace } from './message-rows.ts';
import { HEAD_CHARACTERS } from './split-text.ts';
import { openWordIndex } from './word-index.ts';

export type ChatOperations = { readonly [Op in ChatOp]: (input: ChatCalls[Op]['input']) => ChatCalls[Op]['output'] } & {
  /** Answers that were being written when an engine ended: what was written stays, marked. Answers how many. */
  closeOpen(): number;
  rebuildWords(): void;
};

/** The bin is emptied after this long (promised by the contract's summary of `chat.remove`). */
const BIN_KEEP_MS = 30 * 86_400_000;
/** Texts of one page and of one piece of an export, characters: what a face can take in one answer. */
const PAGE_CHARACTERS = 4_000_000;
/** Over that, messages are shown by so much. */
const SHORT_CHARACTERS = 2000;
/** Of a branch so much goes into a prompt: two million tokens at four characters each, twice the longest trained context. */
const PROMPT_CHARACTERS = 8_000_000;

/** Everything that is asked of the conversations, over an open database. May throw SQLite errors and `chat.not_found`. */
export function openChatOperations(db: DatabaseSync): ChatOperations {
  const conversations = openConversationRows(db);
  const messages = openMessageRows(db);
  const words = openWordIndex(db);

  const inTransaction = <T>(work: () => T): T => runInTransaction(db, work);
  const emptyBin = (nowMs: number): void => {
    const old = conversations.inBinSince(nowMs - BIN_KEEP_MS);
    if (old.length === 0) return;
    inTransaction(() => {
      for (const n of old) {
        words.dropConversation(n);
        conversations.drop(n);
      }
    });
    db.exec('PRAGMA incremental_vacuum');
  };

  const parentOf = (input: ChatAddition, row: { readonly n: number; readonly head: number | null }): MessagePlace | null => {
    if (input.user !== null) {
      if (input.user.parentId === '' || (input.user.parentId === null && row.head === null)) return null;
      return input.user.parentId === null ? messages.placeOf(row.head ?? 0) : messages.place(row.n, input.user.parentId);
    }
    const beside = messages.place(row.n, input.besideId ?? '');
    if (beside.role === 'user') return beside;
    if (beside.parent === null) throw problemError('chat.not_found', { what: 'The message that this one answers' });
    return messages.placeOf(beside.parent);
  };
  const keptFiles = (conversation: number, { messageId, places }: NonNullable<NonNullable<ChatAddition['user']>['kept']>): Attachment[] => {
    const files = messages.attachmentsOf(messages.place(conversation, messageId).n);
    return [...new Set(places)].map((place) => {
      const file = files[place];
      if (file === undefined) throw problemError('chat.not_found', { what: `File ${place + 1} of the message ${messageId.slice(0, 64)}` });
      return file;
    });
  };
  const add = (input: ChatAddition): ChatAdded => {
    const row = conversations.get(input.conversationId);
    let parent = parentOf(input, row);
    let bytes = 0;
    if (input.user !== null) {
      const { id, content, kept = null, title } = input.user;
      const attachments = [...(kept === null ? [] : keptFiles(row.n, kept)), ...input.user.attachments];
      parent = messages.add({ id, conversation: row.n, parent, role: 'user', atMs: input.nowMs, content, attachments, answer: null });
      words.putMessage(parent.n, content);
      bytes = messages.size(parent.n);
      if (row.ours && row.conversation.messages === 0) {
        conversations.setTexts(row.n, { title, titleIsOurs: true });
        words.putTitle(row.n, title);
      }
    }
    const answer = messages.add({ id: input.answerId, conversation: row.n, parent, role: 'assistant', atMs: input.nowMs, content: '', attachments: [], answer: input.answer });
    conversations.setHead(row.n, answer.n);
    conversations.touch(row.n, input.nowMs, { messages: input.user === null ? 1 : 2, bytes });
    return { conversation: conversations.get(input.conversationId).conversation, answer: messages.read(answer.n, 0), branch: parent === null ? [] : messages.branch(parent.n, PROMPT_CHARACTERS) };
  };

  /** Newest first until the page is full: what is read first is what is shown in full. */
  const readPage = (numbers: readonly number[], limit: number): Message[] => {
    if (limit === 1) return numbers.map((n) => messages.read(n, Infinity));
    let left = PAGE_CHARACTERS;
    return [...numbers].reverse().map((n) => {
      const message = messages.read(n, Math.min(HEAD_CHARACTERS, Math.max(SHORT_CHARACTERS, left)));
      left -= message.content.length + message.thinking.length;
      return message;
    }).reverse();
  };
  const page = (id: string, before: number | null, limit: number): ConversationPage => {
    const { n, head, conversation } = conversations.get(id);
    if (head === null) return { conversation, messages: [], from: 0, total: 0, branches: {} };
    const total = messages.placeOf(head).depth + 1;
    const to = Math.min(before ?? total, total);
    const from = Math.max(0, to - limit);
    const numbers = messages.path(head, from, to);
    const branches: Record<string, string[]> = {};
    const shown = readPage(numbers, limit);
    shown.forEach((message, i) => {
      const ids = messages.siblings(n, numbers[i] ?? 0);
      if (ids.length > 1) branches[message.id] = ids;
    });
    return { conversation, messages: shown, from, total, branches };
  };

  return {
    'chat.list': ({ limit, nowMs }) => {
      emptyBin(nowMs);
      return conversations.list(limit);
    },
    'chat.get': ({ id }) => conversations.get(id).conversation,
    'chat.create': ({ id, nowMs, conversation }) => inTransaction(() => {
      conversations.create(id, nowMs, conversation);
      const made = conversations.get(id);
      words.putTitle(made.n, conversation.title);
      return made.conversation;
    }),
    'chat.update': ({ id, nowMs, change: { headId, ...texts } }) => inTransaction(() => {
      const { n } = conversations.get(id);
      conversations.setTexts(n, texts);
      if (texts.title !== undefined) words.putTitle(n, texts.title);
      if (headId !== undefined) conversations.setHead(n, headId === null ? null : messages.leafBelow(n, messages.place(n, headId).n));
      // Looking at another branch is no change of what is in it.
      if (headId === undefined) conversations.touch(n, nowMs);
      return conversations.get(id).conversation;
    }),
    'chat.page': ({ id, before, limit }) => page(id, before, limit),
    'chat.add': (input) => inTransaction(() => add(input)),
    'chat.save': (answer) => {
      inTransaction(() => {
        const saved = messages.save(answer);
        if (saved === null || answer.open) return;
        words.putMessage(saved.n, answer.content);
        conversations.touch(saved.conversation, -Infinity, { messages: 0, bytes: messages.size(saved.n) });
      });
      return null;
    },
    'chat.remove': ({ id, nowMs }) => {
      conversations.setRemoved(conversations.get(id).n, nowMs);
      emptyBin(nowMs);
      return null;
    },
    'chat.restore': ({ id, nowMs }) => inTransaction(() => {
      const { n } = conversations.get(id, 'bin');
      conversations.setRemoved(n, null);
      conversations.touch(n, nowMs);
      return conversations.get(id).conversation;
    }),
    'chat.search': ({ text, limit }) => words.search(text, limit),
    'chat.piece': ({ id, which, from }) => {
      const { n, head } = conversations.get(id);
      const whole: WholeMessage[] = [];
      const total = head === null ? 0 : messages.placeOf(head).depth + 1;
      const numbers = which === 'all' ? messages.all(n, from, 1000) : head === null ? [] : messages.path(head, from, from + 1000);
      let left = PAGE_CHARACTERS;
      let taken = 0;
      for (const number of numbers) {
        left -= messages.size(number);
        if (left < 0 && taken > 0) break;
        whole.push(messages.readWhole(number));
        taken++;
      }
      const next = which === 'all' ? (numbers[taken] ?? (taken === 1000 ? (numbers.at(-1) ?? 0) + 1 : null)) : from + taken < total ? from + taken : null;
      return { messages: whole, next };
    },
    closeOpen() {
      const open = messages.open();
      if (open.length === 0) return 0;
      const problem = makeProblem('generate.interrupted', { detail: 'The engine ended while it was being written.' });
      inTransaction(() => {
        for (const { n, answer } of open) {
          messages.closeAnswer(n, { modelName: '', provider: null, figures: null, truth: null, ...answer, state: 'done', reason: 'interrupted', problem });
          words.putMessage(n, messages.readWhole(n).content);
        }
      });
      return open.length;
    },
    rebuildWords: () => inTransaction(() => words.rebuild()),
  };
}
