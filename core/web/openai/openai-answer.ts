import type { FinishReason, GenerationEvent, GenerationFigures, TokenLogprob, ToolCall } from '../../../contract/inference.ts';
import { ProblemError } from '../../../contract/problem.ts';

/** Pure: from the engine's events to OpenAI's words. */

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export function makeUsage(figures: readonly GenerationFigures[]): Usage {
  // The prompt is the same for all choices.
  const prompt = figures[0]?.promptTokens ?? 0;
  const answer = figures.reduce((sum, f) => sum + (f.answerTokens ?? 0), 0);
  return { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer, prompt_tokens_details: { cached_tokens: figures[0]?.cachedTokens ?? 0 } };
}

/** As llama-server says them, for the tools that read them. */
export function makeTimings(f: GenerationFigures): Readonly<Record<string, number | null>> {
  return { prompt_n: f.promptTokens, prompt_per_second: f.promptTokensPerSecond, predicted_n: f.answerTokens, predicted_per_second: f.decodeTokensPerSecond, first_token_ms: f.firstTokenMs, joules_per_token: f.joulesPerToken };
}

export type OpenAiFinish = 'stop' | 'length' | 'tool_calls';

export function decideFinish(reason: FinishReason): OpenAiFinish {
  if (reason === 'tool_calls') return 'tool_calls';
  return reason === 'stop' ? 'stop' : 'length';
}

export const makeLogprobs = (tokens: readonly TokenLogprob[]): { content: readonly object[] } => ({ content: tokens.map((t) => ({ token: t.token, bytes: t.bytes, logprob: t.logprob, top_logprobs: t.top.map((o) => ({ token: o.token, bytes: o.bytes, logprob: o.logprob })) })) });

export const makeToolCall = (call: ToolCall): object => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } });

export interface WholeAnswer {
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly ToolCall[];
  readonly logprobs: readonly TokenLogprob[];
  readonly reason: FinishReason;
  readonly figures: GenerationFigures;
}

/** Reads an answer to its end. @throws ProblemError what ended it */
export async function collectAnswer(events: AsyncIterable<GenerationEvent>): Promise<WholeAnswer> {
  let text = '';
  let thinking = '';
  const calls: ToolCall[] = [];
  const logprobs: TokenLogprob[] = [];
  for await (const event of events) {
    if (event.t === 'text') {
      if (event.channel === 'answer') text += event.text;
      else thinking += event.text;
      logprobs.push(...(event.logprobs ?? []));
    } else if (event.t === 'tool_call') calls.push(event.call);
    else if (event.t === 'end') {
      if (event.problem !== null) throw new ProblemError(event.problem);
      return { text, thinking, calls, logprobs, reason: event.reason, figures: event.figures };
    }
  }
  throw new Error('The answer has no end.');
}
