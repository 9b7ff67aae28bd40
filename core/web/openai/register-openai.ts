import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GenerateRequest, GenerationEvent, GenerationFigures } from '../../../contract/inference.ts';
import { ProblemError } from '../../../contract/problem.ts';
import type { Logger } from '../../logging/logger.ts';
import { openEventStream } from './event-stream.ts';
import { collectAnswer, decideFinish, makeLogprobs, makeTimings, makeToolCall, makeUsage, type WholeAnswer } from './openai-answer.ts';
import { describeError, OpenAiError } from './openai-error.ts';
import { chatCompletionBody, completionBody, embeddingBody, parseBody, readChatRequest, readCompletionRequest } from './openai-request.ts';

/** A long conversation with attachments; what the models' contexts hold is far less. */
export const OPENAI_MAX_BODY = 16 * 1024 * 1024;

export interface OpenAiParts {
  models(): Promise<readonly { readonly id: string; readonly createdAtMs: number; readonly ownedBy: string }[]>;
  /** Which model answers; null: the default one. @throws ProblemError `model.not_found` */
  answer(model: string | null): Promise<{ readonly model: string; answer(request: Partial<GenerateRequest>, signal: AbortSignal): AsyncIterable<GenerationEvent> }>;
  embed(model: string | null, texts: readonly string[], signal: AbortSignal): Promise<{ readonly model: string; readonly vectors: readonly (readonly number[])[]; readonly tokens: number }>;
  readonly log: Logger;
}

type Answering = Awaited<ReturnType<OpenAiParts['answer']>>;

/** Aborts when the client goes away before the answer has ended. */
function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => { if (!reply.raw.writableFinished) controller.abort(); });
  return controller.signal;
}

