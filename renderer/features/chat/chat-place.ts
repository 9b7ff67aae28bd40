import { hrefOf } from '../../app/routes.ts';

const COMPARE = 'compare';

/** What `#/chat/SECTION` shows: `compare`, `compare:ID`, or a conversation. Pure. */
export function parseChatPlace(section: string | null): { readonly kind: 'compare'; readonly id: string | null } | { readonly kind: 'conversation'; readonly id: string | null } {
  if (section === COMPARE) return { kind: 'compare', id: null };
  if (section?.startsWith(`${COMPARE}:`)) return { kind: 'compare', id: section.slice(COMPARE.length + 1) };
  return { kind: 'conversation', id: section };
}

/** The fragment of a conversation; null: a new one. */
export function hrefOfConversation(id: string | null, messageId?: string | null): string {
  return `${hrefOf('chat', id ?? undefined)}${messageId ? `?message=${encodeURIComponent(messageId)}` : ''}`;
}

/** The fragment of a comparison; null: a new one. */
export function hrefOfComparison(id: string | null): string {
  return hrefOf('chat', id === null ? COMPARE : `${COMPARE}:${id}`);
}
