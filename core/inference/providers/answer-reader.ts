import { randomUUID } from 'node:crypto';
import type { FinishReason, GenerationEvent, GenerationFigures, TokenLogprob, ToolCall } from '../../../contract/inference.ts';
import type { Problem } from '../../../contract/problem.ts';
import type { Chunk, ServerFigures, ServerLogprob } from './parse-chunk.ts';
import { createThinkingSplitter, type Channel } from './split-thinking.ts';

export interface AnswerReader {
  /** What a chunk adds. @throws RangeError when the answer outgrows every bound */
  take(chunk: Chunk): void;
  hasText(): boolean;
  /** Text since the last call, in order. */
  flush(): GenerationEvent[];
  /** The last events: held-back text, tool calls, the end with its figures. */
  end(reason: FinishReason, problem: Problem | null): GenerationEvent[];
  /** Something of the answer has come. */
  begun(): boolean;
  finish(): string | null;
  figures(): ServerFigures;
}

export interface ReaderOptions {
  readonly contextTokens: number | null;
  /** null: it was not sent. */
  readonly seed: number | null;
  readonly now: () => number;
  /** Monotonic, ms. */
  readonly clock: () => number;
  /** When the request was made, by `clock`. */
  readonly startedAt: number;
}

/** Of text and thinking together; of all tool calls' arguments. */
const MAX_CHARACTERS = 20_000_000;
const MAX_ARGUMENTS = 1_000_000;
const MAX_CALLS = 64;
/** Fewer tokens or a shorter time say nothing about a speed measured from outside. */
const LEAST_TOKENS = 8;
const LEAST_MS = 20;

const nothing: ServerFigures = { promptTokens: null, cachedTokens: null, answerTokens: null, promptTokensPerSecond: null, decodeTokensPerSecond: null, drafted: null, accepted: null };

