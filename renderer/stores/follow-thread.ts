import type { StoreApi } from 'zustand/vanilla';
import type { ChatEvent, Message } from '../../contract/chat.ts';
import type { Client } from '../connection/client.ts';
import { consumeStream, type StreamSource } from '../connection/consume-stream.ts';
import { problemFrom } from '../connection/problem-from.ts';
import { idle, loading, ready, troubled, valueOf } from '../connection/remote.ts';
import type { ChatState } from './chat-state.ts';
import { mergeNewest, mergeOlder, replaceMessage, type Thread } from './chat-thread.ts';
import type { Attempt } from './create-attempt.ts';
import type { LiveAnswer } from './live-answer.ts';

/** Messages that are asked for when a conversation is opened, and with each step back. */
const PAGE_MESSAGES = 100;
const SEARCH_PAGE = 500;

export interface FollowThreadDeps {
  readonly client: Client;
  readonly source: StreamSource;
  readonly live: LiveAnswer;
  readonly set: StoreApi<ChatState>['setState'];
  readonly get: () => ChatState;
  readonly attempt: Attempt;
}

export interface FollowedThread extends Pick<ChatState, 'open' | 'older' | 'reach' | 'whole' | 'showBranch'> {
  /** Changes what is here of the open conversation, when something is. */
  change(change: (thread: Thread) => Thread): void;
}

/** The open conversation: followed while it is open, its messages read as far back as was asked for, one branch at a time. */
export function createFollowedThread({ client, source, live, set, get, attempt }: FollowThreadDeps): FollowedThread {
  /** Goes up with what is open; an answer for what was open before is for nobody. */
  let looking = 0;
  let asked = 0;
  let stopFollowing: (() => void) | null = null;
  let ended = new Map<string, Message>();
  /** Found already: who then walks to another branch stays there. */
  let reached: string | null = null;

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
  const change = (how: (thread: Thread) => Thread): void => set((s) => (s.thread.state === 'ready' || s.thread.state === 'stale' ? { thread: { ...s.thread, value: how(s.thread.value) } } : {}));
  const take = (id: string, event: ChatEvent): void => {
    if (event.t === 'changed') {
      change((t) => ({ ...t, conversation: event.conversation }));
      void readNewest(id);
    } else if (event.t === 'end') {
      ended.set(event.message.id, event.message);
      change((t) => replaceMessage({ ...t, conversation: { ...t.conversation, writingId: t.conversation.writingId === event.message.id ? null : t.conversation.writingId } }, event.message));
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
      if (mine === looking) change((t) => mergeOlder(t, page));
    } catch (error) {
      if (mine === looking) set({ problem: problemFrom(error) });
    } finally {
      if (mine === looking) set({ fetchingOlder: false });
    }
  };
  /** Whether the message is in the branch that is shown; read backwards until that is known. */
  const isInBranch = async (messageId: string): Promise<boolean> => {
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
  };
  const showBranch = async (headId: string): Promise<boolean> => {
    const { openId } = get();
    if (openId === null) return false;
    const conversation = await attempt(() => client.chat.update({ id: openId, headId }));
    if (conversation === null || get().openId !== openId) return false;
    change((t) => ({ ...t, conversation }));
    await readNewest(openId);
    return true;
  };
  return {
    change,
    open: (id) => {
      if (id === get().openId) return;
      looking += 1;
      stopFollowing?.();
      stopFollowing = null;
      ended = new Map();
      reached = null;
      live.clear();
      set({ openId: id, thread: id === null ? idle : loading, fetchingOlder: false, ended: null, problem: null });
      if (id === null) return;
      stopFollowing = consumeStream(source, (signal) => client.chat.follow({ id }, { signal }), (event) => take(id, event), (problem) => set((s) => ({ thread: troubled(s.thread, problem) })));
      void readNewest(id);
    },
    older: () => fetchOlder(PAGE_MESSAGES),
    reach: async (messageId) => {
      if (reached === messageId) return true;
      const mine = looking;
      const found = await isInBranch(messageId);
      if (mine !== looking || valueOf(get().thread) === null) return false;
      if (reached === messageId) return true;
      reached = messageId;
      return found || ((await showBranch(messageId)) && (await isInBranch(messageId)));
    },
    whole: async (messageId) => {
      const thread = valueOf(get().thread);
      const at = thread?.messages.findIndex((m) => m.id === messageId) ?? -1;
      const known = thread?.messages[at];
      if (thread === null || known === undefined) return null;
      if (known.cut === undefined) return known;
      const page = await attempt(() => client.chat.page({ id: thread.conversation.id, before: thread.from + at + 1, limit: 1 }));
      const found = page?.messages.find((m) => m.id === messageId) ?? null;
      if (found !== null && get().openId === thread.conversation.id) change((t) => replaceMessage(t, found));
      return found;
    },
    showBranch: async (headId) => void (await showBranch(headId)),
  };
}
