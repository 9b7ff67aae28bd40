import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { answerer as answererSchema, type Answerer, type ChatEvent, type Conversation, type Message } from '../../../contract/chat.ts';
import type { GpuTruth } from '../../../contract/inference.ts';
import { makeProblem, problemError } from '../../../contract/problem-catalogue.ts';
import { problemOf } from '../../../contract/problem.ts';
import type { Settings } from '../../../contract/settings.ts';
import { createGauge } from '../../engine/gauge.ts';
import type { ChatServices } from '../../engine/inference-services.ts';
import type { Logger } from '../../logging/logger.ts';
import type { ChatAddition, ChatCalls, ChatOp, ConversationTexts } from '../../storage/chat/chat-calls.ts';
import type { StorageClient } from '../../storage/storage-client.ts';
import type { Answer } from '../parts.ts';
import { checkAttachments } from './check-attachments.ts';
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
/** A second of writing for so many characters: a very long answer is not written over and over. */
const CHARACTERS_PER_FLUSH = 262_144;
/** What could not be stored is tried again so often when the engine ends. */
const LAST_TRIES = 3;

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
  const flushMs = options.flushMs ?? 1000;
  const gauge = createGauge<Conversation[]>();
  /** By conversation: what is written now. A claim stands for an answer that is about to be. */
  const live = new Map<string, Held | 'claimed'>();
  /** By message: ended answers that are not stored yet. */
  const unsaved = new Map<string, Held>();
  const followers = new Map<string, Set<FollowQueue>>();
  let listed = false;
  let listing = false;
  let listAgain = false;
  const closing = new AbortController();

  const call = async <Op extends ChatOp>(op: Op, input: ChatCalls[Op]['input']): Promise<ChatCalls[Op]['output']> => {
    try {
      return await options.store.call(op, input);
    } catch (error) {
      const problem = problemOf(error);
      if (problem?.code.startsWith('chat.') === true) throw error;
      throw problemError('chat.storage', { path: 'The storage', detail: problem?.chain[0] ?? (error instanceof Error ? error.message : String(error)) }, { cause: error });
    }
  };

  const liveOf = (id: string): Held | null => {
    const one = live.get(id);
    return one === undefined || one === 'claimed' ? null : one;
  };
  /** What is stored may lag behind what is here. */
  const withWriting = (conversation: Conversation): Conversation => ({ ...conversation, writingId: liveOf(conversation.id)?.id ?? null });
  const withHeld = (message: Message): Message => {
    const held = unsaved.get(message.id) ?? [...live.values()].find((one): one is Held => one !== 'claimed' && one.id === message.id);
    return held === undefined ? message : messageOf(held, message);
  };
  const each = (id: string, tell: (queue: FollowQueue) => void): void => followers.get(id)?.forEach(tell);

  const readList = async (): Promise<Conversation[]> => {
    const list = (await call('chat.list', { limit: MAX_LISTED, nowMs: now() })).map(withWriting);
    gauge.publish(list);
    return list;
  };
  /** Only for those who have asked; changes that come while it is read make one more. */
  const publishList = (): void => {
    if (!listed || closing.signal.aborted) return;
    if (listing) {
      listAgain = true;
      return;
    }
    listing = true;
    readList().catch((error: unknown) => log.warn('The conversations could not be listed', { detail: String(error) })).finally(() => {
      listing = false;
      if (!listAgain) return;
      listAgain = false;
      publishList();
    });
  };
  const changed = (id: string): void => {
    each(id, (queue) => queue.pushChanged());
    publishList();
  };

  const saveAnswer = (held: Held): Promise<null> => call('chat.save', { id: held.id, content: held.content, thinking: held.thinking, thinkingTokens: held.thinkingTokens, answer: held.answer, open: !held.ended });

  /** Writes what there is, at most once in `flushMs`; what fails is tried again with the next. */
  const startFlushing = (held: Held): (() => void) => {
    let timer: NodeJS.Timeout | null = null;
    let failures = 0;
    let stored = -1;
    const plan = (): void => {
      if (held.ended) return;
      const wait = flushMs * Math.max(1, Math.ceil(held.content.length / CHARACTERS_PER_FLUSH)) * Math.min(2 ** failures, 32);
      timer = setTimeout(() => {
        const size = held.content.length + held.thinking.length;
        if (held.ended || size === stored) return plan();
        saveAnswer(held).then(() => {
          stored = size;
          failures = 0;
        }, (error: unknown) => {
          if (failures++ === 0) log.warn('An answer cannot be stored while it is written; it is tried again', { detail: String(error) });
        }).finally(plan);
      }, wait);
      timer.unref();
    };
    plan();
    return () => {
      if (timer !== null) clearTimeout(timer);
    };
  };

  /** The end of an answer must be stored: tried until it is, or the engine ends. */
  const keepEnd = async (held: Held): Promise<void> => {
    unsaved.set(held.id, held);
    let lastTries = 0;
    for (let tries = 0; ; tries++) {
      try {
        await saveAnswer(held);
        unsaved.delete(held.id);
        if (tries > 0) log.info('An answer that could not be stored is stored now', { tries });
        publishList();
        return;
      } catch (error) {
        const problem = problemOf(error);
        if (tries === 0) log.warn('An answer cannot be stored; it is kept in memory and tried again', { detail: problem?.cause ?? String(error) });
        if (closing.signal.aborted && ++lastTries > LAST_TRIES) return;
        held.answer = { ...held.answer, problem: held.answer.problem ?? problem };
        await pauseUnless(closing.signal, flushMs * Math.min(2 ** tries, 16));
        // What is stored is the answer, not the trouble of storing it.
        if (held.answer.problem?.code === 'chat.storage') held.answer = { ...held.answer, problem: null };
      }
    }
  };

  const begin = (conversation: Conversation, message: Message, added: ChatCalls['chat.add']['output']['branch']): void => {
    const stop = new AbortController();
    const held: Held = { conversationId: conversation.id, id: message.id, content: '', thinking: '', tokens: 0, thinkingTokens: 0, progress: null, answer: message.answer ?? newAnswer(), ended: false, message, stop, settled: { ended: Promise.resolve(), stored: Promise.resolve() } };
    if (closing.signal.aborted) stop.abort();
    live.set(conversation.id, held);
    options.onActivity?.();
    changed(conversation.id);
    const find = async (): ReturnType<Parameters<typeof writeAnswer>[1]> => {
      const branch = added.map((m) => ({ ...m, content: unsaved.get(m.id)?.content ?? m.content }));
      const request = makeRequest(conversation.answerer, makeTurns(conversation.systemPrompt, branch), options.settings());
      const found = await options.answer(conversation.answerer);
      return { modelName: found.modelName, provider: found.provider, truth: found.truth, start: (signal) => found.answer(request, signal) };
    };
    const stopFlushing = startFlushing(held);
    const written = writeAnswer(held, find, stop.signal, {
      state: () => each(conversation.id, (queue) => queue.push(stateEvent(held))),
      text: ({ text, channel, tokens, atMs }) => each(conversation.id, (queue) => queue.push({ t: 'text', messageId: held.id, text, channel, tokens, atMs })),
    });
    held.settled.ended = written.then(() => {
      stopFlushing();
      if (closing.signal.aborted && held.answer.reason === 'cancelled') held.answer = { ...held.answer, reason: 'interrupted', problem: makeProblem('generate.interrupted', { detail: 'The engine ended while it was being written.' }) };
      live.delete(conversation.id);
      held.settled.stored = keepEnd(held);
      each(conversation.id, (queue) => queue.push({ t: 'end', message: messageOf(held, held.message) }));
      options.onActivity?.();
      publishList();
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
    gauge,
    list() {
      listed = true;
      return readList();
    },
    search: (text, limit) => call('chat.search', { text, limit }),
    async create(input) {
      const title = givenTitle(input.title ?? '');
      const conversation: ConversationTexts = { title: title ?? UNTITLED, titleIsOurs: title === null, systemPrompt: input.systemPrompt ?? '', answerer: input.answerer ?? answererSchema.parse({}) };
      const made = await call('chat.create', { id: randomUUID(), nowMs: now(), conversation });
      publishList();
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
    async send({ conversationId, parentId, content, attachments }) {
      checkAttachments(attachments);
      const title = makeTitle(content, attachments.map((a) => a.name));
      const user = { id: randomUUID(), parentId, content, attachments, title };
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
      publishList();
    },
    async restore(id) {
      const conversation = await call('chat.restore', { id, nowMs: now() });
      publishList();
      return withWriting(conversation);
    },
    async export(id, format) {
      const conversation = withWriting(await call('chat.get', { id }));
      const parts = [format === 'markdown' ? markdownHead(conversation, now()) : jsonHead(conversation, now())];
      let next: number | null = 0;
      while (next !== null) {
        const piece: ChatCalls['chat.piece']['output'] = await call('chat.piece', { id, which: format === 'markdown' ? 'branch' : 'all', from: next });
        for (const stored of piece.messages) {
          const held = unsaved.get(stored.id) ?? (liveOf(id)?.id === stored.id ? liveOf(id) : null);
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
      await Promise.all([...unsaved.values()].map((held) => held.settled.stored));
      for (const queues of followers.values()) queues.forEach((queue) => queue.close());
    },
  };
}

/** The snapshot is made in one go: no piece comes between its parts. */
function soFar(held: LiveAnswer): ChatEvent[] {
  return [{ t: 'so_far', messageId: held.id, content: held.content, thinking: held.thinking, tokens: held.tokens, thinkingTokens: held.thinkingTokens }, stateEvent(held)];
}

function stateEvent({ id, answer, progress }: LiveAnswer): Extract<ChatEvent, { t: 'state' }> {
  return { t: 'state', messageId: id, state: answer.state === 'done' ? 'writing' : answer.state, done: progress?.done ?? null, total: progress?.total ?? null };
}

function messageOf({ content, thinking, thinkingTokens, answer }: LiveAnswer, stored: Message): Message {
  const { cut: _, ...rest } = stored;
  return { ...rest, content, thinking, ...(thinking === '' ? {} : { thinkingTokens }), answer };
}

const newAnswer = (): NonNullable<Message['answer']> => ({ state: 'queued', modelName: '', provider: null, reason: null, figures: null, truth: null, problem: null });

/** A closing chat waits shortly. */
async function pauseUnless(closing: AbortSignal, ms: number): Promise<void> {
  if (closing.aborted) return pause(200);
  await pause(ms, undefined, { signal: closing, ref: false }).catch(() => undefined);
}
