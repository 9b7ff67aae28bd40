import { createStore, type StoreApi } from 'zustand/vanilla';
import { answerer as answererSchema, type Conversation } from '../../contract/chat.ts';
import type { Client } from '../connection/client.ts';
import type { CommitClock } from '../connection/commit-clock.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { keepNewest } from '../connection/keep-newest.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, valueOf } from '../connection/remote.ts';
import type { ChatSettings, ChatState } from './chat-state.ts';
import { createAttempt } from './create-attempt.ts';
import { createFollowedThread } from './follow-thread.ts';
import { createLiveAnswer, type LiveAnswer } from './live-answer.ts';

const MOST_HITS = 100;

export type ChatStore = StoreApi<ChatState> & { readonly live: LiveAnswer; /** Unsent words by conversation; `` for the new one. */ readonly unsent: Map<string, string> };

export interface ChatStoreDeps {
  readonly client: Client;
  readonly source: StreamSource;
  readonly clock: CommitClock;
  /** Before the next picture; the browser's by default. */
  readonly frame?: (work: () => void) => void;
  /** Clock of the pictures, ms; the page's by default. */
  readonly now?: () => number;
}

/** Model, settings and system prompt that count now: of the open conversation, else of the next new one. */
export const settingsOf = (s: Pick<ChatState, 'openId' | 'thread' | 'draft'>): ChatSettings => (s.openId === null ? s.draft : (valueOf(s.thread)?.conversation ?? s.draft));

/** Conversations and the open one, whose answer is written outside of it (`live`), a frame at a time. */
export function createChatStore({ client, source, clock, frame = (work) => void requestAnimationFrame(work), now = () => performance.now() }: ChatStoreDeps): ChatStore {
  const live = createLiveAnswer({ frame, now });
  let searched = 0;
  let awake = false;

  const store = createStore<ChatState>()((set, get) => {
    const attempt = createAttempt(set);
    const { change: setThread, ...thread } = createFollowedThread({ client, source, live, set, get, attempt });
    return {
      ...thread,
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
          await client.chat.send({ conversationId: id, parentId: replaces === null ? null : (replaces.message.parentId ?? ''), content, attachments: [...attachments], ...(replaces === null || replaces.kept.length === 0 ? {} : { kept: { messageId: replaces.message.id, places: [...replaces.kept] } }) });
          return id;
        });
        set({ sending: false });
        return sent;
      },
      regenerate: async (messageId) => {
        const { openId } = get();
        if (openId !== null) await attempt(() => client.chat.regenerate({ conversationId: openId, messageId }));
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
