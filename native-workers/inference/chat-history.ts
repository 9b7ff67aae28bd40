import type { ChatHistoryItem, ChatModelFunctionCall } from 'node-llama-cpp';
import { problemError } from '../../contract/problem-catalogue.ts';
import type { ChatTurn } from '../../contract/inference.ts';

/** A call's arguments as they were written; what is no JSON stays text. */
function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    return text;
  }
}

/**
 * Turns as the library has them: what an assistant said, called and was answered is one item. The last item is the
 * model's, to be continued. @throws ProblemError `input.invalid` where a tool's answer has no call
 */
export function toChatHistory(turns: readonly ChatTurn[]): ChatHistoryItem[] {
  const history: ChatHistoryItem[] = [];
  const calls = new Map<string, ChatModelFunctionCall>();
  let open: ChatModelFunctionCall[] = [];
  for (const turn of turns) {
    if (turn.role === 'system') history.push({ type: 'system', text: turn.content });
    else if (turn.role === 'user') history.push({ type: 'user', text: turn.content });
    else if (turn.role === 'assistant') {
      const last = history.at(-1);
      const item = last?.type === 'model' ? last : { type: 'model' as const, response: [] };
      if (item !== last) history.push(item);
      if (turn.content !== '') item.response.push(turn.content);
      open = turn.toolCalls.map((call, index) => ({ type: 'functionCall', name: call.name, params: parseArguments(call.arguments), result: null, startsNewChunk: index === 0 }));
      item.response.push(...open);
      turn.toolCalls.forEach((call, index) => {
        const made = open[index];
        if (made !== undefined) calls.set(call.id, made);
      });
    } else {
      const call = (turn.toolCallId === null ? undefined : calls.get(turn.toolCallId)) ?? open.find((one) => one.result === null);
      if (call === undefined) throw problemError('input.invalid', { detail: 'A tool answers that was not called.' });
      call.result = turn.content;
    }
  }
  if (history.at(-1)?.type !== 'model') history.push({ type: 'model', response: [] });
  return history;
}

/** Where turns that belong together begin: one of the user and all that follows it. System turns are no part. */
export function groupTurns(turns: readonly ChatTurn[]): { readonly kept: readonly ChatTurn[]; readonly groups: readonly (readonly ChatTurn[])[] } {
  const kept: ChatTurn[] = [];
  const groups: ChatTurn[][] = [];
  for (const turn of turns) {
    const last = groups.at(-1);
    if (turn.role === 'system') kept.push(turn);
    else if (turn.role === 'user' || last === undefined) groups.push([turn]);
    else last.push(turn);
  }
  return { kept, groups };
}
