import { z } from 'zod';
import type { ChatTurn, GenerateRequest, Sampling } from '../../../contract/inference.ts';
import { OpenAiError } from './openai-error.ts';

/** The parts of OpenAI's API that are understood; what is unknown and harmless is passed over, as its clients expect. */

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const content = z.union([z.string(), z.array(z.object({ type: z.string() }).loose()).max(1000), z.null()]);
const functionCall = z.object({ id: z.string().max(128), type: z.literal('function').optional(), function: z.object({ name: z.string().max(128), arguments: z.string().max(1_000_000) }) });
const chatMessage = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: content.optional(),
  tool_calls: z.array(functionCall).max(64).nullish(),
  tool_call_id: z.string().max(128).nullish(),
}).loose();

const samplingFields = {
  temperature: z.number().min(0).max(5).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_k: z.int().min(0).max(1_000_000).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repeat_penalty: z.number().min(0.1).max(5).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  seed: z.int().min(0).max(4_294_967_295).nullish(),
};
const common = {
  model: z.string().max(4096).nullish(),
  ...samplingFields,
  stop: z.union([z.string().min(1).max(1000), z.array(z.string().min(1).max(1000)).max(16)]).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).loose().nullish(),
  n: z.int().min(1).max(8).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  grammar: z.string().max(200_000).nullish(),
};

export const chatCompletionBody = z.object({
  ...common,
  messages: z.array(chatMessage).min(1).max(50_000),
  max_tokens: z.int().min(1).max(1_000_000).nullish(),
  max_completion_tokens: z.int().min(1).max(1_000_000).nullish(),
  tools: z.array(z.object({ type: z.literal('function'), function: z.object({ name: z.string().regex(/^[\w.-]{1,128}$/), description: z.string().max(20_000).nullish(), parameters: z.record(z.string(), z.unknown()).nullish() }) })).max(64).nullish(),
  tool_choice: z.union([z.enum(['auto', 'none', 'required']), z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) })]).nullish(),
  response_format: z.union([
    z.object({ type: z.enum(['text', 'json_object']) }),
    z.object({ type: z.literal('json_schema'), json_schema: z.object({ schema: z.record(z.string(), z.unknown()).nullish() }).loose() }),
  ]).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
}).loose();
export type ChatCompletionBody = z.infer<typeof chatCompletionBody>;

export const completionBody = z.object({
  ...common,
  prompt: z.union([z.string(), z.array(z.string()).min(1).max(8)]),
  max_tokens: z.int().min(0).max(1_000_000).nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  echo: z.boolean().nullish(),
  suffix: z.string().nullish(),
}).loose();
export type CompletionBody = z.infer<typeof completionBody>;

export const embeddingBody = z.object({
  model: z.string().max(4096).nullish(),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(2048)]),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
}).loose();
export type EmbeddingBody = z.infer<typeof embeddingBody>;

/** A body of this form. @throws OpenAiError 400, naming the parameter */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const param = issue?.path.join('.') ?? null;
  throw new OpenAiError(400, { message: `${param === null || param === '' ? 'The body' : param}: ${issue?.message ?? 'does not fit'}.`, param: param === '' ? null : param, code: 'invalid_value' });
}

function readContent(value: z.infer<typeof content> | undefined, at: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return value.map((part, i) => {
    const text = textPart.safeParse(part);
    if (text.success) return text.data.text;
    throw new OpenAiError(400, { message: `${at}.content.${String(i)}: parts of type "${part.type}" are not supported; this server takes text.`, param: `${at}.content.${String(i)}.type`, code: 'unsupported_value' });
  }).join('');
}

export function readTurns(messages: ChatCompletionBody['messages']): ChatTurn[] {
  return messages.map((message, i) => ({
    role: message.role === 'developer' ? 'system' : message.role,
    content: readContent(message.content, `messages.${String(i)}`),
    toolCalls: (message.tool_calls ?? []).map((call) => ({ id: call.id, name: call.function.name, arguments: call.function.arguments })),
    toolCallId: message.tool_call_id ?? null,
  }));
}

type CommonBody = Pick<ChatCompletionBody, keyof typeof common>;

/** Only what was given: the rest is this machine's default. */
function readSampling(body: CommonBody): Partial<Sampling> {
  const pairs = { temperature: body.temperature, topP: body.top_p, topK: body.top_k, minP: body.min_p, repeatPenalty: body.repeat_penalty, presencePenalty: body.presence_penalty, frequencyPenalty: body.frequency_penalty, seed: body.seed };
  return Object.fromEntries(Object.entries(pairs).filter(([, value]) => value !== undefined && value !== null));
}

function readCommon(body: CommonBody): Partial<GenerateRequest> {
  if (Object.keys(body.logit_bias ?? {}).length > 0) throw new OpenAiError(400, { message: 'logit_bias is not supported.', param: 'logit_bias', code: 'unsupported_parameter' });
  return {
    // Filled with the defaults by the engine.
    sampling: readSampling(body) as Sampling,
    stop: body.stop === undefined || body.stop === null ? [] : [body.stop].flat(),
    // What is cut without a word would be a wrong answer for a program.
    mayShift: false,
    ...(body.grammar === undefined || body.grammar === null ? {} : { grammar: body.grammar }),
  };
}

export function readChatRequest(body: ChatCompletionBody): Partial<GenerateRequest> {
  const choice = body.tool_choice ?? (body.tools && body.tools.length > 0 ? 'auto' : 'none');
  const named = typeof choice === 'string' ? null : choice.function.name;
  const tools = (body.tools ?? []).map(({ function: f }) => ({ name: f.name, description: f.description ?? null, parameters: f.parameters ?? null })).filter((tool) => named === null || tool.name === named);
  if (named !== null && tools.length === 0) throw new OpenAiError(400, { message: `tool_choice names "${named}", which is not among the tools.`, param: 'tool_choice', code: 'invalid_value' });
  const format = body.response_format ?? { type: 'text' as const };
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? null;
  return {
    ...readCommon(body),
    turns: readTurns(body.messages),
    tools: choice === 'none' ? [] : tools,
    toolChoice: typeof choice === 'string' ? choice : 'required',
    ...(maxTokens === null ? {} : { maxTokens }),
    ...(format.type === 'json_object' ? { jsonSchema: { type: 'object' } } : {}),
    ...(format.type === 'json_schema' && format.json_schema.schema ? { jsonSchema: format.json_schema.schema } : {}),
    topLogprobs: body.logprobs === true ? (body.top_logprobs ?? 0) : null,
  };
}

export function readCompletionRequest(body: CompletionBody, prompt: string): Partial<GenerateRequest> {
  if (body.suffix !== undefined && body.suffix !== null && body.suffix !== '') throw new OpenAiError(400, { message: 'suffix is not supported.', param: 'suffix', code: 'unsupported_parameter' });
  // OpenAI's own default for this endpoint.
  const maxTokens = body.max_tokens ?? 16;
  if (maxTokens === 0) throw new OpenAiError(400, { message: 'max_tokens: 0 asks for nothing.', param: 'max_tokens', code: 'invalid_value' });
  return { ...readCommon(body), prompt, maxTokens, topLogprobs: body.logprobs ?? null };
}
