import { sampling as samplingSchema, type ChatTurn, type GenerateRequest } from '../../../contract/inference.ts';
import { problemError } from '../../../contract/problem-catalogue.ts';
import { dialectOf } from './decide-software.ts';

export type RequestBody = Record<string, unknown>;

const usual = samplingSchema.parse({});

/**
 * The body of `/chat/completions`, or of `/completions` for a raw prompt. Pure.
 * @throws ProblemError `generate.schema` when a grammar is asked of a server that takes none
 */
export function makeRequestBody(request: GenerateRequest, model: string, software: string | null, seed: number): RequestBody {
  const dialect = dialectOf(software);
  const { sampling, grammar, jsonSchema, tools, topLogprobs, stop, maxTokens } = request;
  if (grammar !== null && dialect.grammar === null) throw problemError('generate.schema', { detail: `A grammar cannot be given to ${software ?? 'this kind of server'}; a JSON schema can.` });
  return {
    model,
    ...(request.turns === null ? { prompt: request.prompt ?? '' } : { messages: request.turns.map(makeMessage) }),
    stream: true,
    stream_options: { include_usage: true },
    temperature: sampling.temperature,
    top_p: sampling.topP,
    ...(sampling.presencePenalty === 0 ? {} : { presence_penalty: sampling.presencePenalty }),
    ...(sampling.frequencyPenalty === 0 ? {} : { frequency_penalty: sampling.frequencyPenalty }),
    ...(dialect.topK === null ? {} : { [dialect.topK]: sampling.topK === 0 ? dialect.noTopK : sampling.topK }),
    ...(dialect.minP === null ? {} : { [dialect.minP]: sampling.minP }),
    ...(dialect.repeatPenalty === null ? {} : { [dialect.repeatPenalty]: sampling.repeatPenalty }),
    ...(dialect.repeatLastTokens === null ? {} : { [dialect.repeatLastTokens]: sampling.repeatLastTokens }),
    seed,
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
    ...(stop.length === 0 ? {} : { stop }),
    ...(jsonSchema === null ? {} : { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: jsonSchema, strict: true } } }),
    ...(grammar === null ? {} : dialect.grammar === 'grammar' ? { grammar } : { structured_outputs: { grammar } }),
    ...(tools.length === 0 ? {} : { tools: tools.map(({ name, description, parameters }) => ({ type: 'function', function: { name, ...(description === null ? {} : { description }), parameters: parameters ?? { type: 'object', properties: {} } } })), tool_choice: request.toolChoice }),
    ...(topLogprobs === null || request.turns === null ? {} : { logprobs: true, ...(topLogprobs === 0 ? {} : { top_logprobs: topLogprobs }) }),
  };
}

function makeMessage({ role, content, toolCalls, toolCallId }: ChatTurn): RequestBody {
  if (role === 'tool') return { role, content, ...(toolCallId === null ? {} : { tool_call_id: toolCallId }) };
  if (role !== 'assistant' || toolCalls.length === 0) return { role, content };
  return { role, content: content === '' ? null : content, tool_calls: toolCalls.map((call) => ({ id: call.id, type: 'function', function: { name: call.name, arguments: call.arguments } })) };
}

/**
 * The same body without one thing that the server says it does not take, or null when it names nothing that may be
 * left out. What somebody asked for is never left out: only what we add, and values that are everyone's default. Pure.
 */
export function decideLess(body: RequestBody, detail: string, asked: { readonly seed: boolean }): RequestBody | null {
  const names = (field: string): boolean => field in body && new RegExp(`\\b${field}\\b`).test(detail);
  const without = (field: string): RequestBody => Object.fromEntries(Object.entries(body).filter(([key]) => key !== field));
  if (names('max_tokens')) return { ...without('max_tokens'), max_completion_tokens: body['max_tokens'] };
  if (names('stream_options')) return without('stream_options');
  if (names('seed') && !asked.seed) return without('seed');
  const defaults: RequestBody = { temperature: usual.temperature, top_p: usual.topP, top_k: usual.topK, min_p: usual.minP, repeat_penalty: usual.repeatPenalty, repetition_penalty: usual.repeatPenalty, repeat_last_n: usual.repeatLastTokens };
  const field = Object.keys(defaults).find((key) => names(key) && body[key] === defaults[key]);
  return field === undefined ? null : without(field);
}