/** Makes our events of a server's chunks. */
export function createAnswerReader({ contextTokens, seed, now, clock, startedAt }: ReaderOptions): AnswerReader {
  const splitter = createThinkingSplitter();
  const calls: { id: string; name: string; arguments: string }[] = [];
  let waiting: { channel: Channel; text: string; tokens: number; logprobs: TokenLogprob[] }[] = [];
  let said = nothing;
  let finish: string | null = null;
  let characters = 0;
  let firstAt: number | null = null;
  let lastAt: number | null = null;
  let chunksWithText = 0;

  const add = (channel: Channel, text: string, tokens: number): void => {
    if (text === '') return;
    const last = waiting.at(-1);
    if (last?.channel === channel) {
      last.text += text;
      last.tokens += tokens;
    } else waiting.push({ channel, text, tokens, logprobs: [] });
  };
  const grow = (by: number): void => {
    characters += by;
    if (characters > MAX_CHARACTERS) throw new RangeError(`The answer is longer than ${MAX_CHARACTERS} characters.`);
  };
  const takeCall = (delta: Chunk['tools'][number]): void => {
    // Without an index, an id begins a call and all else goes on with the last one.
    const at = delta.index ?? (delta.id !== null || calls.length === 0 ? calls.length : calls.length - 1);
    while (calls.length <= at && calls.length < MAX_CALLS) calls.push({ id: '', name: '', arguments: '' });
    const call = calls[at];
    if (call === undefined) throw new RangeError(`More than ${MAX_CALLS} tools are called.`);
    call.id ||= (delta.id ?? '').slice(0, 128);
    call.name ||= (delta.name ?? '').slice(0, 128);
    call.arguments += delta.arguments;
    if (call.arguments.length > MAX_ARGUMENTS) throw new RangeError(`The arguments of a tool are longer than ${MAX_ARGUMENTS} characters.`);
  };
  const flush = (): GenerationEvent[] => {
    const events = waiting.map(({ channel, text, tokens, logprobs }): GenerationEvent => ({ t: 'text', text, channel, tokens, atMs: now(), ...(logprobs.length === 0 ? {} : { logprobs }) }));
    waiting = [];
    return events;
  };

  const measured = (): number | null => {
    const { answerTokens } = said;
    // Tokens that came in one piece, as behind a proxy that collects, have no times of their own.
    if (answerTokens === null || answerTokens < LEAST_TOKENS || chunksWithText < answerTokens / 2 || firstAt === null || lastAt === null || lastAt - firstAt < LEAST_MS) return null;
    return ((answerTokens - 1) * 1000) / (lastAt - firstAt);
  };
  const makeFigures = (): GenerationFigures => ({
    promptTokens: said.promptTokens,
    cachedTokens: said.cachedTokens,
    answerTokens: said.answerTokens,
    firstTokenMs: firstAt === null ? null : firstAt - startedAt,
    queuedMs: 0,
    promptTokensPerSecond: said.promptTokensPerSecond,
    decodeTokensPerSecond: said.decodeTokensPerSecond ?? measured(),
    seconds: (clock() - startedAt) / 1000,
    joules: null,
    joulesPerToken: null,
    rooflineShare: null,
    contextTokens,
    contextUsed: said.promptTokens === null || said.answerTokens === null ? null : said.promptTokens + said.answerTokens,
    turnsDropped: 0,
    seed,
    drafted: said.drafted,
    accepted: said.accepted,
  });

  return {
    take(chunk) {
      const { answer, thinking, logprobs } = chunk;
      if (answer !== '' || thinking !== '' || chunk.tools.length > 0) {
        lastAt = clock();
        firstAt ??= lastAt;
        chunksWithText += 1;
        grow(answer.length + thinking.length);
        add('thinking', thinking, 1);
        const pieces = answer === '' ? [] : splitter.push(answer);
        pieces.forEach((piece, at) => { add(piece.channel, piece.text, at === 0 && thinking === '' ? 1 : 0); });
        if (logprobs !== null) waiting.at(-1)?.logprobs.push(...logprobs.map((one) => ({ ...makeLogprob(one), top: one.top.map(makeLogprob) })));
        for (const delta of chunk.tools) takeCall(delta);
      }
      finish = chunk.finish ?? finish;
      said = merge(said, chunk.figures);
    },
    hasText: () => waiting.length > 0,
    flush,
    end(reason, problem) {
      for (const piece of splitter.end()) add(piece.channel, piece.text, 0);
      const events = flush();
      for (const { id, name, arguments: given } of calls) {
        const call: ToolCall = { id: id === '' ? `call_${randomUUID()}` : id, name, arguments: given };
        if (name !== '') events.push({ t: 'tool_call', call });
      }
      return [...events, { t: 'end', reason, figures: makeFigures(), problem }];
    },
    begun: () => firstAt !== null,
    finish: () => finish,
    figures: () => said,
  };
}

function merge(before: ServerFigures, after: ServerFigures): ServerFigures {
  const pick = (key: keyof ServerFigures): number | null => after[key] ?? before[key];
  return { promptTokens: pick('promptTokens'), cachedTokens: pick('cachedTokens'), answerTokens: pick('answerTokens'), promptTokensPerSecond: pick('promptTokensPerSecond'), decodeTokensPerSecond: pick('decodeTokensPerSecond'), drafted: pick('drafted'), accepted: pick('accepted') };
}

const makeLogprob = ({ token, logprob, bytes }: ServerLogprob): Omit<TokenLogprob, 'top'> => ({ token, logprob, bytes: bytes === null ? [...Buffer.from(token, 'utf8')] : [...bytes] });

/** Why an answer ended, from the server's word for it. Pure. */
export function decideReason(finish: string, figures: ServerFigures, contextTokens: number | null): FinishReason | 'filtered' | 'aborted' {
  if (finish === 'tool_calls' || finish === 'function_call') return 'tool_calls';
  if (finish === 'content_filter') return 'filtered';
  if (finish === 'abort' || finish === 'error') return 'aborted';
  if (finish !== 'length') return 'stop';
  const used = (figures.promptTokens ?? 0) + (figures.answerTokens ?? 0);
  return contextTokens !== null && used >= contextTokens - 1 ? 'context_full' : 'length';
}
