import type { Answerer, Attachment, Conversation, ConversationHit, Message } from '../../contract/chat.ts';
import type { Problem } from '../../contract/problem.ts';
import type { Remote } from '../connection/remote.ts';
import type { Thread } from './chat-thread.ts';

/** What a new conversation will begin with. */
export interface ChatSettings {
  readonly systemPrompt: string;
  readonly answerer: Answerer;
}

export interface WrittenMessage {
  readonly content: string;
  readonly attachments: readonly Attachment[];
  /** The message that this one stands beside; null: it follows the last one. `kept`: places of its files that go with this one, too. */
  readonly replaces: { readonly message: Message; readonly kept: readonly number[] } | null;
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
  /** Reads back until the message is here, and shows its branch when it is in another; once for each that is sought. false: it is nowhere. */
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
