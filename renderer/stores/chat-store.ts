import { createStore, type StoreApi } from 'zustand/vanilla';
import { answerer as answererSchema, type Answerer, type Attachment, type ChatEvent, type Conversation, type ConversationHit, type Message } from '../../contract/chat.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, valueOf, type Remote } from '../connection/remote.ts';
import { mergeNewest, mergeOlder, replaceMessage, type Thread } from './chat-thread.ts';
import { createLiveAnswer, type LiveAnswer } from './live-answer.ts';

/** Messages that are asked for when a conversation is opened, and with each step back. */
export const PAGE_MESSAGES = 100;
const SEARCH_PAGE = 500;
const MOST_HITS = 100;

/** What a new conversation will begin with. */
export interface ChatSettings {
  readonly systemPrompt: string;
  readonly answerer: Answerer;
}

export interface WrittenMessage {
  readonly content: string;
  readonly attachments: readonly Attachment[];
  /** The message that this one stands beside; null: it follows the last one. */
  readonly replaces: Message | null;
}

export interface ChatState {
  readonly conversations: Remote<readonly Conversation[]>;
  readonly openId: string | null;
  readonly thread: Remote<Thread>;
  readonly fetchingOlder: boolean;
  /** For the next new conversation. */
  readonly draft: ChatSettings;
  readonly hits: { readonly text: string; readonly found: Remote<readonly ConversationHit[]> } | null;
  /** Went into the bin last, until it is restored or something else is done. */
  readonly binned: Pick<Conversation, 'id' | 'title'> | null;
  /** A message is on its way to the engine. */
  readonly sending: boolean;
  /** The answer that ended last while one looked on. */
  readonly ended: Message | null;
  readonly problem: Problem | null;
  /** Follows the list; the first call begins. */
  wake(): void;
  open(id: string | null): void;
  older(): Promise<void>;
  /** Loads backwards until the message is here; false when it is not in the shown branch. */
  reach(messageId: string): Promise<boolean>;
  /** A message with all its words; long ones come with their beginning only. null with `problem` set. */
  whole(messageId: string): Promise<Message | null>;
  search(text: string): Promise<void>;
  /** Changes model, settings or system prompt of the open conversation, else of the next new one. */
  change(change: Partial<ChatSettings>): Promise<void>;
  /** Answers the conversation's id, or null with `problem` set. */
  send(message: WrittenMessage): Promise<string | null>;
  regenerate(messageId: string): Promise<void>;
  showBranch(headId: string): Promise<void>;
  stop(): Promise<void>;
  rename(id: string, title: string): Promise<void>;
  bin(conversation: Pick<Conversation, 'id' | 'title'>): Promise<void>;
  restore(): Promise<string | null>;
  exportAs(id: string, format: 'markdown' | 'json'): Promise<{ readonly fileName: string; readonly text: string } | null>;
  dismiss(): void;
}
export type ChatStore = StoreApi<ChatState> & { readonly live: LiveAnswer; /** Unsent words by conversation; `` for the new one. */ readonly unsent: Map<string, string> };

export interface ChatStoreDeps {
  readonly client: Client;
  readonly source: StreamSource;
  readonly clock: CommitClock;
  /** Before the next picture; the browser's by default. */
  readonly frame?: (work: () => void) => void;
}

/** Model, settings and system prompt that count now: of the open conversation, else of the next new one. */
export const settingsOf = (s: Pick<ChatState, 'openId' | 'thread' | 'draft'>): ChatSettings => (s.openId === null ? s.draft : (valueOf(s.thread)?.conversation ?? s.draft));

