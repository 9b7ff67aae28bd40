import type { Conversation, ConversationPage, Message } from '../../contract/chat.ts';

/** What of the open conversation's shown branch is here: always its end, and as much before it as was asked for. */
export interface Thread {
  readonly conversation: Conversation;
  /** Oldest first. */
  readonly messages: readonly Message[];
  /** Place of the first of them in the branch. */
  readonly from: number;
  readonly total: number;
  readonly branches: Readonly<Record<string, readonly string[]>>;
}

/** The same words and the same state: what was drawn for `old` still holds, also where only the beginning came again. Pure. */
function isSame(old: Message, now: Message): boolean {
  const words = now.cut !== undefined && old.cut === undefined ? old.content.startsWith(now.content) && old.thinking.startsWith(now.thinking) : old.content === now.content && old.thinking === now.thinking;
  return old.id === now.id && words && old.answer?.state === now.answer?.state && old.answer?.reason === now.answer?.reason && old.answer?.modelName === now.answer?.modelName;
}

/**
 * The newest page over what was here. Older messages that were loaded stay when they lead to the same branch; messages
 * that did not change keep their identity. `ended`: answers that ended meanwhile, which an older page does not know. Pure.
 */
export function mergeNewest(shown: Thread | null, page: ConversationPage, ended: ReadonlyMap<string, Message>): Thread {
  const before = shown?.conversation.id === page.conversation.id ? shown : null;
  const known = new Map(before?.messages.map((m) => [m.id, m]));
  const fresh = page.messages.map((m) => {
    const end = m.answer !== null && m.answer.state !== 'done' ? ended.get(m.id) : undefined;
    const now = end ?? m;
    const old = known.get(m.id);
    return old !== undefined && isSame(old, now) ? old : now;
  });
  const first = fresh[0];
  const place = before === null || first === undefined ? -1 : page.from - before.from;
  // A message has one past: where the first of the page stood here, all before it is the same branch.
  const older = before !== null && place > 0 && before.messages[place]?.id === first?.id ? before.messages.slice(0, place) : [];
  return {
    conversation: page.conversation,
    messages: [...older, ...fresh],
    from: page.from - older.length,
    total: page.total,
    branches: older.length > 0 ? { ...before?.branches, ...page.branches } : page.branches,
  };
}

/** An older page before what is here; one that does not fit any more changes nothing. Pure. */
export function mergeOlder(before: Thread, page: ConversationPage): Thread {
  if (page.conversation.id !== before.conversation.id || page.from + page.messages.length !== before.from) return before;
  const first = before.messages[0];
  const last = page.messages.at(-1);
  if (first !== undefined && last !== undefined && first.parentId !== last.id) return before;
  return { ...before, messages: [...page.messages, ...before.messages], from: page.from, branches: { ...page.branches, ...before.branches } };
}

/** A message that ended, in its place. Pure. */
export function replaceMessage(thread: Thread, message: Message): Thread {
  const at = thread.messages.findIndex((m) => m.id === message.id);
  if (at < 0) return thread;
  return { ...thread, messages: thread.messages.with(at, message) };
}

/** `2 of 3` for a message with siblings, and where the neighbours are; null: it is the only one. Pure. */
export function branchOf(thread: Pick<Thread, 'branches'>, messageId: string): { readonly at: number; readonly of: number; readonly before: string | null; readonly after: string | null } | null {
  const ids = thread.branches[messageId];
  if (ids === undefined || ids.length < 2) return null;
  const at = ids.indexOf(messageId);
  if (at < 0) return null;
  return { at: at + 1, of: ids.length, before: ids[at - 1] ?? null, after: ids[at + 1] ?? null };
}
