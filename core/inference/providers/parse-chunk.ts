import { z } from 'zod';
import { readErrorText } from './decide-refusal.ts';

/** What does not fit is as if it were not there: servers differ in the details, and one odd field spoils no answer. */
const count = z.number().int().min(0).max(1e12).nullish().catch(null);
const rate = z.number().positive().max(1e9).nullish().catch(null);
const text = z.string().nullish().catch(null);

const parts = z.array(z.object({ type: z.string(), text: z.string() })).transform((all) => all.filter((one) => one.type === 'text').map((one) => one.text).join(''));
const toolDelta = z.object({ index: z.number().int().min(0).max(63).nullish().catch(null), id: text, function: z.object({ name: text, arguments: z.union([z.string(), z.record(z.string(), z.unknown()).transform((value) => JSON.stringify(value))]).nullish().catch(null) }).nullish().catch(null) });
const delta = z.object({
  content: z.union([z.string(), parts]).nullish().catch(null),
  // llama-server, vLLM and LM Studio say the first, Ollama and newer vLLM the second.
  reasoning_content: text,
  reasoning: text,
  tool_calls: z.array(toolDelta).max(64).nullish().catch(null),
  refusal: text,
});
const logprob = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.number().int()).nullish().catch(null) });
const logprobs = z.object({ content: z.array(logprob.extend({ top_logprobs: z.array(logprob).max(20).nullish().catch(null) })).max(10_000).nullish().catch(null) });
const chunkSchema = z.object({
  choices: z.array(z.object({ delta: delta.nullish().catch(null), message: delta.nullish().catch(null), text, finish_reason: text, logprobs: logprobs.nullish().catch(null) })).nullish().catch(null),
  usage: z.object({ prompt_tokens: count, completion_tokens: count, prompt_tokens_details: z.object({ cached_tokens: count }).nullish().catch(null) }).nullish().catch(null),
  /** llama-server. */
  timings: z.object({ cache_n: count, prompt_n: count, prompt_per_second: rate, predicted_n: count, predicted_per_second: rate, draft_n: count, draft_n_accepted: count }).nullish().catch(null),
  /** Ollama: nanoseconds. */
  prompt_eval_count: count, prompt_eval_duration: count, eval_count: count, eval_duration: count,
  /** LM Studio. */
  stats: z.object({ tokens_per_second: rate }).nullish().catch(null),
});

export interface ToolDelta {
  readonly index: number | null;
  readonly id: string | null;
  readonly name: string | null;
  readonly arguments: string;
}
export interface ServerLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[] | null;
}

/** Counts and speeds as a server reports them; null: it does not. */
export interface ServerFigures {
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly answerTokens: number | null;
  readonly promptTokensPerSecond: number | null;
  readonly decodeTokensPerSecond: number | null;
  readonly drafted: number | null;
  readonly accepted: number | null;
}

export interface Chunk {
  readonly answer: string;
  readonly thinking: string;
  readonly tools: readonly ToolDelta[];
  readonly logprobs: readonly (ServerLogprob & { readonly top: readonly ServerLogprob[] })[] | null;
  readonly finish: string | null;
  readonly figures: ServerFigures;
}

export type ParsedChunk =
  | { readonly t: 'chunk'; readonly chunk: Chunk }
  | { readonly t: 'done' }
  /** The server's own words for what went wrong. */
  | { readonly t: 'error'; readonly text: string }
  | { readonly t: 'garbage' };

/** One `data` of a stream, or the body of an answer that was sent whole. Pure. */
export function parseChunk(data: string): ParsedChunk {
  if (data.trim() === '[DONE]') return { t: 'done' };
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return { t: 'garbage' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { t: 'garbage' };
  if ('error' in value && value.error !== null && value.error !== undefined) return { t: 'error', text: readErrorText(data) };
  const parsed = chunkSchema.safeParse(value);
  if (!parsed.success) return { t: 'garbage' };
  const { choices, ...rest } = parsed.data;
  const first = choices?.[0];
  const said = first?.delta ?? first?.message ?? null;
  return {
    t: 'chunk',
    chunk: {
      answer: (said?.content ?? first?.text ?? '') + (said?.refusal ?? ''),
      thinking: said?.reasoning_content ?? said?.reasoning ?? '',
      tools: (said?.tool_calls ?? []).map((one) => ({ index: one.index ?? null, id: one.id ?? null, name: one.function?.name ?? null, arguments: one.function?.arguments ?? '' })),
      logprobs: first?.logprobs?.content?.map(({ top_logprobs: top, ...one }) => ({ ...bytesOf(one), top: (top ?? []).map(bytesOf) })) ?? null,
      finish: first?.finish_reason ?? null,
      figures: figuresOf(rest),
    },
  };
}

const bytesOf = (one: z.infer<typeof logprob>): ServerLogprob => ({ token: one.token, logprob: one.logprob, bytes: one.bytes ?? null });

/** The server's own timings count before what usage says, which often lacks the cache. */
function figuresOf({ usage, timings, stats, ...ollama }: Omit<z.infer<typeof chunkSchema>, 'choices'>): ServerFigures {
  const promptOfTimings = timings?.prompt_n == null ? null : timings.prompt_n + (timings.cache_n ?? 0);
  return {
    promptTokens: usage?.prompt_tokens ?? promptOfTimings ?? ollama.prompt_eval_count ?? null,
    cachedTokens: timings?.cache_n ?? usage?.prompt_tokens_details?.cached_tokens ?? null,
    answerTokens: usage?.completion_tokens ?? timings?.predicted_n ?? ollama.eval_count ?? null,
    promptTokensPerSecond: timings?.prompt_per_second ?? perSecond(ollama.prompt_eval_count, ollama.prompt_eval_duration),
    decodeTokensPerSecond: timings?.predicted_per_second ?? perSecond(ollama.eval_count, ollama.eval_duration) ?? stats?.tokens_per_second ?? null,
    drafted: timings?.draft_n ?? null,
    accepted: timings?.draft_n_accepted ?? null,
  };
}

const perSecond = (tokens: number | null | undefined, nanoseconds: number | null | undefined): number | null => (tokens == null || nanoseconds == null || nanoseconds === 0 ? null : (tokens * 1e9) / nanoseconds);
