import { randomInt } from 'node:crypto';
import type { FinishReason, GenerateRequest, GenerationEvent } from '../../../contract/inference.ts';
import { makeProblem } from '../../../contract/problem-catalogue.ts';
import { ProblemError, type Problem } from '../../../contract/problem.ts';
import { createAnswerReader, decideReason, type AnswerReader } from './answer-reader.ts';
import { hideKey } from './decide-refusal.ts';
import { decideLess, makeRequestBody, type RequestBody } from './make-request-body.ts';
import { describeNetworkError, networkProblem, noAnswer, noAnswerProblem, openRequest, readBounded, type ServerAccess } from './open-request.ts';
import { parseChunk } from './parse-chunk.ts';
import { createSseParser } from './sse-parser.ts';

export interface AnswerInput {
  readonly server: ServerAccess;
  readonly model: string;
  readonly software: string | null;
  readonly contextTokens: number | null;
  readonly request: GenerateRequest;
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
  readonly limits: AnswerLimits;
}

export interface AnswerLimits {
  /** A server may load its model and read a long prompt before it says anything. */
  readonly firstWordMs: number;
  /** Between two pieces of an answer. */
  readonly silenceMs: number;
}
export const usualLimits: AnswerLimits = { firstWordMs: 290_000, silenceMs: 120_000 };

/** Pieces that come within this time make one event, ms: more often a page does not draw. */
const JOIN_MS = 16;
/** Of an answer that is sent whole. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;
/** Things that a server may take exception to, one after the other. */
const MAX_TRIES = 6;

/** Reasons of our own to end a request. */
const CANCELLED = new Error('cancelled');
const TIME_UP = new Error('time_limit');

/**
 * One answer of a server, as it comes. What goes wrong before the first piece is thrown; after it, the answer ends as
 * `interrupted` with its Problem, and what had come stays. Cancelled, it ends at once and the socket is closed.
 * @throws ProblemError `provider.no_answer`, `provider.refused`, `generate.schema`
 */
export async function* streamAnswer(input: AnswerInput): AsyncGenerator<GenerationEvent, void, void> {
  const { server, request, signal, now, limits, contextTokens } = input;
  const startedAt = performance.now();
  const seed = request.sampling.seed ?? randomInt(0, 2 ** 32 - 1);
  let body = makeRequestBody(request, input.model, input.software, seed);
  const abort = new AbortController();
  const cancel = (): void => abort.abort(CANCELLED);
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  const limit = setTimeout(() => abort.abort(TIME_UP), request.timeLimitSeconds * 1000);
  const makeReader = (): AnswerReader => createAnswerReader({ contextTokens, seed: 'seed' in body ? seed : null, now, clock: () => performance.now(), startedAt });
  let reader = makeReader();
  try {
    const opened = await openAnswer(input, body, abort);
    body = opened.body;
    reader = makeReader();
    const problem = isWhole(opened.response) ? await readWhole(server, opened.response, reader) : yield* readStream(server, opened.response, reader, abort, limits);
    yield* reader.end(...decideEnd(server, reader, problem, contextTokens));
  } catch (error) {
    const reason = abort.signal.aborted ? (abort.signal.reason as unknown) : error;
    if (reason === CANCELLED || reason === TIME_UP) yield* reader.end(reason === CANCELLED ? 'cancelled' : 'time_limit', null);
    else {
      const failure = reason instanceof RangeError ? new ProblemError(refusal(server, 200, reason.message)) : networkProblem(server, server.baseUrl, reason);
      if (!reader.begun()) throw failure;
      yield* reader.end('interrupted', failure.problem);
    }
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener('abort', cancel);
    abort.abort(CANCELLED);
  }
}

/** Asks, and asks again with less where the server does not take something that nobody asked for. */
async function openAnswer({ server, request, limits }: AnswerInput, first: RequestBody, abort: AbortController): Promise<{ response: Response; body: RequestBody }> {
  const url = `${server.baseUrl}/${request.turns === null ? 'completions' : 'chat/completions'}`;
  let body = first;
  for (let tries = 1; ; tries++) {
    try {
      return { response: await openRequest(server, url, { body, withinMs: limits.firstWordMs, abort }), body };
    } catch (error) {
      const status = error instanceof ProblemError && error.problem.code === 'provider.refused' ? error.problem.facts['status'] : null;
      const detail = error instanceof ProblemError ? String(error.problem.facts['detail']) : '';
      const less = (status === 400 || status === 422) && tries < MAX_TRIES ? decideLess(body, detail, { seed: request.sampling.seed !== null }) : null;
      if (less === null) throw error;
      body = less;
    }
  }
}

const typeOf = (response: Response): string => response.headers.get('content-type') ?? '';
const isWhole = (response: Response): boolean => !typeOf(response).includes('event-stream');

