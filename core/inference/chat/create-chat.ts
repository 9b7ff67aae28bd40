import { randomUUID } from 'node:crypto';
import { answerer as answererSchema, type Answerer, type Conversation, type Message } from '../../../contract/chat.ts';
import type { GpuTruth } from '../../../contract/inference.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Settings } from '../../../contract/settings.ts';
import type { ChatServices } from '../../engine/inference-services.ts';
import type { Logger } from '../../logging/logger.ts';
import type { ChatAddition, ChatCalls, ConversationTexts } from '../../storage/chat/chat-calls.ts';
import type { StorageClient } from '../../storage/storage-client.ts';
import type { Answer } from '../parts.ts';
import { messageOf, newAnswer, soFar, stateEvent } from './answer-events.ts';
import { createAnswerKeeper } from './answer-keeper.ts';
import { createCallStorage } from './call-storage.ts';
import { checkAttachments } from './check-attachments.ts';
import { createConversationList } from './conversation-list.ts';
import { exportFileName, JSON_END, jsonHead, jsonMessage, markdownHead, markdownMessage } from './export-conversation.ts';
import { createFollowQueue, type FollowQueue } from './follow-queue.ts';
import { writeAnswer, type LiveAnswer } from './live-answer.ts';
import { makeRequest } from './make-request.ts';
import { givenTitle, makeTitle, UNTITLED } from './make-title.ts';
import { makeTurns } from './make-turns.ts';

export interface ChatOptions {
  /** The storage thread. Conversations are in its database, or in its memory when it has none. */
  readonly store: Pick<StorageClient, 'call'>;
  /** Whatever answers. May throw a ProblemError (no such model, no such server). */
  readonly answer: (answerer: Answerer) => Promise<{ readonly modelName: string; readonly provider: string | null; readonly answer: Answer; readonly truth: () => GpuTruth | null }>;
  readonly settings: () => Pick<Settings['inference'], 'maxAnswerTokens' | 'maxAnswerMinutes'>;
  readonly log: Logger;
  readonly now?: () => number;
  /** An answer begins or ends: the engine lives as long as one is written. */
  readonly onActivity?: () => void;
  /** Time between two writes of an answer that is being written, and before a failed one is tried again, ms. */
  readonly flushMs?: number;
}

export interface Chat extends ChatServices {
  /** Answers that are being written. */
  activeCount(): number;
  /** Ends what is being written and stores it. The storage is closed by who opened it. */
  close(): Promise<void>;
}

/** Conversations in a list: more are found by searching. */
const MAX_LISTED = 2000;
/** An answer that is written, or that is not stored yet. */
interface Held extends LiveAnswer {
  readonly message: Message;
  readonly stop: AbortController;
  /** It has ended; and that is stored, or given up. */
  readonly settled: { ended: Promise<void>; stored: Promise<void> };
}