/** Conversations and the open one, whose answer is written outside of it (`live`), a frame at a time. */
export function createChatStore({ client, source, clock, frame = (work) => void requestAnimationFrame(work) }: ChatStoreDeps): ChatStore {
  const live = createLiveAnswer({ frame, now: () => performance.now() });
  /** Goes up with what is open; an answer for what was open before is for nobody. */
  let looking = 0;
  let asked = 0;
  let searched = 0;
  let awake = false;
  let stopFollowing: (() => void) | null = null;
  let ended = new Map<string, Message>();

  const store = createStore<ChatState>()((set, get) => {
    const attempt = async <T>(work: () => Promise<T>): Promise<T | null> => {
      try {
        const value = await work();
        set({ problem: null });
        return value;
      } catch (error) {
        set({ problem: problemFrom(error) });
        return null;
      }
    };
    const readNewest = async (id: string): Promise<void> => {
      const mine = looking;
      const first = ++asked;
      try {
        const page = await client.chat.page({ id, before: null, limit: PAGE_MESSAGES });
        if (mine !== looking || first !== asked) return;
        set((s) => ({ thread: ready(mergeNewest(valueOf(s.thread), page, ended), Date.now()) }));
      } catch (error) {
        if (mine === looking && first === asked) set((s) => ({ thread: troubled(s.thread, problemFrom(error)) }));
      }
    };
    const setThread = (change: (thread: Thread) => Thread): void => set((s) => (s.thread.state === 'ready' || s.thread.state === 'stale' ? { thread: { ...s.thread, value: change(s.thread.value) } } : {}));
    const take = (id: string, event: ChatEvent): void => {
      if (event.t === 'changed') {
        setThread((t) => ({ ...t, conversation: event.conversation }));
        void readNewest(id);
      } else if (event.t === 'end') {
        ended.set(event.message.id, event.message);
        setThread((t) => replaceMessage({ ...t, conversation: { ...t.conversation, writingId: t.conversation.writingId === event.message.id ? null : t.conversation.writingId } }, event.message));
        set({ ended: event.message });
        live.clear();
      } else if (!ended.has(event.messageId)) live.take(event);
    };
    const fetchOlder = async (limit: number): Promise<void> => {
      const thread = valueOf(get().thread);
      if (thread === null || thread.from === 0 || get().fetchingOlder) return;
      const mine = looking;
      set({ fetchingOlder: true });
      try {
        const page = await client.chat.page({ id: thread.conversation.id, before: thread.from, limit });
        if (mine === looking) setThread((t) => mergeOlder(t, page));
      } catch (error) {
        if (mine === looking) set({ problem: problemFrom(error) });
      } finally {
        if (mine === looking) set({ fetchingOlder: false });
      }
    };
    return {
      conversations: loading,
      openId: null,
      thread: idle,
      fetchingOlder: false,
      draft: { systemPrompt: '', answerer: answererSchema.parse({}) },
      hits: null,
      binned: null,
      sending: false,
      ended: null,
      problem: null,
      wake: () => {
        if (awake) return;
        awake = true;
        const newest = keepNewest<readonly Conversation[]>(clock, (list, nowMs) => set({ conversations: ready(list, nowMs) }));
        consumeStream(source, (signal) => client.chat.watch({}, { signal }), (list) => {
          // The first list is shown at once, later ones with everything else.
          if (get().conversations.state === 'loading') set({ conversations: ready(list, Date.now()) });
          else newest.take(list);
        }, (problem) => set((s) => ({ conversations: troubled(s.conversations, problem) })));
      },
      open: (id) => {
        if (id === get().openId) return;
        looking += 1;
        stopFollowing?.();
        stopFollowing = null;
        ended = new Map();
        live.clear();
        set({ openId: id, thread: id === null ? idle : loading, fetchingOlder: false, ended: null, problem: null });
        if (id === null) return;
        stopFollowing = consumeStream(source, (signal) => client.chat.follow({ id }, { signal }), (event) => take(id, event), (problem) => set((s) => ({ thread: troubled(s.thread, problem) })));
        void readNewest(id);
      },
      older: () => fetchOlder(PAGE_MESSAGES),
      reach: async (messageId) => {
        const mine = looking;
        for (;;) {
          const thread = valueOf(get().thread);
          if (thread === null || mine !== looking) return false;
          if (thread.messages.some((m) => m.id === messageId)) return true;
          if (thread.from === 0) return false;
          const before = thread.from;
          await fetchOlder(SEARCH_PAGE);
          if (valueOf(get().thread)?.from === before) return false;
        }
      },
      whole: async (messageId) => {
        const thread = valueOf(get().thread);
        const at = thread?.messages.findIndex((m) => m.id === messageId) ?? -1;
        const known = thread?.messages[at];
        if (thread === null || known === undefined) return null;
        if (known.cut === undefined) return known;
        const page = await attempt(() => client.chat.page({ id: thread.conversation.id, before: thread.from + at + 1, limit: 1 }));
        const found = page?.messages.find((m) => m.id === messageId) ?? null;
        if (found !== null && get().openId === thread.conversation.id) setThread((t) => replaceMessage(t, found));
        return found;
      },
      search: async (text) => {
        const mine = ++searched;
        const words = text.trim().slice(0, 500);
        if (words === '') return set({ hits: null });
        set((s) => ({ hits: { text: words, found: s.hits?.found ?? loading } }));
        try {
          const found = await client.chat.search({ text: words, limit: MOST_HITS });
          if (mine === searched) set({ hits: { text: words, found: ready(found, Date.now()) } });
        } catch (error) {
          if (mine === searched) set({ hits: { text: words, found: { state: 'failed', problem: problemFrom(error) } } });
        }
      },
      change: async (change) => {
        const { openId } = get();
        if (openId === null) return set((s) => ({ draft: { ...s.draft, ...change } }));
        setThread((t) => ({ ...t, conversation: { ...t.conversation, ...change } }));
        // The next conversation begins as the last one was set.
        if (change.answerer !== undefined) set((s) => ({ draft: { ...s.draft, answerer: change.answerer ?? s.draft.answerer } }));
        const conversation = await attempt(() => client.chat.update({ id: openId, ...change }));
        if (conversation !== null && get().openId === openId) setThread((t) => ({ ...t, conversation }));
      },
      send: async ({ content, attachments, replaces }) => {
        if (get().sending) return null;
        set({ sending: true });
        const sent = await attempt(async () => {
          const { openId, draft } = get();
          const id = openId ?? (await client.chat.create({ systemPrompt: draft.systemPrompt, answerer: draft.answerer })).id;
          // '': it begins the conversation, as the one that it replaces did.
          await client.chat.send({ conversationId: id, parentId: replaces === null ? null : (replaces.parentId ?? ''), content, attachments: [...attachments] });
          return id;
        });
        set({ sending: false });
        return sent;
      },
      regenerate: async (messageId) => {
        const { openId } = get();
        if (openId !== null) await attempt(() => client.chat.regenerate({ conversationId: openId, messageId }));
      },
      showBranch: async (headId) => {
        const { openId } = get();
        if (openId === null) return;
        const conversation = await attempt(() => client.chat.update({ id: openId, headId }));
        if (conversation === null || get().openId !== openId) return;
        setThread((t) => ({ ...t, conversation }));
        await readNewest(openId);
      },
      stop: async () => {
        const { openId } = get();
        if (openId !== null) await attempt(() => client.chat.stop({ id: openId }));
      },
      rename: async (id, title) => {
        const name = title.trim();
        if (name === '') return;
        const conversation = await attempt(() => client.chat.update({ id, title: name }));
        if (conversation !== null && get().openId === id) setThread((t) => ({ ...t, conversation }));
      },
      bin: async ({ id, title }) => {
        if ((await attempt(() => client.chat.remove({ id }))) === null) return;
        set((s) => ({ binned: { id, title }, conversations: s.conversations.state === 'ready' ? { ...s.conversations, value: s.conversations.value.filter((c) => c.id !== id) } : s.conversations }));
        if (get().openId === id) get().open(null);
      },
      restore: async () => {
        const { binned } = get();
        if (binned === null) return null;
        const back = await attempt(() => client.chat.restore({ id: binned.id }));
        if (back !== null) set({ binned: null });
        return back?.id ?? null;
      },
      exportAs: (id, format) => attempt(() => client.chat.export({ id, format })),
      dismiss: () => set({ problem: null }),
    };
  });
  return Object.assign(store, { live, unsent: new Map<string, string>() });
}