/** A server that does not stream, or something else altogether. */
async function readWhole(server: ServerAccess, response: Response, reader: AnswerReader): Promise<Problem | null> {
  const { text, whole } = await readBounded(response, MAX_WHOLE_BYTES);
  if (!whole) throw new RangeError(`The answer is longer than ${MAX_WHOLE_BYTES} bytes.`);
  // Some proxies lose the type of a stream.
  const parser = createSseParser(MAX_WHOLE_BYTES);
  const pieces = /^\s*(data:|:|event:)/.test(text) ? [...parser.push(Buffer.from(text)), ...parser.end()] : [text];
  for (const piece of pieces) {
    const parsed = parseChunk(piece);
    if (parsed.t === 'done') break;
    const problem = parsed.t === 'chunk' ? null : strange(server, response, parsed.t === 'error' ? parsed.text : null, text);
    if (problem !== null && !reader.begun()) throw new ProblemError(problem);
    if (problem !== null) return problem;
    if (parsed.t === 'chunk') reader.take(parsed.chunk);
  }
  if (!reader.begun() && reader.finish() === null) throw new ProblemError(strange(server, response, null, text));
  return null;
}

async function* readStream(server: ServerAccess, response: Response, answer: AnswerReader, abort: AbortController, limits: AnswerLimits): AsyncGenerator<GenerationEvent, Problem | null, void> {
  const body: ReadableStream<Uint8Array> | null = response.body;
  if (body === null) return null;
  const reader = body.getReader();
  const parser = createSseParser();
  let silence: NodeJS.Timeout | undefined;
  const listen = (): void => {
    clearTimeout(silence);
    const ms = answer.begun() ? limits.silenceMs : limits.firstWordMs;
    silence = setTimeout(() => abort.abort(noAnswer(server, server.baseUrl, `It said nothing for ${Math.round(ms / 1000)} s.`)), ms);
  };
  let reading: ReturnType<typeof reader.read> | null = null;
  let flushedAt = -Infinity;
  let done = false;
  try {
    listen();
    while (!done) {
      reading ??= reader.read();
      const next = answer.hasText() ? await orAfter(reading, flushedAt + JOIN_MS - performance.now()) : await reading;
      let problem: Problem | null = null;
      if (next !== null) {
        reading = null;
        listen();
        for (const data of next.done ? parser.end() : parser.push(next.value)) {
          const parsed = parseChunk(data);
          if (parsed.t === 'chunk') answer.take(parsed.chunk);
          else if (parsed.t === 'done') done = true;
          else if (!done && data.trim() !== '') problem ??= strange(server, response, parsed.t === 'error' ? parsed.text : null, data);
          if (done || problem !== null) break;
        }
        // Without [DONE]: an end all the same where a reason was given.
        if (next.done && !done && problem === null) {
          if (answer.finish() === null) problem = noAnswerProblem(server, 'It closed the connection in the middle of its answer.');
          done = true;
        }
      }
      if (next === null || done || problem !== null || performance.now() - flushedAt >= JOIN_MS) {
        const events = answer.flush();
        if (events.length > 0) flushedAt = performance.now();
        yield* events;
      }
      if (problem !== null && !answer.begun()) throw new ProblemError(problem);
      if (problem !== null) return problem;
    }
    return null;
  } catch (error) {
    // What is left of it is shown before the end; a cut in the middle is told in the words of the network.
    yield* answer.flush();
    if (abort.signal.aborted || error instanceof RangeError || !answer.begun()) throw error;
    return error instanceof ProblemError ? error.problem : noAnswerProblem(server, `${describeNetworkError(error)} That was in the middle of its answer.`);
  } finally {
    clearTimeout(silence);
    reading?.catch(() => undefined);
  }
}

/** null when it took longer than so many ms. */
async function orAfter<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  if (ms <= 0) return null;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => { timer = setTimeout(() => resolve(null), ms); });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function decideEnd(server: ServerAccess, reader: AnswerReader, problem: Problem | null, contextTokens: number | null): [FinishReason, Problem | null] {
  if (problem !== null) return ['interrupted', problem];
  const reason = decideReason(reader.finish() ?? 'stop', reader.figures(), contextTokens);
  if (reason === 'filtered') return ['interrupted', refusal(server, 200, 'Its content filter ended the answer.')];
  if (reason === 'aborted') return ['interrupted', noAnswerProblem(server, 'It gave up in the middle of its answer.')];
  return [reason, null];
}

/** An error in the stream, or what is no answer at all. */
function strange(server: ServerAccess, response: Response, error: string | null, text: string): Problem {
  const page = typeOf(response).includes('html') || /^\s*(<!doctype|<html)/i.test(text);
  const sample = text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').slice(0, 60);
  return refusal(server, response.status, error ?? (page ? 'It sent a web page instead of an answer.' : `It sent something that is not an answer: "${sample}".`));
}

const refusal = (server: ServerAccess, status: number, detail: string): Problem =>
  makeProblem('provider.refused', { name: server.name, status, detail: hideKey(detail, server.key).slice(0, 400), remedy: 'Try again, and look into the log of that server; its address has to be that of an API like OpenAI’s.' });
