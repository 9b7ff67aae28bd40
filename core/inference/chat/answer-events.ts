import type { ChatEvent, Message } from '../../../contract/chat.ts';
import type { LiveAnswer } from './live-answer.ts';

/** What a reader that comes in the middle is told, in one go: no piece comes between its parts. Pure. */
export function soFar(live: LiveAnswer): ChatEvent[] {
  return [{ t: 'so_far', messageId: live.id, content: live.content, thinking: live.thinking, tokens: live.tokens, thinkingTokens: live.thinkingTokens }, stateEvent(live)];
}

export function stateEvent({ id, answer, progress }: LiveAnswer): Extract<ChatEvent, { t: 'state' }> {
  return { t: 'state', messageId: id, state: answer.state === 'done' ? 'writing' : answer.state, done: progress?.done ?? null, total: progress?.total ?? null };
}

/** The stored message, whole and with what is written of it. Pure. */
export function messageOf({ content, thinking, thinkingTokens, answer }: LiveAnswer, stored: Message): Message {
  const { cut: _, ...rest } = stored;
  return { ...rest, content, thinking, ...(thinking === '' ? {} : { thinkingTokens }), answer };
}

export const newAnswer = (): NonNullable<Message['answer']> => ({ state: 'queued', modelName: '', provider: null, reason: null, figures: null, truth: null, problem: null });
