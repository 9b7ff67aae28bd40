import type { Attachment } from '../../../contract/chat.ts';
import type { ChatTurn } from '../../../contract/inference.ts';

export interface TurnSource {
  readonly role: ChatTurn['role'];
  readonly content: string;
  readonly attachments: readonly Attachment[];
}

/**
 * What the model is given of a conversation: the system prompt, then the branch with its files; what was thought is
 * left out. Answers without a word (stopped, failed) are left out too, and users' messages that then follow each
 * other become one, because many templates only know turns that alternate.
 */
export function makeTurns(systemPrompt: string, branch: readonly TurnSource[]): ChatTurn[] {
  const turns: { role: ChatTurn['role']; content: string }[] = [];
  if (systemPrompt.trim() !== '') turns.push({ role: 'system', content: systemPrompt });
  for (const { role, content, attachments } of branch) {
    const text = [...attachments.map(fenceAttachment), content].filter((part) => part !== '').join('\n\n');
    if (role === 'assistant' && text.trim() === '') continue;
    const last = turns.at(-1);
    if (last?.role === 'user' && role === 'user') last.content = `${last.content}\n\n${text}`;
    else turns.push({ role, content: text });
  }
  return turns.map((turn) => ({ ...turn, toolCalls: [], toolCallId: null }));
}

/** A file as it stands in a prompt: its name, then its text between fences longer than any in it. */
export function fenceAttachment({ name, text }: Attachment): string {
  const longest = (text.match(/`{3,}/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const fence = '`'.repeat(longest + 1);
  return `File "${plainName(name)}":\n${fence}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}

/** On one line, without what could end its quotes. */
export const plainName = (name: string): string => name.replace(/[\p{Cc}"`]/gu, ' ').trim();