/** The first event is waited for, so that what fails at once has a status of its own. */
async function begin(events: AsyncIterable<GenerationEvent>): Promise<AsyncIterable<GenerationEvent>> {
  const iterator = events[Symbol.asyncIterator]();
  const first = await iterator.next();
  return {
    async *[Symbol.asyncIterator]() {
      try {
        if (first.done !== true) yield first.value;
        for (;;) {
          const next = await iterator.next();
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        await iterator.return?.();
      }
    },
  };
}

interface Head {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
}
const makeHead = (prefix: string, object: string, model: string): Head => ({ id: `${prefix}-${randomUUID()}`, object, created: Math.floor(Date.now() / 1000), model });

/** How one kind of answer is worded; the rest is the same for chat and plain completion. */
interface Wording {
  readonly prefix: string;
  readonly object: string;
  readonly chunkObject: string;
  choice(index: number, whole: WholeAnswer): object;
  /** Before the first text; null: nothing. */
  opening(index: number): object | null;
  piece(index: number, event: GenerationEvent): object | null;
  closing(index: number, finish: string): object;
}

const chatWording = (withLogprobs: boolean): Wording => ({
  prefix: 'chatcmpl', object: 'chat.completion', chunkObject: 'chat.completion.chunk',
  choice: (index, whole) => ({
    index,
    message: {
      role: 'assistant', content: whole.calls.length > 0 && whole.text === '' ? null : whole.text, refusal: null,
      ...(whole.thinking === '' ? {} : { reasoning_content: whole.thinking }),
      ...(whole.calls.length === 0 ? {} : { tool_calls: whole.calls.map(makeToolCall) }),
    },
    logprobs: withLogprobs ? makeLogprobs(whole.logprobs) : null,
    finish_reason: decideFinish(whole.reason),
  }),
  opening: (index) => ({ index, delta: { role: 'assistant', content: '' }, finish_reason: null }),
  piece(index, event) {
    if (event.t === 'tool_call') return { index, delta: { tool_calls: [{ index: 0, ...makeToolCall(event.call) }] }, finish_reason: null };
    if (event.t !== 'text') return null;
    return { index, delta: event.channel === 'answer' ? { content: event.text } : { reasoning_content: event.text }, ...(withLogprobs ? { logprobs: makeLogprobs(event.logprobs ?? []) } : {}), finish_reason: null };
  },
  closing: (index, finish) => ({ index, delta: {}, finish_reason: finish }),
});

const completionWording = (withLogprobs: boolean): Wording => {
  const legacy = (tokens: WholeAnswer['logprobs']): object => ({ tokens: tokens.map((t) => t.token), token_logprobs: tokens.map((t) => t.logprob), top_logprobs: tokens.map((t) => Object.fromEntries(t.top.map((o) => [o.token, o.logprob]))), text_offset: [] });
  return {
    prefix: 'cmpl', object: 'text_completion', chunkObject: 'text_completion',
    choice: (index, whole) => ({ index, text: whole.text, logprobs: withLogprobs ? legacy(whole.logprobs) : null, finish_reason: decideFinish(whole.reason) }),
    opening: () => null,
    piece: (index, event) => (event.t === 'text' ? { index, text: event.text, logprobs: withLogprobs ? legacy(event.logprobs ?? []) : null, finish_reason: null } : null),
    closing: (index, finish) => ({ index, text: '', logprobs: null, finish_reason: finish }),
  };
};

async function answerWhole(reply: FastifyReply, model: string, wording: Wording, runs: readonly AsyncIterable<GenerationEvent>[]): Promise<void> {
  const wholes = await Promise.all(runs.map(collectAnswer));
  const first = wholes[0];
  await reply.header('Cache-Control', 'no-store').send({ ...makeHead(wording.prefix, wording.object, model), choices: wholes.map((whole, i) => wording.choice(i, whole)), usage: makeUsage(wholes.map((w) => w.figures)), ...(first === undefined ? {} : { timings: makeTimings(first.figures) }) });
}

async function answerStreaming(reply: FastifyReply, model: string, wording: Wording, runs: readonly AsyncIterable<GenerationEvent>[], includeUsage: boolean, signal: AbortSignal): Promise<void> {
  const begun = await Promise.all(runs.map(begin));
  const head = makeHead(wording.prefix, wording.chunkObject, model);
  reply.hijack();
  const stream = openEventStream(reply.raw, reply.getHeaders(), signal);
  const usageField = includeUsage ? { usage: null } : {};
  const figures: GenerationFigures[] = [];
  try {
    await Promise.all(begun.map(async (events, index) => {
      const opening = wording.opening(index);
      if (opening) await stream.send({ ...head, choices: [opening], ...usageField });
      let calls = 0;
      for await (const event of events) {
        if (event.t === 'end') {
          if (event.problem !== null) throw new ProblemError(event.problem);
          figures[index] = event.figures;
          await stream.send({ ...head, choices: [wording.closing(index, decideFinish(event.reason))], ...usageField, ...(includeUsage ? {} : { timings: makeTimings(event.figures) }) });
          return;
        }
        const piece = wording.piece(index, event);
        if (piece === null) continue;
        if (event.t === 'tool_call') numberToolCall(piece, calls++);
        await stream.send({ ...head, choices: [piece], ...usageField });
      }
    }));
    if (includeUsage) await stream.send({ ...head, choices: [], usage: makeUsage(figures), ...(figures[0] ? { timings: makeTimings(figures[0]) } : {}) });
  } catch (error) {
    // The head is out: the error is told in the stream, as OpenAI's clients expect.
    await stream.send(describeError(error).body);
  }
  stream.end();
}

/** Several calls in one answer are told apart by their place. */
function numberToolCall(piece: object, index: number): void {
  const delta = (piece as { delta?: { tool_calls?: { index: number }[] } }).delta;
  const call = delta?.tool_calls?.[0];
  if (call) call.index = index;
}

/** `/v1/models`, `/v1/chat/completions`, `/v1/completions`, `/v1/embeddings`, behind the gate that stands before all routing. */
export async function registerOpenAi(app: FastifyInstance, parts: OpenAiParts): Promise<void> {
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: OPENAI_MAX_BODY }, (_request, text, parsed) => {
      try {
        parsed(null, JSON.parse(String(text)));
      } catch {
        parsed(new OpenAiError(400, { message: 'The body is not JSON.', code: 'invalid_json' }));
      }
    });
    scope.setErrorHandler(async (error, _request, reply) => {
      const status = typeof error === 'object' && error !== null && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : null;
      const answer = describeError(status === 413 ? new OpenAiError(413, { message: `The body is longer than ${String(OPENAI_MAX_BODY)} bytes.`, code: 'too_large' }) : error);
      if (answer.status >= 500) parts.log.warn('a request to /v1 failed', { error: error instanceof Error ? error.message : String(error) });
      if (answer.retryAfterSeconds !== null) reply.header('Retry-After', String(answer.retryAfterSeconds));
      return reply.code(answer.status).header('Cache-Control', 'no-store').send(answer.body);
    });

    scope.get('/v1/models', async (_request, reply) => reply.header('Cache-Control', 'no-store').send({ object: 'list', data: (await parts.models()).map(describeModel) }));
    scope.get<{ Params: { '*': string } }>('/v1/models/*', async (request, reply) => {
      const wanted = request.params['*'];
      const found = (await parts.models()).find((m) => m.id === wanted);
      if (!found) throw new OpenAiError(404, { message: `There is no model "${wanted.slice(0, 200)}".`, param: 'model', code: 'model_not_found' });
      return reply.header('Cache-Control', 'no-store').send(describeModel(found));
    });

    const run = async (reply: FastifyReply, answering: Answering, wording: Wording, requests: readonly Partial<GenerateRequest>[], stream: { readonly on: boolean; readonly includeUsage: boolean }): Promise<FastifyReply> => {
      const signal = clientSignal(reply);
      const runs = requests.map((request) => answering.answer(request, signal));
      if (stream.on) await answerStreaming(reply, answering.model, wording, runs, stream.includeUsage, signal);
      else await answerWhole(reply, answering.model, wording, runs);
      return reply;
    };
    const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

    scope.post('/v1/chat/completions', async (request: FastifyRequest, reply) => {
      const body = parseBody(chatCompletionBody, request.body);
      const wished = readChatRequest(body);
      return run(reply, await parts.answer(body.model ?? null), chatWording(body.logprobs === true), times(body.n ?? 1, wished), { on: body.stream === true, includeUsage: body.stream_options?.include_usage === true });
    });
    scope.post('/v1/completions', async (request: FastifyRequest, reply) => {
      const body = parseBody(completionBody, request.body);
      const requests = [body.prompt].flat().flatMap((prompt) => times(body.n ?? 1, readCompletionRequest(body, prompt)));
      return run(reply, await parts.answer(body.model ?? null), completionWording((body.logprobs ?? null) !== null), requests, { on: body.stream === true, includeUsage: body.stream_options?.include_usage === true });
    });
    scope.post('/v1/embeddings', async (request: FastifyRequest, reply) => {
      const body = parseBody(embeddingBody, request.body);
      const texts = [body.input].flat();
      const { vectors, tokens, model } = await parts.embed(body.model ?? null, texts, clientSignal(reply));
      const length = vectors[0]?.length ?? 0;
      if (body.dimensions !== undefined && body.dimensions !== null && body.dimensions !== length) throw new OpenAiError(400, { message: `This model gives ${String(length)} dimensions.`, param: 'dimensions', code: 'unsupported_value' });
      const encode = (vector: readonly number[]): unknown => (body.encoding_format === 'base64' ? Buffer.from(Float32Array.from(vector).buffer).toString('base64') : vector);
      return reply.header('Cache-Control', 'no-store').send({ object: 'list', model, data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })), usage: { prompt_tokens: tokens, total_tokens: tokens } });
    });
    done();
  });
}

const describeModel = (m: { readonly id: string; readonly createdAtMs: number; readonly ownedBy: string }): object => ({ id: m.id, object: 'model', created: Math.floor(m.createdAtMs / 1000), owned_by: m.ownedBy });
