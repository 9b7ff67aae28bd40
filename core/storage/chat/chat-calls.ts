import type { Answerer, Attachment, Conversation, ConversationHit, ConversationPage, Message } from '../../../contract/chat.ts';

/** What the engine asks of the conversations in the storage thread. Both ends are made from the same sources: nothing is parsed here. */
export interface ChatCalls {
  /** Newest first; the bin is left out, and what has been in it for too long goes. */
  readonly 'chat.list': { readonly input: { readonly limit: number; readonly nowMs: number }; readonly output: Conversation[] };
  readonly 'chat.get': { readonly input: { readonly id: string }; readonly output: Conversation };
  readonly 'chat.create': { readonly input: { readonly id: string; readonly nowMs: number; readonly conversation: ConversationTexts }; readonly output: Conversation };
  readonly 'chat.update': { readonly input: { readonly id: string; readonly nowMs: number; readonly change: Partial<ConversationTexts> & { readonly headId?: string | null } }; readonly output: Conversation };
  readonly 'chat.page': { readonly input: { readonly id: string; readonly before: number | null; readonly limit: number }; readonly output: ConversationPage };
  readonly 'chat.add': { readonly input: ChatAddition; readonly output: ChatAdded };
  /** An answer as it is now. Whole, so that it does not matter which of them arrive. */
  readonly 'chat.save': { readonly input: SavedAnswer; readonly output: null };
  readonly 'chat.remove': { readonly input: { readonly id: string; readonly nowMs: number }; readonly output: null };
  readonly 'chat.restore': { readonly input: { readonly id: string; readonly nowMs: number }; readonly output: Conversation };
  readonly 'chat.search': { readonly input: { readonly text: string; readonly limit: number }; readonly output: ConversationHit[] };
  /** Whole messages for an export, some megabytes at a time: of the shown branch from a depth, or all from a number. */
  readonly 'chat.piece': { readonly input: { readonly id: string; readonly which: 'branch' | 'all'; readonly from: number }; readonly output: { readonly messages: WholeMessage[]; readonly next: number | null } };
}
export type ChatOp = keyof ChatCalls;

export interface ConversationTexts {
  readonly title: string;
  readonly titleIsOurs: boolean;
  readonly systemPrompt: string;
  readonly answerer: Answerer;
}

/** A message of the user and the answer to it that is about to be written; or one more answer beside another. */
export interface ChatAddition {
  readonly conversationId: string;
  readonly nowMs: number;
  readonly user: {
    readonly id: string;
    /** null: the head of the shown branch; '': it begins the conversation anew. */
    readonly parentId: string | null;
    readonly content: string;
    readonly attachments: readonly Attachment[];
    /** Files of another message of the conversation, by their places, that go before them. */
    readonly kept?: { readonly messageId: string; readonly places: readonly number[] } | null;
    /** Taken where the conversation has none of its own. */
    readonly title: string;
  } | null;
  /** Where `user` is null: the answer beside which, or the message to which, it is written. */
  readonly besideId: string | null;
  readonly answerId: string;
  readonly answer: NonNullable<Message['answer']>;
}

export interface ChatAdded {
  readonly conversation: Conversation;
  readonly answer: Message;
  /** The branch up to the answer, oldest first; of a very long one the end. */
  readonly branch: readonly BranchMessage[];
}

/** What a prompt is made of. */
export interface BranchMessage {
  readonly id: string;
  readonly role: Message['role'];
  readonly content: string;
  readonly attachments: readonly Attachment[];
}

export interface SavedAnswer {
  readonly id: string;
  readonly content: string;
  readonly thinking: string;
  readonly thinkingTokens: number;
  readonly answer: NonNullable<Message['answer']>;
  /** It is still being written. */
  readonly open: boolean;
}

export type WholeMessage = Omit<Message, 'attachments'> & { readonly attachments: readonly Attachment[] };