export function createChat(options: ChatOptions): Chat {
  const { log } = options;
  const now = options.now ?? Date.now;
  /** By conversation: what is written now. A claim stands for an answer that is about to be. */
  const live = new Map<string, Held | 'claimed'>();
  const followers = new Map<string, Set<FollowQueue>>();
  const closing = new AbortController();
  const call = createCallStorage(options.store);

  const liveOf = (id: string): Held | null => {
    const one = live.get(id);
    return one === undefined || one === 'claimed' ? null : one;
  };
  /** What is stored may lag behind what is here. */
  const withWriting = (conversation: Conversation): Conversation => ({ ...conversation, writingId: liveOf(conversation.id)?.id ?? null });
  const withHeld = (message: Message): Message => {
    const held = keeper.unsaved(message.id) ?? [...live.values()].find((one): one is Held => one !== 'claimed' && one.id === message.id);
    return held === undefined ? message : messageOf(held, message);
  };
  const each = (id: string, tell: (queue: FollowQueue) => void): void => followers.get(id)?.forEach(tell);

  const conversations = createConversationList({ read: async () => (await call('chat.list', { limit: MAX_LISTED, nowMs: now() })).map(withWriting), closing: closing.signal, log });
  const changed = (id: string): void => {
    each(id, (queue) => queue.pushChanged());
    conversations.changed();
  };

  const keeper = createAnswerKeeper<Held>({
    save: (held) => call('chat.save', { id: held.id, content: held.content, thinking: held.thinking, thinkingTokens: held.thinkingTokens, answer: held.answer, open: !held.ended }),
    flushMs: options.flushMs ?? 1000, closing: closing.signal, log,
  });

  const begin = (conversation: Conversation, message: Message, added: ChatCalls['chat.add']['output']['branch']): void => {
    const stop = new AbortController();
    const held: Held = { conversationId: conversation.id, id: message.id, content: '', thinking: '', tokens: 0, thinkingTokens: 0, progress: null, answer: message.answer ?? newAnswer(), ended: false, message, stop, settled: { ended: Promise.resolve(), stored: Promise.resolve() } };
    if (closing.signal.aborted) stop.abort();
    live.set(conversation.id, held);
    options.onActivity?.();
    changed(conversation.id);
    const find = async (): ReturnType<Parameters<typeof writeAnswer>[1]> => {
      const branch = added.map((m) => ({ ...m, content: keeper.unsaved(m.id)?.content ?? m.content }));
      const request = makeRequest(conversation.answerer, makeTurns(conversation.systemPrompt, branch), options.settings());
      const found = await options.answer(conversation.answerer);
      return { modelName: found.modelName, provider: found.provider, truth: found.truth, start: (signal) => found.answer(request, signal) };
    };
    const stopFlushing = keeper.follow(held);
    const written = writeAnswer(held, find, stop.signal, {
      state: () => each(conversation.id, (queue) => queue.push(stateEvent(held))),
      text: ({ text, channel, tokens, atMs }) => each(conversation.id, (queue) => queue.push({ t: 'text', messageId: held.id, text, channel, tokens, atMs })),
    });
    held.settled.ended = written.then(() => {
      stopFlushing();
      if (closing.signal.aborted && held.answer.reason === 'cancelled') held.answer = { ...held.answer, reason: 'interrupted', problem: makeProblem('generate.interrupted', { detail: 'The engine ended while it was being written.' }) };
      live.delete(conversation.id);
      held.settled.stored = keeper.keep(held).then((stored) => { if (stored) conversations.changed(); });
      each(conversation.id, (queue) => queue.push({ t: 'end', message: messageOf(held, held.message) }));
      options.onActivity?.();
      conversations.changed();
    });
  };

  /** One answer at a time: claimed before anything is waited for. */
  const addAnswer = async (conversationId: string, addition: Pick<ChatAddition, 'user' | 'besideId'>): Promise<{ messageId: string; answerId: string }> => {
    if (closing.signal.aborted) throw problemError('chat.storage', { path: 'The storage', detail: 'The engine is ending' });
    if (live.has(conversationId)) {
      const { title } = await call('chat.get', { id: conversationId });
      throw problemError('chat.busy', { title: `“${title}”` });
    }
    live.set(conversationId, 'claimed');
    try {
      const { conversation, answer, branch } = await call('chat.add', { conversationId, nowMs: now(), ...addition, answerId: randomUUID(), answer: newAnswer() });
      begin(conversation, answer, branch);
      return { messageId: addition.user?.id ?? answer.parentId ?? '', answerId: answer.id };
    } catch (error) {
      live.delete(conversationId);
      throw error;
    }
  };

  const stopAnswer = async (id: string): Promise<void> => {
    const held = liveOf(id);
    if (held === null) return;
    held.stop.abort();
    await held.settled.ended;
  };

  return {
    gauge: conversations.gauge,
    list: conversations.list,
    search: (text, limit) => call('chat.search', { text, limit }),
    async create(input) {
      const title = givenTitle(input.title ?? '');
      const conversation: ConversationTexts = { title: title ?? UNTITLED, titleIsOurs: title === null, systemPrompt: input.systemPrompt ?? '', answerer: input.answerer ?? answererSchema.parse({}) };
      const made = await call('chat.create', { id: randomUUID(), nowMs: now(), conversation });
      conversations.changed();
      return made;
    },
    async update(id, { title, systemPrompt, answerer, headId }) {
      // An empty title is no title: the one that is there stays.
      const given = givenTitle(title ?? '');
      const updated = await call('chat.update', {
        id, nowMs: now(),
        change: {
          ...(given === null ? {} : { title: given, titleIsOurs: false }),
          ...(systemPrompt === undefined ? {} : { systemPrompt }),
          ...(answerer === undefined ? {} : { answerer }),
          ...(headId === undefined ? {} : { headId }),
        },
      });
      changed(id);
      return withWriting(updated);
    },
    async page(id, before, limit) {
      const page = await call('chat.page', { id, before, limit });
      return { ...page, conversation: withWriting(page.conversation), messages: page.messages.map(withHeld) };
    },
    async send({ conversationId, parentId, content, attachments, kept = null }) {
      checkAttachments(attachments, kept?.places.length ?? 0);
      const title = makeTitle(content, attachments.map((a) => a.name));
      const user = { id: randomUUID(), parentId, content, attachments, kept, title };
      return addAnswer(conversationId, { user, besideId: null });
    },
    async regenerate(conversationId, messageId) {
      const { answerId } = await addAnswer(conversationId, { user: null, besideId: messageId });
      return { answerId };
    },
    stop: stopAnswer,
    async *follow(id, signal) {
      const queue = createFollowQueue();
      const queues = followers.get(id) ?? new Set<FollowQueue>();
      followers.set(id, queues.add(queue));
      let begun = false;
      try {
        while (signal?.aborted !== true) {
          const event = queue.take();
          if (event === null) {
            if (queue.closed()) return;
            await queue.wait(signal);
          } else if (event.t === 'changed') {
            const conversation = await call('chat.get', { id }).catch((error: unknown) => {
              // One that is put into the bin while it is followed is no error.
              if (begun && problemOf(error)?.code === 'chat.not_found') return null;
              throw error;
            });
            if (conversation === null) return;
            begun = true;
            yield { t: 'changed', conversation: withWriting(conversation) };
          } else if (event.t === 'snapshot') {
            const held = liveOf(id);
            if (held !== null) yield* soFar(held);
          } else yield event;
        }
      } finally {
        queues.delete(queue);
        if (queues.size === 0 && followers.get(id) === queues) followers.delete(id);
      }
    },
    async remove(id) {
      await stopAnswer(id);
      await call('chat.remove', { id, nowMs: now() });
      each(id, (queue) => queue.close());
      conversations.changed();
    },
    async restore(id) {
      const conversation = await call('chat.restore', { id, nowMs: now() });
      conversations.changed();
      return withWriting(conversation);
    },
    async export(id, format) {
      const conversation = withWriting(await call('chat.get', { id }));
      const parts = [format === 'markdown' ? markdownHead(conversation, now()) : jsonHead(conversation, now())];
      let next: number | null = 0;
      while (next !== null) {
        const piece: ChatCalls['chat.piece']['output'] = await call('chat.piece', { id, which: format === 'markdown' ? 'branch' : 'all', from: next });
        for (const stored of piece.messages) {
          const held = keeper.unsaved(stored.id) ?? (liveOf(id)?.id === stored.id ? liveOf(id) : null);
          const message = held === null ? stored : { ...stored, content: held.content, thinking: held.thinking, answer: held.answer };
          parts.push(format === 'markdown' ? markdownMessage(message) : jsonMessage(message, parts.length === 1));
        }
        next = piece.next;
      }
      if (format === 'json') parts.push(JSON_END);
      return { fileName: exportFileName(conversation.title, format), text: parts.join('') };
    },
    activeCount: () => live.size,
    async close() {
      closing.abort();
      const writing = [...live.values()].filter((one): one is Held => one !== 'claimed');
      for (const held of writing) held.stop.abort();
      await Promise.all(writing.map((held) => held.settled.ended));
      await Promise.all(keeper.allUnsaved().map((held) => held.settled.stored));
      for (const queues of followers.values()) queues.forEach((queue) => queue.close());
    },
  };
}
